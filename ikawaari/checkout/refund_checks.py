"""Refunds at their providers: asked for once, looked up until they end, and asked about again after that.

An end may be wrong, or become so: one that succeeded is sent back, one that failed has been paid out after all. Reports
of both may come late and in any order, so only the answer to a look-up corrects an end: see `refunds.correct`.
"""

from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import accounts, charges, refund_books, refunds
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, Result, unknown
from ikawaari.providers.channel import Channel
from ikawaari.states import RefundStatus
from ikawaari.store.models import PaymentAttempt, PaymentIntent, Refund

_OPEN = (Result.UNKNOWN, Result.PROCESSING)
_NOT_NOW = (FailureCode.PROVIDER_UNAVAILABLE, FailureCode.DUPLICATE_IN_PROGRESS)  # refused for a while, not for good
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


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
    outcome = None if refund.sent_at is None else _sent(refund, attempt, channel, now)
    if outcome is None:
        if not _take(refund, attempt, now):
            return later
        order = charges.refund(refund, attempt)
        store.leave()
        outcome = channel.refund(order, now)
    if outcome.result is Result.REFUSED and outcome.failure in _NOT_NOW:
        unsent = Refund.update(sent_at=None).where(Refund.id == refund_id, refunds.is_pending(), Refund.sent_at == now)
        unsent.execute()
    else:
        _answer(refund_id, outcome, now)
    return later


def _take(refund: Refund, attempt: PaymentAttempt, now: datetime) -> bool:
    """Claim the refund for its call: from here on the provider may have it, and it can no longer be withdrawn.

    If it waits because its provider was busy, money that it promises may have gone another way meanwhile.
    """
    if attempt.unpromised and refund.sent_at is None:
        with store.atomic():
            refunds.make_room(attempt.id, PaymentIntent.lock(attempt.intent_id), now)
    return refunds.take(refund, now)


def _sent(refund: Refund, attempt: PaymentAttempt, channel: Channel, now: datetime) -> Outcome | None:
    """What became of a refund; None if the provider never saw it, and no call of it can be on its way any more."""
    order = charges.refund(refund, attempt)
    store.leave()
    outcome = channel.lookup_refund(order, now)
    forgotten = now - present(refund.sent_at, "it was sent") >= channel.times.forgets_after
    return None if outcome.result is Result.NOT_FOUND and forgotten else outcome


def _answer(refund_id: str, outcome: Outcome, now: datetime) -> None:
    """Apply the answer to a call, while the refund is still pending.

    If a worker is frozen after its call was refused, its late answer must not undo what another worker has learned
    since. Only the provider's own report says that a refund has failed after all.
    """
    with store.atomic():
        PaymentIntent.lock(Refund.get_by_id(refund_id).intent_id)
        if Refund.get_by_id(refund_id).status == RefundStatus.PENDING:
            refunds.apply(refund_id, outcome, now)


def recheck(refund_id: str, now: datetime) -> datetime | None:
    """Ask again about a refund that has ended. Returns when to ask next, while its end may change."""
    refund = Refund.get_by_id(refund_id)
    if refund.status == RefundStatus.PENDING:
        return None
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    outcome = _looked_up(refund, attempt, now)
    refunds.correct(refund, outcome, now)
    is_corrected = Refund.get_by_id(refund_id).status != refund.status  # which has scheduled its own rechecks
    if is_corrected:
        return None
    return now + _LONGEST_WAIT if outcome.result in _OPEN else _next_recheck(refund, attempt, now)


def _next_recheck(refund: Refund, attempt: PaymentAttempt, now: datetime) -> datetime | None:
    """One that failed is asked about as often as a payment; one that succeeded after 1, 2, 4 … days."""
    if refund.status == RefundStatus.FAILED:
        rechecks = (refund.settled_at + wait for wait in refunds.RECHECKS_OF_FAILED)
        return next((at for at in rechecks if at > now), None)
    age = now - refund.settled_at
    return None if age >= refunds.may_fail_for(attempt) else now + max(age, refunds.FIRST_RECHECK)


def retry(attempt_id: str, now: datetime) -> datetime | None:
    """Try the automatic refund of an attempt again, with a new id: for the old id the answer would be the same.

    Returns when to run again, or None if nothing remains to be returned. First the provider must say of every refund of
    the attempt that failed, also of the merchant's own, that it has not gone after all.
    """
    attempt = PaymentAttempt.get_by_id(attempt_id)
    for failed in refunds.asked_and_failed(attempt):
        outcome = _looked_up(failed, attempt, now)
        refunds.correct(failed, outcome, now)
        if outcome.result in _OPEN:
            return now + refunds.RETRIES[0]
    with store.atomic():
        intent = PaymentIntent.lock(attempt.intent_id)
        attempt = PaymentAttempt.get_by_id(attempt_id)
        if attempt.promised:  # the merchant's own refund is pending; if it fails, ours continues
            return now + refunds.RETRIES[0]
        latest = refunds.failed_of(attempt).order_by(Refund.created_at.desc()).first()
        amount = min(latest.amount, refund_books.left_of(attempt, intent, held=latest.held)) if latest else 0
        if amount:
            refunds.give_back(attempt, Money(amount, latest.currency), latest.reason, now)
    return None


def _looked_up(refund: Refund, attempt: PaymentAttempt, now: datetime) -> Outcome:
    channel = accounts.channel(attempt.provider)
    if channel is None:
        return unknown("its provider is not here")
    order = charges.refund(refund, attempt)
    store.leave()
    return channel.lookup_refund(order, now)
