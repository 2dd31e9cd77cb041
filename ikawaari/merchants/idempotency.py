"""Idempotency keys: the same POST sent twice is answered twice, but done once.

A key is kept if something was done or finally decided. A call without any effect releases its key, so that the next
request with it runs, the same or a corrected one. A call that stored an object before it had an answer leaves that
object's id with the key (`subject`): the next call with the key continues with it, and never starts a second time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import JOIN, SQL, Case, Expression, Select, fn

from ikawaari import compiled, errors, sealing, store
from ikawaari.errors import Conflict
from ikawaari.invariants import present
from ikawaari.merchants.credentials import Caller
from ikawaari.store import pruned
from ikawaari.store.models import IdempotencyKey, PayKey
from ikawaari.store.rows import as_record

_KEPT = timedelta(hours=25)  # 24 are promised
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = timedelta(seconds=30)  # after it, a call without an answer counts as killed
_QUICK = timedelta(seconds=2)  # most calls are answered by then, so a client may retry soon


@dataclass(frozen=True, repr=False)  # it names a person, and a trace may have it
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


@dataclass(frozen=True)
class Call:
    """A POST with a key. Another body under the same key is another call."""

    caller: Caller
    method: str
    path: str
    key: str
    body_digest: str


@contextmanager
def alone(call: Call, now: datetime) -> Iterator[Answer | Claim | None]:
    """A transaction for a call that uses nothing but the database, of which equal calls run one at a time.

    Yields the answer of its first run; or the right to run in place of a run that stored its key and was killed; or
    None if the key is new. On PostgreSQL an equal call that runs elsewhere raises Conflict here; on SQLite, which has
    one writer at a time, the unique index tells the second one at the end: see `keep`.
    """
    found = None if store.is_postgres() else _find(call)  # before the transaction, which would keep other writers out
    with store.atomic():
        yield _known(call, _find(call) if store.is_postgres() else found, now)


def keep(call: Call, mine: Claim | None, answer: Answer, now: datetime) -> None:
    """Store the answer at the end of the transaction of the call's effects: neither exists without the other.

    If an equal call was faster, that transaction fails with an IntegrityError, and the effects are undone. On
    PostgreSQL the same happens while an equal call still runs.
    """
    if mine is None:
        row = (*_values(call, now), *_kept(answer))
        store.insert_first(lambda: store.send(_insert_answer, _name(_identity(call)), *row))
    else:
        finish(mine, answer)


def answer_of(call: Call, now: datetime) -> Answer | None:
    """The answer that is stored for the call, if it has one. Raises Conflict if another call uses the key."""
    known = _known(call, _find(call), now)
    return known if isinstance(known, Answer) else None


def claim(call: Call, now: datetime) -> Claim | Answer:
    """The right to run this call, stored before it runs, or the answer of its first run.

    Raises Conflict if the key has an answer to another body, or if a call with it still runs.
    """
    locked_until = now + _LOCK
    # If equal calls arrive at the same moment, the unique index lets one insert, and the others find its row.
    for (row_id,) in store.run(_insert_claim, *_values(call, now)):
        return Claim(row_id, locked_until, call.body_digest)
    known = _known(call, _find(call), now)
    if known is None:  # the first call has just failed and deleted its row
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)
    return known


def remember(mine: Claim, subject: str) -> None:
    """Note the object that this run stores, in the same transaction: if the run is interrupted, the next one finds it.

    Raises Conflict if the lock was lost: a run that was considered dead must not store anything after another run took
    over.
    """
    changes = {IdempotencyKey.subject: subject, IdempotencyKey.body_digest: mine.body_digest}
    if not IdempotencyKey.update(changes).where(_held(mine)).execute():
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)


def finish(mine: Claim, answer: Answer) -> None:
    """Store the answer of a claimed call, in one transaction with the call's effects."""
    changes: dict[Any, Any] = {
        IdempotencyKey.status: answer.status,
        IdempotencyKey.headers: dict(answer.headers),
        IdempotencyKey.body: _sealed_if_secret(answer),
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


def forget_calls(now: datetime) -> bool:
    """Delete some expired keys of calls. True: there may be more."""
    return pruned.delete_some(IdempotencyKey, IdempotencyKey.created_at < now - _KEPT, IdempotencyKey.created_at)


def forget_payments(now: datetime) -> bool:
    """The same for the keys of requests to pay a session."""
    return pruned.delete_some(PayKey, PayKey.created_at < now - _KEPT, PayKey.created_at)


def _opened(found: IdempotencyKey, caller: Caller) -> Answer:
    """The stored answer. Raises Conflict if it contains a secret of another credential's call."""
    kept = Answer(present(found.status, "a kept answer has a status"), found.headers, str(found.body))
    if found.credential_id is None:
        return kept
    if found.credential_id != caller.credential_id:
        raise Conflict(errors.KEY_REUSED, "The answer under this key holds a secret of another credential's call.")
    return replace(kept, body=sealing.open_sealed(kept.body))


def _known(call: Call, found: IdempotencyKey | None, now: datetime) -> Answer | Claim | None:
    """What the key's row says of the call: the answer of its first run, or that this one may run in its place."""
    if found is None:
        return None
    if found.status is None:
        return _take_over(found, call.body_digest, now)
    if found.body_digest != call.body_digest:
        raise Conflict(errors.KEY_REUSED)
    return _opened(found, call.caller)


def _find(call: Call) -> IdempotencyKey | None:
    identity = _identity(call)
    if not (store.is_postgres() and store.in_transaction()):
        rows = store.run(_select, *identity)
        return as_record(IdempotencyKey, rows[0]) if rows else None
    ((is_alone, *row),) = store.run(_select_and_lock, *identity, _name(identity))
    if not is_alone:
        raise Conflict(errors.KEY_IN_USE, retry_after_seconds=1)
    return as_record(IdempotencyKey, row) if row[0] else None


def _identity(call: Call) -> tuple[str, bool, str, str, str]:
    return call.caller.owner.merchant.id, call.caller.owner.livemode, call.method, call.path, call.key


def _is(merchant: str, livemode: bool, method: str, path: str, key: str) -> Any:
    row = IdempotencyKey
    of_owner = (row.merchant == merchant) & (row.livemode == livemode)
    return of_owner & (row.method == method) & (row.path == path) & (row.key == key)


@compiled.once
def _select(*identity: Any) -> Any:
    return IdempotencyKey.select(*_columns()).where(_is(*identity))


@compiled.once
def _select_and_lock(*identity_and_name: Any) -> Any:
    """The row, and whether no other transaction uses the key. A lock on its name tells, until our transaction ends."""
    *identity, name = identity_and_name
    turn = Select(columns=[_lock(name).alias("is_alone")]).alias("turn")
    return Select([turn], [turn.c.is_alone, *_columns()]).join(IdempotencyKey, JOIN.LEFT_OUTER, on=_is(*identity))


def _lock(name: Any) -> Any:
    """Whether this transaction has the lock on the key's name, which is the first one's until that one ends."""
    return fn.pg_try_advisory_xact_lock(fn.hashtextextended(name, SQL("0")))


def _name(identity: Sequence[Any]) -> str:
    return "\n".join(map(str, identity))


def _columns() -> Sequence[Any]:
    columns: Sequence[Any] = IdempotencyKey._meta.sorted_fields  # noqa: SLF001
    return columns


def _values(call: Call, now: datetime) -> Sequence[Any]:
    """The columns of a call's row: those of its identity, and who runs it since when."""
    instants = IdempotencyKey.locked_until.db_value(now + _LOCK), IdempotencyKey.created_at.db_value(now)
    return *_identity(call), call.body_digest, *instants


def _kept(answer: Answer) -> tuple[int, str, str, str | None]:
    """The columns of a call's answer."""
    headers: Any = IdempotencyKey.headers.db_value(dict(answer.headers))
    return answer.status, headers, _sealed_if_secret(answer), answer.credential_id


def _sealed_if_secret(answer: Answer) -> str:
    return sealing.seal(answer.body) if answer.credential_id else answer.body


_CALL = ("merchant", "livemode", "method", "path", "key", "body_digest", "locked_until", "created_at")
_ANSWER = ("status", "headers", "body", "credential_id")


@compiled.once
def _insert_claim(*values: Any) -> Any:
    claimed = IdempotencyKey.insert(dict(zip(_CALL, values, strict=True)))
    return claimed.on_conflict_ignore().returning(IdempotencyKey.id)


@compiled.once
def _insert_answer(name: Any, *values: Any) -> Any:
    row = dict(zip((*_CALL, *_ANSWER), values, strict=True))
    if store.is_postgres():  # while an equal call has the lock, the row has no key, and is refused
        row["key"] = Case(None, [(_lock(name), row["key"])])
    return IdempotencyKey.insert(row).returning()


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
