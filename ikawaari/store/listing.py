"""Pages of lists, newest first: by `cursor`, or by the older `starting_after` and `ending_before`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peewee import ModelSelect

from ikawaari import clock
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.paging import Place
from ikawaari.store.record import Record


def made(model: type[Record]) -> dict[str, Callable[[int], Any]]:
    """The filters that every list has: made at or after, and at or before, an instant in Unix seconds."""
    created_at = model.created_at  # type: ignore[attr-defined]
    return {
        "created_gte": lambda value: created_at >= clock.from_unix(value),
        "created_lte": lambda value: created_at < clock.from_unix(value + 1),
    }


def of_merchant(model: type[Record], merchant: Record, livemode: bool) -> "ModelSelect[Any]":
    """The merchant's rows of that mode: nobody sees another's, nor those of the other mode."""
    return model.select().where(model.merchant == merchant, model.livemode == livemode)  # type: ignore[attr-defined]


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
    resource: Callable[[Any], dict[str, Any]],
    *,
    key: Sequence[Any] = (),
) -> Mapping[str, Any]:
    """The page at `place` of those rows of `own` that are `wanted`. Raises ValidationFailed for an id not in `own`.

    The order is that of the columns of `key`, which are unique together: usually when a row was made, and its id.
    The row at the edge need not be wanted any more: it may have changed since the page before was read.
    """
    query = own.where(*wanted) if wanted else own
    after = place.cursor or place.starting_after
    backwards = after is None and place.ending_before is not None
    key = key or (model.created_at, model.id)  # type: ignore[attr-defined]
    if after is not None or place.ending_before is not None:
        name = "cursor" if place.cursor else "ending_before" if backwards else "starting_after"
        query = query.where(_beyond(key, _edge(model, own, after or place.ending_before, name), newer=backwards))
    order = [column.asc() if backwards else column.desc() for column in key]
    rows = list(query.order_by(*order).limit(place.limit + 1))
    has_more = len(rows) > place.limit
    rows = rows[: place.limit]
    if backwards:
        rows.reverse()
    return {
        "object": "list",
        "data": [resource(row) for row in rows],
        "has_more": has_more,
        "next_cursor": rows[-1].id if has_more and not backwards else None,
    }


def _edge(model: type[Record], own: "ModelSelect[Any]", row_id: str | None, name: str) -> Record:
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
