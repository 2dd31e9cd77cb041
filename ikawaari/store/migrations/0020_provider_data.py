"""What a provider wants to be kept of a charge or a refund, the method that it saved, and the id that a refund has there.

An older version works with them: it writes none of these columns, and a refund without an id of its own keeps ours.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN provider_data TEXT;

ALTER TABLE payment_attempts ADD COLUMN saved_method TEXT;

ALTER TABLE payment_attempts ADD COLUMN routed_from VARCHAR(36);

ALTER TABLE refunds ADD COLUMN provider_data TEXT;

ALTER TABLE refunds ADD COLUMN sent_as VARCHAR(36);

CREATE UNIQUE INDEX payment_attempts_routed_from ON payment_attempts (routed_from) WHERE routed_from IS NOT NULL;

CREATE UNIQUE INDEX refunds_sent_as ON refunds (sent_as) WHERE sent_as IS NOT NULL;
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the columns."""
    sql.run(db, SCHEMA)
