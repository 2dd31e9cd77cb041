"""How a database is opened and written to, for the house's own store and for the sandbox provider's ledger alike."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from peewee import Database, SqliteDatabase
from playhouse.pool import PooledPostgresqlDatabase

_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "busy_timeout": 5000, "foreign_keys": 1}


def open_database(url: str, pool: int = 20) -> Database:
    """A database object for `sqlite:///path` or `postgresql://user:password@host:port/name`. It connects on use."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = Path(unquote(parts.path.removeprefix("/")))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(str(path), pragmas=_SQLITE_PRAGMAS, lock_type="IMMEDIATE")
    postgres: Database = PooledPostgresqlDatabase(
        unquote(parts.path.removeprefix("/")),
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        max_connections=pool,
        stale_timeout=300,
        timeout=10,
        prefer_psycopg3=True,
        connect_timeout=5,
    )
    return postgres


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """All or nothing. An inner block joins the outer one: there are no savepoints in the house."""
    if database.in_transaction():
        yield
        return
    with _turn_to_write(database), database.transaction():
        yield


@contextmanager
def _turn_to_write(database: Database) -> Iterator[None]:
    """SQLite alone: queue fairly for the one writer's turn. Its own wait polls, and leaves some out for seconds."""
    if not isinstance(database, SqliteDatabase):
        yield
        return
    with file_lock(Path(f"{database.database}.lock")):
        yield


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold `path` alone among all threads and processes of this machine; the kernel lets go when a process dies."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def close(database: Database) -> None:
    """Close this thread's connection (a pooled one goes back to its pool)."""
    if not database.is_closed():
        database.close()
