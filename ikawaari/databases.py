"""How a database is opened and written to: our own, and the sandbox provider's ledger."""

import fcntl
import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection, ProgrammingError
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

from peewee import Database, OperationalError, SqliteDatabase
from playhouse.pool import PooledPostgresqlDatabase

from ikawaari.compiled import Compiling
from ikawaari.config import INSTANCE

LONGEST_WAIT_SECONDS = 10.0  # for the writer's turn, a lock, or a connection; after that the client gets 503
# A transaction that hangs would block its rows, and lists that follow newer rows: the server ends it.
POSTGRES_LIMITS = {
    "lock_timeout": LONGEST_WAIT_SECONDS,
    "statement_timeout": 30,
    "idle_in_transaction_session_timeout": 30,
}
_SQLITE_PRAGMAS = {"journal_mode": "wal", "synchronous": "full", "busy_timeout": 5000, "foreign_keys": 1}

_KEPT_STATEMENTS = 500  # more than the code has, so that none is parsed twice


class Busy(OperationalError):
    """Another writer has taken too long. Nothing was done; the caller may try again."""


class _Sqlite(Compiling, SqliteDatabase):
    """SQLite. A thread keeps its connection: opening one takes longer than most requests."""

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]
        self._state.kept = _Kept(connection, self.database)  # type: ignore[attr-defined]
        return connection

    def release(self) -> None:
        """Close this thread's connection only if it is no longer usable."""
        state: Any = self._state  # type: ignore[attr-defined]
        if not state.closed and (state.transactions or not state.kept.is_usable()):
            self.close()


class _Kept:
    """The connection of one thread, closed when the thread ends."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection, self._path, self._pid = connection, path, os.getpid()
        self._file = _identity(path)

    def is_usable(self) -> bool:
        """Whether it is idle, and its file has not been replaced, for example by a restored backup."""
        return not self._connection.in_transaction and _identity(self._path) == self._file

    def __del__(self) -> None:
        if os.getpid() != self._pid:  # inherited by a fork: closing it here would release the parent's locks
            _inherited.append(self._connection)
            return
        with suppress(ProgrammingError):  # of another thread, when the whole process ends
            self._connection.close()


class _Postgres(Compiling, PooledPostgresqlDatabase):  # type: ignore[misc]
    """PostgreSQL, with a pool, which limits the number of connections whatever the number of threads."""

    def release(self) -> None:
        """Give this thread's connection back to the pool."""
        close(self)

    def _is_closed(self, conn: Any) -> bool:
        """Whether a pooled connection was closed, without a round trip: one with pending input was closed."""
        return bool(conn.closed) or _has_input(conn.fileno())


_inherited: list[Connection] = []
_opened: WeakSet[Any] = WeakSet()


def _forget_the_parents() -> None:
    """A process that was forked opens connections of its own."""
    for database in _opened:
        database._state.kept = None  # noqa: SLF001
        database.dispose()


os.register_at_fork(after_in_child=_forget_the_parents)


def _identity(path: str) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _has_input(descriptor: int) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(0))


def open_database(url: str, pool: int = 20) -> Database:
    """A database object for `sqlite:///path` or `postgresql://user:password@host:port/name`. It connects on use."""
    parts = urlsplit(url)
    database = _sqlite(parts) if parts.scheme == "sqlite" else _postgres(parts, pool)
    _opened.add(database)
    return database


def _sqlite(parts: SplitResult) -> Database:
    path = Path(unquote(parts.path.removeprefix("/")))
    _keep_private(path)
    return _Sqlite(str(path), pragmas=_SQLITE_PRAGMAS, lock_type="IMMEDIATE", cached_statements=_KEPT_STATEMENTS)


def _postgres(parts: SplitResult, pool: int) -> Database:
    postgres: Database = _Postgres(
        unquote(parts.path.removeprefix("/")),
        host=parts.hostname,
        port=parts.port or 5432,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        max_connections=pool,
        stale_timeout=300,
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
        os.close(_private(str(path), os.O_RDWR | os.O_CREAT))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def transaction(database: Database) -> Iterator[None]:
    """All or nothing. An inner block joins the outer one; `store.savepoint` is for what may fail alone."""
    if database.in_transaction():
        yield
        return
    with _turn_to_write(database), database.transaction():
        yield


@contextmanager
def _turn_to_write(database: Database) -> Iterator[None]:
    """SQLite only: queue fairly for the writer's turn. Its busy handler polls and can starve a writer for seconds."""
    if not isinstance(database, SqliteDatabase):
        yield
        return
    with file_lock(writers_queue(database), LONGEST_WAIT_SECONDS):
        yield


def writers_queue(database: Database) -> Path:
    """The file at which the writers of a SQLite database queue."""
    return Path(f"{database.database}.lock")


@contextmanager
def file_lock(path: Path, longest_wait_seconds: float | None = None) -> Iterator[None]:
    """Lock `path` exclusively among all threads and processes of this machine. The kernel unlocks it if a process dies.

    Raises Busy if it takes too long; None waits without a limit.
    """
    file = _private(str(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _queue(path, file, longest_wait_seconds)
        yield
    finally:
        os.close(file)


def _queue(path: Path, file: int, longest_wait_seconds: float | None) -> None:
    """Wait in the kernel's queue, which is fair. It has no timeout, so a separate thread waits there for us.

    Both descriptors share the lock: it is ours as soon as the thread has it. If we have given up meanwhile and closed
    our descriptor, the lock is released when the thread closes the other one.
    """
    turn = threading.Event()
    place = os.dup(file)

    def stand() -> None:
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
            turn.set()
        finally:
            os.close(place)

    threading.Thread(target=stand, daemon=True, name="writers-queue").start()
    if not turn.wait(longest_wait_seconds):
        raise Busy(f"{path} was held by others for {longest_wait_seconds:g} s")


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
