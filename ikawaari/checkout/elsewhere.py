"""Money that moved at a provider without us: refunds that somebody made there, and disputes.

A refund is booked like one of ours, so that what is left of the payment stays true. A dispute changes no amount. Both
are incidents, for the operator.
"""

from datetime import datetime

import structlog

from ikawaari import errors, store
from ikawaari.checkout import incidents, refunds, settlement
from ikawaari.checkout.incidents import Kind
from ikawaari.errors import Conflict
from ikawaari.providers.base import Outcome, RefundElsewhere
from ikawaari.providers.callbacks import Dispute, Elsewhere
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt, PaymentIntent, Refund

log = structlog.get_logger()


def take_in(attempt: PaymentAttempt, news: Elsewhere, now: datetime) -> None:
    """Take in news about the charge of an attempt, in the caller's transaction. Idempotent, in any order."""
    intent = PaymentIntent.lock(attempt.intent_id)
    attempt = PaymentAttempt.get_by_id(attempt.id)
    if isinstance(news, RefundElsewhere):
        _refunded(attempt, intent, news.outcome, now)
    else:
        _disputed(attempt, news, now)


def require_payment(attempt: PaymentAttempt, now: datetime) -> None:
    """Raise Conflict if we do not know yet that the charge was paid: a worker asks, and the news comes again."""
    if attempt.amount_received is None:
        with store.atomic():
            due.touch(settlement.ENQUIRE, attempt.id, now, lane=attempt.provider)
        raise Conflict(errors.STATE_FORBIDS, "The payment is not known yet; send this again.")


def _refunded(attempt: PaymentAttempt, intent: PaymentIntent, outcome: Outcome, now: datetime) -> None:
    known = Refund.get_or_none(Refund.attempt == attempt.id, Refund.provider_reference == outcome.reference)
    if known is not None:
        refunds.apply(known.id, outcome, now)
    elif outcome.money is not None and outcome.reference is not None:
        booked, end = None, None
        if outcome.money.currency == attempt.received_currency:
            booked = refunds.book_elsewhere(attempt, intent, outcome.money.amount, outcome.reference, now)
            end = f"It is booked as {booked.id}."
        reference, told = outcome.reference, None if booked else "not booked: in another currency"
        incidents.record(Kind.REFUND_ELSEWHERE, attempt, outcome.money, now, reference=reference, details=told, end=end)


def _disputed(attempt: PaymentAttempt, news: Dispute, now: datetime) -> None:
    end = None if news.is_lost else "The money stays."
    incidents.record(
        Kind.DISPUTE,
        attempt,
        news.money,
        now,
        reference=news.id,
        details=news.status,
        is_final=news.is_final,
        end=end,
    )
