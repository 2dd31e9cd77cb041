"""Who stopped a subscription: what its payer stopped on the page may be taken up there again, and nothing else.

An older version works with it: it does not write the column, so that what is stopped there stays stopped.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = "ALTER TABLE subscriptions ADD COLUMN stopped_by_payer BOOLEAN NOT NULL DEFAULT FALSE"


def up(_migrator: Any, db: Any) -> None:
    """Add the column."""
    sql.run(db, SCHEMA)
