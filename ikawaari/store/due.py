"""Work that is due: rows that any worker may take, one at a time each, and that survive every worker's death.

A row's lane says whose calls it waits for: an opaque text, today the name of a provider; empty where nobody is called.
One lane that hangs holds up no other: see `worker`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import EXCLUDED, Case, fn

from ikawaari.store.database import atomic, before_commit, is_postgres
from ikawaari.store.models import DueWork

_LAST = "work"  # behind whatever else is written at the end of a transaction


def schedule(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Have `kind` done for `subject` at `at`, in the caller's transaction. A second call moves the one row's time."""
    DueWork.insert(kind=kind, subject=subject, due_at=at, lane=lane).on_conflict(
        conflict_target=[DueWork.kind, DueWork.subject],
        # A worker that holds the row now loses it by the fence: what it was about to conclude may be stale.
        update={
            DueWork.due_at: EXCLUDED.due_at,
            DueWork.leased_until: None,
            DueWork.tries: DueWork.tries + 1,
            DueWork.lane: Case(None, [(EXCLUDED.lane == "", DueWork.lane)], EXCLUDED.lane),
        },
    ).execute()


def schedule_new(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Like `schedule`, for a subject that the caller's transaction creates: it has no row yet."""
    before_commit(_LAST, (kind, subject, at, lane), _write)


def touch(kind: str, subject: str, at: datetime) -> None:
    """There is news for `subject`, as the last thing of the caller's transaction: its row is due at `at` or before.

    Whoever holds the row keeps it, but cannot conclude past the news. The race that this stops: a worker finds nothing
    left, the news commits, the worker finishes the row or puts it off until tomorrow, and nobody comes in time.
    """
    before_commit(_LAST, (kind, subject, at, ""), _write)


def _write(items: Sequence[tuple[str, str, datetime, str]]) -> None:
    """Write the rows of a transaction by one statement, which locks those that are there in one order."""
    soonest: dict[tuple[str, str], tuple[datetime, str]] = {}
    for kind, subject, at, lane in items:
        soonest[kind, subject] = min((at, lane), soonest.get((kind, subject), (at, lane)))
    rows = [
        {DueWork.kind: kind, DueWork.subject: subject, DueWork.due_at: at, DueWork.lane: lane}
        for (kind, subject), (at, lane) in sorted(soonest.items())
    ]
    sooner = Case(None, [(EXCLUDED.due_at < DueWork.due_at, EXCLUDED.due_at)], DueWork.due_at)
    DueWork.insert_many(rows).on_conflict(
        conflict_target=[DueWork.kind, DueWork.subject],
        update={DueWork.due_at: sooner, DueWork.touched: DueWork.touched + 1},
    ).execute()


def schedule_once(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Like `schedule`, but a row that stands already keeps its time."""
    DueWork.insert(kind=kind, subject=subject, due_at=at, lane=lane).on_conflict_ignore().execute()


def drop(kind: str, subject: str) -> None:
    """Nothing is to be done any more, in the caller's transaction. A worker that does it just now finds out itself."""
    DueWork.delete().where(DueWork.kind == kind, DueWork.subject == subject).execute()


def standing(kinds: Collection[str], subjects: Collection[str]) -> Sequence[DueWork]:
    """The rows of `kinds` for `subjects`, soonest first."""
    of_them = DueWork.kind.in_(sorted(kinds)) & DueWork.subject.in_(sorted(subjects))
    return list(DueWork.select().where(of_them).order_by(DueWork.due_at))


def waiting(now: datetime, kinds: Collection[str]) -> Sequence[tuple[str, str]]:
    """The lanes and kinds, among `kinds`, of the work that is due and that nobody does; the longest waiting first."""
    lanes = DueWork.select(DueWork.lane, DueWork.kind).where(_free(now, kinds)).group_by(DueWork.lane, DueWork.kind)
    return [(row.lane, row.kind) for row in lanes.order_by(fn.MIN(DueWork.due_at))]


def claim(
    now: datetime, *, kinds: Collection[str], most: int, lease: timedelta, lane: str | None = None
) -> Sequence[DueWork]:
    """Take up to `most` due rows of `kinds` (and of `lane`, if one is named), oldest first, for the time of `lease`.

    No two workers get the same row.
    """
    free = _free(now, kinds) if lane is None else _free(now, kinds) & (DueWork.lane == lane)
    chosen = DueWork.select(DueWork.id).where(free).order_by(DueWork.due_at).limit(most)
    if not chosen.exists():
        return []
    if is_postgres():
        chosen = chosen.for_update(skip_locked=True)
    with atomic():
        return list(
            DueWork.update({DueWork.leased_until: now + lease, DueWork.tries: DueWork.tries + 1})
            .where(DueWork.id.in_(chosen))
            .returning(DueWork)
            .execute()
        )


def finish(work: DueWork, now: datetime) -> bool:
    """Done: drop the row, unless it was touched meanwhile; then it is due again. False when the lease was lost."""
    mine = (DueWork.id == work.id) & (DueWork.tries == work.tries)
    dropped = DueWork.delete().where(mine, DueWork.touched == work.touched).execute()
    return bool(dropped) or postpone(work, now)


def postpone(work: DueWork, at: datetime) -> bool:
    """Not done yet: due again at `at`, at once if it was touched meanwhile. False when the lease was lost."""
    mine = (DueWork.id == work.id) & (DueWork.tries == work.tries)
    again = Case(None, [(DueWork.touched == work.touched, DueWork.due_at.db_value(at))], DueWork.due_at)
    return bool(DueWork.update({DueWork.due_at: again, DueWork.leased_until: None}).where(mine).execute())


def _free(now: datetime, kinds: Collection[str]) -> Any:
    leasable = DueWork.leased_until.is_null() | (DueWork.leased_until <= now)
    return DueWork.kind.in_(sorted(kinds)) & (DueWork.due_at <= now) & leasable
