"""What a provider says of the operators of an account: limits, health, names, instructions.

An older version works with it: it does not know the table, and goes by the constants of its adapters.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE provider_conditions (
    account VARCHAR(64) NOT NULL PRIMARY KEY,
    said TEXT NOT NULL,
    refreshed_at BIGINT,
    failed_since BIGINT
)
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
