"""The only reader of the clock. Each operation reads `now` once, at the edge, and passes it down."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, UTC."""
    return datetime.now(UTC)


def unix(instant: datetime) -> int:
    """Whole Unix seconds, as the API returns times."""
    return int(instant.timestamp())


def iso(instant: datetime) -> str:
    """ISO 8601 in UTC, whole seconds: `2026-01-01T00:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_unix(seconds: int) -> datetime:
    """The aware UTC instant of Unix `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)
