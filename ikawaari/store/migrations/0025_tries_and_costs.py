"""What a provider says of a try that failed and did not end the charge, and what it keeps of a payment.

An older version works with it: it writes none of these columns.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN last_error VARCHAR(32);

ALTER TABLE payment_attempts ADD COLUMN cost_amount BIGINT;

ALTER TABLE payment_attempts ADD COLUMN cost_currency VARCHAR(3)
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the columns."""
    sql.run(db, SCHEMA)
