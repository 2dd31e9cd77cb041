"""Counts the statements that this process sends to its databases' drivers; BEGIN and COMMIT apart."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ikawaari.providers.sandbox import ledger

_FREE = ("BEGIN", "COMMIT", "ROLLBACK", "--")  # "--": what a trigger of SQLite does


@dataclass
class Statements:
    """The texts of statements, those of the sandbox provider's ledger apart."""

    ours: list[str] = field(default_factory=list)
    ledgers: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Forget them."""
        self.ours.clear()
        self.ledgers.clear()

    def note(self, connection: object, text: object) -> None:
        """Remember a statement."""
        words = text.decode() if isinstance(text, bytes) else str(text)
        if not words.lstrip().upper().startswith(_FREE):
            (self.ledgers if _is_ledgers(connection, words) else self.ours).append(words)


def watch() -> Statements:
    """From now on every connection of this process tells what it is sent. Call it before the first one opens."""
    seen = Statements()
    connect: Callable[..., Any] = sqlite3.connect

    def watched(*args: Any, **options: Any) -> Any:
        connection = connect(*args, **options)
        connection.set_trace_callback(lambda text: seen.note(connection, text))
        return connection

    sqlite3.connect = watched
    _watch_cursors(seen)
    return seen


def _watch_cursors(seen: Statements) -> None:
    original: Callable[..., Any] = psycopg.Cursor._execute_gen  # which all go through, also in batches

    def watched(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        seen.note(cursor.connection, query)
        return original(cursor, query, *args, **options)

    psycopg.Cursor._execute_gen = watched  # type: ignore[assignment, method-assign]


def _is_ledgers(connection: object, text: str) -> bool:
    state = getattr(ledger.database.obj, "_state", None)  # of this thread
    return getattr(state, "conn", None) is connection or "sandbox_" in text
