"""Pages of lists, newest first: by `cursor`, or by the older `starting_after` and `ending_before`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelSelect

from ikawaari.errors import ValidationFailed
from ikawaari.store.record import Record


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a list: at most `limit` rows after, or before, the row of that id."""

    limit: int = 10
    cursor: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None


def page(
    model: type[Record],
    own: "ModelSelect[Any]",
    wanted: Sequence[Any],
    place: Place,
    resource: Callable[[Any], dict[str, Any]],
) -> Mapping[str, Any]:
    """The page at `place` of those rows of `own` that are `wanted`. Raises ValidationFailed for an id not in `own`.

    The row at the edge need not be wanted any more: it may have changed since the page before was read.
    """
    query = own.where(*wanted) if wanted else own
    after = place.cursor or place.starting_after
    backwards = after is None and place.ending_before is not None
    key = (model.created_at, model.id)  # type: ignore[attr-defined]
    if after is not None or place.ending_before is not None:
        name = "cursor" if place.cursor else "ending_before" if backwards else "starting_after"
        query = query.where(_beyond(model, own, after or place.ending_before, name, newer=backwards))
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


def _beyond(model: type[Record], own: "ModelSelect[Any]", row_id: str | None, name: str, *, newer: bool) -> Any:
    edge = own.where(model.id == row_id).get_or_none()  # type: ignore[attr-defined]
    if edge is None:
        raise ValidationFailed({name: ["is not in this list"]})
    at, same = model.created_at, model.created_at == edge.created_at  # type: ignore[attr-defined]
    if newer:
        return (at > edge.created_at) | (same & (model.id > edge.id))  # type: ignore[attr-defined]
    return (at < edge.created_at) | (same & (model.id < edge.id))  # type: ignore[attr-defined]
