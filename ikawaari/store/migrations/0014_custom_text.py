"""A sentence of the merchant above the pay button."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE checkout_sessions ADD COLUMN custom_text VARCHAR(500);
ALTER TABLE payment_links ADD COLUMN custom_text VARCHAR(500);
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter."""
    sql.run(db, SCHEMA)
