"""PostgreSQL's connections: a pool, which limits their number whatever the number of threads.

Half of the pool stays with threads that come again, because taking a connection and giving it back costs a read a
twentieth. The other half is for everybody else.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple, Self, TypeVar, cast

from peewee import Psycopg3Adapter
from peewee import __exception_wrapper__ as translated  # type: ignore[attr-defined]
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase
from psycopg import Connection, Cursor, Pipeline
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.generators import send
from psycopg.waiting import Ready, Wait

from ikawaari.meters import POOL_EXHAUSTED

POOLED_SECONDS = 300  # the age at which a connection is closed
_MOST_PREPARED = 500  # statements that the server remembers for a connection; psycopg's 100 are fewer than we have
_MOST_FETCHED = 1_000  # rows that are taken from a cursor at once
_BRIEF_SECONDS = 0.001  # nine of ten answers of a PostgreSQL on the same machine come sooner
_INPUT, _IS_THERE = int(Wait.R), int(Ready.R)
_Result = TypeVar("_Result")
_waiting: list[Callable[[], None]] = []


def when_waiting(call: Callable[[], None]) -> None:
    """Have `call` called by each thread that waits for PostgreSQL longer than a moment: for a lock, or for the disk."""
    _waiting.append(call)


class Connections(NamedTuple):
    """How many a process has."""

    taken: int
    idle: int
    most: int


class _Connection(Connection[Any]):
    """A connection whose thread says when PostgreSQL lets it wait."""

    def wait(self, gen: PQGen[_Result], *options: Any, **more: Any) -> _Result:
        """Run one of psycopg's generators to its end: it yields what it waits for."""
        if _waiting:
            try:
                wanted = next(gen)
                while wanted == _INPUT and _has_input(self, _BRIEF_SECONDS):
                    wanted = gen.send(_IS_THERE)
            except StopIteration as end:
                return cast("_Result", end.value)
            for call in _waiting:
                call()
        return super().wait(gen, *options, **more)


class _Adapter(Psycopg3Adapter):
    """psycopg for peewee, with such connections."""

    def connect(self, db: Any, **options: Any) -> Any:
        """Open one."""
        return _Connection.connect(dbname=db.database, **options)


class Pooled(PooledPostgresqlDatabase):  # type: ignore[misc]
    """PostgreSQL with a pool."""

    psycopg3_adapter = _Adapter

    def __init__(self, name: str, **options: Any) -> None:
        self._places = threading.Semaphore(options["max_connections"] // 2)
        super().__init__(name, **options)

    def release(self) -> None:
        """Keep this thread's connection for its next request, or give it back to the pool."""
        state: Any = self._state
        if state.closed:
            return
        lent = getattr(state, "lent", None)
        if lent is None and self._places.acquire(blocking=False):
            lent = state.lent = _Lent(self, state.conn, self._places)
        if lent is None or state.transactions or time.monotonic() >= lent.until:
            self.close()
        else:
            lent.rests = True

    def connection(self) -> Any:
        """This thread's connection. One that the server has closed while it rested is replaced."""
        lent = getattr(self._state, "lent", None)
        if lent is not None and lent.rests:
            lent.rests = False
            if self._is_closed(self._state.conn):
                self.close()
        return super().connection()

    def close(self) -> bool:
        """Give this thread's connection back to the pool."""
        lent = getattr(self._state, "lent", None)
        if lent is not None:
            self._state.lent = None
            lent.end()
        return bool(super().close())

    def dispose(self) -> None:
        """Forget all connections, in a process that has inherited them."""
        self._state.lent = None
        super().dispose()
        self._places = threading.Semaphore(self._max_connections // 2)

    def give_back(self, connection: Any) -> None:
        """Give back the connection of a thread that has ended."""
        self._close(connection)

    def _is_closed(self, conn: Any) -> bool:
        """Whether a pooled connection was closed, without a round trip: one with pending input was closed."""
        return bool(conn.closed) or _has_input(conn, 0)

    def counts(self) -> Connections:
        """How many connections there are now."""
        return Connections(len(self._in_use), len(self._connections), self._max_connections)

    def _connect(self) -> Any:
        try:
            connection = super()._connect()
        except MaxConnectionsExceeded:
            POOL_EXHAUSTED.count()
            raise
        connection.prepared_max = _MOST_PREPARED
        return connection

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Send statements together, when rows are read or at the block's end. Errors come then."""
        connection = self.connection()
        if connection.pgconn.pipeline_status:
            yield
            return
        with translated, _Batch(connection):
            yield

    def cursor(self, named_cursor: Any = None) -> Any:
        """The connection's one cursor: a new one would learn again how to convert each type of value.

        In a pipeline each statement has its own, for results come later.
        """
        connection: Any = self.connection()
        if connection.pgconn.pipeline_status:
            return connection.cursor()
        if getattr(connection, "own_cursor", None) is None:
            connection.own_cursor = connection.cursor()
        return connection.own_cursor

    def begin(self, isolation_level: Any = None) -> None:
        """Begin a transaction, together with its first statement if that is in a batch."""
        if self.connection().pgconn.pipeline_status:
            self._sender().send("BEGIN", None)
        else:
            super().begin(isolation_level)

    def commit(self) -> None:
        """Commit, together with the batch that ends the transaction."""
        if self.connection().pgconn.pipeline_status:
            self._sender().send("COMMIT", None)
        else:
            super().commit()

    def _sender(self) -> "_Sender":
        connection: Any = self.connection()
        sender: _Sender | None = getattr(connection, "sender", None)
        if sender is None:
            sender = connection.sender = _Sender(connection)
        return sender

    def _execute_cursor(self, sql: str, params: Any, *, is_read: bool = True, **options: Any) -> Any:
        running = self._state.transactions
        if not is_read and running and self.connection().pgconn.pipeline_status:
            running[0].before_statement()
            self._sender().send(sql, params)
            return None
        begins = running and not running[0].has_begun
        with self.batch() if begins else nullcontext():  # BEGIN and the first statement go together
            cursor: Any = super()._execute_cursor(sql, params, **options)
        if begins:
            return cursor
        connection = cursor.connection
        if connection.pgconn.pipeline_status:
            return cursor
        if cursor.rowcount > _MOST_FETCHED:  # they are converted one by one, and the next statement gets a new cursor
            connection.own_cursor = None
            return cursor
        return _Fetched(cursor)


class _Batch(Pipeline):
    """A pipeline whose statements wait in memory until a result is wanted, and then go out in one packet.

    psycopg's sends each one alone, and looks each time for results: three system calls, for each of which another
    thread may take the interpreter, and for each PostgreSQL wakes up. A tenth of the CPU of a new session.
    """

    def __enter__(self) -> Self:
        self._conn._pipeline = self  # noqa: SLF001 - where psycopg's cursors look for it
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        is_whole = False
        try:
            super().__exit__(*error)
            is_whole = error[0] is None
        finally:
            self._conn._pipeline = None  # noqa: SLF001
            if not is_whole:  # PostgreSQL has skipped what psycopg believes to be prepared
                self._conn._prepared.clear()  # noqa: SLF001

    def _communicate_gen(self) -> PQGen[None]:
        while self.command_queue:
            self.command_queue.popleft()()  # only writes to libpq's buffer
        yield from ()

    def _sync_gen(self) -> PQGen[None]:
        self._enqueue_sync()
        yield from self._communicate_gen()
        yield from send(self.pgconn)
        yield from self._fetch_gen(flush=False)

    _exit_gen = _sync_gen


class _Sender(Cursor[Any]):
    """The one cursor of a connection for statements in batches whose rows nobody reads: it keeps nothing of them.

    A cursor for each costs as much as the statement itself: it learns again how values are converted.
    """

    def send(self, sql: str, params: Any) -> None:
        """Add a statement to the batch."""
        for _ in self._execute_gen(sql, params):
            pass  # a batch waits at its end

    def _start_query(self, query: Any = None) -> PQGen[None]:
        if not hasattr(self, "_tx"):
            self._tx = Transformer(self)
        yield from ()

    def _set_results(self, results: Any) -> None:
        """Nobody reads them."""


class _Lent:
    """A connection that stays with its thread: until the thread ends, or the pool would close it because of its age."""

    def __init__(self, database: Pooled, connection: Any, places: threading.Semaphore) -> None:
        self.rests = False  # between two requests, while the server may close it
        self.until = time.monotonic() + POOLED_SECONDS
        self._database, self._connection, self._places, self._pid = database, connection, places, os.getpid()

    def end(self) -> None:
        """Let another connection have its place."""
        self._connection = None
        self._places.release()

    def __del__(self) -> None:
        if self._connection is not None and os.getpid() == self._pid:
            self._database.give_back(self._connection)
            self.end()


class _Fetched:
    """The result of a statement in place of its cursor, which is free for the next one."""

    def __init__(self, cursor: Any) -> None:
        self.rowcount: int = cursor.rowcount
        self._result = cursor.pgresult
        self._rows = iter(cursor.fetchall() if self._result.nfields else ())

    @property
    def description(self) -> list[tuple[str]]:
        """The names of the columns."""
        return [(self._result.fname(index).decode(),) for index in range(self._result.nfields)]

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def close(self) -> None:
        """There is nothing to close."""


def _has_input(connection: Any, seconds: float) -> bool:
    """Whether something arrives within so many seconds."""
    watched: Any = getattr(connection, "watched", None)
    if watched is None:
        watched = connection.watched = select.poll()
        watched.register(connection.pgconn.socket, select.POLLIN)
    return bool(watched.poll(seconds * 1000))
