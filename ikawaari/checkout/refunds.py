"""Refunds: money on its way back, at the merchant's request, or automatically for money that was not due.

A refund reserves its part of an attempt before the provider is called. The attempt keeps the books (`PaymentAttempt`:
received, counted, held, closed, returned, promised). Held money is not a payment, so its refunds change neither the
intent's amounts nor the session's payment status.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ikawaari import errors, ids, store
from ikawaari.checkout import accounts, intents, merchant_view, outbox, refund_books
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.providers.capabilities import Refunds
from ikawaari.shapes import ColumnValues, JsonObject, Page
from ikawaari.states import REFUND, RefundStatus
from ikawaari.store import due, listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import PaymentAttempt, PaymentIntent, Refund
from ikawaari.store.owner import Owner

ELSEWHERE = "made_at_provider"
"""The reason of a refund that was not made through us."""
SEND, RETRY, RECHECK = "refund.send", "refund.retry", "refund.recheck"
FIRST_RECHECK = timedelta(days=1)  # of a refund that succeeded
RECHECKS_OF_FAILED = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))  # as those of payments
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
_TARGETS = {
    Result.SUCCEEDED: RefundStatus.SUCCEEDED,
    Result.FAILED: RefundStatus.FAILED,
    Result.REFUSED: RefundStatus.FAILED,
}


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
        attempt = PaymentAttempt.get_by_id(new.attempt) if new.attempt else refund_books.paying_attempt(intent)
        held = attempt is not None and new.attempt is not None and _is_of_held(attempt)
        left = refund_books.left_of(attempt, intent, held=held) if attempt else 0
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
    amount = min(money.amount, refund_books.left_of(books, intent, held=held))
    if amount == 0 or _is_returning(books):
        return
    columns = {"held": held, "reason": reason, "automatic": True, "metadata": {}}
    if _can_return(books, amount, now) is False:
        _record_impossible(books, intent, amount, now, **columns)
    else:
        _promise(books, intent, amount, now, **columns)


def book_elsewhere(
    attempt: PaymentAttempt, intent: PaymentIntent, amount: int, reference: str, now: datetime
) -> Refund:
    """Book a refund that somebody made at the provider, in the caller's transaction and under the intent's lock."""
    held = attempt.counted == 0 or amount <= attempt.held
    known = {"sent_as": None, "provider_reference": reference, "sent_at": now, "settled_at": now}
    own = {"held": held, "reason": ELSEWHERE, "automatic": False, "metadata": {}, "status": RefundStatus.SUCCEEDED}
    refund = Refund.create(**(_columns(attempt, intent, amount, now) | known | own))
    refund_books.book(refund, intent, now)
    refund_books.follow(intent)
    make_room(attempt.id, intent, now)
    for event_type in ("refund.created", "refund.succeeded"):
        outbox.publish(event_type, refund, now)
    doubt(refund, now)  # the news may be old
    return refund


def withdraw(attempt: PaymentAttempt, now: datetime) -> bool:
    """Withdraw refunds of held money that no provider was asked for. True if all of the money is still here.

    In the caller's transaction and under the intent's lock.
    """
    intent = PaymentIntent.get_by_id(attempt.intent_id)
    for refund in _unsent(attempt.id).where(Refund.automatic, Refund.held):
        _cancel(refund, intent, now)
    books = PaymentAttempt.get_by_id(attempt.id)
    return bool(books.returned == books.promised == books.closed == 0)


def _of_owner(owner: Owner) -> Any:
    return Refund.select().join(PaymentIntent).where(listing.is_of(PaymentIntent, owner))


_LISTING = Listing(Refund, "refund", {"payment_intent": Refund.intent, "status": Refund.status}, rows=_of_owner)
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's refunds."""
    return _LISTING.page(_of_owner(owner), wanted, lambda rows: [merchant_view.refund(row) for row in rows])


def apply(refund_id: str, outcome: Outcome, now: datetime) -> None:
    """Apply a report about a refund. Idempotent.

    A report that contradicts the end of a refund may be older than that end, so it changes nothing: the provider is
    asked at once, and `correct` applies its answer.
    """
    target = _TARGETS.get(outcome.result)
    with store.atomic():
        intent = PaymentIntent.lock(Refund.get_by_id(refund_id).intent_id)
        refund = Refund.get_by_id(refund_id)
        _learn(refund, outcome)
        if target is None or target == refund.status:
            return
        if refund.status == RefundStatus.PENDING:
            _end(refund, intent, target, outcome, now)
        else:
            doubt(refund, now)


def correct(seen: Refund, outcome: Outcome, now: datetime) -> None:
    """Apply the answer to a look-up of a refund that has ended: the end may have been wrong, or is no longer true.

    `seen`: the refund as it was before its provider was asked. If it has moved since, the answer may be outdated.
    """
    target = _TARGETS.get(outcome.result)
    with store.atomic():
        intent = PaymentIntent.lock(seen.intent_id)
        refund = Refund.get_by_id(seen.id)
        if (refund.status, refund.settled_at) != (seen.status, seen.settled_at) or target is None:
            return
        _learn(refund, outcome)
        if REFUND.allow(refund.status, target) and not _is_of_another(refund):
            _end(refund, intent, target, outcome, now)


def doubt(refund: Refund, now: datetime) -> None:
    """Have a worker ask now whether the end of a refund is still true, in the caller's transaction."""
    due.touch(RECHECK, refund.id, now, lane=PaymentAttempt.get_by_id(refund.attempt_id).provider)


def _learn(refund: Refund, outcome: Outcome) -> None:
    """Note what the provider says besides."""
    if outcome.reference and not refund.provider_reference:
        refund.change(provider_reference=outcome.reference)
    if outcome.provider_data is not None:
        refund.change(provider_data=dict(outcome.provider_data))


def _end(refund: Refund, intent: PaymentIntent, target: RefundStatus, outcome: Outcome, now: datetime) -> None:
    """End a refund, or correct its end, with all that follows."""
    refund_books.settle(refund, intent, target, outcome, now)
    refund_books.follow(intent)
    _watch(refund, now)
    if target is RefundStatus.SUCCEEDED:
        make_room(refund.attempt_id, intent, now)
    if refund.automatic:
        _go_on(refund, intent, now)


def _is_of_another(refund: Refund) -> bool:
    """Whether the success of a failed refund may be that of a later one: where only whole payments are returned, that
    happens once, and the provider tells the tries apart by nothing.
    """
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    channel = accounts.channel(attempt.provider)
    reach = channel.reach(attempt.operator) if channel else None
    if refund.status != RefundStatus.FAILED or reach is None or reach.refunds is not Refunds.WHOLE:
        return False
    asked = is_pending() & Refund.sent_at.is_null(False)
    live = (Refund.attempt == attempt.id) & (asked | (Refund.status == RefundStatus.SUCCEEDED))
    return bool(Refund.select().where(live).exists())


def make_room(attempt_id: str, intent: PaymentIntent, now: datetime) -> None:
    """If money has gone that pending refunds promise too, cancel those that nobody was asked for, latest first.

    In the caller's transaction and under the intent's lock.
    """
    for other in _unsent(attempt_id).order_by(Refund.created_at.desc(), Refund.id.desc()):
        if refund_books.is_overdrawn(PaymentAttempt.get_by_id(attempt_id)):
            _cancel(other, intent, now)


def _unsent(attempt_id: str) -> Any:
    """The attempt's pending refunds that no provider was asked for."""
    return Refund.select().where(Refund.attempt == attempt_id, is_pending(), Refund.sent_at.is_null())


def _cancel(refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    """Cancel a refund, unless a worker has begun to send it."""
    if take(refund, now):
        canceled = Outcome(result=Result.FAILED, failure=FailureCode.CANCELED)
        refund_books.settle(refund, intent, RefundStatus.FAILED, canceled, now)
        refund.change(sent_at=None)


def may_fail_for(attempt: PaymentAttempt) -> timedelta:
    """How long a refund of the attempt that succeeded may still fail."""
    channel = accounts.channel(attempt.provider)
    reach = channel.reach(attempt.operator) if channel else None
    return reach.refunds_fail_within if reach else timedelta()


def _watch(refund: Refund, now: datetime) -> None:
    """Ask again about a refund that has ended, if that may change: the news of it may never arrive."""
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    if refund.status == RefundStatus.FAILED:
        due.schedule(RECHECK, refund.id, now + RECHECKS_OF_FAILED[0], lane=attempt.provider)
    elif may_fail_for(attempt):
        due.schedule(RECHECK, refund.id, now + FIRST_RECHECK, lane=attempt.provider)


def is_pending() -> Any:
    """The condition that a refund has not ended."""
    return Refund.status == RefundStatus.PENDING


def take(refund: Refund, now: datetime) -> bool:
    """Claim the refund, to send it or to withdraw it: both require that nobody has claimed it since it was read."""
    same = Refund.sent_at.is_null() if refund.sent_at is None else Refund.sent_at == refund.sent_at
    return bool(Refund.update(sent_at=now).where(Refund.id == refund.id, is_pending(), same).execute())


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
    return attempt.counted == 0 or refund_books.holds_more(attempt)


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
    if not refund_books.reserve(attempt, amount):
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


def _columns(attempt: PaymentAttempt, intent: PaymentIntent, amount: int, now: datetime) -> ColumnValues:
    return {
        "id": ids.new("re"),
        "sent_as": ids.new_attempt(),
        "intent": intent,
        "attempt": attempt.id,
        "amount": amount,
        "currency": attempt.received_currency,
        "created_at": now,
    }


def _go_on(refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    """An automatic refund has ended: retry later if it failed temporarily, and return what is held meanwhile."""
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    if refund.status == RefundStatus.FAILED:
        tried = failed_of(attempt).count()
        if refund.failure_code in MAY_PASS and tried <= len(RETRIES):
            due.schedule(RETRY, attempt.id, now + RETRIES[tried - 1], lane=attempt.provider)
        return
    rest = refund_books.left_of(attempt, intent, held=True)
    if rest:
        give_back(attempt, Money(rest, refund.currency), str(refund.reason), now)
    elif refund_books.is_all_spoken_for(attempt):
        due.drop(RETRY, attempt.id)  # of one that was reported failed


def _is_returning(attempt: PaymentAttempt) -> bool:
    """Whether an automatic refund of the attempt is pending."""
    pending = (Refund.attempt == attempt.id) & (Refund.status == RefundStatus.PENDING)
    return bool(Refund.select().where(pending, Refund.automatic).exists())


def asked_and_failed(attempt: PaymentAttempt) -> list[Refund]:
    """The refunds of the attempt that failed after their provider was asked for them."""
    asked = (Refund.attempt == attempt.id) & Refund.sent_at.is_null(False)
    return list(Refund.select().where(asked, Refund.status == RefundStatus.FAILED).order_by(Refund.created_at))


def failed_of(attempt: PaymentAttempt) -> Any:
    """The automatic refunds of the attempt that failed."""
    return Refund.select().where(Refund.attempt == attempt.id, Refund.automatic, Refund.status == RefundStatus.FAILED)
