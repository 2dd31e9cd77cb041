"""The idempotency keys of requests to pay a session."""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE pay_keys (
    id {auto},
    session_id VARCHAR(255) NOT NULL,
    key VARCHAR(255) NOT NULL,
    body_digest VARCHAR(64) NOT NULL,
    subject VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    FOREIGN KEY (session_id) REFERENCES checkout_sessions (id)
);

CREATE INDEX pay_keys_session_id ON pay_keys (session_id);

CREATE INDEX pay_keys_created_at ON pay_keys (created_at);

CREATE UNIQUE INDEX pay_keys_session_id_key ON pay_keys (session_id, key);
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
