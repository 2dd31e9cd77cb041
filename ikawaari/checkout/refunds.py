"""Refunds: money on its way back, at the merchant's request, or automatically for money that was not due.

A refund reserves its part of an attempt before the provider is called. The attempt keeps the books (`PaymentAttempt`:
received, counted, held, closed, returned, promised). Held money is not a payment, so its refunds change neither the
intent's amounts nor the session's payment status.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from ikawaari import errors, ids, store
from ikawaari.checkout import accounts, charges, intents, merchant_view, outbox
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.providers.channel import Channel
from ikawaari.shapes import JsonObject, Page
from ikawaari.states import REFUND, PaymentStatus, RefundStatus
from ikawaari.store import due, listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, Refund
from ikawaari.store.owner import Owner

SEND, RETRY, RECHECK = "refund.send", "refund.retry", "refund.recheck"
FIRST_RECHECK = timedelta(days=1)
RETRIES = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=3), timedelta(days=7))
"""How long to wait before a failed automatic refund is tried again; after the last try the money stays held."""
MAY_PASS = frozenset(
    {
        FailureCode.INSUFFICIENT_FUNDS,  # of the merchant's balance at the provider
        FailureCode.WALLET_LIMIT,
        FailureCode.PAYER_LIMIT,
        FailureCode.DUPLICATE_IN_PROGRESS,
        FailureCode.PAYMENT_TIMEOUT,
        FailureCode.PROVIDER_UNAVAILABLE,
        FailureCode.CONFIGURATION_ERROR,
        FailureCode.UNKNOWN,
    }
)
"""Temporary reasons: such a refund may succeed later. After any other reason a person must find another way."""
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
_TARGETS = {
    Result.SUCCEEDED: RefundStatus.SUCCEEDED,
    Result.FAILED: RefundStatus.FAILED,
    Result.REFUSED: RefundStatus.FAILED,
}
_NOT_NOW = (FailureCode.PROVIDER_UNAVAILABLE, FailureCode.DUPLICATE_IN_PROGRESS)  # refused for a while, not for good
_RETURNED = (PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED)


@dataclass(frozen=True, kw_only=True)
class NewRefund:
    """What a merchant requests: for a payment intent, or for one attempt. No amount means all that is left."""

    payment_intent: str | None = None
    attempt: str | None = None
    amount: int | None = None
    reason: str | None = None
    metadata: JsonObject = field(default_factory=dict)


def create(owner: Owner, new: NewRefund, now: datetime) -> Refund:
    """Create a refund, in part or in full, of an intent's payment or of the money that an attempt holds.

    Raises NotFound, ValidationFailed (for more than is left, an attempt of another intent, or if neither is given),
    Conflict if nothing is left or the provider cannot refund it.
    """
    intent_id = _intent_named(owner, new)
    with store.atomic():
        # If two refunds race, the lock admits one at a time, and each reserves its part before the next one checks.
        intent = PaymentIntent.lock(intent_id)
        attempt = PaymentAttempt.get_by_id(new.attempt) if new.attempt else paying_attempt(intent)
        held = attempt is not None and new.attempt is not None and _is_of_held(attempt)
        left = left_of(attempt, intent, held=held) if attempt else 0
        if attempt is None or left == 0:
            raise Conflict(errors.STATE_FORBIDS, "There is nothing to refund.")
        amount = left if new.amount is None else new.amount
        if amount > left:
            raise ValidationFailed({"amount": [f"must be at most {left}, which is left of this payment"]})
        if not _can_return(attempt, amount, now):
            raise Conflict(
                errors.REFUND_UNSUPPORTED, "The provider of this payment cannot refund it; pay it back another way."
            )
        columns = {"held": held, "reason": new.reason, "automatic": False, "metadata": dict(new.metadata)}
        return _promise(attempt, intent, amount, now, **columns)


def give_back(attempt: PaymentAttempt, money: Money, reason: str, now: datetime) -> None:
    """Create an automatic refund of `money` of `attempt`, in the caller's transaction and under the intent's lock.

    Held money is returned first. Only one such refund is pending at a time: the database refuses a second one, and the
    end of the first one triggers the rest. An operator that cannot refund is not asked: a failed refund is recorded and
    published, and the money stays held, so that the merchant sees it and a person returns it.
    """
    intent = PaymentIntent.get_by_id(attempt.intent_id)
    books = PaymentAttempt.get_by_id(attempt.id)
    held = books.held > 0
    amount = min(money.amount, left_of(books, intent, held=held))
    if amount == 0 or _is_returning(books):
        return
    columns = {"held": held, "reason": reason, "automatic": True, "metadata": {}}
    if _can_return(books, amount, now) is False:
        _record_impossible(books, intent, amount, now, **columns)
    else:
        _promise(books, intent, amount, now, **columns)


def withdraw(attempt: PaymentAttempt, now: datetime) -> bool:
    """Withdraw refunds of held money that no provider was asked for. True if all of the money is still here.

    In the caller's transaction and under the intent's lock.
    """
    intent = PaymentIntent.get_by_id(attempt.intent_id)
    unsent = (Refund.attempt == attempt.id) & (Refund.status == RefundStatus.PENDING) & Refund.sent_at.is_null()
    for refund in Refund.select().where(unsent, Refund.automatic, Refund.held):
        if _take(refund, now):
            canceled = Outcome(result=Result.FAILED, failure=FailureCode.CANCELED)
            _end(refund, intent, RefundStatus.FAILED, canceled, now)
            refund.change(sent_at=None)
    books = PaymentAttempt.get_by_id(attempt.id)
    return bool(books.returned == books.promised == books.closed == 0)


def paying_attempt(intent: PaymentIntent) -> PaymentAttempt | None:
    """The attempt that paid the intent."""
    return PaymentAttempt.get_or_none(PaymentAttempt.intent == intent.id, PaymentAttempt.counted > 0)


def left_of(attempt: PaymentAttempt, intent: PaymentIntent, *, held: bool) -> int:
    """What may still be refunded: of held money, or of the intent's payment."""
    unspoken = (attempt.amount_received or 0) - attempt.returned - attempt.promised - attempt.closed
    own = attempt.held - _sum(attempt, RefundStatus.PENDING, held=True)
    payment = intent.amount_received - intent.amount_refunded if attempt.counted else 0
    return int(min(unspoken, own if held else payment))


def _of_owner(owner: Owner) -> Any:
    return Refund.select().join(PaymentIntent).where(listing.is_of(PaymentIntent, owner))


_LISTING = Listing(Refund, "refund", {"payment_intent": Refund.intent, "status": Refund.status}, rows=_of_owner)
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's refunds."""
    return _LISTING.page(_of_owner(owner), wanted, lambda rows: [merchant_view.refund(row) for row in rows])


def send(refund_id: str, now: datetime) -> datetime | None:
    """Ask the provider for a pending refund, once, and from then on what became of it. Returns when to ask next, or
    None when it is settled.

    Only a provider that says it never saw the refund, when a call can no longer be on its way, is asked for it again,
    under the same id: should the first call arrive after all, the money is returned once.
    """
    refund = Refund.get_by_id(refund_id)
    if refund.status != RefundStatus.PENDING:
        return None
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    channel = accounts.channel(attempt.provider)
    later: datetime = now + min(max(_FIRST_WAIT, now - refund.created_at), _LONGEST_WAIT)
    if channel is None:
        return later
    outcome = None if refund.sent_at is None else _looked_up(refund, attempt, channel, now)
    if outcome is None:
        # From here on the provider may have it, and it can no longer be withdrawn.
        if not _take(refund, now):
            return later
        order = charges.refund(refund, attempt)
        store.leave()
        outcome = channel.refund(order, now)
    if outcome.result is Result.REFUSED and outcome.failure in _NOT_NOW:
        Refund.update(sent_at=None).where(Refund.id == refund_id, _is_pending(), Refund.sent_at == now).execute()
    else:
        _answer(refund_id, outcome, now)
    return later


def _looked_up(refund: Refund, attempt: PaymentAttempt, channel: Channel, now: datetime) -> Outcome | None:
    """What became of a refund; None if the provider never saw it, and no call of it can be on its way any more."""
    order = charges.refund(refund, attempt)
    store.leave()
    outcome = channel.lookup_refund(order, now)
    forgotten = now - present(refund.sent_at, "it was sent") >= channel.times.forgets_after
    return None if outcome.result is Result.NOT_FOUND and forgotten else outcome


def apply(refund_id: str, outcome: Outcome, now: datetime) -> None:
    """Apply a report about a refund: it ends, or one that had succeeded has failed after all. Idempotent."""
    target = _TARGETS.get(outcome.result)
    with store.atomic():
        intent = PaymentIntent.lock(Refund.get_by_id(refund_id).intent_id)
        refund = Refund.get_by_id(refund_id)
        if outcome.reference and not refund.provider_reference:
            refund.change(provider_reference=outcome.reference)
        if outcome.provider_data is not None:
            refund.change(provider_data=dict(outcome.provider_data))
        if target is None or not REFUND.allow(refund.status, target):
            return
        _end(refund, intent, target, outcome, now)
        _follow(intent)
        if target is RefundStatus.SUCCEEDED:
            _watch(refund, now)
        if refund.automatic:
            _go_on(refund, intent, now)


def may_fail_for(attempt: PaymentAttempt) -> timedelta:
    """How long a refund of the attempt that succeeded may still fail."""
    channel = accounts.channel(attempt.provider)
    reach = channel.reach(attempt.operator) if channel else None
    return reach.refunds_fail_within if reach else timedelta()


def _watch(refund: Refund, now: datetime) -> None:
    """Ask again about a refund that succeeded, where banks send some back: the news of that may never arrive."""
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    if may_fail_for(attempt):
        due.schedule(RECHECK, refund.id, now + FIRST_RECHECK, lane=attempt.provider)


def _is_pending() -> Any:
    return Refund.status == RefundStatus.PENDING


def _take(refund: Refund, now: datetime) -> bool:
    """Claim the refund, to send it or to withdraw it: both require that nobody has claimed it since it was read."""
    same = Refund.sent_at.is_null() if refund.sent_at is None else Refund.sent_at == refund.sent_at
    return bool(Refund.update(sent_at=now).where(Refund.id == refund.id, _is_pending(), same).execute())


def _answer(refund_id: str, outcome: Outcome, now: datetime) -> None:
    """Apply the answer to a call, while the refund is still pending.

    If a worker is frozen after its call was refused, its late answer must not undo what another worker has learned
    since. Only the provider's own report (`apply`) says that a refund has failed after all.
    """
    with store.atomic():
        PaymentIntent.lock(Refund.get_by_id(refund_id).intent_id)
        if Refund.get_by_id(refund_id).status == RefundStatus.PENDING:
            apply(refund_id, outcome, now)


def _intent_named(owner: Owner, new: NewRefund) -> str:
    """The id of the requested intent, given by itself or by its attempt. Raises NotFound, ValidationFailed."""
    if new.payment_intent is None and new.attempt is None:
        raise ValidationFailed({"payment_intent": ["is required, or `attempt`"]})
    intent = intents.owned(new.payment_intent, owner) if new.payment_intent else None
    attempt = PaymentAttempt.get_or_none(PaymentAttempt.id == new.attempt) if new.attempt else None
    if intent is not None and new.attempt and (attempt is None or attempt.intent_id != intent.id):
        raise ValidationFailed({"attempt": ["is not one of this payment intent"]})
    if intent is not None:
        return str(intent.id)
    own = listing.of_owner(PaymentIntent, owner)
    if attempt is None or not own.where(PaymentIntent.id == attempt.intent_id).exists():
        raise NotFound("payment attempt")
    return attempt.intent_id


def _is_of_held(attempt: PaymentAttempt) -> bool:
    """Whether a refund of the attempt returns what it holds: always, unless it paid its intent and holds nothing."""
    return attempt.counted == 0 or attempt.held > _sum(attempt, RefundStatus.PENDING, held=True)


def _can_return(attempt: PaymentAttempt, amount: int, now: datetime) -> bool | None:
    """Whether the provider returns so much of the payment, at its age. None if this process does not have it."""
    channel = accounts.channel(attempt.provider)
    if channel is None:
        return None
    reach = channel.reach(attempt.operator)
    age = now - (attempt.settled_at or now)
    return reach is not None and reach.returns(amount, attempt.amount_received or 0, age)


def _promise(attempt: PaymentAttempt, intent: PaymentIntent, amount: int, now: datetime, **columns: Any) -> Refund:
    """Reserve the refund's part, store the refund, publish it, and schedule it."""
    # The race of two refunds that begin at once, should the intent's lock ever be forgotten: each reserves its part by
    # this one statement, which asks for the room that it takes.
    unspoken = PaymentAttempt.amount_received - PaymentAttempt.returned - PaymentAttempt.closed - amount
    reserved = (
        PaymentAttempt.update(promised=PaymentAttempt.promised + amount)
        .where(PaymentAttempt.id == attempt.id, PaymentAttempt.promised <= unspoken)
        .execute()
    )
    if not reserved:
        raise Conflict(errors.STATE_FORBIDS, "There is nothing to refund.")
    refund = Refund.create(**_columns(attempt, intent, amount, now), status=RefundStatus.PENDING, **columns)
    if not refund.held:
        intent.change(amount_refunded=intent.amount_refunded + amount)
    outbox.publish("refund.created", refund, now)
    due.schedule(SEND, refund.id, now, lane=attempt.provider)
    return refund


def _record_impossible(
    attempt: PaymentAttempt, intent: PaymentIntent, amount: int, now: datetime, **columns: Any
) -> None:
    """Record a refund that fails without a call: the merchant learns that the money must be returned another way."""
    ended = {"status": RefundStatus.FAILED, "failure_code": FailureCode.NOT_ALLOWED, "settled_at": now}
    refund = Refund.create(**_columns(attempt, intent, amount, now), **ended, **columns)
    outbox.publish("refund.failed", refund, now)


def _columns(attempt: PaymentAttempt, intent: PaymentIntent, amount: int, now: datetime) -> dict[str, Any]:
    return {
        "id": ids.new("re"),
        "sent_as": ids.new_attempt(),
        "intent": intent,
        "attempt": attempt.id,
        "amount": amount,
        "currency": attempt.received_currency,
        "created_at": now,
    }


def _end(refund: Refund, intent: PaymentIntent, target: RefundStatus, outcome: Outcome, now: datetime) -> None:
    """Settle a refund, and its amount with it: one statement updates all the books of its attempt."""
    was_promised, succeeded = refund.status == RefundStatus.PENDING, target is RefundStatus.SUCCEEDED
    amount = refund.amount
    gone = amount if succeeded else 0 if was_promised else -amount
    reference = outcome.reference or refund.provider_reference
    refund.intent = intent
    refund.move("status", target, settled_at=now, provider_reference=reference, failure_code=outcome.failure)
    PaymentAttempt.update(
        promised=PaymentAttempt.promised - (amount if was_promised else 0),
        returned=PaymentAttempt.returned + gone,
        held=PaymentAttempt.held - (gone if refund.held else 0),
    ).where(PaymentAttempt.id == refund.attempt_id).execute()
    if not succeeded and not refund.held:
        intent.change(amount_refunded=intent.amount_refunded - amount)
    outbox.publish_move(refund, now)


def _go_on(refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    """An automatic refund has ended: retry later if it failed temporarily, and return what is held meanwhile."""
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    if refund.status == RefundStatus.FAILED:
        tried = failed_of(attempt).count()
        if refund.failure_code in MAY_PASS and tried <= len(RETRIES):
            due.schedule(RETRY, attempt.id, now + RETRIES[tried - 1], lane=attempt.provider)
        return
    rest = left_of(attempt, intent, held=True)
    if rest:
        give_back(attempt, Money(rest, refund.currency), str(refund.reason), now)


def _is_returning(attempt: PaymentAttempt) -> bool:
    """Whether an automatic refund of the attempt is pending."""
    pending = (Refund.attempt == attempt.id) & (Refund.status == RefundStatus.PENDING)
    return bool(Refund.select().where(pending, Refund.automatic).exists())


def failed_of(attempt: PaymentAttempt) -> Any:
    """The automatic refunds of the attempt that failed."""
    return Refund.select().where(Refund.attempt == attempt.id, Refund.automatic, Refund.status == RefundStatus.FAILED)


def _sum(attempt: PaymentAttempt, status: RefundStatus, *, held: bool) -> int:
    """The sum of the attempt's refunds in that status, of held money or of the payment."""
    of_them = Refund.select(fn.SUM(Refund.amount)).where(Refund.attempt == attempt.id, Refund.status == status)
    return int(of_them.where(Refund.held == held).scalar() or 0)


def _follow(intent: PaymentIntent) -> None:
    """The session's payment status shows how much of the payment was returned; a pending refund does not count."""
    session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
    paying = paying_attempt(intent)
    if session is None or paying is None:
        return
    returned = _sum(paying, RefundStatus.SUCCEEDED, held=False)
    if returned:
        whole = returned == intent.amount_received
        session.try_move("payment_status", PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED)
    elif session.payment_status in _RETURNED:  # all refunds failed after all: the merchant has the money again
        session.try_move("payment_status", PaymentStatus.PAID)
