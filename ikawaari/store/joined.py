"""Whole rows of several tables by one statement, whose text is written once: for what is read at every request."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ikawaari.store.database import database
from ikawaari.store.record import Record, as_record, columns_of


class Joined:
    """A join that is asked for by ids of its first model. Rows of one id differ in the last model alone."""

    def __init__(self, query: Any, *models: type[Record]) -> None:
        """`query` joins the models and selects nothing else than them, in this order; it takes no values."""
        self._query = query
        self._models: Sequence[Any] = models
        ends = accumulate((len(columns_of(model)[0]) for model in models), initial=0)
        self._slices = [slice(start, end) for start, end in pairwise(ends)]
        self._texts: dict[Any, str] = {}

    def find(self, ids: Sequence[str]) -> dict[str, list[Any]]:
        """Of each id that there is: a row of each model, None where there is none, and of the last one all its rows."""
        found: dict[str, list[Any]] = {}
        for values in self._values(ids):
            if values[0] not in found:
                found[values[0]] = [*self._records(values), []]
            last = self._record(-1, values)
            if last is not None:
                found[values[0]][-1].append(last)
        return found

    def _values(self, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        key = type(database.obj), len(ids)
        text = self._texts.get(key)
        if text is None:
            text, _ = self._query.where(self._models[0].id.in_(["" for _ in ids])).sql()
            self._texts[key] = text
        return iter(database.execute_sql(text, list(ids)))

    def _records(self, values: Sequence[Any]) -> Iterator[Any]:
        return (self._record(index, values) for index in range(len(self._models) - 1))

    def _record(self, index: int, values: Sequence[Any]) -> Any:
        """The record of one model; None where the join found none: then it has no id."""
        own = values[self._slices[index]]
        return None if own[0] is None else as_record(self._models[index], own)
