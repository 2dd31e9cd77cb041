"""What all tables share: the database, the lock, and the only way to change a status."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Self

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

from ikawaari.invariants import InvariantBroken, ensure
from ikawaari.states import SILENT, Moves
from ikawaari.store.database import database, in_transaction, is_postgres, owe_event


class ForbiddenMove(InvariantBroken):
    """The code requested a move that the table of moves does not have: a bug, never an answer to a client."""


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
        return _Records(cursor, self.model)


class _Records(CursorWrapper):
    """The records of whole rows."""

    def __init__(self, cursor: Any, model: Any) -> None:
        super().__init__(cursor)
        self._model = model

    def process_row(self, row: Any) -> Any:
        """The record of one row."""
        return as_record(self._model, row)


def as_record(model: Any, row: Sequence[Any]) -> Any:
    """The record of a row of all columns, as the constructor would make it."""
    names, conversions = columns_of(model)
    values = dict(zip(names, row, strict=True))
    for name, convert in conversions:
        values[name] = convert(values[name])
    record = model.__new__(model)
    record.__data__, record.__rel__, record._dirty = values, {}, set()  # noqa: SLF001
    return record


@cache
def columns_of(model: Any) -> tuple[Sequence[str], Sequence[tuple[str, Callable[[Any], Any]]]]:
    """The names of all fields, and how those are converted that are kept as something else."""
    fields: Sequence[Field] = model._meta.sorted_fields  # noqa: SLF001
    names = [field.name for field in fields]
    return names, [(field.name, field.python_value) for field in fields if not _is_kept_as_it_is(field)]


def _is_kept_as_it_is(field: Field) -> bool:
    """Whether the drivers bring this field's values as they are."""
    kept = field.rel_field if isinstance(field, ForeignKeyField) else field
    return type(kept) in {CharField, TextField, IntegerField, BigIntegerField, BigAutoField}


@cache
def _whole_rows(model: Any) -> WholeRows:
    return WholeRows(model, model._meta.sorted_fields, is_default=True)  # noqa: SLF001


@cache
def _all_columns(model: Any, alias: str) -> str:
    return ", ".join(f'"{alias}"."{field.column_name}"' for field in model._meta.sorted_fields)  # noqa: SLF001


class Record(Model):
    """One table. `MOVES` names its status columns and the moves that each allows."""

    MOVES: ClassVar[Mapping[str, Moves[Any]]] = {}
    unpublished: str | None = None  # the event of this row's latest move, until it is published

    class Meta:
        """Shared by all tables."""

        database = database
        legacy_table_names = False

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        """A query for these fields, or for whole rows."""
        return WholeRows(cls, fields) if fields else _whole_rows(cls).clone()  # type: ignore[return-value]

    @classmethod
    def insert_once(cls, **columns: Any) -> bool:
        """Insert the row, unless a unique column of it is taken. Says whether it was inserted.

        The race of two that insert the same: the second one waits for the first one's transaction, then does nothing.
        """
        return bool(cls.insert(**columns).on_conflict_ignore().as_rowcount().execute())

    @classmethod
    def lock(cls, record_id: str) -> Self:
        """The row, locked until the transaction ends: a second one waits, and then reads what the first one wrote."""
        return cls._locked(cls.id == record_id).get()  # type: ignore[attr-defined]

    @classmethod
    def find_and_lock(cls, which: Any) -> Self | None:
        """The same for the row that is `which`, if there is one."""
        found: Self | None = cls._locked(which).first()
        return found

    @classmethod
    def _locked(cls, which: Any) -> "ModelSelect[Self]":
        ensure(in_transaction(), "a row lock lasts only until its transaction ends: open one first")
        query = cls.select().where(which)
        # SQLite has no row locks and needs none: BEGIN IMMEDIATE admits one writer at a time.
        return query.for_update() if is_postgres() else query

    def try_move(self, column: str, target: str, guard: Any = None, **changes: Any) -> bool:
        """Compare and set: move `column` to `target` if the stored status, and `guard`, still allow it.

        False if they do not; usually another caller was faster. True: the row owes the event of the move, if any.
        """
        cls = type(self)
        field, moves = getattr(cls, column), self.MOVES[column]
        event = moves.event(getattr(self, column), target)
        ensure(event is None or in_transaction(), "an event belongs to the transaction of its move")
        ensure(event is None or self.unpublished is None, f"{self.unpublished} is published before the row moves on")
        values = {getattr(cls, name): value for name, value in changes.items()}
        allowed = (cls.id == self.id) & field.in_(moves.origins(target, event))  # type: ignore[attr-defined]
        moved = cls.update({field: target, **values}).where(allowed if guard is None else allowed & guard).execute()
        if moved:
            for name, value in {column: target, **changes}.items():
                setattr(self, name, value)
        if moved and event:
            self.unpublished = event
            owe_event(self)
        return bool(moved)

    @classmethod
    def move_all(cls, column: str, target: str, which: Any, **changes: Any) -> int:
        """Move every row of `which` whose status allows it, where the move has no event. Returns how many."""
        field = getattr(cls, column)
        values = {getattr(cls, name): value for name, value in changes.items()}
        allowed = field.in_(cls.MOVES[column].origins(target, SILENT)) & which
        return int(cls.update({field: target, **values}).where(allowed).execute())

    def move(self, column: str, target: str, **changes: Any) -> None:
        """Move `column` to `target` under a lock. Raises ForbiddenMove if the table does not have that move."""
        origin = getattr(self, column)
        if not self.try_move(column, target, **changes):
            raise ForbiddenMove(f"{type(self).__name__}.{column}: {origin} may not become {target}")

    def change(self, **changes: Any) -> None:
        """Write columns that are not statuses."""
        ensure(not set(changes) & set(self.MOVES), "a status changes by move alone")
        cls = type(self)
        values = {getattr(cls, name): value for name, value in changes.items()}
        cls.update(values).where(cls.id == self.id).execute()  # type: ignore[attr-defined]
        for name, value in changes.items():
            setattr(self, name, value)
