"""Short codes that lead a second device to a session's page. They live for minutes, so a crash may lose them.

An older version works with it: it does not know the table.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE {unlogged} TABLE device_codes (
    digest VARCHAR(64) NOT NULL PRIMARY KEY,
    session_id VARCHAR(255) NOT NULL REFERENCES checkout_sessions (id),
    expires_at BIGINT NOT NULL
);

CREATE INDEX device_codes_session_id ON device_codes (session_id, expires_at)
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
