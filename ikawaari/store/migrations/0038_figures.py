"""What is seldom, and looked for by each reading of the metrics, is found without reading all rows.

An older version works with it: these are indexes that guard nothing.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE INDEX payment_attempts_held ON payment_attempts (provider) WHERE held > 0;

CREATE INDEX incidents_open ON incidents (kind) WHERE closed_at IS NULL;

CREATE INDEX webhook_endpoints_failing ON webhook_endpoints (livemode) WHERE failing_since IS NOT NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
