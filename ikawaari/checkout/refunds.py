"""Refunds: money on its way back. So far the house's own, for money that it could not use."""

from datetime import datetime, timedelta

from ikawaari import ids, store
from ikawaari.checkout import resources
from ikawaari.events import events
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Outcome, RefundRequest, Result
from ikawaari.states import PaymentStatus, RefundStatus
from ikawaari.store import due
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, Refund

SEND = "refund.send"
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


def give_back(attempt: PaymentAttempt, money: Money, reason: str, now: datetime) -> None:
    """Promise to return `money` of `attempt`, in the caller's transaction and under the intent's lock.

    Once per attempt, whatever is told how often: the store has one automatic refund per attempt.
    """
    refund_id = ids.new("re")
    made = (
        Refund.insert(
            id=refund_id,
            intent=attempt.intent_id,
            attempt=attempt.id,
            status=RefundStatus.PENDING,
            amount=money.amount,
            currency=money.currency,
            reason=reason,
            automatic=True,
            metadata={},
            created_at=now,
        )
        .on_conflict_ignore()
        .as_rowcount()
        .execute()
    )
    if not made:
        return
    intent = PaymentIntent.get_by_id(attempt.intent_id)
    if not attempt.surplus:
        intent.change(amount_refunded=PaymentIntent.amount_refunded + money.amount)
    _tell("refund.created", Refund.get_by_id(refund_id), intent, now)
    due.schedule(SEND, refund_id, now)


def send(refund_id: str, now: datetime) -> datetime | None:
    """Ask the provider for a pending refund, or ask again. Returns when to ask next, or None when it is settled.

    The refund's id is the provider's idempotency key, so an ask that was cut off may be repeated.
    """
    refund = Refund.get_by_id(refund_id)
    if refund.status != RefundStatus.PENDING:
        return None
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    provider = registry.named(attempt.provider)
    later: datetime = now + min(max(_FIRST_WAIT, now - refund.created_at), _LONGEST_WAIT)
    if provider is None:
        return later
    assert not store.in_transaction(), "a provider is never called while rows are locked"
    request = RefundRequest(
        id=refund.id,
        charge_id=attempt.id,
        charge_reference=attempt.provider_reference,
        money=Money(refund.amount, refund.currency),
    )
    apply(refund_id, provider.refund(request, now), now)
    return later


def apply(refund_id: str, outcome: Outcome, now: datetime) -> None:
    """Take in what the provider says of a refund. Told twice, the second time changes nothing."""
    if not outcome.is_settled:
        return
    with store.atomic():
        intent = PaymentIntent.lock(Refund.get_by_id(refund_id).intent_id)
        refund = Refund.get_by_id(refund_id)
        if refund.status != RefundStatus.PENDING:
            return
        if outcome.result is Result.SUCCEEDED:
            refund.move("status", RefundStatus.SUCCEEDED, settled_at=now, provider_reference=outcome.reference)
            _tell("refund.succeeded", refund, intent, now)
        else:
            refund.move("status", RefundStatus.FAILED, settled_at=now, failure_code=outcome.failure)
            if not PaymentAttempt.get_by_id(refund.attempt_id).surplus:
                intent.change(amount_refunded=PaymentIntent.amount_refunded - refund.amount)
            _tell("refund.failed", refund, intent, now)
        _follow(PaymentIntent.get_by_id(intent.id))


def _follow(intent: PaymentIntent) -> None:
    """The session's payment status says how much of the payment went back."""
    session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
    if session is None or intent.amount_received == 0:
        return
    if intent.amount_refunded == 0:
        target = PaymentStatus.PAID
    elif intent.amount_refunded < intent.amount_received:
        target = PaymentStatus.PARTIALLY_REFUNDED
    else:
        target = PaymentStatus.REFUNDED
    session.try_move("payment_status", target)


def _tell(event_type: str, refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    events.append(
        event_type, resources.refund(refund), merchant_id=intent.merchant_id, livemode=intent.livemode, now=now
    )
