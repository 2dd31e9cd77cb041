"""Idempotency keys: the same POST sent twice is answered twice, but done once.

A key is kept if something was done or finally decided. A call without any effect releases its key, so that the next
request with it runs, the same or a corrected one. A call that stored an object before it had an answer leaves that
object's id with the key (`subject`): the next call with the key continues with it, and never starts a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from peewee import Expression

from ikawaari import errors, sealing
from ikawaari.errors import Conflict
from ikawaari.invariants import present
from ikawaari.merchants.credentials import Caller
from ikawaari.store.models import IdempotencyKey, PayKey

_KEPT = timedelta(hours=25)  # 24 are promised
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = timedelta(seconds=30)  # after it, a call without an answer counts as killed
_QUICK = timedelta(seconds=2)  # most calls are answered by then, so a client may retry soon


@dataclass(frozen=True)
class Answer:
    """A finished answer: status, the headers to repeat, and the exact body."""

    status: int
    headers: Mapping[str, str]
    body: str
    credential_id: str | None = None  # who made the call, if the body contains a secret: nobody else gets it again


@dataclass(frozen=True)
class Claim:
    """The right to run a call: its row, the lock that this run holds on it, and what an earlier run had stored."""

    row_id: int
    locked_until: datetime
    body_digest: str
    subject: str | None = None  # the id of what an earlier run under this key stored before it had an answer
    is_corrected: bool = False  # that earlier run had another body


def claim(caller: Caller, *, method: str, path: str, key: str, body_digest: str, now: datetime) -> Claim | Answer:
    """The right to run this call, or the answer of its first run.

    Raises Conflict if the key has an answer to another body, or if a call with it still runs.
    """
    row = IdempotencyKey(
        merchant=caller.owner.merchant,
        livemode=caller.owner.livemode,
        method=method,
        path=path,
        key=key,
        body_digest=body_digest,
        locked_until=now + _LOCK,
        created_at=now,
    )
    # If equal calls arrive at the same moment, the unique index lets one insert, and the others find its row.
    made = IdempotencyKey.insert(row.__data__).on_conflict_ignore().returning(IdempotencyKey.id).tuples()
    for (row_id,) in made.execute():
        return Claim(row_id, row.locked_until, body_digest)
    found = _find(row)
    if found is None:  # the first call has just failed and deleted its row
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)
    if found.status is None:
        return _take_over(found, body_digest, now)
    if found.body_digest != body_digest:
        raise Conflict(errors.KEY_REUSED)
    return _opened(found, caller)


def remember(mine: Claim, subject: str) -> None:
    """Note the object that this run stores, in the same transaction: if the run is interrupted, the next one finds it.

    Raises Conflict if the lock was lost: a run that was considered dead must not store anything after another run took
    over.
    """
    changes = {IdempotencyKey.subject: subject, IdempotencyKey.body_digest: mine.body_digest}
    if not IdempotencyKey.update(changes).where(_held(mine)).execute():
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)


def keep(mine: Claim, answer: Answer) -> None:
    """Store the answer, in one transaction with the call's effects, so that neither exists without the other."""
    changes = {
        IdempotencyKey.status: answer.status,
        IdempotencyKey.headers: dict(answer.headers),
        IdempotencyKey.body: sealing.seal(answer.body) if answer.credential_id else answer.body,
        IdempotencyKey.credential_id: answer.credential_id,
        IdempotencyKey.body_digest: mine.body_digest,
    }
    # The fence: a run that was considered dead must not overwrite the run that took over, nor commit beside it.
    if not IdempotencyKey.update(changes).where(_held(mine)).execute():
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)


def release(mine: Claim) -> None:
    """Release the key: the next call with it may run immediately. An object that was stored stays with the key."""
    mine_still = _held(mine)
    IdempotencyKey.delete().where(mine_still, IdempotencyKey.subject.is_null()).execute()
    IdempotencyKey.update({IdempotencyKey.locked_until: _LONG_AGO}).where(mine_still).execute()


def forget(now: datetime) -> None:
    """Delete expired keys."""
    IdempotencyKey.delete().where(IdempotencyKey.created_at < now - _KEPT).execute()
    PayKey.delete().where(PayKey.created_at < now - _KEPT).execute()


def _opened(found: IdempotencyKey, caller: Caller) -> Answer:
    """The stored answer. Raises Conflict if it contains a secret of another credential's call."""
    kept = Answer(present(found.status, "a kept answer has a status"), found.headers, str(found.body))
    if found.credential_id is None:
        return kept
    if found.credential_id != caller.credential_id:
        raise Conflict(errors.KEY_REUSED, "The answer under this key holds a secret of another credential's call.")
    return replace(kept, body=sealing.open_sealed(kept.body))


def _find(row: IdempotencyKey) -> IdempotencyKey | None:
    return IdempotencyKey.get_or_none(
        IdempotencyKey.merchant == row.merchant_id,
        IdempotencyKey.livemode == row.livemode,
        IdempotencyKey.method == row.method,
        IdempotencyKey.path == row.path,
        IdempotencyKey.key == row.key,
    )


def _take_over(found: IdempotencyKey, body_digest: str, now: datetime) -> Claim:
    """Run after a call that was killed, or that released its key: of several calls at once, one takes the lock."""
    mine = Claim(found.id, now + _LOCK, body_digest, found.subject, is_corrected=found.body_digest != body_digest)
    unlocked = (IdempotencyKey.locked_until == found.locked_until) & (IdempotencyKey.locked_until <= now)
    free = (IdempotencyKey.id == found.id) & IdempotencyKey.status.is_null() & unlocked
    # The retention starts again; it must not end a day after the first, unanswered call.
    changes = {IdempotencyKey.locked_until: mine.locked_until, IdempotencyKey.created_at: now}
    if not IdempotencyKey.update(changes).where(free).execute():
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=_wait(found.locked_until, now))
    return mine


def _wait(locked_until: datetime, now: datetime) -> int:
    """Seconds until a retry may find the answer: soon at first, then when the lock ends."""
    left = locked_until - now
    return 1 if left > _LOCK - _QUICK or left < timedelta() else max(1, -(-left // timedelta(seconds=1)))


def _held(mine: Claim) -> Expression:
    unanswered = IdempotencyKey.status.is_null() & (IdempotencyKey.locked_until == mine.locked_until)
    return (IdempotencyKey.id == mine.row_id) & unanswered
