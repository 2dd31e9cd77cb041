"""What providers' statements said: the statements, the cases, and which payments and refunds have been listed.

An older version works with it: it does not know the tables, and writes null into the columns.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN listed_at BIGINT;

ALTER TABLE refunds ADD COLUMN listed_at BIGINT;

CREATE TABLE statements (
    id {auto},
    account VARCHAR(20) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    lines INTEGER NOT NULL,
    read_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX statements_account_digest ON statements (account, digest);

CREATE TABLE reconciliation_cases (
    id {auto},
    account VARCHAR(20) NOT NULL,
    kind VARCHAR(32) NOT NULL CHECK (
        kind IN ('missing_here', 'missing_there', 'amount_differs', 'status_differs', 'listed_differently')
    ),
    object VARCHAR(16) NOT NULL CHECK (object IN ('payment', 'refund')),
    reference VARCHAR(255) NOT NULL,
    attempt_id VARCHAR(36) REFERENCES payment_attempts (id),
    refund_id VARCHAR(255) REFERENCES refunds (id),
    theirs TEXT,
    amount BIGINT,
    currency VARCHAR(3),
    status VARCHAR(32),
    details VARCHAR(255),
    happened_at BIGINT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    closed_at BIGINT,
    closed_by VARCHAR(255),
    reason VARCHAR(500)
);

CREATE UNIQUE INDEX reconciliation_cases_account_object_reference_kind
    ON reconciliation_cases (account, object, reference, kind);

CREATE INDEX reconciliation_cases_attempt_id ON reconciliation_cases (attempt_id);

CREATE INDEX reconciliation_cases_refund_id ON reconciliation_cases (refund_id)
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
