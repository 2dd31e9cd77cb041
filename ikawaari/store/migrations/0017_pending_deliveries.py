"""The indexes that find what is to be delivered hold nothing else: a million delivered webhooks do not slow the next.

An older version finds its deliveries without them, by other indexes of the endpoint.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
DROP INDEX webhook_deliveries_endpoint_id_lane_status_event_id;

DROP INDEX webhook_deliveries_endpoint_id_object_id_status_event_id;

DROP INDEX webhook_deliveries_event_id;

CREATE INDEX webhook_deliveries_of_lane ON webhook_deliveries (endpoint_id, lane, set_aside, event_id)
    WHERE status = 'pending';

CREATE INDEX webhook_deliveries_of_object ON webhook_deliveries (object_id, endpoint_id, set_aside, event_id)
    WHERE status = 'pending';
"""


def up(_migrator: Any, db: Any) -> None:
    """Drop and create."""
    sql.run(db, SCHEMA)
