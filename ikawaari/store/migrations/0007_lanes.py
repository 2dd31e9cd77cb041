"""Due work says whose calls it waits for, and providers are switched off and on."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE due_work ADD COLUMN lane VARCHAR(64) NOT NULL DEFAULT '';

CREATE INDEX due_work_kind_lane_due_at ON due_work (kind, lane, due_at);

UPDATE due_work SET lane = (SELECT provider FROM payment_attempts WHERE payment_attempts.id = subject)
WHERE kind = 'attempt.enquire' AND EXISTS (SELECT 1 FROM payment_attempts WHERE payment_attempts.id = subject);

UPDATE due_work SET lane = (
    SELECT provider FROM refunds JOIN payment_attempts ON payment_attempts.id = refunds.attempt_id
    WHERE refunds.id = subject
)
WHERE kind = 'refund.send' AND EXISTS (SELECT 1 FROM refunds WHERE refunds.id = subject);

CREATE TABLE provider_switches (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    state VARCHAR(32) NOT NULL CHECK (state IN ('open', 'closed')),
    changed_at BIGINT NOT NULL
)
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter, and give the rows that stand their lanes; an invoice's charge gets its when it is next scheduled."""
    sql.run(db, SCHEMA)
