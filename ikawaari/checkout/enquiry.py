"""Enquiry, the third door: we ask the provider what became of an attempt, until the result is final."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import accounts, breakers, charges, outbox, sessions, settlement, trials
from ikawaari.config import Config
from ikawaari.providers.channel import Channel
from ikawaari.states import UNSETTLED, AttemptStatus
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt, PaymentIntent

ENQUIRE = settlement.ENQUIRE
_LONGEST_WAIT = timedelta(hours=1)  # between two enquiries, while their provider is not here to say
_DAILY = timedelta(days=1)
_BETWEEN_CHECKS = timedelta(seconds=3)
_first_wait = timedelta(seconds=5)


def configure(config: Config) -> None:
    """Set how soon the first enquiry follows a charge, where its provider does not say."""
    global _first_wait  # noqa: PLW0603 - set once, at start-up
    _first_wait = timedelta(seconds=config.enquiry_seconds)


def begin(attempt: PaymentAttempt, now: datetime) -> None:
    """Schedule enquiries about the attempt until it is settled, in the transaction that stores it."""
    channel = accounts.channel(attempt.provider)
    first = min([_first_of(channel), *_early_of(attempt, channel)])
    due.schedule_new(ENQUIRE, attempt.id, now + first, lane=attempt.provider)


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
    attempts = sessions.look_up_for_payment(session_id, now).attempts
    attempt = next((attempt for attempt in attempts if attempt.status in UNSETTLED), None)
    if attempt is None:
        trials.check(session_id, now)
        return
    rested = PaymentAttempt.enquired_at.is_null() | (PaymentAttempt.enquired_at <= now - _BETWEEN_CHECKS)
    # Many taps, one enquiry: only the caller that changes the time may ask.
    if PaymentAttempt.update(enquired_at=now).where(PaymentAttempt.id == attempt.id, rested).execute():
        enquire(attempt.id, now)


def ask(attempt: PaymentAttempt, channel: Channel, now: datetime) -> datetime:
    """Ask the provider and apply its answer. Returns when it was asked, by the shared clock.

    A charge whose payer did not act in time is canceled, where that is possible: else it could still be paid for long.
    """
    charge, asked_at = charges.of(attempt), store.shared_clock.now()
    store.leave()
    outcome = channel.cancel(charge, now) if _is_given_up(attempt, channel, now) else channel.lookup(charge, now)
    settlement.apply(attempt.id, outcome, now, asked_at=asked_at)
    breakers.heed(attempt, outcome, answers_charge=False)
    return asked_at


def _is_given_up(attempt: PaymentAttempt, channel: Channel, now: datetime) -> bool:
    waits = attempt.status == AttemptStatus.REQUIRES_ACTION and attempt.deadline_at is not None
    return waits and attempt.deadline_at <= now and channel.cancels


def _first_of(channel: Channel | None) -> timedelta:
    return (channel.times.first_poll if channel else None) or _first_wait


def _early_of(attempt: PaymentAttempt, channel: Channel | None) -> Sequence[timedelta]:
    """When to ask for what the payer needs in order to act, such as the address of a page."""
    reach = channel.reach(attempt.operator) if channel else None
    return reach.early_polls if reach and attempt.status != AttemptStatus.REQUIRES_ACTION else ()


def _publish_unresolved(attempt_id: str, now: datetime) -> None:
    """The provider's time is over, and the result is still unknown: publish that, once."""
    with store.atomic():
        intent = PaymentIntent.lock(PaymentAttempt.get_by_id(attempt_id).intent_id)
        # If two workers run this, or one runs it twice, only the one that sets the time publishes it.
        untold = PaymentAttempt.status.in_(UNSETTLED) & PaymentAttempt.unresolved_at.is_null()
        if PaymentAttempt.update(unresolved_at=now).where(PaymentAttempt.id == attempt_id, untold).execute():
            outbox.publish("payment_intent.unresolved", intent, now)


def _next_enquiry(attempt: PaymentAttempt, channel: Channel | None, left: timedelta, now: datetime) -> datetime | None:
    """Soon at first, then after half of the elapsed time; at the prompt's end, and when its provider says that
    something certainly has ended, or that the payer can soon act; three more times after a failure.

    `left`: how much of the time remains in which the provider settles; it is asked at the end of it, then once a day.
    """
    if attempt.status == AttemptStatus.SUCCEEDED:
        return None
    if attempt.status == AttemptStatus.FAILED:
        rechecks: list[datetime] = [attempt.settled_at + wait for wait in settlement.RECHECKS]
        return next((at for at in rechecks if at > now), None)
    if left <= timedelta():
        return now + _DAILY
    longest, decisive = (channel.times.longest_poll, channel.times.decisive_polls) if channel else (_LONGEST_WAIT, ())
    usual: datetime = now + min(max(_first_of(channel), (now - attempt.created_at) / 2), longest, left)
    waits = [*decisive, *_early_of(attempt, channel)]
    ends: list[datetime | None] = [attempt.deadline_at, *(attempt.submitted_at + wait for wait in waits)]
    return min([usual, *(at for at in ends if at and at > now)])
