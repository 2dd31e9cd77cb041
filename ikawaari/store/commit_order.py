"""The order of every list: no row ever appears below a row that was already visible.

SQLite has one writer at a time: a row gets the next number under the writer's lock, so numbers are committed in order.
PostgreSQL has many writers: a sequence number is drawn at INSERT and seen at COMMIT, so a reader that saw number 8 and
asks for newer rows would never see number 7, which was still being written. To avoid this, a row carries the number of
the transaction that wrote it, and a list of newer rows stops at the oldest transaction that still runs: below it
no row can appear any more. This needs no lock; docs/decisions/commit-order.md has the reasons and the bounds.
"""

import time
from typing import Any

from peewee import SQL, BigIntegerField, Model

from ikawaari.store.database import database, in_transaction, is_postgres

_PATIENCE_SECONDS = 0.5  # how long a first page waits for transactions that were running when it was requested
_PAUSE_SECONDS = 0.005
_OLDEST_RUNNING = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NEXT_TO_BEGIN = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_models: list[Any] = []


class CommitOrderField(BigIntegerField):
    """Numbered by the database when the row is inserted; 0 on rows that are older than this column."""

    def __init__(self) -> None:
        super().__init__(default=self._next, index=True)

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
        table = self.model._meta.table_name  # noqa: SLF001 - peewee's documented place for it
        return SQL(f"(SELECT COALESCE(MAX(commit_order), 0) + 1 FROM {table})")  # noqa: S608 - a table's name


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
        if model.select().where(model.commit_order >= begun).exists():
            model.update(commit_order=0).where(model.commit_order != 0).execute()


def _snapshot() -> tuple[int, int]:
    """The oldest running transaction, and the first one that has not started."""
    oldest_running, begun = database.execute_sql(f"SELECT {_OLDEST_RUNNING}, {_NEXT_TO_BEGIN}").fetchone()
    return oldest_running, begun
