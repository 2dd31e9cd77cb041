"""The only reader of the clock. Each operation reads `now` once, at the edge, and passes it down."""

import time
from datetime import UTC, datetime, timedelta

_MICROSECOND = timedelta(microseconds=1)
_ahead = timedelta()


def now() -> datetime:
    """The current time, aware, UTC."""
    return datetime.now(UTC) + _ahead


def nanoseconds() -> int:
    """The current time in Unix nanoseconds, where a `datetime` costs too much."""
    return time.time_ns() + _ahead // _MICROSECOND * 1_000


def set_ahead(seconds: float) -> None:
    """Have this process's clock be wrong by so many seconds, as that of a badly kept machine: for tests alone."""
    global _ahead  # noqa: PLW0603 - set once, at start-up
    _ahead = timedelta(seconds=seconds)


def unix(instant: datetime) -> int:
    """Whole Unix seconds, as the API returns times."""
    return int(instant.timestamp())


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC, whole seconds: `2026-01-01T00:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_unix(seconds: int) -> datetime:
    """The aware UTC instant of Unix `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)
