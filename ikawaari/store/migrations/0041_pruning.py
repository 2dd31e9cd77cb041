"""Old events are deleted with their deliveries, which are found by their event.

The unique index has the same columns in another order: it costs a new delivery nothing, and new entries are neighbors.
An older version works with it: what it looks for by endpoint, it finds by the endpoint's other indexes.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE pruning_places (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    after VARCHAR(255) NOT NULL
);

CREATE UNIQUE INDEX webhook_deliveries_event_id_endpoint_id ON webhook_deliveries (event_id, endpoint_id);

DROP INDEX webhook_deliveries_endpoint_id_event_id
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
