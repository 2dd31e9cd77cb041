"""What payers typed whose browsers keep no cookies, for fifteen minutes.

An older version works with it: it does not know the table.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE page_drafts (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    session_id VARCHAR(255) NOT NULL REFERENCES checkout_sessions (id),
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX page_drafts_created_at ON page_drafts (created_at)
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
