"""The clock that all machines share: the database's.

Ages that decide about money (may a charge still be sent? can it still be on its way?) are measured by it, never by
the clocks of two machines: one that is 20 seconds ahead would call a charge failed while it is on its way.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from peewee import SQL, PeeweeException

from ikawaari import clock
from ikawaari.store import single
from ikawaari.store.database import database, is_postgres, release
from ikawaari.store.record import Record

log = structlog.get_logger()
_TOLERATED = timedelta(seconds=2)
_MICROSECONDS = SQL("(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint")  # as an InstantField stores it
_given: Callable[[], datetime] | None = None


def now() -> datetime:
    """The current time of the shared clock, read now. On SQLite it is this machine's clock, the only one."""
    if _given is not None:
        return _given()
    if not is_postgres():
        return clock.now()
    read: datetime = database.execute_sql("SELECT clock_timestamp()").fetchone()[0]
    return read.astimezone(UTC)


def insert(row: Record, column: str) -> None:
    """Insert the row with the time of the shared clock in `column`: PostgreSQL reads it while it inserts."""
    if _given is not None or not is_postgres():
        setattr(row, column, now())
        database.obj.execute_sql(*single.insertion(row))
        return
    row.__data__[column] = _MICROSECONDS
    ((instant,),) = database.obj.execute_sql(*single.insertion(row, column)).fetchall()
    setattr(row, column, getattr(type(row), column).python_value(instant))


def skew() -> timedelta:
    """How far this machine's clock is ahead of the shared one, to half the time of a statement.

    A warning is logged if it is more than 2 seconds. Ages that decide about money are measured by the shared clock
    only; due times and times in answers are not.
    """
    before = clock.now()
    shared = now()
    ahead = before + (clock.now() - before) / 2 - shared
    if abs(ahead) > _TOLERATED:
        log.warning("clock_skew", seconds=ahead.total_seconds())
    return ahead


def check_skew() -> None:
    """Measure the skew at start-up. A database that does not answer yet does not stop the start."""
    try:
        skew()
    except PeeweeException:
        log.warning("clock_skew_unknown")
    finally:
        release()


def use(reader: Callable[[], datetime] | None) -> None:
    """Read the shared clock from `reader`, for a process whose time is moved by hand; None restores the database's."""
    global _given  # noqa: PLW0603 - set once, at start-up
    _given = reader
