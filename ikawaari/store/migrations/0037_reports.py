"""What daily reports read: money by the day on which it was taken or returned; and what a refund costs.

An older version works with it: it does not know the column, and writes null.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE refunds ADD COLUMN cost_amount BIGINT;

ALTER TABLE refunds ADD COLUMN cost_currency VARCHAR(3);

CREATE INDEX payment_attempts_received_on ON payment_attempts (settled_at) WHERE amount_received IS NOT NULL;

CREATE INDEX refunds_settled_on ON refunds (settled_at) WHERE settled_at IS NOT NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the columns and the indexes."""
    sql.run(db, SCHEMA)
