"""What a call does if an earlier run with its key stored an object but returned no answer: it continues with it."""

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
    """The object that an earlier run of this call created, or else a new one, noted in the transaction that creates it.

    An object of a run with another body is given up in that transaction: `give_up` raises Conflict if it cannot be.
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
    """The id of what an earlier run of this very call stored; None if it stored nothing, or there was none."""
    mine: idempotency.Claim | None = g.get("claim")
    return mine.subject if mine and not mine.is_corrected else None


def remember(subject: str) -> None:
    """Note the object that this call stores, in the same transaction. Raises Conflict if another run took over."""
    mine: idempotency.Claim | None = g.get("claim")
    if mine is not None:
        idempotency.remember(mine, subject)
