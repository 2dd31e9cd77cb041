"""What a call does when its first run was killed in the middle: go on from there, never start over."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from flask import g

from ikawaari.merchants import idempotency


class Named(Protocol):
    """Anything with an id."""

    id: str


T = TypeVar("T", bound=Named)


def made_once(make: Callable[[], T], find: Callable[[str], T]) -> T:
    """The object that the first run of this call made, else a new one, remembered in the transaction that makes it."""
    mine: idempotency.Claim | None = g.get("claim")
    if mine is None:
        return make()
    if mine.subject is not None:
        return find(mine.subject)
    with idempotency.atomic():
        made = make()
        idempotency.remember(mine, made.id)
    return made


def first_run_at() -> datetime | None:
    """When an earlier run of this very call began, which was cut off; None: there was none."""
    mine: idempotency.Claim | None = g.get("claim")
    return mine.first_at if mine else None
