"""Until when a provider that was asked too often wants no calls of an account.

An older version works with it: it does not read the column, and asks as it always did.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = "ALTER TABLE provider_conditions ADD COLUMN rests_until BIGINT"


def up(_migrator: Any, db: Any) -> None:
    """Add the column."""
    sql.run(db, SCHEMA)
