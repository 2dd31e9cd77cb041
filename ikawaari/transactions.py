"""Transactions as both engines have them: one begins with its first statement, and keeps what it writes last."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from ikawaari.compiled import Compiling

LONGEST_WAIT_SECONDS = 10.0  # for the writer's turn, a lock, or a connection; after that the client gets 503


class Engine(Compiling):
    """What both engines share: a transaction begins with its first statement."""

    def transaction(self, *_options: Any) -> "Transaction":  # type: ignore[override]
        """A transaction, to be entered; peewee's own verbs open the same."""
        return Transaction(self)

    def take_turn(self, _transaction: "Transaction") -> None:
        """Wait until this thread may write; the transaction's `turn` ends it."""

    def make_durable(self) -> None:
        """Wait until what this thread has committed outlasts a power cut."""

    def batch(self) -> AbstractContextManager[Any]:
        """A block whose statements may be sent without waiting for each other's results."""
        return nullcontext()

    def insert_soon(self, insert: Callable[[], None], *, first: bool = False) -> None:
        """Call `insert` before the next statement of this thread's transaction, at the latest at its end.

        What a request makes of a new row meanwhile, such as its answer, then holds no lock. `first`: before what waits.
        """
        waiting = self._state.transactions[0].soon  # type: ignore[attr-defined]
        waiting.insert(0 if first else len(waiting), insert)

    def insert_now(self) -> None:
        """Write what waits for the next statement."""
        for running in self._state.transactions[:1]:  # type: ignore[attr-defined]
            running.insert_now()

    def needs_transaction(self, _sql: str) -> bool:
        """Whether a statement outside of any transaction has to be wrapped in one."""
        return False

    def execute_sql(self, sql: str, params: Any = None, *, is_read: bool = True) -> Any:
        """Run a statement. `is_read`: somebody looks at its result; without, a batch does not even keep it."""
        return self._execute_cursor(sql, params, is_read=is_read)

    def _execute_cursor(self, sql: str, params: Any, *, is_read: bool = True, **options: Any) -> Any:
        running = self._state.transactions  # type: ignore[attr-defined]
        if running:
            running[0].before_statement()
        elif self.needs_transaction(sql):
            with self.transaction():
                return self._execute_cursor(sql, params, is_read=is_read, **options)
        return super()._execute_cursor(sql, params, **options)  # type: ignore[misc]


class Transaction:
    """A transaction of one thread. What is read, checked and rendered before its first statement holds no lock."""

    def __init__(self, database: Any) -> None:
        self.is_durable = True  # whether its commit waits for the disk
        self.ending: Callable[[], None] | None = None  # what is done last, before its commit; false if nothing is
        self.soon: list[Callable[[], None]] = []  # what is done before its next statement
        self._database = database
        self.turn = ExitStack()
        self.has_begun = False
        self.on_own_connection = False  # of this thread, for its settings; else over that of all writers
        self.group: Callable[[Transaction], None] | None = None  # writes it with others, if it has not begun by its end

    def before_statement(self) -> None:
        """Begin, unless it has begun, and write what has waited for a statement."""
        if not self.has_begun:
            self._database.take_turn(self)
            self._database.begin()
            self.has_begun = True
        self.insert_now()

    def insert_now(self) -> None:
        """Write what has waited for a statement."""
        waiting, self.soon = self.soon, []
        for write in waiting:
            write()

    def __enter__(self) -> "Transaction":
        self._database.connection()  # peewee forgets the transactions of a thread that has none yet
        self._database.push_transaction(self)
        return self

    def write_into(self, group: "Transaction") -> None:
        """Write what is ready as a part of `group`, whose thread calls this."""
        group.soon = self.soon
        if self.ending:
            self.ending()
        group.insert_now()

    def __exit__(self, kind: Any, *_error: object) -> None:
        if kind is None and self.group and not self.has_begun:
            self._database.pop_transaction()
            if self.soon or self.ending:
                self.group(self)
            return
        with self.turn:
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
            if self.ending:
                self.ending()
            self.insert_now()
            if self.has_begun:
                self._database.commit()
