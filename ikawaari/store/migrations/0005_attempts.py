"""What was reported of each attempt, and by whom it was settled; which refunds were sent."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE attempt_reports (
    id {auto},
    attempt_id VARCHAR(36) NOT NULL,
    source VARCHAR(16) NOT NULL,
    result VARCHAR(32) NOT NULL,
    amount BIGINT,
    currency VARCHAR(3),
    failure_code VARCHAR(32),
    reference VARCHAR(255),
    provider_code VARCHAR(255),
    status VARCHAR(32) NOT NULL,
    made_by VARCHAR(255),
    reason VARCHAR(500),
    forced BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (attempt_id) REFERENCES payment_attempts (id)
);

CREATE INDEX attempt_reports_attempt_id ON attempt_reports (attempt_id);

ALTER TABLE payment_attempts ADD COLUMN unresolved_at BIGINT;

ALTER TABLE refunds ADD COLUMN sent_at BIGINT;

UPDATE refunds SET sent_at = created_at
"""


def up(_migrator: Any, db: Any) -> None:
    """Create and alter."""
    sql.run(db, SCHEMA)
