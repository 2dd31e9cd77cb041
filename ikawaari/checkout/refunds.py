"""Refunds: money on its way back, on a merchant's word or by rule, for money that the house could not use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from ikawaari import ids, store
from ikawaari.checkout import intents, resources
from ikawaari.errors import Conflict, ValidationFailed
from ikawaari.events import events
from ikawaari.money import Money
from ikawaari.paging import Place
from ikawaari.providers import registry
from ikawaari.providers.base import Outcome, RefundRequest, Result
from ikawaari.states import AttemptStatus, PaymentStatus, RefundStatus
from ikawaari.store import due, listing
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt, PaymentIntent, Refund

SEND = "refund.send"
_FILTERS: Mapping[str, Callable[[Any], Any]] = {
    "payment_intent": lambda value: Refund.intent == value,
    "status": lambda value: Refund.status == value,
    **listing.made(Refund),
}
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    """What a merchant asks for. No amount: all that is left."""

    payment_intent: str
    amount: int | None = None
    reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def create(merchant: Merchant, livemode: bool, new: NewRefund, now: datetime) -> Refund:
    """Promise a refund of a paid intent, in part or in whole.

    Raises NotFound, ValidationFailed for more than is left, Conflict when nothing is left or nobody can refund it.
    """
    found = intents.owned(new.payment_intent, merchant, livemode)
    with store.atomic():
        # The race of two refunds: the lock lets them in one by one, and each takes its part before the next one looks.
        intent = PaymentIntent.lock(found.id)
        left = intent.amount_received - intent.amount_refunded
        if left == 0:
            raise Conflict("IKW-RES-002", "There is nothing to refund.")
        amount = left if new.amount is None else new.amount
        if amount > left:
            raise ValidationFailed({"amount": [f"must be at most {left}, which is left of this payment"]})
        attempt = _paying_attempt(intent)
        if not registry.can_refund(attempt.provider, attempt.operator):
            raise Conflict("IKW-RES-005", "The provider of this payment cannot refund it; pay it back another way.")
        refund = Refund.create(
            **_columns(attempt, Money(amount, intent.currency), new.reason, now),
            automatic=False,
            metadata=dict(new.metadata),
        )
        _promise(refund, intent, attempt, now)
    return refund


def give_back(attempt: PaymentAttempt, money: Money, reason: str, now: datetime) -> None:
    """Promise to return `money` of `attempt`, in the caller's transaction and under the intent's lock.

    Once per attempt, whatever is told how often: the store has one automatic refund per attempt.
    """
    columns = _columns(attempt, money, reason, now)
    made = Refund.insert(**columns, automatic=True, metadata={}).on_conflict_ignore().as_rowcount().execute()
    if made:
        _promise(Refund.get_by_id(columns["id"]), PaymentIntent.get_by_id(attempt.intent_id), attempt, now)


def owned(refund_id: str, merchant: Merchant, livemode: bool) -> Refund:
    """The merchant's own refund of that mode. Raises NotFound, also for another merchant's."""
    found: Refund = listing.owned(_of_merchant(merchant, livemode), refund_id, "refund")
    return found


def listed(merchant: Merchant, livemode: bool, filters: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """A page of the merchant's refunds of that mode. `filters`: those of `_FILTERS`."""
    wanted = [_FILTERS[name](value) for name, value in filters.items()]
    return listing.page(Refund, _of_merchant(merchant, livemode), wanted, place, resources.refund)


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
                intent.change(amount_refunded=intent.amount_refunded - refund.amount)
            _tell("refund.failed", refund, intent, now)
        _follow(intent)


def _columns(attempt: PaymentAttempt, money: Money, reason: str | None, now: datetime) -> dict[str, Any]:
    return {
        "id": ids.new("re"),
        "intent": attempt.intent_id,
        "attempt": attempt.id,
        "status": RefundStatus.PENDING,
        "amount": money.amount,
        "currency": money.currency,
        "reason": reason,
        "created_at": now,
    }


def _promise(refund: Refund, intent: PaymentIntent, attempt: PaymentAttempt, now: datetime) -> None:
    """Take the part out of what is left, tell it, and have it sent."""
    if not attempt.surplus:  # surplus money was never counted as received
        intent.change(amount_refunded=intent.amount_refunded + refund.amount)
    _tell("refund.created", refund, intent, now)
    due.schedule(SEND, refund.id, now)


def _paying_attempt(intent: PaymentIntent) -> PaymentAttempt:
    return PaymentAttempt.get(
        PaymentAttempt.intent == intent.id,
        PaymentAttempt.status == AttemptStatus.SUCCEEDED,
        PaymentAttempt.surplus == False,  # noqa: E712 - SQL
    )


def _of_merchant(merchant: Merchant, livemode: bool) -> Any:
    return (
        Refund.select()
        .join(PaymentIntent)
        .where(PaymentIntent.merchant == merchant, PaymentIntent.livemode == livemode)
    )


def _follow(intent: PaymentIntent) -> None:
    """The session's payment status says how much of the payment went back; a mere promise is not told there."""
    session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
    if session is None or intent.amount_received == 0:
        return
    returned = _given_back(intent)
    if returned:
        whole = returned == intent.amount_received
        session.try_move("payment_status", PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED)


def _given_back(intent: PaymentIntent) -> int:
    """How much of what the intent received is with the payer again."""
    done = Refund.select(fn.SUM(Refund.amount)).where(
        Refund.attempt == _paying_attempt(intent).id, Refund.status == RefundStatus.SUCCEEDED
    )
    return int(done.scalar() or 0)


def _tell(event_type: str, refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    events.append(
        event_type, resources.refund(refund), merchant_id=intent.merchant_id, livemode=intent.livemode, now=now
    )
