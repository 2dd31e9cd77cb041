"""Held money: it pays nothing, and was not returned yet. How a person lists and closes it.

`held` ends by a refund (`refunds`), or by `close`, if it was paid back another way.
"""

from collections.abc import Iterator
from datetime import datetime

from ikawaari import clock, errors, phones, store
from ikawaari.checkout import refund_books, refunds
from ikawaari.checkout.settlement import Source
from ikawaari.errors import Conflict, NotFound
from ikawaari.shapes import JsonObject
from ikawaari.states import RefundStatus
from ikawaari.store import due
from ikawaari.store.models import AttemptReport, DueWork, PaymentAttempt, PaymentIntent, Refund

CLOSED = "closed"
"""The result in the report of a closing."""


def listed() -> Iterator[JsonObject]:
    """Every attempt that holds money, or whose late payment is still to be returned, oldest first."""
    retried = DueWork.select(DueWork.subject).where(DueWork.kind == refunds.RETRY)
    waiting = (PaymentAttempt.held > 0) | PaymentAttempt.id.in_(retried)
    for attempt in PaymentAttempt.select().where(waiting).order_by(PaymentAttempt.settled_at, PaymentAttempt.id):
        yield _described(attempt)


def close(attempt_id: str, reason: str, made_by: str, now: datetime) -> int:
    """Record that the money was paid back another way: no refund of it is tried any more. Returns how much.

    Changes neither a refund nor what was returned by refunds. Raises NotFound, Conflict while a refund of it is under
    way or when there is no such money.
    """
    found = PaymentAttempt.get_or_none(PaymentAttempt.id == attempt_id)
    if found is None:
        raise NotFound("payment attempt")
    with store.atomic():
        # If a closing and a refund race, the lock admits one at a time, and the second finds the money gone.
        intent = PaymentIntent.lock(found.intent_id)
        attempt = PaymentAttempt.get_by_id(attempt_id)
        if attempt.promised:
            raise Conflict(errors.STATE_FORBIDS, "A refund of this attempt is under way; wait for its end.")
        amount = max(0, attempt.held) or _late(attempt, intent)
        if amount == 0:
            raise Conflict(errors.STATE_FORBIDS, "This attempt holds no money.")
        attempt.change(closed=attempt.closed + amount, held=0)
        due.drop(refunds.RETRY, attempt.id)
        AttemptReport.add(
            attempt=attempt.id,
            source=Source.OPERATOR,
            result=CLOSED,
            amount=amount,
            currency=attempt.received_currency,
            status=attempt.status,
            made_by=made_by,
            reason=reason,
            created_at=now,
        )
    return int(amount)


def _late(attempt: PaymentAttempt, intent: PaymentIntent) -> int:
    """Money that counts as a payment, arrived late, and is still to be returned by the merchant's policy."""
    if not due.find([refunds.RETRY], [attempt.id]):
        return 0
    return refund_books.left_of(attempt, intent, held=False)


def _described(attempt: PaymentAttempt) -> JsonObject:
    intent = PaymentIntent.get_by_id(attempt.intent_id)
    automatic = (Refund.attempt == attempt.id) & Refund.automatic
    latest = Refund.select().where(automatic).order_by(Refund.created_at.desc(), Refund.id.desc()).first()
    retry = next(iter(due.find([refunds.RETRY], [attempt.id])), None)
    return {
        "attempt": attempt.id,
        "payment_intent": intent.id,
        "merchant": intent.merchant_id,
        "livemode": intent.livemode,
        "provider": attempt.provider,
        "provider_reference": attempt.provider_reference,
        "operator": attempt.operator,
        "phone": phones.mask(attempt.phone) if attempt.phone else None,
        "currency": attempt.received_currency,
        "amount_received": attempt.amount_received,
        "amount_returned": attempt.returned,
        "amount_held": max(0, attempt.held),
        "amount_closed": attempt.closed,
        "reason": latest.reason if latest else None,
        "last_refund": latest.id if latest else None,
        "last_failure": latest.failure_code if latest else None,
        "is_pending": bool(attempt.promised),
        "tries": Refund.select().where(automatic, Refund.status != RefundStatus.PENDING).count(),
        "next_try_at": clock.unix(retry.due_at) if retry else None,
        "settled_at": clock.unix(attempt.settled_at) if attempt.settled_at else None,
    }
