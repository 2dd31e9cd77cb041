"""Deleting what is no longer kept: a part at a time, so that nobody waits for long, and the log of changes stays short.

What is old is found without an index of its own: by one that is there, or by walking along a key that follows the time.
Each part is a transaction. Whoever is interrupted between two has deleted whole rows, with what belonged to them.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from ikawaari.store.database import atomic, is_postgres
from ikawaari.store.models import PruningPlace
from ikawaari.store.record import Record

R = TypeVar("R", bound=Record)
MOST = 200  # rows that one transaction looks at, or deletes
_BEGINNING = ""


def delete_some(model: type[Record], which: Any, oldest: Any) -> bool:
    """Delete at most `MOST` rows of `model` that are `which`, those with the least `oldest` first.

    True: there may be more. What another transaction uses is passed over.
    """
    key = model._meta.primary_key  # noqa: SLF001 - peewee's documented place for it
    with atomic():
        keys = [row[0] for row in _unused(oldest_of(model, which, oldest)).tuples()]
        delete(model, key, keys)
    return len(keys) == MOST


def oldest_of(model: type[Record], which: Any, oldest: Any) -> Any:
    """The keys of those rows."""
    return model.select(model._meta.primary_key).where(which).order_by(oldest).limit(MOST)  # noqa: SLF001


def next_of(model: type[R], columns: Sequence[Any], key: Any, after: str, before: Any = None) -> list[R]:
    """The next `MOST` rows of `model` in the order of `key`, locked; what another transaction uses is passed over.

    `after`: behind that key, as `place_of` returns it. `before`: only keys below that.
    """
    return list(_unused(walk_of(model, columns, key, after, before)))


def walk_of(model: type[Record], columns: Sequence[Any], key: Any, after: str, before: Any = None) -> Any:
    """The query for those rows."""
    query = model.select(*columns).order_by(key).limit(MOST)
    query = query if after == _BEGINNING else query.where(key > key.python_value(after))
    return query if before is None else query.where(key < before)


def delete(model: type[Record], column: Any, values: Collection[Any]) -> None:
    """Delete the rows of `model` that have one of `values` in `column`."""
    if values:
        model.delete().where(column.in_(values)).execute()


def place_of(walk: str) -> str:
    """How far the walk of that name has come; empty at its beginning."""
    place = PruningPlace.get_or_none(PruningPlace.id == walk)
    return str(place.after) if place else _BEGINNING


def move_place(walk: str, after: object = _BEGINNING) -> None:
    """Note in the caller's transaction how far a walk has come; without `after` it begins again."""
    moved = PruningPlace.insert(id=walk, after=str(after))
    moved.on_conflict(conflict_target=[PruningPlace.id], preserve=[PruningPlace.after]).execute()


def _unused(query: Any) -> Any:
    return query.for_update("FOR UPDATE SKIP LOCKED") if is_postgres() else query
