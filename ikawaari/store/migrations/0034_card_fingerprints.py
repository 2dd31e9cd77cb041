"""What a provider knows a card by, whatever its token: so declines of one live card can be counted.

An older version works with it: it writes null, and counts by token.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN card_fingerprint VARCHAR(64);

ALTER TABLE card_setups ADD COLUMN card_fingerprint VARCHAR(64);

CREATE INDEX payment_attempts_fingerprint ON payment_attempts (card_fingerprint, created_at)
    WHERE card_fingerprint IS NOT NULL;

CREATE INDEX card_setups_fingerprint ON card_setups (card_fingerprint, created_at)
    WHERE card_fingerprint IS NOT NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the columns and their indexes."""
    sql.run(db, SCHEMA)
