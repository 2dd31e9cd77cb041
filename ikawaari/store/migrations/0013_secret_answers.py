"""Kept answers that hold a secret are sealed, and told again to one credential alone."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE idempotency_keys ADD COLUMN credential_id VARCHAR(255);
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter."""
    sql.run(db, SCHEMA)
