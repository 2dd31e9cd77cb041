"""Secrets are sealed; a credential, not each session, has the key that signs returns; secrets change with an overlap."""

from typing import Any

from ikawaari import sealing
from ikawaari.store import sql

SCHEMA = """
CREATE TABLE seals (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    sealed VARCHAR(255) NOT NULL
);

ALTER TABLE credentials ADD COLUMN return_key VARCHAR(255);

ALTER TABLE checkout_sessions DROP COLUMN return_key;

ALTER TABLE checkout_sessions ADD COLUMN credential_id VARCHAR(255) REFERENCES credentials (id);

CREATE INDEX checkout_sessions_credential_id ON checkout_sessions (credential_id);

ALTER TABLE payment_links DROP COLUMN return_key;

ALTER TABLE payment_links ADD COLUMN credential_id VARCHAR(255) REFERENCES credentials (id);

CREATE INDEX payment_links_credential_id ON payment_links (credential_id);

ALTER TABLE webhook_endpoints ADD COLUMN next_secret VARCHAR(255);

ALTER TABLE webhook_endpoints ADD COLUMN secret_changes_at BIGINT;

ALTER TABLE webhook_deliveries ADD COLUMN set_aside BOOLEAN NOT NULL DEFAULT FALSE;
"""


def up(_migrator: Any, db: Any) -> None:
    """Create, alter, and seal what stands there in clear."""
    sql.run(db, SCHEMA)
    for row_id, secret in db.execute_sql("SELECT id, secret FROM webhook_endpoints").fetchall():
        mark = db.param
        statement = f"UPDATE webhook_endpoints SET secret = {mark} WHERE id = {mark}"  # noqa: S608 - placeholders
        db.execute_sql(statement, (sealing.seal(secret), row_id))
