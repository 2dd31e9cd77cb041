"""The order of every list: no row ever appears below a row that was already visible.

SQLite has one writer at a time: a row gets the next number under the writer's lock, so numbers are committed in order.
PostgreSQL has many writers: a sequence number is drawn at INSERT and seen at COMMIT, so a reader that saw number 8 and
asks for newer rows would never see number 7, which was still being written. To avoid this, a row carries the number of
the transaction that wrote it, and a list of newer rows stops at the oldest transaction that still runs: below it
no row can appear any more. This needs no lock; docs/decisions/commit-order.md has the reasons and the bounds.
"""

import time
from typing import Any

from peewee import SQL, BigIntegerField, Model, fn

from ikawaari.store.database import database, in_transaction, is_postgres

_PATIENCE_SECONDS = 0.5  # how long a first page waits for transactions that were running when it was requested
_PAUSE_SECONDS = 0.005
_OLDEST_RUNNING = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT_TO_BEGIN = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_models: list[Any] = []


class CommitOrderField(BigIntegerField):
    """Numbered by the database when the row is inserted; 0 on rows that are older than this column."""

    def __init__(self) -> None:
        super().__init__(default=self._next)

    def bind(self, model: type[Model], name: str, set_attribute: bool = True) -> None:
        """Register the table, too."""
        super().bind(model, name, set_attribute)
        _models.append(model)

    def of_selected(self) -> list[tuple[Any, SQL]]:
        """The column in an INSERT of what is selected: nothing on PostgreSQL, whose own default numbers the rows."""
        return [] if is_postgres() else [(self, self._next())]

    def _next(self) -> SQL:
        if is_postgres():
            return SQL("DEFAULT")  # the column's: the number of the transaction that writes
        # The row with the highest rowid is the newest one that is left, also after VACUUM has numbered the rows anew.
        table = self.model._meta.table_name  # noqa: SLF001 - peewee's documented place for it
        newest = f"SELECT commit_order FROM {table} ORDER BY rowid DESC LIMIT 1"  # noqa: S608 - a table's name
        return SQL(f"(COALESCE(({newest}), 0) + 1)")


def is_final(column: Any) -> Any:
    """The condition under which no row can appear below a row any more. None on SQLite, where it always holds."""
    return column < SQL(_OLDEST_RUNNING) if is_postgres() else None


def await_writers() -> int | None:
    """Wait a moment for the transactions that were running when we were called.

    Returns the number below which all rows are visible now; None if there is nothing to wait for (SQLite, or a
    transaction of our own), or if one of them takes too long.
    """
    if not is_postgres() or in_transaction():
        return None
    oldest_running, begun = _snapshot()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while oldest_running < begun:
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE_SECONDS)
        oldest_running, _ = _snapshot()
    return begun


def forget_another_server() -> None:
    """Reset numbers that this PostgreSQL server has not reached, because the rows were restored from another server.

    These rows are then ordered by their creation; otherwise every list would stop before them for years.
    """
    if not is_postgres():
        return
    _, begun = _snapshot()
    for model in _models:
        if _newest(model) >= begun:
            model.update(commit_order=0).where(model.commit_order != 0).execute()


def _newest(model: Any) -> int:
    """The highest number in a table, whose rows have an index by it only in the list of their owner."""
    numbers = model.select(model.commit_order).order_by(model.commit_order.desc()).limit(1)
    if not hasattr(model, "merchant") and not hasattr(model, "endpoint"):
        return numbers.scalar() or 0
    owner = model.merchant if hasattr(model, "merchant") else model.endpoint
    own = numbers.where(owner == owner.rel_model.id)
    lists = [own.where(model.livemode == mode) for mode in (True, False)] if hasattr(model, "livemode") else [own]
    return max((number or 0 for number in owner.rel_model.select(*map(fn.MAX, lists)).tuples().get()), default=0)


def _snapshot() -> tuple[int, int]:
    """The oldest running transaction, and the first one that has not started."""
    oldest_running, begun = database.execute_sql(f"SELECT {_OLDEST_RUNNING}, {_NEXT_TO_BEGIN}").fetchone()
    return oldest_running, begun
