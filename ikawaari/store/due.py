"""Work that is due: rows that any worker may take, one at a time each, and that survive every worker's death."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from peewee import EXCLUDED

from ikawaari.store.database import atomic, is_postgres
from ikawaari.store.models import DueWork


def schedule(kind: str, subject: str, at: datetime) -> None:
    """Have `kind` done for `subject` at `at`, in the caller's transaction. A second call moves the one row's time."""
    DueWork.insert(kind=kind, subject=subject, due_at=at).on_conflict(
        conflict_target=[DueWork.kind, DueWork.subject],
        # A worker that holds the row now loses it by the fence: what it was about to conclude may be stale.
        update={DueWork.due_at: EXCLUDED.due_at, DueWork.leased_until: None, DueWork.tries: DueWork.tries + 1},
    ).execute()


def schedule_once(kind: str, subject: str, at: datetime) -> None:
    """Like `schedule`, but a row that stands already keeps its time."""
    DueWork.insert(kind=kind, subject=subject, due_at=at).on_conflict_ignore().execute()


def claim(now: datetime, *, most: int, lease: timedelta) -> Sequence[DueWork]:
    """Take up to `most` due rows, oldest first, for the length of `lease`. Two workers never get the same row."""
    free = (DueWork.due_at <= now) & (DueWork.leased_until.is_null() | (DueWork.leased_until <= now))
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


def finish(work: DueWork) -> bool:
    """Done: drop the row. False when the lease was lost meanwhile; then whoever holds it now decides."""
    return bool(DueWork.delete().where(DueWork.id == work.id, DueWork.tries == work.tries).execute())


def postpone(work: DueWork, at: datetime) -> bool:
    """Not done yet: due again at `at`. False when the lease was lost meanwhile."""
    mine = (DueWork.id == work.id) & (DueWork.tries == work.tries)
    return bool(DueWork.update({DueWork.due_at: at, DueWork.leased_until: None}).where(mine).execute())
