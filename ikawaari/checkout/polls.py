"""When a provider is asked what became of what it was asked for: a payment attempt, or the card of a trial."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ikawaari.config import Config
from ikawaari.providers.channel import Channel
from ikawaari.states import AttemptStatus
from ikawaari.store.models import CardSetup, PaymentAttempt

Asked = PaymentAttempt | CardSetup
_LONGEST_WAIT = timedelta(hours=1)  # between two polls, while their provider is not here to say
_BETWEEN_CHECKS = timedelta(seconds=3)
_first_wait = timedelta(seconds=5)


def configure(config: Config) -> None:
    """Set how soon the first poll follows a call, where its provider does not say."""
    global _first_wait  # noqa: PLW0603 - set once, at start-up
    _first_wait = timedelta(seconds=config.enquiry_seconds)


def first(row: Asked, channel: Channel | None, now: datetime) -> datetime:
    """When to ask for the first time."""
    return now + min([_first_of(channel), *_early_of(row, channel)])


def next_one(row: Asked, channel: Channel | None, now: datetime, left: timedelta = timedelta.max) -> datetime:
    """Soon at first, then after half of the elapsed time; at the end of the payer's time, and when its provider says
    that something certainly has ended, or that the payer can soon act. At most `left` from now.
    """
    longest, decisive = (channel.times.longest_poll, channel.times.decisive_polls) if channel else (_LONGEST_WAIT, ())
    usual: datetime = now + min(max(_first_of(channel), (now - row.created_at) / 2), longest, left)
    waits = [*decisive, *_early_of(row, channel)]
    ends: list[datetime | None] = [row.deadline_at, *(row.submitted_at + wait for wait in waits)]
    return min([usual, *(at for at in ends if at and at > now)])


def may_check(row: Asked, now: datetime) -> bool:
    """Whether the payer, who says that it is approved, may have it asked about at once: only every few seconds."""
    table: Any = type(row)
    rested = table.enquired_at.is_null() | (table.enquired_at <= now - _BETWEEN_CHECKS)
    # Many taps, one enquiry: only the caller that changes the time may ask.
    return bool(table.update(enquired_at=now).where(table.id == row.id, rested).execute())


def is_given_up(row: Asked, channel: Channel, now: datetime) -> bool:
    """Whether the payer did not act in time, and it can be canceled."""
    waits = row.status == AttemptStatus.REQUIRES_ACTION and row.deadline_at is not None
    return waits and row.deadline_at <= now and channel.cancels


def _first_of(channel: Channel | None) -> timedelta:
    return (channel.times.first_poll if channel else None) or _first_wait


def _early_of(row: Asked, channel: Channel | None) -> Sequence[timedelta]:
    """When to ask for what the payer needs in order to act, such as the address of a page. A card needs nothing."""
    operator = row.operator if isinstance(row, PaymentAttempt) else None
    reach = channel.reach(operator) if channel else None
    return reach.early_polls if reach and row.status != AttemptStatus.REQUIRES_ACTION else ()
