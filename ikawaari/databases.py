"""How a database is opened and written to: our own, and the sandbox provider's ledger."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

from peewee import Database

from ikawaari import locks
from ikawaari.config import INSTANCE
from ikawaari.pooled import POOLED_SECONDS, Pooled
from ikawaari.sqlite import Sqlite
from ikawaari.transactions import LONGEST_WAIT_SECONDS, Engine

# A transaction that hangs would block its rows, and lists that follow newer rows: the server ends it.
POSTGRES_LIMITS = {
    "lock_timeout": LONGEST_WAIT_SECONDS,
    "statement_timeout": 30,
    "idle_in_transaction_session_timeout": 30,
}
# Temporary tables, which sorting and RETURNING make, take half the time in memory.
_SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "busy_timeout": 5000,
    "foreign_keys": 1,
    "temp_store": "memory",
}

_KEPT_STATEMENTS = 500  # more than the code has, so that none is parsed twice


class _Postgres(Pooled, Engine):
    """PostgreSQL: see `pooled`."""


_opened: WeakSet[Any] = WeakSet()


def _forget_the_parents() -> None:
    """A process that was forked opens connections of its own."""
    for database in _opened:
        database.dispose()


os.register_at_fork(after_in_child=_forget_the_parents)


def open_database(url: str, pool: int = 20) -> Database:
    """A database object for `sqlite:///path` or `postgresql://user:password@host:port/name`. It connects on use."""
    parts = urlsplit(url)
    database = _sqlite(parts) if parts.scheme == "sqlite" else _postgres(parts, pool)
    _opened.add(database)
    return database


def _sqlite(parts: SplitResult) -> Database:
    path = Path(unquote(parts.path.removeprefix("/")))
    _keep_private(path)
    return Sqlite(
        str(path),
        pragmas=_SQLITE_PRAGMAS,
        lock_type="IMMEDIATE",
        cached_statements=_KEPT_STATEMENTS,
        check_same_thread=False,  # the writers' connection goes from thread to thread, with their turn
    )


def _postgres(parts: SplitResult, pool: int) -> Database:
    postgres: Database = _Postgres(
        unquote(parts.path.removeprefix("/")),
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        max_connections=pool,
        stale_timeout=POOLED_SECONDS,
        timeout=LONGEST_WAIT_SECONDS,
        prefer_psycopg3=True,
        connect_timeout=5,
        options=" ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in POSTGRES_LIMITS.items()),
    )
    return postgres


def _keep_private(path: Path) -> None:
    """SQLite's files contain customers' names and numbers, so only their owner may read them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(OSError):  # missing, or another user's, which we may not change
        if path.parent == INSTANCE:  # a fresh copy of the program contains it, readable by all
            INSTANCE.chmod(0o700)
        for ending in ("", "-wal", "-shm", ".lock"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + ending).chmod(0o600)
    with suppress(OSError):  # SQLite reports errors better; it gives its other files the mode of this one
        os.close(locks.private_file(path))


@contextmanager
def transaction(
    database: Any,
    *,
    is_durable: bool = True,
    ending: Callable[[], None] | None = None,
    on_own_connection: bool = False,
) -> Iterator[None]:
    """All or nothing. An inner block joins the outer one; `store.savepoint` is for what may fail alone.

    It begins with its first statement. `is_durable`: a commit waits for the disk; without, a power cut may undo it.
    `ending` is called last, before the commit, if it is true then. `on_own_connection`: the settings of this thread's
    connection matter (SQLite, where all writers share another one).
    """
    if database.in_transaction():
        yield
        return
    with database.transaction() as begun:
        begun.is_durable, begun.ending, begun.on_own_connection = is_durable, ending, on_own_connection
        yield


def release(database: Any) -> None:
    """The end of a request, or of a round of work: release this thread's connection, or keep it for its next one."""
    database.release()


def close(database: Database) -> None:
    """Close this thread's connection (a pooled one goes back to its pool)."""
    if not database.is_closed():
        database.close()


def disconnect(database: Any) -> None:
    """Close this thread's connection and those that idle in the pool."""
    close(database)
    if isinstance(database, _Postgres):
        database.close_all()
    else:
        database.close_writer()
