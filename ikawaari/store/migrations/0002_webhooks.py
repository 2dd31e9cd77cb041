"""Webhook endpoints and deliveries; intents without a session; calls that are cut off and go on."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE webhook_endpoints (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    url VARCHAR(2048) NOT NULL,
    secret VARCHAR(255) NOT NULL,
    enabled_events TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    failing_since BIGINT,
    rests_until BIGINT,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE INDEX webhook_endpoints_merchant_id ON webhook_endpoints (merchant_id);

CREATE TABLE webhook_deliveries (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    endpoint_id VARCHAR(255) NOT NULL,
    event_id BIGINT NOT NULL,
    object_id VARCHAR(255) NOT NULL,
    lane INTEGER NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    tries INTEGER NOT NULL,
    next_try_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    FOREIGN KEY (event_id) REFERENCES events (sequence)
);

CREATE INDEX webhook_deliveries_endpoint_id ON webhook_deliveries (endpoint_id);

CREATE INDEX webhook_deliveries_event_id ON webhook_deliveries (event_id);

CREATE UNIQUE INDEX webhook_deliveries_endpoint_id_event_id ON webhook_deliveries (endpoint_id, event_id);

CREATE INDEX webhook_deliveries_endpoint_id_lane_status_event_id
    ON webhook_deliveries (endpoint_id, lane, status, event_id);

CREATE INDEX webhook_deliveries_endpoint_id_object_id_status_event_id
    ON webhook_deliveries (endpoint_id, object_id, status, event_id);

CREATE TABLE webhook_delivery_tries (
    id {auto},
    delivery_id VARCHAR(255) NOT NULL,
    at BIGINT NOT NULL,
    duration_ms INTEGER NOT NULL,
    http_status INTEGER,
    body TEXT NOT NULL,
    FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries (id) ON DELETE CASCADE
);

CREATE INDEX webhook_delivery_tries_delivery_id ON webhook_delivery_tries (delivery_id);

ALTER TABLE due_work ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;

ALTER TABLE idempotency_keys ADD COLUMN subject VARCHAR(255);

ALTER TABLE checkout_sessions ADD COLUMN return_key VARCHAR(255);

ALTER TABLE payment_intents ADD COLUMN country VARCHAR(2);

ALTER TABLE payment_intents ADD COLUMN customer VARCHAR(255);

ALTER TABLE payment_intents ADD COLUMN payment_method TEXT;
"""


def up(_migrator: Any, db: Any) -> None:
    """Create and alter."""
    sql.run(db, SCHEMA)
