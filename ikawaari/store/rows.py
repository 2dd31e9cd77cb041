"""How rows are read: peewee's queries, with a short way from a row to its record."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from peewee import (
    BigAutoField,
    BigIntegerField,
    CharField,
    CursorWrapper,
    Field,
    ForeignKeyField,
    IntegerField,
    Model,
    ModelSelect,
    TextField,
)

from ikawaari.invariants import InvariantBroken
from ikawaari.shapes import ColumnValues


class Columns:
    """Columns of a table that are read together: those of `fields`, or all.

    A column that nobody looks at costs about as much as a table that nobody needs: each is sent, converted and stored.
    """

    def __init__(self, model: Any, *fields: Any) -> None:
        self.fields: Sequence[Any] = fields or model._meta.sorted_fields  # noqa: SLF001
        self._model = model
        self._names = [field.name for field in self.fields]
        self._conversions = [
            (index, field.python_value) for index, field in enumerate(self.fields) if not is_kept_as_it_is(field)
        ]
        self._values = _Some if fields else dict

    def record(self, row: Sequence[Any]) -> Any:
        """The record of a row of these columns, as the constructor would make it."""
        values = list(row)
        for index, convert in self._conversions:
            if values[index] is not None:
                values[index] = convert(values[index])
        record = self._model.__new__(self._model)
        record.__data__ = self._values(zip(self._names, values, strict=True))
        record.__rel__, record._dirty = {}, set()  # noqa: SLF001
        return record


class _Some(dict[str, Any]):
    """The values of a record of some columns. Any other column is not None: who asks for it makes a mistake."""

    get = dict.__getitem__  # type: ignore[assignment]

    def __missing__(self, name: str) -> Any:
        raise InvariantBroken(f"the column {name} was not read")


@cache
def columns_of(model: Any) -> Columns:
    """All columns of a table."""
    return Columns(model)


def as_record(model: Any, row: Sequence[Any]) -> Any:
    """The record of a row of all columns."""
    return columns_of(model).record(row)


def values_of(model: Any, columns: ColumnValues) -> tuple[ColumnValues, dict[str, Model]]:
    """What a new record holds: values with their defaults, and rows that it refers to, both by the names of columns.

    peewee calls an accessor for each value, which takes four times as long.
    """
    values, related = model._meta.get_default_dict(), {}  # noqa: SLF001
    for name, value in columns.items():
        if isinstance(value, Model):
            related[name] = value
            values[name] = value.get_id()  # type: ignore[no-untyped-call]
        else:
            values[name] = value
    return values, related


def is_kept_as_it_is(field: Field) -> bool:
    """Whether the drivers bring this field's values as they are."""
    kept = field.rel_field if isinstance(field, ForeignKeyField) else field
    return type(kept) in {CharField, TextField, IntegerField, BigIntegerField, BigAutoField}


class WholeRows(ModelSelect):
    """A query of whole rows writes the list of columns, and reads its rows, the short way."""

    def __sql_selection__(self, ctx: Any, is_subquery: bool = False) -> Any:
        """Add what is selected to the query's text."""
        if is_subquery or not self._is_default:  # type: ignore[attr-defined]
            return super().__sql_selection__(ctx, is_subquery)
        return ctx.literal(_all_columns(self.model, ctx.alias_manager[self.model._meta.table]))  # noqa: SLF001

    def get(self, database: Any = None) -> Any:
        """The first row. Raises the model's DoesNotExist, without writing the query once more to say so."""
        for row in self.limit(1).execute(database):
            return row
        model: Any = self.model
        raise model.DoesNotExist(f"no such {model.__name__}")

    def _get_model_cursor_wrapper(self, cursor: Any) -> Any:
        if not self._is_default:  # type: ignore[attr-defined]
            return super()._get_model_cursor_wrapper(cursor)  # type: ignore[misc]
        return _Records(cursor, columns_of(self.model))


class _Records(CursorWrapper):
    """The records of whole rows."""

    def __init__(self, cursor: Any, columns: Columns) -> None:
        super().__init__(cursor)
        self._columns = columns

    def process_row(self, row: Any) -> Any:
        """The record of one row."""
        return self._columns.record(row)


@cache
def whole_rows(model: Any) -> WholeRows:
    """The query of all rows of a table, to be cloned."""
    return WholeRows(model, model._meta.sorted_fields, is_default=True)  # noqa: SLF001


@cache
def _all_columns(model: Any, alias: str) -> str:
    return ", ".join(f'"{alias}"."{field.column_name}"' for field in model._meta.sorted_fields)  # noqa: SLF001
