"""Pages of lists, newest first: by `cursor`, by the older `starting_after` and `ending_before`, or by number."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import eq
from typing import Any, Generic, TypeVar

from peewee import Field, ModelSelect, fn

from ikawaari import clock, texts
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page
from ikawaari.store import commit_order
from ikawaari.store.owner import Owner
from ikawaari.store.record import Record

R = TypeVar("R", bound=Record)
Filter = Callable[[Any], Any]


def of_owner(model: type[Record], owner: Owner) -> "ModelSelect[Any]":
    """The rows of `owner`: not those of other merchants, nor of the other mode."""
    return model.select().where(is_of(model, owner))


def is_of(model: type[Record], owner: Owner) -> Any:
    """The condition that a row belongs to `owner`."""
    return (model.merchant == owner.merchant) & (model.livemode == owner.livemode)  # type: ignore[attr-defined]


def same_email(column: Any) -> Filter:
    """A filter by email address that ignores case: the database lowers both the stored and the given address."""
    return lambda value: fn.LOWER(column) == fn.LOWER(texts.trimmed(value))


class Listing(Generic[R]):
    """How the owner of one kind of object finds and lists it.

    `name` is what errors call it. `filters` are columns, or conditions on a value, by their names; every list has
    `created_gte` and `created_lte`, in Unix seconds, too. The order is that of the columns of `order`, which are unique
    together: usually the order of commits. `rows` are those of an owner.
    """

    def __init__(
        self,
        model: type[R],
        name: str,
        filters: Mapping[str, Field | Filter],
        *,
        rows: Callable[[Owner], "ModelSelect[Any]"] | None = None,
        order: Sequence[Any] = (),
    ) -> None:
        table: Any = model
        self._model = table
        self._name = name
        self._filters = {
            "created_gte": lambda value: table.created_at >= clock.from_unix(value),
            "created_lte": lambda value: table.created_at < clock.from_unix(value + 1),
            **{name: partial(eq, one) if isinstance(one, Field) else one for name, one in filters.items()},
        }
        self._order = order or (table.commit_order, table.created_at, table.id)
        self.rows = rows or partial(of_owner, model)

    def owned(self, row_id: str, owner: Owner) -> R:
        """The owner's row of that id. Raises NotFound, also for a row of another owner."""
        found: R | None = self.rows(owner).where(self._model.id == row_id).get_or_none()
        if found is None:
            raise NotFound(self._name)
        return found

    def page(
        self, own: "ModelSelect[Any]", wanted: PageRequest, render: Callable[[Sequence[R]], Sequence[JsonObject]]
    ) -> Page:
        """The part of `own` that is `wanted`. Raises ValidationFailed for the id of a place that is not in `own`.

        The row at the edge need not pass the filters any more: it may have changed since the page before was read.
        """
        query, key = self._filtered(own, wanted.filters), self._order
        name, row_id = wanted.edge
        newer = name == "ending_before"
        if row_id:
            query = query.where(_beyond(key, self._edge(own, row_id, name), newer=newer))
            query = _only_final(query, key) if newer else query
        elif wanted.page == 1:
            query = _whole(query, key)
        columns = [column.asc() if newer else column.desc() for column in key]
        rows = list(query.order_by(*columns).limit(wanted.limit + 1).offset(wanted.offset))
        has_more = len(rows) > wanted.limit
        rows = rows[: wanted.limit]
        if newer:
            rows.reverse()
        return {
            "object": "list",
            "data": render(rows) if rows else [],
            "has_more": has_more,
            "next_cursor": rows[-1].id if has_more and not newer else None,
        }

    def onwards(
        self, own: "ModelSelect[Any]", filters: Mapping[str, Any], cursor: str | None, most: int
    ) -> tuple[Sequence[R], bool]:
        """At most `most` rows of `own` that pass the filters, oldest first, behind the row of the id `cursor`; and
        whether there are more, those included that are still being written. Raises ValidationFailed as `page` does.
        """
        commit_order.await_writers()
        query, key = self._filtered(own, filters), self._order
        if cursor:
            query = query.where(_beyond(key, self._edge(own, cursor, "cursor"), newer=True))
        rows = list(_only_final(query, key).order_by(*key).limit(most))
        rest = query.where(_beyond(key, rows[-1], newer=True)) if rows else query
        return rows, rest.exists()

    def _filtered(self, own: "ModelSelect[Any]", filters: Mapping[str, Any]) -> "ModelSelect[Any]":
        conditions = [self._filters[name](value) for name, value in filters.items()]
        return own.where(*conditions) if conditions else own

    def _edge(self, own: "ModelSelect[Any]", row_id: str, name: str) -> Record:
        edge: Record | None = own.where(self._model.id == row_id).get_or_none()
        if edge is None:
            raise ValidationFailed({name: ["is not in this list, or no longer kept"]})
        return edge


def _only_final(query: "ModelSelect[Any]", key: Sequence[Any]) -> "ModelSelect[Any]":
    """A list of newer rows never skips a row that commits late: it stops before transactions that still run."""
    final = commit_order.is_final(key[0]) if _is_numbered(key) else None
    return query if final is None else query.where(final)


def _whole(query: "ModelSelect[Any]", key: Sequence[Any]) -> "ModelSelect[Any]":
    """A first page contains every row that existed, or was being written, at the request: newer rows follow its top."""
    below = commit_order.await_writers() if _is_numbered(key) else None
    return query if below is None else query.where(key[0] < below)


def _is_numbered(key: Sequence[Any]) -> bool:
    return isinstance(key[0], commit_order.CommitOrderField)


def _beyond(key: Sequence[Any], edge: Record, *, newer: bool) -> Any:
    beyond: Any = None
    for column in reversed(key):
        value = edge.__data__[column.name]
        strictly = column > value if newer else column < value
        beyond = strictly if beyond is None else strictly | ((column == value) & beyond)
    return beyond
