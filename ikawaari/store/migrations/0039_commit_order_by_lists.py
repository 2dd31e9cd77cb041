"""The place of a row among all commits needs no index of its own: only an owner's list is ordered by it."""

from typing import Any

from ikawaari.store import sql

_TABLES = (
    *("checkout_sessions", "payment_intents", "payment_links", "subscriptions", "customers"),
    *("refunds", "events", "webhook_deliveries"),
)


def up(_migrator: Any, db: Any) -> None:
    """Drop the indexes. A version that still runs finds the highest number on SQLite by reading the table."""
    for table in _TABLES:
        sql.run(db, f"DROP INDEX {table}_commit_order")
