"""What a call does when an earlier run under its key stored something and had no answer: go on, never start over."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from flask import g

from ikawaari import store
from ikawaari.merchants import idempotency


class Named(Protocol):
    """Anything with an id."""

    id: str


T = TypeVar("T", bound=Named)


def made_once(make: Callable[[], T], find: Callable[[str], T], give_up: Callable[[str], object]) -> T:
    """The object that an earlier run of this call made, else a new one, remembered in the transaction that makes it.

    What a run with another body had made is given up in that transaction: `give_up` raises Conflict when it cannot be.
    """
    mine: idempotency.Claim | None = g.get("claim")
    if mine is None:
        return make()
    earlier = stored()
    if earlier is not None:
        return find(earlier)
    with store.atomic():
        if mine.subject is not None:
            give_up(mine.subject)
        made = make()
        idempotency.remember(mine, made.id)
    return made


def stored() -> str | None:
    """The id of what an earlier run of this very call stored; None: there was none, or nothing was stored."""
    mine: idempotency.Claim | None = g.get("claim")
    return mine.subject if mine and not mine.is_corrected else None


def remember(subject: str) -> None:
    """Note what this call stores, in the transaction that stores it. Raises Conflict when another run took over."""
    mine: idempotency.Claim | None = g.get("claim")
    if mine is not None:
        idempotency.remember(mine, subject)
