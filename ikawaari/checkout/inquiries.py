"""Asking the provider about what its statement says: the answer is booked where all answers are, never the statement.

An attempt is enquired about, a refund looked up; a refund that we do not know is looked up at its charge, and booked as
one that somebody made at the provider.
"""

from datetime import datetime, timedelta

from ikawaari import ids, store
from ikawaari.checkout import accounts, charges, elsewhere, enquiry, paces, refund_checks, refunds
from ikawaari.checkout.matching import Match
from ikawaari.money import Money
from ikawaari.providers.base import Outcome, RefundElsewhere, RefundOrder, Result
from ikawaari.providers.channel import Channel
from ikawaari.providers.statements import Kind, Standing
from ikawaari.states import AttemptStatus, RefundStatus
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt

_SOON = timedelta(minutes=1)  # if this process dies before it has asked, a worker does


def schedule(match: Match, now: datetime) -> None:
    """Have a worker ask soon, in the caller's transaction."""
    attempt, refund = match.attempt, match.refund
    if match.line.kind is Kind.PAYMENT and attempt and attempt.status != AttemptStatus.SUCCEEDED:
        due.touch(enquiry.ENQUIRE, attempt.id, now + _SOON, lane=attempt.provider)
    elif refund is not None and attempt is not None:
        kind = refunds.SEND if refund.status == RefundStatus.PENDING else refunds.RECHECK
        due.touch(kind, refund.id, now + _SOON, lane=attempt.provider)


def ask(account: str, match: Match, now: datetime) -> None:
    """Ask now, if the provider is here and may be asked."""
    channel, attempt, refund = accounts.channel(account), match.attempt, match.refund
    if channel is None or attempt is None or not paces.may_look_up(account):
        return
    if match.line.kind is Kind.PAYMENT:
        enquiry.ask(charges.find(attempt.id), channel, now)
    elif refund is None:
        _ask_about_strange(match, attempt, channel, now)
    elif refund.status != RefundStatus.PENDING:  # a pending one is asked about by its worker
        refund_checks.recheck(refund.id, now)


def _ask_about_strange(match: Match, attempt: PaymentAttempt, channel: Channel, now: datetime) -> None:
    """Look up a refund that is none of ours. If the provider confirms it, it is booked."""
    line = match.line
    if line.standing is not Standing.SUCCEEDED:
        return
    if attempt.amount_received is None:
        enquiry.ask(charges.find(attempt.id), channel, now)
        attempt = PaymentAttempt.get_by_id(attempt.id)
    if attempt.amount_received is None:
        return
    order = RefundOrder(
        id=line.own_id or ids.new_attempt(),
        charge_id=attempt.id,
        charge_reference=attempt.provider_reference,
        charge_data=attempt.provider_data or {},
        charge_money=Money(attempt.amount_received, str(attempt.received_currency)),
        money=line.money,
        operator=attempt.operator,
        reference=line.id,
    )
    store.leave()
    outcome = channel.lookup_refund(order, now)
    if outcome.result is Result.SUCCEEDED and outcome.money is not None:
        confirmed = Outcome(result=Result.SUCCEEDED, money=outcome.money, reference=line.id)
        news = RefundElsewhere(event_id=line.id, reference=attempt.provider_reference or "", outcome=confirmed)
        with store.atomic():
            elsewhere.take_in(attempt, news, now)
