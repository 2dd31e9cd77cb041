"""Enquiry, the third door: asking the provider ourselves what became of an attempt, until nothing is left to learn."""

from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import settlement
from ikawaari.config import Config
from ikawaari.invariants import ensure
from ikawaari.providers import registry
from ikawaari.states import AttemptStatus
from ikawaari.store import due
from ikawaari.store.models import PaymentAttempt

ENQUIRE = "attempt.enquire"
_LONGEST_WAIT = timedelta(hours=1)
_RECHECKS = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))  # providers correct a failure late
_first_wait = timedelta(seconds=5)


def configure(config: Config) -> None:
    """Say how soon the first enquiry follows a charge."""
    global _first_wait  # noqa: PLW0603 - set once, at start-up
    _first_wait = timedelta(seconds=config.enquiry_seconds)


def begin(attempt: PaymentAttempt, now: datetime) -> None:
    """Have the attempt enquired about until it is settled, in the transaction that stores it."""
    due.schedule(ENQUIRE, attempt.id, now + _first_wait, lane=attempt.provider)


def enquire(attempt_id: str, now: datetime) -> datetime | None:
    """Ask the provider what became of an attempt. Returns when to ask next, or None when nothing is left to learn."""
    attempt = PaymentAttempt.get_by_id(attempt_id)
    provider = registry.named(attempt.provider)
    if attempt.status == AttemptStatus.SUCCEEDED:
        return None
    if provider is not None:
        ensure(not store.in_transaction(), "a provider is never called while rows are locked")
        settlement.apply(attempt_id, provider.lookup(attempt.id, attempt.provider_reference, now), now)
    return _next_enquiry(PaymentAttempt.get_by_id(attempt_id), now)


def _next_enquiry(attempt: PaymentAttempt, now: datetime) -> datetime | None:
    """Soon at first, then after half the time that has passed; at the prompt's end; thrice more after a failure."""
    if attempt.status == AttemptStatus.SUCCEEDED:
        return None
    if attempt.status == AttemptStatus.FAILED:
        rechecks: list[datetime] = [attempt.settled_at + wait for wait in _RECHECKS]
        return next((at for at in rechecks if at > now), None)
    usual: datetime = now + min(max(_first_wait, (now - attempt.created_at) / 2), _LONGEST_WAIT)
    return min(usual, attempt.deadline_at) if attempt.deadline_at and attempt.deadline_at > now else usual
