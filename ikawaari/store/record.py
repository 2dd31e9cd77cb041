"""What every table shares: the database, the lock, and the only way for a status to change."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Self

from peewee import Model, ModelSelect

from ikawaari.invariants import InvariantBroken, ensure
from ikawaari.states import Moves
from ikawaari.store.database import database, in_transaction, is_postgres


class ForbiddenMove(InvariantBroken):
    """Code asked for a move that the table of moves does not have: a bug, never an answer to a client."""


class WholeRows(ModelSelect):
    """A query that writes the list of all columns once per table and alias: that took a third of a query's time."""

    def __sql_selection__(self, ctx: Any, is_subquery: bool = False) -> Any:
        """Add what is selected to the query's text."""
        if is_subquery or not self._is_default:  # type: ignore[attr-defined]
            return super().__sql_selection__(ctx, is_subquery)
        return ctx.literal(_all_columns(self.model, ctx.alias_manager[self.model._meta.table]))  # noqa: SLF001


@cache
def _all_columns(model: Any, alias: str) -> str:
    return ", ".join(f'"{alias}"."{field.column_name}"' for field in model._meta.sorted_fields)  # noqa: SLF001


class Record(Model):
    """One table. `MOVES` names its status columns and the moves that each allows."""

    MOVES: ClassVar[Mapping[str, Moves[Any]]] = {}

    class Meta:
        """Shared by all tables."""

        database = database
        legacy_table_names = False

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        """A query for these fields, or for whole rows."""
        return WholeRows(cls, fields or cls._meta.sorted_fields, is_default=not fields)  # type: ignore[return-value]

    @classmethod
    def lock(cls, record_id: str) -> Self:
        """The row, held until the transaction ends: whoever comes second waits, then reads what the first one wrote."""
        ensure(in_transaction(), "a row lock lasts only until its transaction ends: open one first")
        query = cls.select().where(cls.id == record_id)  # type: ignore[attr-defined]
        # SQLite has no row locks and needs none: BEGIN IMMEDIATE lets one writer in at a time.
        return (query.for_update() if is_postgres() else query).get()

    def try_move(self, column: str, target: str, guard: Any = None, **changes: Any) -> bool:
        """Compare and set: move `column` to `target` if the stored status, and `guard`, still allow it.

        False: they do not; usually somebody was faster.
        """
        cls = type(self)
        field = getattr(cls, column)
        values = {getattr(cls, name): value for name, value in changes.items()}
        allowed = (cls.id == self.id) & field.in_(self.MOVES[column].origins(target))  # type: ignore[attr-defined]
        moved = cls.update({field: target, **values}).where(allowed if guard is None else allowed & guard).execute()
        if moved:
            for name, value in {column: target, **changes}.items():
                setattr(self, name, value)
        return bool(moved)

    @classmethod
    def move_all(cls, column: str, target: str, which: Any, **changes: Any) -> int:
        """Move every row of `which` whose status allows it. Returns how many."""
        field = getattr(cls, column)
        values = {getattr(cls, name): value for name, value in changes.items()}
        allowed = field.in_(cls.MOVES[column].origins(target)) & which
        return int(cls.update({field: target, **values}).where(allowed).execute())

    def move(self, column: str, target: str, **changes: Any) -> None:
        """Move `column` to `target` under a lock. Raises ForbiddenMove when the table does not have that move."""
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
