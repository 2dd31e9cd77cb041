"""Enquiry, the third door: we ask the provider what became of an attempt, until the result is final."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import accounts, breakers, charges, outbox, paces, polls, sessions, settlement, trials
from ikawaari.providers.channel import Channel
from ikawaari.states import UNSETTLED, AttemptStatus
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt, PaymentIntent

ENQUIRE = settlement.ENQUIRE
_DAILY = timedelta(days=1)


def begin(attempt: PaymentAttempt, now: datetime) -> None:
    """Schedule enquiries about the attempt until it is settled, in the transaction that stores it."""
    channel = accounts.channel(attempt.provider)
    due.schedule_new(ENQUIRE, attempt.id, polls.first(attempt, channel, now), lane=attempt.provider)


def enquire(attempt_id: str, now: datetime) -> datetime | None:
    """Ask the provider what became of an attempt. Returns when to ask next, or None if the result is final."""
    attempt = charges.find(attempt_id)
    channel = accounts.channel(attempt.provider)
    if attempt.status == AttemptStatus.SUCCEEDED:
        return None
    left = timedelta.max
    if channel is not None:
        asked_at = ask(attempt, channel, now)
        left = attempt.submitted_at + channel.times.settles_within - asked_at
    if left <= timedelta():
        _publish_unresolved(attempt_id, now)
    return _next_enquiry(PaymentAttempt.get_by_id(attempt_id), channel, left, now)


def check(session_id: str, now: datetime) -> None:
    """The payer says that the payment is approved: enquire now, but at most every few seconds. Raises NotFound."""
    attempt = worth_a_check(sessions.look_up_for_payment(session_id, now).attempts, now)
    if attempt is None:
        trials.check(session_id, now)
        return
    if polls.may_check(attempt, now) and paces.may_look_up(attempt.provider):
        enquire(attempt.id, now)


def worth_a_check(attempts: Sequence[PaymentAttempt], now: datetime) -> PaymentAttempt | None:
    """The one of a session's attempts, oldest first, whose payer may know more than we: the running one, or else the
    latest one that failed not long ago, for a provider may correct that. None once the session is paid.
    """
    if any(attempt.counted for attempt in attempts):
        return None
    running = next((one for one in attempts if one.status in UNSETTLED), None)
    lately = now - settlement.RECHECKS[-1]
    failed = [one for one in attempts if one.settled_at is not None and one.settled_at > lately]
    return running or next(reversed(failed), None)


def ask(attempt: PaymentAttempt, channel: Channel, now: datetime) -> datetime:
    """Ask the provider and apply its answer. Returns when it was asked, by the shared clock.

    A charge whose payer did not act in time is canceled, where that is possible: else it could still be paid for long.
    """
    charge, asked_at = charges.of(attempt), store.shared_clock.now()
    store.leave()
    outcome = channel.cancel(charge, now) if polls.is_given_up(attempt, channel, now) else channel.lookup(charge, now)
    settlement.apply(attempt.id, outcome, now, asked_at=asked_at)
    breakers.heed(attempt, outcome, answers_charge=False)
    return asked_at


def _publish_unresolved(attempt_id: str, now: datetime) -> None:
    """The provider's time is over, and the result is still unknown: publish that, once."""
    with store.atomic():
        intent = PaymentIntent.lock(PaymentAttempt.get_by_id(attempt_id).intent_id)
        # If two workers run this, or one runs it twice, only the one that sets the time publishes it.
        untold = PaymentAttempt.status.in_(UNSETTLED) & PaymentAttempt.unresolved_at.is_null()
        if PaymentAttempt.update(unresolved_at=now).where(PaymentAttempt.id == attempt_id, untold).execute():
            outbox.publish("payment_intent.unresolved", intent, now)


def _next_enquiry(attempt: PaymentAttempt, channel: Channel | None, left: timedelta, now: datetime) -> datetime | None:
    """While it is not settled, as `polls` says; three more times after a failure.

    `left`: how much of the time remains in which the provider settles; it is asked at the end of it, then once a day.
    """
    if attempt.status == AttemptStatus.SUCCEEDED:
        return None
    if attempt.status == AttemptStatus.FAILED:
        rechecks: list[datetime] = [attempt.settled_at + wait for wait in settlement.RECHECKS]
        return next((at for at in rechecks if at > now), None)
    if left <= timedelta():
        return now + _DAILY
    return polls.next_one(attempt, channel, now, left)
