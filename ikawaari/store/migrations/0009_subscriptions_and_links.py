"""The agreed fee belongs to what a subscription is charged by; what a payer typed belongs to the attempt; expired intents."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE subscriptions ADD COLUMN fee_amount BIGINT NOT NULL DEFAULT 0 CHECK (fee_amount >= 0);

UPDATE subscriptions SET fee_amount = COALESCE(
    (SELECT payment_attempts.fee_amount FROM payment_attempts
        JOIN payment_intents ON payment_intents.id = payment_attempts.intent_id
        JOIN invoices ON invoices.session_id = payment_intents.session_id
        WHERE invoices.subscription_id = subscriptions.id
            AND payment_attempts.status = 'succeeded' AND payment_attempts.counted > 0
        ORDER BY payment_attempts.settled_at DESC, payment_attempts.id DESC LIMIT 1),
    (SELECT checkout_sessions.fee_amount FROM checkout_sessions WHERE checkout_sessions.id = subscriptions.session_id),
    0
);

ALTER TABLE payment_intents ADD COLUMN cancellation_reason VARCHAR(16)
    CHECK (cancellation_reason IN ('requested', 'expired'));

UPDATE payment_intents SET cancellation_reason = 'requested' WHERE canceled_at IS NOT NULL;

UPDATE payment_intents SET status = 'canceled', cancellation_reason = 'expired', canceled_at =
    (SELECT expires_at FROM checkout_sessions WHERE checkout_sessions.id = payment_intents.session_id)
    WHERE status IN ('requires_payment_method', 'requires_confirmation', 'failed') AND session_id IN
        (SELECT id FROM checkout_sessions WHERE status = 'expired' AND payment_status = 'unpaid');

ALTER TABLE payment_attempts ADD COLUMN off_session BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE payment_attempts ADD COLUMN customer_details TEXT NOT NULL DEFAULT '{}';

ALTER TABLE payment_attempts ADD COLUMN custom_field_values TEXT NOT NULL DEFAULT '{}';

UPDATE payment_attempts SET
    customer_details = COALESCE((SELECT checkout_sessions.customer_details FROM checkout_sessions
        JOIN payment_intents ON payment_intents.session_id = checkout_sessions.id
        WHERE payment_intents.id = payment_attempts.intent_id), '{}'),
    custom_field_values = COALESCE((SELECT checkout_sessions.custom_field_values FROM checkout_sessions
        JOIN payment_intents ON payment_intents.session_id = checkout_sessions.id
        WHERE payment_intents.id = payment_attempts.intent_id), '{}')
    WHERE status <> 'succeeded';

ALTER TABLE payment_links ADD COLUMN allow_repeat_subscriptions BOOLEAN NOT NULL DEFAULT FALSE;
"""


def up(_migrator: Any, db: Any) -> None:
    """Alter, and bring what is stored into it."""
    sql.run(db, SCHEMA)
