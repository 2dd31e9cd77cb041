"""Who opened a session is a column: it took two joins to see that a session is a renewal's page."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE checkout_sessions ADD COLUMN opened_by VARCHAR(32) NOT NULL DEFAULT 'merchant'
    CHECK (opened_by IN ('merchant', 'visit', 'renewal'));

UPDATE checkout_sessions SET opened_by = 'visit' WHERE by_visit;

UPDATE checkout_sessions SET opened_by = 'renewal' WHERE id IN (
    SELECT invoices.session_id FROM invoices JOIN subscriptions ON subscriptions.id = invoices.subscription_id
    WHERE subscriptions.session_id <> invoices.session_id
);

ALTER TABLE checkout_sessions DROP COLUMN by_visit;
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter."""
    sql.run(db, SCHEMA)
