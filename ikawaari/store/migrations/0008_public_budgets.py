"""What the public budgets count by: one-time codes of an attempt, attempts of a number and of a card."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN codes INTEGER NOT NULL DEFAULT 0;

CREATE INDEX payment_attempts_phone_created_at ON payment_attempts (phone, created_at);

CREATE INDEX payment_attempts_card_token_created_at ON payment_attempts (card_token, created_at);
"""


def up(_migrator: Any, db: Any) -> None:
    """Create and alter."""
    sql.run(db, SCHEMA)
