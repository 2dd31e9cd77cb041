"""What all tables share: the database, the lock, and the only way to change a status."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from peewee import Model, ModelSelect

from ikawaari.invariants import InvariantBroken, ensure
from ikawaari.shapes import ColumnValues
from ikawaari.states import SILENT, Moves
from ikawaari.store import single
from ikawaari.store.database import database, in_transaction, is_postgres, owe_event
from ikawaari.store.rows import WholeRows, as_record, values_of, whole_rows
from ikawaari.store.single import Guard

_LOCK_OUTSIDE = "a row lock lasts only until its transaction ends: open one first"


class ForbiddenMove(InvariantBroken):
    """The code requested a move that the table of moves does not have: a bug, never an answer to a client."""


class Record(Model):
    """One table. `MOVES` names its status columns and the moves that each allows."""

    MOVES: ClassVar[Mapping[str, Moves[Any]]] = {}
    unpublished: str | None = None  # the event of this row's latest move, until it is published

    class Meta:
        """Shared by all tables."""

        database = database
        legacy_table_names = False

    def __init__(self, **columns: Any) -> None:
        if not columns.keys() <= self._meta.fields.keys():  # names that only peewee understands
            super().__init__(**columns)
            return
        self.__data__, self.__rel__ = values_of(type(self), columns)
        self._dirty: set[str] = set(self.__data__)

    @classmethod
    def select(cls, *fields: Any) -> "ModelSelect[Self]":
        """A query for these fields, or for whole rows."""
        return WholeRows(cls, fields) if fields else whole_rows(cls).clone()  # type: ignore[return-value]

    @classmethod
    def create(cls, **columns: Any) -> Self:
        """Insert a new row."""
        if cls._meta.auto_increment:
            return super().create(**columns)
        record = cls(**columns)
        record._insert()
        return record

    @classmethod
    def create_soon(cls, **columns: Any) -> Self:
        """A new row that is inserted before the transaction's next statement, at the latest at its end."""
        ensure(in_transaction(), "a row waits for the statement of a transaction")
        record = cls(**columns)
        database.obj.insert_soon(record._insert)
        return record

    @classmethod
    def add(cls, **columns: Any) -> None:
        """Insert a row that nobody needs back, not even its number."""
        record = cls(**columns)
        record._insert()

    def _insert(self) -> None:
        database.obj.execute_sql(*single.insertion(self), is_read=False)
        self._dirty = set()

    @classmethod
    def insert_once(cls, **columns: Any) -> bool:
        """Insert the row, unless a unique column of it is taken. Says whether it was inserted.

        The race of two that insert the same: the second one waits for the first one's transaction, then does nothing.
        """
        return bool(cls.insert(**columns).on_conflict_ignore().as_rowcount().execute())

    @classmethod
    def lock(cls, record_id: str) -> Self:
        """The row, locked until the transaction ends: a second one waits, and then reads what the first one wrote."""
        ensure(in_transaction(), _LOCK_OUTSIDE)
        return cls._read(record_id, lock=is_postgres())

    @classmethod
    def get_by_id(cls, record_id: Any) -> Self:
        """The row of that id. Raises the model's DoesNotExist."""
        return cls._read(record_id, lock=False)

    @classmethod
    def _read(cls, record_id: Any, *, lock: bool) -> Self:
        rows = database.obj.execute_sql(*single.selection(cls, record_id, lock=lock)).fetchall()
        model: Any = cls
        if not rows:
            raise model.DoesNotExist(f"no such {cls.__name__}")
        record: Self = as_record(model, rows[0])
        return record

    @classmethod
    def find_and_lock(cls, which: Any) -> Self | None:
        """The same for the row that is `which`, if there is one."""
        found: Self | None = cls._locked(which).first()
        return found

    @classmethod
    def _locked(cls, which: Any) -> "ModelSelect[Self]":
        ensure(in_transaction(), _LOCK_OUTSIDE)
        query = cls.select().where(which)
        # SQLite has no row locks and needs none: BEGIN IMMEDIATE admits one writer at a time.
        return query.for_update() if is_postgres() else query

    def try_move(self, column: str, target: str, guard: Any = None, **changes: Any) -> bool:
        """Compare and set: move `column` to `target` if the stored status, and `guard`, still allow it.

        `guard` is a `store.Guard`, or an expression where nobody waits for it.

        False if they do not; usually another caller was faster. True: the row owes the event of the move, if any.
        """
        moves = self.MOVES[column]
        event = moves.event(getattr(self, column), target)
        ensure(event is None or in_transaction(), "an event belongs to the transaction of its move")
        ensure(event is None or self.unpublished is None, f"{self.unpublished} is published before the row moves on")
        moved = self._update({column: target, **changes}, (column, moves.origins(target, event)), guard)
        if moved:
            for name, value in {column: target, **changes}.items():
                setattr(self, name, value)
        if moved and event:
            self.unpublished = event
            owe_event(self)
        return bool(moved)

    def _update(
        self, changes: ColumnValues, origins: tuple[str, Sequence[str]] | None = None, guard: Any = None
    ) -> int:
        """Write `changes` if the column of `origins` holds one of them, and `guard` holds. How many rows changed."""
        statement = single.update(self, changes, origins, guard)
        if statement is not None:
            return int(database.obj.execute_sql(*statement).rowcount)
        cls: Any = type(self)
        row_id = self.__data__["id"]
        conditions = [cls.id == row_id, *([getattr(cls, origins[0]).in_(origins[1])] if origins else [])]
        values = {getattr(cls, name): value for name, value in changes.items()}
        if guard is not None:
            conditions.append(guard.condition() if isinstance(guard, Guard) else guard)
        return int(cls.update(values).where(*conditions).execute())

    @classmethod
    def move_all(cls, column: str, target: str, which: Any, **changes: Any) -> int:
        """Move every row of `which` whose status allows it, where the move has no event. Returns how many."""
        return int(cls.moving(column, target, which, **changes).execute())

    @classmethod
    def moving(cls, column: str, target: str, which: Any, **changes: Any) -> Any:
        """The statement of `move_all`, as a part of a larger one."""
        field = getattr(cls, column)
        values = {getattr(cls, name): value for name, value in changes.items()}
        allowed = field.in_(cls.MOVES[column].origins(target, SILENT)) & which
        return cls.update({field: target, **values}).where(allowed)

    def move(self, column: str, target: str, **changes: Any) -> None:
        """Move `column` to `target` under a lock. Raises ForbiddenMove if the table does not have that move."""
        origin = getattr(self, column)
        if not self.try_move(column, target, **changes):
            raise ForbiddenMove(f"{type(self).__name__}.{column}: {origin} may not become {target}")

    def change(self, **changes: Any) -> None:
        """Write columns that are not statuses."""
        ensure(not set(changes) & set(self.MOVES), "a status changes by move alone")
        self._update(changes)
        for name, value in changes.items():
            setattr(self, name, value)
