"""Payment links; fees that customers pay; invoices of subscriptions; customers."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE payment_links (
    id VARCHAR(36) NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version IN (1, 2)),
    slug VARCHAR(64) NOT NULL,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    active BOOLEAN NOT NULL,
    amount BIGINT CHECK (amount > 0),
    amount_min BIGINT,
    amount_max BIGINT,
    amount_presets TEXT NOT NULL,
    currency VARCHAR(3) NOT NULL,
    country VARCHAR(2),
    payment_method_types TEXT NOT NULL,
    fee_mode VARCHAR(16) NOT NULL CHECK (fee_mode IN ('merchant_pays', 'customer_pays')),
    description VARCHAR(500),
    line_items TEXT NOT NULL,
    custom_fields TEXT NOT NULL,
    recurring TEXT,
    max_uses INTEGER CHECK (max_uses > 0),
    success_url VARCHAR(2048),
    thank_you VARCHAR(500),
    locale VARCHAR(4) NOT NULL,
    metadata TEXT NOT NULL,
    return_key VARCHAR(255),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    deactivated_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE UNIQUE INDEX payment_links_slug ON payment_links (slug);

CREATE INDEX payment_links_merchant_id ON payment_links (merchant_id);

CREATE INDEX payment_links_merchant_id_livemode_created_at_id ON payment_links (merchant_id, livemode, created_at, id);

CREATE TABLE customers (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    identity VARCHAR(330) NOT NULL,
    name VARCHAR(500),
    email VARCHAR(320),
    phone VARCHAR(20),
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE INDEX customers_merchant_id ON customers (merchant_id);

CREATE UNIQUE INDEX customers_merchant_id_livemode_identity ON customers (merchant_id, livemode, identity);

CREATE INDEX customers_merchant_id_livemode_created_at_id ON customers (merchant_id, livemode, created_at, id);

ALTER TABLE merchants ADD COLUMN fees TEXT NOT NULL DEFAULT '{}';

ALTER TABLE merchants ADD COLUMN unpaid_subscriptions VARCHAR(8) NOT NULL DEFAULT 'unpaid'
    CHECK (unpaid_subscriptions IN ('unpaid', 'canceled'));

ALTER TABLE checkout_sessions ADD COLUMN payment_link_id VARCHAR(36) REFERENCES payment_links (id);

ALTER TABLE checkout_sessions ADD COLUMN by_visit BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE checkout_sessions ADD COLUMN fee_mode VARCHAR(16) NOT NULL DEFAULT 'merchant_pays'
    CHECK (fee_mode IN ('merchant_pays', 'customer_pays'));

ALTER TABLE checkout_sessions ADD COLUMN fee_amount BIGINT NOT NULL DEFAULT 0 CHECK (fee_amount >= 0);

ALTER TABLE checkout_sessions ADD COLUMN thank_you VARCHAR(500);

ALTER TABLE checkout_sessions ADD COLUMN customer_id VARCHAR(255) REFERENCES customers (id);

ALTER TABLE payment_attempts ADD COLUMN fee_amount BIGINT NOT NULL DEFAULT 0 CHECK (fee_amount >= 0);

ALTER TABLE payment_attempts ADD COLUMN quantities TEXT;

CREATE INDEX checkout_sessions_payment_link_id ON checkout_sessions (payment_link_id);

CREATE INDEX checkout_sessions_customer_id ON checkout_sessions (customer_id);

ALTER TABLE subscriptions ADD COLUMN customer_id VARCHAR(255) REFERENCES customers (id);

ALTER TABLE subscriptions ADD COLUMN period INTEGER NOT NULL DEFAULT 1;

ALTER TABLE subscriptions ADD COLUMN cancel_at_period_end BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE subscriptions ADD COLUMN canceled_at BIGINT;

CREATE INDEX subscriptions_customer_id ON subscriptions (customer_id);

CREATE INDEX subscriptions_merchant_id_livemode_created_at_id ON subscriptions (merchant_id, livemode, created_at, id);

CREATE TABLE invoices (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    merchant_id VARCHAR(255) NOT NULL,
    livemode BOOLEAN NOT NULL,
    subscription_id VARCHAR(255) NOT NULL,
    session_id VARCHAR(255) NOT NULL,
    period INTEGER NOT NULL,
    period_start BIGINT NOT NULL,
    period_end BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL CHECK (status IN ('open', 'paid', 'uncollectible', 'void')),
    amount BIGINT NOT NULL CHECK (amount > 0),
    currency VARCHAR(3) NOT NULL,
    first_tried_at BIGINT,
    next_try_at BIGINT,
    created_at BIGINT NOT NULL,
    paid_at BIGINT,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    FOREIGN KEY (subscription_id) REFERENCES subscriptions (id),
    FOREIGN KEY (session_id) REFERENCES checkout_sessions (id)
);

CREATE INDEX invoices_merchant_id ON invoices (merchant_id);

CREATE INDEX invoices_subscription_id ON invoices (subscription_id);

CREATE UNIQUE INDEX invoices_session_id ON invoices (session_id);

CREATE UNIQUE INDEX invoices_subscription_id_period ON invoices (subscription_id, period);
"""


def up(_migrator: Any, db: Any) -> None:
    """Create and alter."""
    sql.run(db, SCHEMA)
