"""SQLite: one writer at a time, whose commit waits for the disk when the next one may write."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from sqlite3 import Connection, ProgrammingError
from typing import Any

from peewee import SqliteDatabase

from ikawaari import locks
from ikawaari.group_commit import GroupCommit
from ikawaari.transactions import LONGEST_WAIT_SECONDS, Engine, Transaction

_OF_DURABILITY, _FULL = ("journal_mode", "synchronous"), 2
_WRITING = ("INSERT", "UPDATE", "DELETE")
_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter


class Sqlite(Engine, SqliteDatabase):
    """SQLite. A thread keeps its connection: opening one takes longer than most requests.

    A commit writes to the end of the write-ahead log, and waits for the disk when others may write again: see
    `_SharedSync`.
    """

    def __init__(self, path: str, **options: Any) -> None:
        self._sync = _SharedSync()
        self._writer: _Kept | None = None
        self._groups = GroupCommit(self)
        super().__init__(path, **options)

    @property
    def writers_queue(self) -> Path:
        """The file at which writers queue."""
        return Path(f"{self.database}.lock")

    def dispose(self) -> None:
        """Forget all connections, in a process that has inherited them."""
        self._state.kept = self._writer = None  # type: ignore[attr-defined]
        self._groups = GroupCommit(self)
        super().dispose()

    def release(self) -> None:
        """Close this thread's connection only if it is no longer usable."""
        state: Any = self._state  # type: ignore[attr-defined]
        if not state.closed and (state.transactions or not state.kept.is_usable()):
            self.close()

    def transaction(self, *options: Any) -> Transaction:  # type: ignore[override]
        """A transaction that is written with others if it has all ready at its end."""
        opened = super().transaction(*options)
        opened.group = self._groups.write
        return opened

    def take_turn(self, transaction: Transaction) -> None:
        """Queue fairly: SQLite's busy handler polls, and can starve a writer for seconds."""
        transaction.turn.enter_context(locks.turn(self.writers_queue, LONGEST_WAIT_SECONDS))
        if not transaction.on_own_connection:
            transaction.turn.enter_context(self._on_the_writers_connection())

    @contextmanager
    def _on_the_writers_connection(self) -> Iterator[None]:
        """All threads of a process write over one connection: it still has in memory what the one before has written.

        A connection forgets its pages whenever another one has written, and reading them again took most of a turn.
        """
        own = self._kept()
        self._use(self.writer())
        try:
            yield
        finally:
            self._use(own)

    def writer(self) -> "_Kept":
        """The connection of all writers. Its commits do not wait for the disk: who commits does."""
        if self._writer is None or not self._writer.is_usable():
            self._writer = _Kept(super()._connect(), self.database)  # type: ignore[misc]
            if self._writer.may_share:
                self._writer.connection.execute("PRAGMA synchronous = normal")
        return self._writer

    def close_writer(self) -> None:
        """Close the writers' connection: the next one to write opens another."""
        self._writer = None

    def _use(self, kept: "_Kept") -> None:
        state: Any = self._state  # type: ignore[attr-defined]
        state.conn, state.kept = kept.connection, kept

    def make_durable(self) -> None:
        """Wait for the disk, together with all threads that have just committed."""
        kept = self._kept()
        if kept.may_share:
            self._sync.wait(kept.log)

    def needs_transaction(self, sql: str) -> bool:
        """Whether it writes. What returns rows commits when the last one is read: it waits for the disk by itself."""
        return sql.startswith(_WRITING) and " RETURNING " not in sql

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
        self.connection, self._path, self._pid = connection, path, os.getpid()
        self._file = _identity(path)
        self._log: int | None = None
        mode, synchronous = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _OF_DURABILITY)
        self.may_share = (mode, synchronous) == ("wal", _FULL)

    @property
    def log(self) -> int:
        """The write-ahead log, as a file descriptor. While a connection is open, nobody replaces that file."""
        if self._log is None:
            self._log = os.open(f"{self._path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        return self._log

    def is_usable(self) -> bool:
        """Whether it is idle, and its file has not been replaced, for example by a restored backup."""
        return not self.connection.in_transaction and _identity(self._path) == self._file

    def __del__(self) -> None:
        if os.getpid() != self._pid:  # inherited by a fork: closing it here would release the parent's locks
            _inherited.append(self.connection)
            return
        if self._log is not None:
            os.close(self._log)
        with suppress(ProgrammingError):  # of another thread, when the whole process ends
            self.connection.close()


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


_inherited: list[Connection] = []


def _identity(path: str) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None
