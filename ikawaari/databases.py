"""How a database is opened and written to: our own, and the sandbox provider's ledger."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from sqlite3 import Connection, ProgrammingError
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

from peewee import Database, SqliteDatabase

from ikawaari import locks
from ikawaari.compiled import Compiling
from ikawaari.config import INSTANCE
from ikawaari.pooled import POOLED_SECONDS, Pooled

LONGEST_WAIT_SECONDS = 10.0  # for the writer's turn, a lock, or a connection; after that the client gets 503
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

_OF_DURABILITY, _FULL = ("journal_mode", "synchronous"), 2
_WRITING = ("INSERT", "UPDATE", "DELETE")
_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter

_KEPT_STATEMENTS = 500  # more than the code has, so that none is parsed twice


class _Engine(Compiling):
    """What both engines share: a transaction begins with its first statement."""

    def transaction(self, *_options: Any) -> "_Transaction":  # type: ignore[override]
        """A transaction, to be entered; peewee's own verbs open the same."""
        return _Transaction(self)

    def take_turn(self, _turn: ExitStack) -> None:
        """Wait until this thread may write; `turn` ends with the transaction."""

    def make_durable(self) -> None:
        """Wait until what this thread has committed outlasts a power cut."""

    def batch(self) -> AbstractContextManager[Any]:
        """A block whose statements may be sent without waiting for each other's results."""
        return nullcontext()

    def insert_soon(self, insert: Callable[[], None]) -> None:
        """Call `insert` before the next statement of this thread's transaction, at the latest at its end.

        What a request makes of a new row meanwhile, such as its answer, then holds no lock.
        """
        self._state.transactions[0].soon.append(insert)  # type: ignore[attr-defined]

    def insert_now(self) -> None:
        """Write what waits for the next statement."""
        for running in self._state.transactions[:1]:  # type: ignore[attr-defined]
            running.insert_now()

    def needs_transaction(self, _sql: str) -> bool:
        """Whether a statement outside of any transaction has to be wrapped in one."""
        return False

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        running = self._state.transactions  # type: ignore[attr-defined]
        if running:
            running[0].before_statement()
        elif self.needs_transaction(sql):
            with self.transaction():
                return self._execute_cursor(sql, params, **options)
        return super()._execute_cursor(sql, params, **options)  # type: ignore[misc]


class _Transaction:
    """A transaction of one thread. What is read, checked and rendered before its first statement holds no lock."""

    def __init__(self, database: Any) -> None:
        self.is_durable = True  # whether its commit waits for the disk
        self.ending: Callable[[], None] = _nothing  # what is done last, before its commit
        self.soon: list[Callable[[], None]] = []  # what is done before its next statement
        self._database = database
        self._turn = ExitStack()
        self.has_begun = False

    def before_statement(self) -> None:
        """Begin, unless it has begun, and write what has waited for a statement."""
        if not self.has_begun:
            self._database.take_turn(self._turn)
            self._database.begin()
            self.has_begun = True
        self.insert_now()

    def insert_now(self) -> None:
        """Write what has waited for a statement."""
        waiting, self.soon = self.soon, []
        for write in waiting:
            write()

    def __enter__(self) -> "_Transaction":
        self._database.connection()  # peewee forgets the transactions of a thread that has none yet
        self._database.push_transaction(self)
        return self

    def __exit__(self, kind: Any, *_error: object) -> None:
        with self._turn:
            try:
                if kind is None:
                    self._finish()
            except BaseException:
                kind = BaseException
                raise
            finally:
                self._database.pop_transaction()
                if self.has_begun and kind is not None:
                    self._database.rollback()
        if self.has_begun and self.is_durable and kind is None:
            self._database.make_durable()

    def _finish(self) -> None:
        with self._database.batch():
            self.ending()
            self.insert_now()
            if self.has_begun:
                self._database.commit()


def _nothing() -> None:
    """Nothing is to be done before the commit."""


class _Sqlite(_Engine, SqliteDatabase):
    """SQLite. A thread keeps its connection: opening one takes longer than most requests.

    A commit writes to the end of the write-ahead log, and waits for the disk when others may write again: see
    `_SharedSync`.
    """

    def __init__(self, path: str, **options: Any) -> None:
        self._sync = _SharedSync()
        super().__init__(path, **options)

    def release(self) -> None:
        """Close this thread's connection only if it is no longer usable."""
        state: Any = self._state  # type: ignore[attr-defined]
        if not state.closed and (state.transactions or not state.kept.is_usable()):
            self.close()

    def take_turn(self, turn: ExitStack) -> None:
        """Queue fairly: SQLite's busy handler polls, and can starve a writer for seconds."""
        turn.enter_context(locks.turn(writers_queue(self), LONGEST_WAIT_SECONDS))
        self._kept().wait_for_disk(False)

    def make_durable(self) -> None:
        """Wait for the disk, together with all threads that have just committed."""
        kept = self._kept()
        if kept.may_share:
            self._sync.wait(kept.log)

    def needs_transaction(self, sql: str) -> bool:
        """Whether it writes. What returns rows commits when the last one is read: it waits for the disk by itself."""
        if sql.startswith("SELECT"):
            return False
        if sql.startswith(_WRITING) and " RETURNING " not in sql:
            return True
        self._kept().wait_for_disk(True)
        return False

    def _connect(self) -> Any:
        connection = super()._connect()  # type: ignore[misc]
        self._state.kept = _Kept(connection, self.database)  # type: ignore[attr-defined]
        return connection

    def _kept(self) -> "_Kept":
        self.connection()  # type: ignore[no-untyped-call]
        kept: _Kept = self._state.kept  # type: ignore[attr-defined]
        return kept


class _Kept:
    """The connection of one thread, closed when the thread ends."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection, self._path, self._pid = connection, path, os.getpid()
        self._file = _identity(path)
        self._log: int | None = None
        self._waits_for_disk = True
        mode, synchronous = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _OF_DURABILITY)
        self.may_share = (mode, synchronous) == ("wal", _FULL)

    @property
    def log(self) -> int:
        """The write-ahead log, as a file descriptor. While a connection is open, nobody replaces that file."""
        if self._log is None:
            self._log = os.open(f"{self._path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        return self._log

    def wait_for_disk(self, wait: bool) -> None:
        """Whether the next commit shall wait for the disk by itself. To be called outside transactions."""
        if self.may_share and wait != self._waits_for_disk:
            self._connection.execute(f"PRAGMA synchronous = {'full' if wait else 'normal'}")
            self._waits_for_disk = wait

    def is_usable(self) -> bool:
        """Whether it is idle, and its file has not been replaced, for example by a restored backup."""
        return not self._connection.in_transaction and _identity(self._path) == self._file

    def __del__(self) -> None:
        if os.getpid() != self._pid:  # inherited by a fork: closing it here would release the parent's locks
            _inherited.append(self._connection)
            return
        if self._log is not None:
            os.close(self._log)
        with suppress(ProgrammingError):  # of another thread, when the whole process ends
            self._connection.close()


class _SharedSync:
    """Waiting for the disk, once for all threads of this process that have committed meanwhile.

    SQLite's own commit waits for the disk while it keeps all other writers out. Ours ends without (`synchronous =
    normal`), lets the next writer in, and then waits until the log is on the disk; no caller goes on before. Others may
    read a commit some milliseconds before it outlasts a power cut. A killed process loses nothing of it.
    """

    def __init__(self) -> None:
        self._places = count(1)
        self._latest = self._synced = 0
        self._syncing = threading.Lock()

    def wait(self, log: int) -> None:
        """Return when all that this thread has written to the file `log` is on the disk. Raises OSError if it fails."""
        place = self._latest = next(self._places)
        with self._syncing:
            if self._synced < place:
                covered = self._latest
                _fdatasync(log)
                self._synced = max(covered, place)


class _Postgres(Pooled, _Engine):
    """PostgreSQL: see `pooled`."""


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
def transaction(database: Any, *, is_durable: bool = True, ending: Callable[[], None] = _nothing) -> Iterator[None]:
    """All or nothing. An inner block joins the outer one; `store.savepoint` is for what may fail alone.

    It begins with its first statement. `is_durable`: a commit waits for the disk; without, a power cut may undo it.
    `ending` is called last, before the commit.
    """
    if database.in_transaction():
        yield
        return
    with database.transaction() as begun:
        begun.is_durable, begun.ending = is_durable, ending
        yield


def writers_queue(database: Database) -> Path:
    """The file at which the writers of a SQLite database queue."""
    return Path(f"{database.database}.lock")


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
