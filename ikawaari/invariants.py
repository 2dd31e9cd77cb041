"""What must hold whatever happens. Unlike `assert`, these also raise under `python -O`."""

from typing import TypeVar

T = TypeVar("T")


class InvariantBroken(AssertionError):
    """The code broke a promise that it makes to itself: a bug, never an answer to a client."""


def ensure(holds: object, promise: str) -> None:
    """Raise InvariantBroken naming `promise` unless `holds` is true."""
    if not holds:
        raise InvariantBroken(promise)


def present(value: T | None, promise: str) -> T:
    """The value. Raises InvariantBroken naming `promise` when there is none."""
    if value is None:
        raise InvariantBroken(promise)
    return value
