"""How a merchant is named and reached on its customers' pages.

An older version works with it: it neither reads nor writes the columns.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE merchants ADD COLUMN legal_name VARCHAR(255);
ALTER TABLE merchants ADD COLUMN town VARCHAR(100);
ALTER TABLE merchants ADD COLUMN help_phone VARCHAR(20);
ALTER TABLE merchants ADD COLUMN whatsapp VARCHAR(20);
ALTER TABLE merchants ADD COLUMN terms_url VARCHAR(2048);
ALTER TABLE merchants ADD COLUMN refunds_url VARCHAR(2048);
ALTER TABLE merchants ADD COLUMN privacy_url VARCHAR(2048);
ALTER TABLE merchants ADD COLUMN payer_name VARCHAR(100)
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter."""
    sql.run(db, SCHEMA)
