"""Statements about one row: insert it, change it, find it by its id. Each set of columns has its text made once."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from peewee import Model, Node

from ikawaari import compiled
from ikawaari.shapes import ColumnValues
from ikawaari.store.database import database
from ikawaari.store.rows import is_kept_as_it_is, whole_rows

Statement = tuple[str, Sequence[Any]]
_NOTHING: Collection[type] = frozenset({type(None)})
_PLAIN: Collection[type] = frozenset({str, int, type(None)})
_texts: dict[Any, Callable[..., Statement]] = {}  # by engine, verb, table, names of columns


class _Insertion(NamedTuple):
    """How rows that have values in the same columns are inserted."""

    columns: Sequence[tuple[str, Collection[type], Callable[[Any], Any]]]  # names, and how their values are stored
    plan: compiled.Plan

    def of(self, row: ColumnValues) -> Statement:
        """The statement that inserts `row`."""
        values = []
        for name, kept, convert in self.columns:
            value = row[name]
            values.append(value if type(value) in kept else convert(value))
        return self.plan.filled(values)


_insertions: dict[Any, _Insertion] = {}  # by engine, table, returned column, names of columns


def insertion(record: Any, returning: str = "") -> Statement:
    """The statement that inserts a new row, and returns that column if it is named."""
    engine, model, row = database.obj, type(record), record.__data__
    key = type(engine), model, returning, *row
    return (_insertions.get(key) or _insertions.setdefault(key, _planned(engine, model, row, returning))).of(row)


def _planned(engine: Any, model: Any, row: ColumnValues, returning: str) -> _Insertion:
    # What the database reckons itself, such as the row's place in the order of commits, is the same for each row.
    reckoned = {name: value for name, value in row.items() if isinstance(value, Node)}
    names = [name for name in row if name not in reckoned]

    def build(*values: Any) -> Any:
        inserted = model.insert({**dict(zip(names, values, strict=True)), **reckoned})
        return inserted.returning(getattr(model, returning)) if returning else inserted.returning()

    return _Insertion(
        [(name, *_conversion(model, name)) for name in names], compiled.plan_of(engine, build, len(names))
    )


class Guard(NamedTuple):
    """A condition for a row to change: `build` makes it of `values`, and of nothing else. Its text is made once."""

    build: Callable[..., Any]
    values: Sequence[Any]

    def condition(self) -> Any:
        """The condition for these values."""
        return self.build(*self.values)


def update(
    record: Any, changes: ColumnValues, origins: tuple[str, Sequence[str]] | None, guard: Any = None
) -> Statement | None:
    """The statement that changes columns of a row, if the column of `origins` holds one of them, and `guard` holds.

    None if the database has to reckon a value, or `guard` is an expression: such a statement is written for the
    occasion.
    """
    if not isinstance(guard, Guard | None) or any(
        isinstance(value, Node) and not isinstance(value, Model) for value in changes.values()
    ):
        return None
    model, names = type(record), list(changes)
    column, allowed = origins or (None, ())
    condition, given = guard or (None, ())

    def build(row_id: Any, *values: Any) -> Any:
        row = {getattr(model, name): value for name, value in zip(names, values, strict=False)}
        which = [model.id == row_id]
        if condition is not None:
            which.append(condition(*values[len(names) : len(names) + len(given)]))
        if column:
            which.append(getattr(model, column).in_(values[-1]))
        return model.update(row).where(*which)

    values = [record.id, *_stored(model, changes), *given, *([list(map(str, allowed))] if column else [])]
    return _filled(("update", model, column, condition, *names), build, values)


def selection(model: Any, row_id: str, *, lock: bool) -> Statement:
    """The statement that reads a whole row by its id, and locks it until the transaction ends."""

    def build(value: Any) -> Any:
        found = whole_rows(model).where(model.id == value)
        return found.for_update() if lock else found

    return _filled(("select", model, lock), build, [row_id])


def _filled(shape: tuple[Any, ...], build: Callable[..., Any], values: Sequence[Any]) -> Statement:
    engine = database.obj
    key = type(engine), *shape
    text = _texts.get(key)
    if text is None:
        text = _texts[key] = compiled.once(build)
    return text(engine, *values)


def _stored(model: Any, values: ColumnValues) -> list[Any]:
    """The values as the database stores them."""
    found = []
    for name, value in values.items():
        kept, convert = _conversion(model, name)
        found.append(value if type(value) in kept else convert(value))
    return found


@cache
def _conversion(model: Any, name: str) -> tuple[Collection[type], Callable[[Any], Any]]:
    """The types of values that a column stores as they are, and what converts any other."""
    field = getattr(model, name)
    return _PLAIN if is_kept_as_it_is(field) else _NOTHING, field.db_value
