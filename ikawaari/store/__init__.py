"""The store: the database, its tables and its locks. No HTTP and no providers here."""

from peewee import IntegrityError

from ikawaari.store import shared_clock, statements
from ikawaari.store.database import (
    atomic,
    before_commit,
    connect,
    connections,
    disconnect,
    flush,
    in_transaction,
    insert_first,
    is_postgres,
    leave,
    release,
    run,
    savepoint,
    send,
    take_turns,
    undoable,
    waiting,
    when_left,
    without_fsync,
)
from ikawaari.store.migrate import check as check_migration
from ikawaari.store.migrate import is_ready, migrate, why_not_ready
from ikawaari.store.single import Guard
from ikawaari.store.sql import Unfit

__all__ = [
    "Guard",
    "IntegrityError",
    "Unfit",
    "atomic",
    "before_commit",
    "check_migration",
    "connect",
    "connections",
    "disconnect",
    "flush",
    "in_transaction",
    "insert_first",
    "is_postgres",
    "is_ready",
    "leave",
    "migrate",
    "release",
    "run",
    "savepoint",
    "send",
    "shared_clock",
    "statements",
    "take_turns",
    "undoable",
    "waiting",
    "when_left",
    "why_not_ready",
    "without_fsync",
]
