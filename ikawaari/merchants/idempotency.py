"""Idempotency keys: the same POST twice is answered twice and done once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from peewee import Expression

from ikawaari import store
from ikawaari.errors import Conflict
from ikawaari.merchants.credentials import Caller
from ikawaari.store.models import IdempotencyKey

_KEPT = timedelta(hours=25)  # 24 are promised
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_CALL = timedelta(seconds=60)  # after it, a first call without an answer counts as killed


@dataclass(frozen=True)
class Answer:
    """A finished answer: status, the headers worth repeating, and the body to the byte."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Claim:
    """The right to run a call: its row, and the lock that this run holds on it."""

    row_id: int
    locked_until: datetime
    first_at: datetime | None = None  # when an earlier run began, which was cut off
    subject: str | None = None  # the id of what that run had made


def claim(caller: Caller, *, method: str, path: str, key: str, body_digest: str, now: datetime) -> Claim | Answer:
    """The right to run this call, or the answer that its first run gave.

    Raises Conflict when the key came with another body, or when its first call still runs.
    """
    row = IdempotencyKey(
        merchant=caller.merchant,
        livemode=caller.livemode,
        method=method,
        path=path,
        key=key,
        body_digest=body_digest,
        locked_until=now + _LONGEST_CALL,
        created_at=now,
    )
    # Equal calls at the same moment meet at the unique index: one inserts, the others find its row.
    made = IdempotencyKey.insert(row.__data__).on_conflict_ignore().as_rowcount().execute()
    found = _find(row)
    if found is None:  # the first call came to nothing just now, and took its row along
        raise Conflict("IKW-REQ-008", retry_after_seconds=1)
    if made:
        return Claim(found.id, found.locked_until)
    if found.body_digest != body_digest:
        raise Conflict("IKW-REQ-007")
    if found.status is not None:
        return Answer(found.status, found.headers, str(found.body))
    return _take_over(found, now)


def remember(mine: Claim, subject: str) -> None:
    """Note what this run makes, in the transaction that makes it: should the run be cut off, the next one finds it."""
    if not IdempotencyKey.update({IdempotencyKey.subject: subject}).where(_held(mine)).execute():
        raise Conflict("IKW-REQ-008", retry_after_seconds=1)


def keep(mine: Claim, answer: Answer) -> None:
    """Remember the answer. Inside `atomic` with what the call did, the two cannot come apart."""
    changes = {
        IdempotencyKey.status: answer.status,
        IdempotencyKey.headers: dict(answer.headers),
        IdempotencyKey.body: answer.body,
    }
    # The fence: a run that was taken for dead must not overwrite, nor commit beside, the run that took over.
    if not IdempotencyKey.update(changes).where(_held(mine)).execute():
        raise Conflict("IKW-REQ-008", retry_after_seconds=1)


def release(mine: Claim) -> None:
    """Let go: the call may run again under its key. What it had made before it failed is found by the next run."""
    mine_still = _held(mine)
    IdempotencyKey.delete().where(mine_still, IdempotencyKey.subject.is_null()).execute()
    IdempotencyKey.update({IdempotencyKey.locked_until: _LONG_AGO}).where(mine_still).execute()


def forget(now: datetime) -> None:
    """Drop the keys whose time is over."""
    IdempotencyKey.delete().where(IdempotencyKey.created_at < now - _KEPT).execute()


atomic = store.atomic
"""The transaction that a call and its kept answer share."""


def _find(row: IdempotencyKey) -> IdempotencyKey | None:
    return IdempotencyKey.get_or_none(
        IdempotencyKey.merchant == row.merchant_id,
        IdempotencyKey.livemode == row.livemode,
        IdempotencyKey.method == row.method,
        IdempotencyKey.path == row.path,
        IdempotencyKey.key == row.key,
    )


def _take_over(found: IdempotencyKey, now: datetime) -> Claim:
    """A first call that was killed left its lock behind; when it has run out, one of those who ask takes it."""
    mine = Claim(found.id, now + _LONGEST_CALL, first_at=found.created_at, subject=found.subject)
    expired = (IdempotencyKey.locked_until == found.locked_until) & (IdempotencyKey.locked_until <= now)
    free = (IdempotencyKey.id == found.id) & IdempotencyKey.status.is_null() & expired
    if not IdempotencyKey.update({IdempotencyKey.locked_until: mine.locked_until}).where(free).execute():
        raise Conflict("IKW-REQ-008", retry_after_seconds=1)
    return mine


def _held(mine: Claim) -> Expression:
    unanswered = IdempotencyKey.status.is_null() & (IdempotencyKey.locked_until == mine.locked_until)
    return (IdempotencyKey.id == mine.row_id) & unanswered
