"""Due work: rows that any worker may claim, one at a time, and that survive the death of any worker.

A row's lane is the provider whose calls it waits for, or empty if it calls nobody. A lane that hangs does not delay
other lanes: see `worker`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import EXCLUDED, Case, fn

from ikawaari import compiled
from ikawaari.store.database import atomic, before_commit, is_postgres, send
from ikawaari.store.models import DueWork

_LAST = "work"  # behind whatever else is written at the end of a transaction


def schedule(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Schedule `kind` for `subject` at `at`, in the caller's transaction. A second call changes the row's time."""
    DueWork.insert(kind=kind, subject=subject, due_at=at, lane=lane).on_conflict(
        conflict_target=[DueWork.kind, DueWork.subject],
        # A worker that holds the row loses it by the fence, because its result may be outdated.
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


def touch(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Make the row of `subject` due at `at` or earlier, at the end of the caller's transaction.

    A worker that holds the row keeps it, but must run it again. If a worker has found nothing left, then this commits,
    and then the worker finished the row or postponed it until tomorrow, nobody would run it in time. This avoids that.
    """
    before_commit(_LAST, (kind, subject, at, lane), _write)


def _write(items: Sequence[tuple[str, str, datetime, str]]) -> None:
    """Write the rows of a transaction by one statement, which locks those that are there in one order."""
    soonest: dict[tuple[str, str], tuple[datetime, str]] = {}
    for kind, subject, at, lane in items:
        known_at, known_lane = soonest.get((kind, subject), (at, lane))
        soonest[kind, subject] = min(at, known_at), known_lane or lane
    rows = [(*key, DueWork.due_at.db_value(at), lane) for key, (at, lane) in sorted(soonest.items())]
    send(_insert_or_touch, *map(list, zip(*rows, strict=True)))


@compiled.once
def _insert_or_touch(
    kinds: Sequence[str], subjects: Sequence[str], due_ats: Sequence[int], lanes: Sequence[str]
) -> Any:
    columns = [DueWork.kind, DueWork.subject, DueWork.due_at, DueWork.lane]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(kinds, subjects, due_ats, lanes, strict=True)]
    sooner = Case(None, [(EXCLUDED.due_at < DueWork.due_at, EXCLUDED.due_at)], DueWork.due_at)
    return (
        DueWork.insert_many(rows)
        .on_conflict(
            conflict_target=[DueWork.kind, DueWork.subject],
            update={DueWork.due_at: sooner, DueWork.touched: DueWork.touched + 1},
        )
        .returning()
    )


def schedule_once(kind: str, subject: str, at: datetime, lane: str = "") -> None:
    """Like `schedule`, but an existing row keeps its time."""
    DueWork.insert_once(kind=kind, subject=subject, due_at=at, lane=lane)


def drop(kind: str, subject: str) -> None:
    """Delete the work, in the caller's transaction. A worker that is doing it finds out by itself."""
    DueWork.delete().where(DueWork.kind == kind, DueWork.subject == subject).execute()


def find(kinds: Collection[str], subjects: Collection[str]) -> Sequence[DueWork]:
    """The rows of `kinds` for `subjects`, soonest first."""
    of_them = DueWork.kind.in_(sorted(kinds)) & DueWork.subject.in_(sorted(subjects))
    return list(DueWork.select().where(of_them).order_by(DueWork.due_at))


def waiting(now: datetime, kinds: Collection[str]) -> Sequence[tuple[str, str]]:
    """The lanes and kinds, among `kinds`, of due work that no worker holds, longest waiting first."""
    lanes = DueWork.select(DueWork.lane, DueWork.kind).where(_free(now, kinds)).group_by(DueWork.lane, DueWork.kind)
    return [(row.lane, row.kind) for row in lanes.order_by(fn.MIN(DueWork.due_at))]


def claim(
    now: datetime, *, kinds: Collection[str], most: int, lease: timedelta, lane: str | None = None
) -> Sequence[DueWork]:
    """Claim up to `most` due rows of `kinds` (and of `lane`, if given), oldest first, for the time of `lease`.

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
    """Done: delete the row, unless it was touched meanwhile; then it is due again. False if the lease was lost."""
    mine = (DueWork.id == work.id) & (DueWork.tries == work.tries)
    dropped = DueWork.delete().where(mine, DueWork.touched == work.touched).execute()
    return bool(dropped) or postpone(work, now)


def postpone(work: DueWork, at: datetime) -> bool:
    """Not done yet: due again at `at`, or immediately if it was touched meanwhile. False if the lease was lost."""
    mine = (DueWork.id == work.id) & (DueWork.tries == work.tries)
    again = Case(None, [(DueWork.touched == work.touched, DueWork.due_at.db_value(at))], DueWork.due_at)
    return bool(DueWork.update({DueWork.due_at: again, DueWork.leased_until: None}).where(mine).execute())


def _free(now: datetime, kinds: Collection[str]) -> Any:
    leasable = DueWork.leased_until.is_null() | (DueWork.leased_until <= now)
    return DueWork.kind.in_(sorted(kinds)) & (DueWork.due_at <= now) & leasable
