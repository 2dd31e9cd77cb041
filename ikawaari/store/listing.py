"""Pages of lists, newest first: by `cursor`, by the older `starting_after` and `ending_before`, or by number."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peewee import ModelSelect, fn

from ikawaari import clock, texts
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.paging import Place
from ikawaari.store import commit_order
from ikawaari.store.owner import Owner
from ikawaari.store.record import Record


def made(model: type[Record]) -> dict[str, Callable[[int], Any]]:
    """The filters that every list has: made at or after, and at or before, an instant in Unix seconds."""
    created_at = model.created_at  # type: ignore[attr-defined]
    return {
        "created_gte": lambda value: created_at >= clock.from_unix(value),
        "created_lte": lambda value: created_at < clock.from_unix(value + 1),
    }


def of_owner(model: type[Record], owner: Owner) -> "ModelSelect[Any]":
    """The rows of `owner`: nobody sees another's, nor those of the other mode."""
    return model.select().where(is_of(model, owner))


def is_of(model: type[Record], owner: Owner) -> Any:
    """The condition that a row is of `owner`."""
    return (model.merchant == owner.merchant) & (model.livemode == owner.livemode)  # type: ignore[attr-defined]


def same_email(column: Any) -> Callable[[str], Any]:
    """The filter of an e-mail address, whatever its case: the database lowers what is stored and what is asked for."""
    return lambda value: fn.LOWER(column) == fn.LOWER(texts.trimmed(value))


def owned(own: "ModelSelect[Any]", row_id: str, name: str) -> Any:
    """The row of that id among `own`. Raises NotFound of a `name`, also for a row that is somebody else's."""
    found = own.where(own.model.id == row_id).get_or_none()
    if found is None:
        raise NotFound(name)
    return found


def page(
    model: type[Record],
    own: "ModelSelect[Any]",
    wanted: Sequence[Any],
    place: Place,
    render: Callable[[Sequence[Any]], list[dict[str, Any]]],
    *,
    key: Sequence[Any] = (),
) -> Mapping[str, Any]:
    """The page at `place` of those rows of `own` that are `wanted`. Raises ValidationFailed for an id not in `own`.

    The order is that of the columns of `key`, which are unique together: usually the order of commits. The row at the
    edge need not be wanted any more: it may have changed since the page before was read.
    """
    query = own.where(*wanted) if wanted else own
    key = key or (model.commit_order, model.created_at, model.id)  # type: ignore[attr-defined]
    name, row_id = place.edge
    newer = name == "ending_before"
    if row_id:
        query = query.where(_beyond(key, _edge(model, own, row_id, name), newer=newer))
        query = _only_final(query, key) if newer else query
    elif place.page == 1:
        query = _whole(query, key)
    order = [column.asc() if newer else column.desc() for column in key]
    rows = list(query.order_by(*order).limit(place.limit + 1).offset(place.offset))
    has_more = len(rows) > place.limit
    rows = rows[: place.limit]
    if newer:
        rows.reverse()
    return {
        "object": "list",
        "data": render(rows) if rows else [],
        "has_more": has_more,
        "next_cursor": rows[-1].id if has_more and not newer else None,
    }


def onwards(
    model: type[Record],
    own: "ModelSelect[Any]",
    wanted: Sequence[Any],
    cursor: str | None,
    most: int,
    *,
    key: Sequence[Any],
) -> tuple[Sequence[Any], bool]:
    """At most `most` of those rows of `own` that are `wanted`, oldest first, behind the row of the id `cursor`; and
    whether there are more, those included that are still being written. Raises ValidationFailed as `page` does.
    """
    commit_order.await_writers()
    query = own.where(*wanted)
    if cursor:
        query = query.where(_beyond(key, _edge(model, own, cursor, "cursor"), newer=True))
    rows = list(_only_final(query, key).order_by(*key).limit(most))
    rest = query.where(_beyond(key, rows[-1], newer=True)) if rows else query
    return rows, rest.exists()


def _only_final(query: "ModelSelect[Any]", key: Sequence[Any]) -> "ModelSelect[Any]":
    """A walk towards newer rows never passes over one that commits late: it stops before whoever still writes."""
    final = commit_order.is_final(key[0]) if _is_numbered(key) else None
    return query if final is None else query.where(final)


def _whole(query: "ModelSelect[Any]", key: Sequence[Any]) -> "ModelSelect[Any]":
    """A first page holds all that was there, or being written, when it was asked for: a walk may start at its top."""
    below = commit_order.await_writers() if _is_numbered(key) else None
    return query if below is None else query.where(key[0] < below)


def _is_numbered(key: Sequence[Any]) -> bool:
    return isinstance(key[0], commit_order.CommitOrderField)


def _edge(model: type[Record], own: "ModelSelect[Any]", row_id: str, name: str) -> Record:
    edge: Record | None = own.where(model.id == row_id).get_or_none()  # type: ignore[attr-defined]
    if edge is None:
        raise ValidationFailed({name: ["is not in this list"]})
    return edge


def _beyond(key: Sequence[Any], edge: Record, *, newer: bool) -> Any:
    beyond: Any = None
    for column in reversed(key):
        value = edge.__data__[column.name]
        strictly = column > value if newer else column < value
        beyond = strictly if beyond is None else strictly | ((column == value) & beyond)
    return beyond
