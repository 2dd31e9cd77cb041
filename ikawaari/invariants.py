"""Checks of what must always hold. Unlike `assert`, they also raise under `python -O`."""

from typing import TypeVar

T = TypeVar("T")


class InvariantBroken(AssertionError):
    """The code broke its own promise: a bug, never an answer to a client."""


def ensure(holds: object, promise: str) -> None:
    """Raise InvariantBroken naming `promise` unless `holds` is true."""
    if not holds:
        raise InvariantBroken(promise)


def present(value: T | None, promise: str) -> T:
    """The value. Raises InvariantBroken naming `promise` if it is None."""
    if value is None:
        raise InvariantBroken(promise)
    return value
