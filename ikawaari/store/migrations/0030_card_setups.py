"""Cards that a provider saves before a trial starts.

An older version works with it: it does not know the table, and offers no live card for a trial.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE card_setups (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    session_id VARCHAR(255) NOT NULL REFERENCES checkout_sessions (id),
    provider VARCHAR(32) NOT NULL,
    status VARCHAR(32) NOT NULL
        CHECK (status IN ('submitting', 'unknown', 'processing', 'requires_action', 'succeeded', 'failed')),
    card_token VARCHAR(255) NOT NULL,
    return_url VARCHAR(2048) NOT NULL,
    customer_details TEXT NOT NULL,
    custom_field_values TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    fee_amount BIGINT NOT NULL CHECK (fee_amount >= 0),
    quantities TEXT,
    provider_reference VARCHAR(255),
    provider_data TEXT,
    provider_code VARCHAR(255),
    failure_code VARCHAR(32),
    next_action TEXT,
    created_at BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    deadline_at BIGINT,
    enquired_at BIGINT,
    settled_at BIGINT
);

CREATE INDEX card_setups_session_id ON card_setups (session_id);

CREATE UNIQUE INDEX card_setups_one_unsettled ON card_setups (session_id)
    WHERE status IN ('submitting', 'unknown', 'processing', 'requires_action')
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
