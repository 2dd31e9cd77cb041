"""The first schema. Frozen: a change of the models is a further file beside this one."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE merchants (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    country VARCHAR(2) NOT NULL,
    currency VARCHAR(3) NOT NULL,
    logo_url VARCHAR(2048),
    color VARCHAR(7),
    late_payments VARCHAR(8) NOT NULL CHECK (late_payments IN ('accept', 'refund')),
    created_at BIGINT NOT NULL
);

CREATE TABLE app_installations (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    removed_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE INDEX app_installations_merchant_id ON app_installations (merchant_id);

CREATE TABLE credentials (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    installation_id VARCHAR(255),
    digest VARCHAR(64) NOT NULL,
    hint VARCHAR(32) NOT NULL,
    livemode BOOLEAN NOT NULL,
    scopes TEXT NOT NULL,
    rate_limit INTEGER,
    allowed_networks TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    FOREIGN KEY (installation_id) REFERENCES app_installations (id)
);

CREATE INDEX credentials_merchant_id ON credentials (merchant_id);

CREATE INDEX credentials_installation_id ON credentials (installation_id);

CREATE UNIQUE INDEX credentials_digest ON credentials (digest);

CREATE TABLE checkout_sessions (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('open', 'complete', 'expired')),
    payment_status VARCHAR(32) NOT NULL CHECK (payment_status IN ('unpaid', 'processing', 'paid', 'refunded', 'partially_refunded', 'no_payment_required')),
    mode VARCHAR(16) NOT NULL,
    recurring TEXT,
    amount BIGINT CHECK (amount > 0),
    amount_min BIGINT,
    amount_max BIGINT,
    amount_presets TEXT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    country VARCHAR(2),
    payment_method_types TEXT NOT NULL,
    success_url VARCHAR(2048),
    cancel_url VARCHAR(2048),
    customer_email VARCHAR(320),
    customer_phone VARCHAR(20),
    customer_details TEXT NOT NULL,
    custom_fields TEXT NOT NULL,
    custom_field_values TEXT NOT NULL,
    deferred BOOLEAN NOT NULL,
    client_reference_id VARCHAR(255),
    line_items TEXT NOT NULL,
    description VARCHAR(500),
    locale VARCHAR(4) NOT NULL,
    metadata TEXT NOT NULL,
    late BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    completed_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE INDEX checkout_sessions_merchant_id ON checkout_sessions (merchant_id);

CREATE INDEX checkout_sessions_merchant_id_livemode_created_at_id ON checkout_sessions (merchant_id, livemode, created_at, id);

CREATE TABLE payment_intents (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    session_id VARCHAR(255),
    status VARCHAR(32) NOT NULL CHECK (status IN ('requires_payment_method', 'requires_confirmation', 'requires_action', 'processing', 'succeeded', 'failed', 'canceled')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    amount_received BIGINT NOT NULL,
    amount_refunded BIGINT NOT NULL CHECK (amount_refunded >= 0 AND amount_refunded <= amount_received),
    currency VARCHAR(3) NOT NULL,
    customer_email VARCHAR(320),
    customer_phone VARCHAR(20),
    description VARCHAR(500),
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    canceled_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    FOREIGN KEY (session_id) REFERENCES checkout_sessions (id)
);

CREATE INDEX payment_intents_merchant_id ON payment_intents (merchant_id);

CREATE UNIQUE INDEX payment_intents_session_id ON payment_intents (session_id);

CREATE INDEX payment_intents_merchant_id_livemode_created_at_id ON payment_intents (merchant_id, livemode, created_at, id);

CREATE TABLE payment_attempts (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    intent_id VARCHAR(255) NOT NULL,
    provider VARCHAR(32) NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('submitting', 'unknown', 'processing', 'requires_action', 'succeeded', 'failed')),
    type VARCHAR(16) NOT NULL,
    operator VARCHAR(32),
    country VARCHAR(2),
    phone VARCHAR(20),
    card_token VARCHAR(255),
    flow VARCHAR(16),
    return_url VARCHAR(2048) NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    amount_received BIGINT,
    surplus BOOLEAN NOT NULL,
    currency VARCHAR(3) NOT NULL,
    provider_reference VARCHAR(255),
    provider_code VARCHAR(255),
    failure_code VARCHAR(32),
    next_action TEXT,
    created_at BIGINT NOT NULL,
    submitted_at BIGINT NOT NULL,
    deadline_at BIGINT,
    enquired_at BIGINT,
    settled_at BIGINT,
    FOREIGN KEY (intent_id) REFERENCES payment_intents (id)
);

CREATE INDEX payment_attempts_intent_id ON payment_attempts (intent_id);

CREATE INDEX payment_attempts_provider_reference ON payment_attempts (provider_reference);

CREATE UNIQUE INDEX payment_attempts_one_unsettled ON payment_attempts (intent_id) WHERE status IN ('submitting', 'unknown', 'processing', 'requires_action');

CREATE TABLE refunds (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    intent_id VARCHAR(255) NOT NULL,
    attempt_id VARCHAR(36) NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency VARCHAR(3) NOT NULL,
    reason VARCHAR(255),
    automatic BOOLEAN NOT NULL,
    metadata TEXT NOT NULL,
    provider_reference VARCHAR(255),
    failure_code VARCHAR(32),
    created_at BIGINT NOT NULL,
    settled_at BIGINT,
    FOREIGN KEY (intent_id) REFERENCES payment_intents (id),
    FOREIGN KEY (attempt_id) REFERENCES payment_attempts (id)
);

CREATE INDEX refunds_intent_id ON refunds (intent_id);

CREATE INDEX refunds_attempt_id ON refunds (attempt_id);

CREATE UNIQUE INDEX refunds_one_automatic_per_attempt ON refunds (attempt_id) WHERE automatic;

CREATE TABLE subscriptions (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    session_id VARCHAR(255) NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'unpaid', 'canceled')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency VARCHAR(3) NOT NULL,
    "interval" VARCHAR(8) NOT NULL,
    interval_count INTEGER NOT NULL,
    payment_method TEXT NOT NULL,
    anchor_at BIGINT NOT NULL,
    current_period_start BIGINT NOT NULL,
    current_period_end BIGINT NOT NULL,
    trial_end BIGINT,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    FOREIGN KEY (session_id) REFERENCES checkout_sessions (id)
);

CREATE INDEX subscriptions_merchant_id ON subscriptions (merchant_id);

CREATE UNIQUE INDEX subscriptions_session_id ON subscriptions (session_id);

CREATE TABLE events (
    sequence {auto},
    id VARCHAR(255) NOT NULL,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    type VARCHAR(64) NOT NULL,
    object_id VARCHAR(255) NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE UNIQUE INDEX events_id ON events (id);

CREATE INDEX events_merchant_id ON events (merchant_id);

CREATE INDEX events_object_id ON events (object_id);

CREATE TABLE callbacks (
    id {auto},
    provider VARCHAR(32) NOT NULL,
    event_id VARCHAR(255) NOT NULL,
    attempt_id VARCHAR(255),
    body TEXT NOT NULL,
    received_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX callbacks_provider_event_id ON callbacks (provider, event_id);

CREATE TABLE due_work (
    id {auto},
    kind VARCHAR(32) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    due_at BIGINT NOT NULL,
    leased_until BIGINT,
    tries INTEGER NOT NULL
);

CREATE INDEX due_work_due_at ON due_work (due_at);

CREATE UNIQUE INDEX due_work_kind_subject ON due_work (kind, subject);

CREATE TABLE idempotency_keys (
    id {auto},
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    method VARCHAR(8) NOT NULL,
    path VARCHAR(512) NOT NULL,
    key VARCHAR(255) NOT NULL,
    body_digest VARCHAR(64) NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    locked_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE INDEX idempotency_keys_merchant_id ON idempotency_keys (merchant_id);

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

CREATE UNIQUE INDEX idempotency_keys_merchant_id_livemode_method_path_key ON idempotency_keys (merchant_id, livemode, method, path, key);

CREATE {unlogged} TABLE rate_windows (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    count INTEGER NOT NULL,
    ends_at BIGINT NOT NULL
);

CREATE INDEX rate_windows_ends_at ON rate_windows (ends_at);
"""


def up(_migrator: Any, db: Any) -> None:
    """Create every table, index and check."""
    sql.run(db, SCHEMA)
