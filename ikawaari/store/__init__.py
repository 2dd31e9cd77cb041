"""The store: one database, its tables, its locks. No HTTP here, no provider."""

from ikawaari.store.database import (
    atomic,
    connect,
    disconnect,
    forgettable,
    in_transaction,
    is_postgres,
    is_ready,
    release,
    savepoint,
    take_turns,
)
from ikawaari.store.migrate import migrate

__all__ = [
    "atomic",
    "connect",
    "disconnect",
    "forgettable",
    "in_transaction",
    "is_postgres",
    "is_ready",
    "migrate",
    "release",
    "savepoint",
    "take_turns",
]
