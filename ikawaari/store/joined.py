"""Columns of several tables by one statement, whose text is written once: for what is read at every request."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ikawaari.store.database import database
from ikawaari.store.rows import Columns


class Joined:
    """A join that is asked for by ids of its first table. Rows of one id differ in the last table alone."""

    def __init__(self, query: Any, *columns: Columns) -> None:
        """`query` joins the tables and takes no values. The first of each table's columns is its id."""
        self._query = query.select(*[field for of_one in columns for field in of_one.fields])
        self._id = columns[0].fields[0]
        ends = accumulate((len(of_one.fields) for of_one in columns), initial=0)
        *self._firsts, self._last = [
            (of_one.record, start, end) for of_one, (start, end) in zip(columns, pairwise(ends), strict=True)
        ]
        self._texts: dict[Any, str] = {}

    def find(self, ids: Sequence[str]) -> dict[str, list[Any]]:
        """Of each id that there is: a row of each table, None where there is none, and of the last one all its rows."""
        found: dict[str, list[Any]] = {}
        record, start, end = self._last
        for values in self._values(ids):
            if values[0] not in found:
                found[values[0]] = [*self._records(values), []]
            if values[start] is not None:  # else the join found none
                found[values[0]][-1].append(record(values[start:end]))
        return found

    def _values(self, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        key = type(database.obj), len(ids)
        text = self._texts.get(key)
        if text is None:
            text, _ = self._query.where(self._id.in_(["" for _ in ids])).sql()
            self._texts[key] = text
        return iter(database.execute_sql(text, list(ids)))

    def _records(self, values: Sequence[Any]) -> list[Any]:
        return [None if values[start] is None else record(values[start:end]) for record, start, end in self._firsts]
