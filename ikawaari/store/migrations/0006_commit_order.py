"""Lists are ordered by the order of commits. Rows of before keep number 0, and with it the order of their making."""

from typing import Any

from peewee import SqliteDatabase

from ikawaari.store import sql

_BY_TIME = ("checkout_sessions", "payment_intents", "payment_links", "subscriptions", "customers")
_OTHERS = ("refunds", "events", "webhook_deliveries")

COLUMN = """
ALTER TABLE {table} ADD COLUMN commit_order BIGINT NOT NULL DEFAULT 0;

CREATE INDEX {table}_commit_order ON {table} (commit_order);
"""
NUMBERED_BY_TRANSACTION = """
ALTER TABLE {table} ALTER COLUMN commit_order SET DEFAULT pg_current_xact_id()::text::bigint;
"""
LIST = """
CREATE INDEX {table}_list ON {table} (merchant_id, livemode, commit_order, created_at, id);
"""
REST = """
CREATE INDEX events_list ON events (merchant_id, livemode, commit_order, sequence);

CREATE INDEX webhook_deliveries_list ON webhook_deliveries (endpoint_id, commit_order, event_id);
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the column and the indexes."""
    for table in (*_BY_TIME, *_OTHERS):
        sql.run(db, COLUMN.replace("{table}", table))
        if not isinstance(db, SqliteDatabase):
            sql.run(db, NUMBERED_BY_TRANSACTION.replace("{table}", table))
    for table in _BY_TIME:
        sql.run(db, LIST.replace("{table}", table))
    sql.run(db, REST)
