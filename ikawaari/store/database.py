"""The one database that the models stand on: SQLite on a laptop, PostgreSQL with several machines."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from peewee import DatabaseProxy, PostgresqlDatabase

from ikawaari import databases, pooled
from ikawaari.invariants import ensure
from ikawaari.pooled import Connections

database: Any = DatabaseProxy()
_endings = threading.local()
_leaving: list[Callable[[], None]] = []


def connect(url: str, pool: int = 20) -> None:
    """Connect the models to the database of `url`. Each thread's connection opens on first use."""
    database.initialize(databases.open_database(url, pool))


def disconnect() -> None:
    """Close this thread's connection and those that idle in the pool."""
    databases.disconnect(database.obj)


def release() -> None:
    """The end of a request, or of a round of work: the thread keeps its connection for the next one, if it may.

    SQLite's stays until the thread ends; of PostgreSQL's pool, half may stay so: see `pooled`.
    """
    databases.release(database.obj)


def leave() -> None:
    """Give the connection away before an outside call: a slow system then blocks a thread, but nothing in the database.

    SQLite's may stay: it keeps nobody out. Raises InvariantBroken inside a transaction.
    """
    ensure(not in_transaction(), "nobody outside is called while rows are locked")
    for call in _leaving:
        call()
    if is_postgres():
        databases.close(database.obj)
    else:
        release()


def connections() -> Connections | None:
    """How many connections this process has; None on SQLite, which has no pool."""
    return database.obj.counts() if is_postgres() else None


def when_left(call: Callable[[], None]) -> None:
    """Have `call` called by each thread that is going to wait: for somebody outside, or long for the database."""
    _leaving.append(call)
    pooled.when_waiting(call)


def is_postgres() -> bool:
    """Whether the models stand on PostgreSQL."""
    return isinstance(database.obj, PostgresqlDatabase)


def in_transaction() -> bool:
    """Whether this thread is inside `atomic`."""
    return bool(database.obj.in_transaction())  # not through the proxy, which costs more than the question


@contextmanager
def atomic() -> Iterator[None]:
    """All or nothing; an inner block joins the outer one."""
    if in_transaction():
        yield
        return
    own = _Ending()
    with databases.transaction(database.obj, ending=own):
        _endings.current = own
        yield


@dataclass
class _Ending:
    """What is still to be done in a transaction, at its end."""

    waiting: dict[str, tuple[Callable[[list[Any]], None], list[Any]]] = field(default_factory=dict)
    owing: list[Any] = field(default_factory=list)  # rows that owe the event of their move

    def __bool__(self) -> bool:
        return bool(self.waiting or self.owing)

    def __call__(self) -> None:
        """Do it. The thread may be another one's: see `group_commit`."""
        previous = getattr(_endings, "current", None)
        _endings.current = self
        try:
            flush()
        finally:
            _endings.current = previous


def take_turns(name: str) -> None:
    """Serialize transactions by `name`: one at a time continues, and the others wait here until it ends."""
    ensure(in_transaction(), "a turn lasts as long as its transaction")
    if is_postgres():  # SQLite has one writer at a time anyway
        database.execute_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))


@contextmanager
def savepoint() -> Iterator[None]:
    """Inside `atomic`: if the block raises, its writes are undone, and earlier writes stay."""
    ensure(in_transaction(), "a savepoint is a part of a transaction")
    owing = [(row, row.unpublished) for row in _endings.current.owing]
    waiting = {name: (write, list(items)) for name, (write, items) in _endings.current.waiting.items()}
    try:
        with database.obj.savepoint():
            yield
    except BaseException:
        _endings.current.waiting = waiting
        _endings.current.owing = [row for row, _ in owing]  # what has moved since has not moved
        for row, event in owing:
            row.unpublished = event
        raise


@contextmanager
def undoable() -> Iterator[None]:
    """A transaction, or a savepoint inside one: if the block raises, all its writes are undone."""
    with savepoint() if in_transaction() else atomic():
        yield


def flush() -> None:
    """Write what waits for the transaction's end: at its end, or before, where a failure must not undo what came first.

    Raises InvariantBroken when a row that moved in this transaction still owes the event of its move.
    """
    forgotten = [row.unpublished for row in _endings.current.owing if row.unpublished]
    ensure(not forgotten, f"the event of a move is published in the move's transaction, or withheld: {forgotten}")
    database.obj.insert_now()
    while _endings.current.waiting:
        write, items = _endings.current.waiting.pop(min(_endings.current.waiting))
        write(items)


def run(query: Callable[..., tuple[str, list[Any]]], *values: Any) -> Sequence[Any]:
    """The rows of a query that is built once: see `compiled.once`."""
    rows: Sequence[Any] = database.obj.execute_sql(*query(database.obj, *values)).fetchall()
    return rows


def send(query: Callable[..., tuple[str, list[Any]]], *values: Any) -> None:
    """Run a query that is built once and returns nothing. At the end of a transaction nobody waits for it alone."""
    database.obj.execute_sql(*query(database.obj, *values), is_read=False)


def owe_event(row: Any) -> None:
    """Let this transaction end only when the event of the row's move is published: nobody can forget it."""
    _endings.current.owing.append(row)


def insert_first(insert: Callable[[], None]) -> None:
    """Call `insert` before anything is written that still waits in this transaction: if it fails, that need not be."""
    database.obj.insert_soon(insert, first=True)


def before_commit(name: str, item: Any, write: Callable[[list[Any]], None]) -> None:
    """Have `write` called with all items of `name` at the end of the transaction, one name after the other.

    Many rows are written by one statement then. And rows that many transactions write are locked for the shortest time,
    and always in one order: two payments that each publish two events, in opposite order, would else wait for each
    other for ever.
    """
    if in_transaction():
        _endings.current.waiting.setdefault(name, (write, []))[1].append(item)
    else:
        write([item])


def waiting(name: str) -> Sequence[Any]:
    """What of `name` is still to be written in this transaction."""
    return _endings.current.waiting[name][1] if in_transaction() and name in _endings.current.waiting else ()


@contextmanager
def without_fsync() -> Iterator[None]:
    """Run one statement without waiting for fsync: a power cut may undo it (PostgreSQL: unlogged tables)."""
    if is_postgres():
        yield
        return
    with databases.transaction(database.obj, is_durable=False):
        yield
