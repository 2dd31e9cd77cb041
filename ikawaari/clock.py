"""The only reader of the clock. One `now` per operation is taken here at the edge and handed down."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


def unix(instant: datetime) -> int:
    """Whole Unix seconds, as the API prints instants."""
    return int(instant.timestamp())


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC, whole seconds: `2026-01-01T00:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_unix(seconds: int) -> datetime:
    """The aware UTC instant of Unix `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)
