"""Accounts at providers, and the order in which they are asked.

An older version works with them: it does not use them, and it opens and closes what it knows.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE provider_accounts (
    id VARCHAR(20) NOT NULL PRIMARY KEY,
    provider VARCHAR(32) NOT NULL,
    merchant_id VARCHAR(255),
    country VARCHAR(2) CHECK (length(country) = 2),
    livemode BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    callback_key VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE TABLE provider_orders (
    id {auto},
    merchant_id VARCHAR(255),
    operator VARCHAR(32) NOT NULL,
    accounts TEXT NOT NULL,
    FOREIGN KEY (merchant_id) REFERENCES merchants (id)
);

CREATE UNIQUE INDEX provider_orders_of_house ON provider_orders (operator) WHERE merchant_id IS NULL;

CREATE UNIQUE INDEX provider_orders_of_merchant ON provider_orders (merchant_id, operator)
    WHERE merchant_id IS NOT NULL;

CREATE TABLE provider_versions (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
);
"""


def up(_migrator: Any, db: Any) -> None:
    """Create the tables."""
    sql.run(db, SCHEMA)
