"""The one clock that all machines share: the database's.

Ages that decide about money (may a charge still be sent? can it still be on its way?) are measured on it, never on the
clocks of two machines: one that is 20 seconds ahead would call a charge failed while it is on its way.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ikawaari import clock
from ikawaari.store.database import database, is_postgres

_given: Callable[[], datetime] | None = None


def now() -> datetime:
    """The present instant by the shared clock, read at this moment. On SQLite it is this machine's, the only one."""
    if _given is not None:
        return _given()
    if not is_postgres():
        return clock.now()
    read: datetime = database.execute_sql("SELECT clock_timestamp()").fetchone()[0]
    return read.astimezone(UTC)


def skew() -> timedelta:
    """How far this machine's clock is ahead of the shared one, to half the time of a statement."""
    before = clock.now()
    shared = now()
    return before + (clock.now() - before) / 2 - shared


def use(reader: Callable[[], datetime] | None) -> None:
    """Read the shared clock from `reader`, for a process whose time is moved by hand; None: from the database again."""
    global _given  # noqa: PLW0603 - set once, at start-up
    _given = reader
