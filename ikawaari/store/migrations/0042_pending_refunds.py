"""Refunds that are pending are found without those that have ended in all the years.

An older version works with it: this is an index that guards nothing.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE INDEX refunds_pending ON refunds (created_at) WHERE status = 'pending'
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
