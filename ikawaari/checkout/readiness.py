"""Whether what the domain stands on is there, and what time it is there."""

from datetime import timedelta

import structlog
from peewee import PeeweeException

from ikawaari import store

log = structlog.get_logger()
_TOLERATED = timedelta(seconds=2)


def is_ready() -> bool:
    """Whether the database answers, and is migrated."""
    return store.is_ready()


def clock_skew() -> timedelta:
    """How far this machine's clock is ahead of the database's; a warning is logged when that is more than 2 seconds.

    Ages that decide about money are measured on the database's clock alone; due times and instants in answers are not.
    """
    skew = store.shared_clock.skew()
    if abs(skew) > _TOLERATED:
        log.warning("clock_skew", seconds=skew.total_seconds())
    return skew


def check_clock() -> None:
    """Measure the skew at start-up; a database that does not answer yet stops nobody."""
    try:
        clock_skew()
    except PeeweeException:
        log.warning("clock_skew_unknown")
    finally:
        store.release()
