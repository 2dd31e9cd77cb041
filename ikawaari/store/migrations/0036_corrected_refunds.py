"""Refunds that succeed after they were reported failed, and money that moves at a provider without us.

An older version works with it: it writes none of these columns, and corrects no failed refund.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE payment_attempts ADD COLUMN unpromised BIGINT NOT NULL DEFAULT 0;

CREATE TABLE incidents (
    id {auto},
    kind VARCHAR(32) NOT NULL CHECK (kind IN ('dispute', 'refund_elsewhere', 'returned_too_much')),
    attempt_id VARCHAR(36) NOT NULL REFERENCES payment_attempts (id),
    reference VARCHAR(255) NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    currency VARCHAR(3) NOT NULL,
    details VARCHAR(255),
    is_final BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    closed_at BIGINT,
    closed_by VARCHAR(255),
    reason VARCHAR(500)
);

CREATE UNIQUE INDEX incidents_attempt_id_kind_reference ON incidents (attempt_id, kind, reference)
"""
_RECEIVED = "COALESCE(amount_received, 0)"
BOOKS = (
    "counted >= 0 AND closed >= 0 AND returned >= 0 AND promised >= 0 AND unpromised >= 0"
    f" AND held >= -unpromised AND counted + held <= {_RECEIVED}"
    f" AND returned + held + closed <= {_RECEIVED} + unpromised"
    f" AND returned + promised + closed <= {_RECEIVED} + unpromised"
)


def up(_migrator: Any, db: Any) -> None:
    """Create; widen the books by what nobody had promised."""
    sql.run(db, SCHEMA)
    sql.replace_check(db, "payment_attempts", "payment_attempts_books", BOOKS)
