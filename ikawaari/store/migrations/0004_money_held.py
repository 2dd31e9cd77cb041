"""The books of each attempt: what of its money counts, is held, was closed, went back or is promised."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN received_currency VARCHAR(3);

ALTER TABLE payment_attempts ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment_attempts ADD COLUMN held BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment_attempts ADD COLUMN closed BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment_attempts ADD COLUMN returned BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment_attempts ADD COLUMN promised BIGINT NOT NULL DEFAULT 0;

ALTER TABLE refunds ADD COLUMN held BOOLEAN NOT NULL DEFAULT FALSE;

UPDATE refunds SET held = (SELECT surplus FROM payment_attempts WHERE payment_attempts.id = refunds.attempt_id);

UPDATE payment_attempts SET
    received_currency = COALESCE(
        (SELECT MIN(currency) FROM refunds WHERE refunds.attempt_id = payment_attempts.id AND refunds.held),
        currency
    )
    WHERE amount_received IS NOT NULL;

UPDATE payment_attempts SET counted = amount_received
    WHERE status = 'succeeded' AND NOT surplus AND amount_received IS NOT NULL;

UPDATE payment_attempts SET
    returned = (
        SELECT COALESCE(SUM(amount), 0) FROM refunds
        WHERE refunds.attempt_id = payment_attempts.id AND refunds.status = 'succeeded'
    ),
    promised = (
        SELECT COALESCE(SUM(amount), 0) FROM refunds
        WHERE refunds.attempt_id = payment_attempts.id AND refunds.status = 'pending'
    )
    WHERE id IN (SELECT attempt_id FROM refunds);

UPDATE payment_attempts SET held = amount_received - returned WHERE surplus AND amount_received IS NOT NULL;

ALTER TABLE payment_attempts DROP COLUMN surplus;

DROP INDEX refunds_one_automatic_per_attempt;

CREATE UNIQUE INDEX refunds_one_automatic_pending ON refunds (attempt_id) WHERE automatic AND status = 'pending';
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the columns and say in them what the rows say today."""
    sql.run(db, SCHEMA)
