"""Lists of events follow the order of commits: nobody reads a merchant's events by their sequence any more."""

from typing import Any

from ikawaari.store import sql


def up(_migrator: Any, db: Any) -> None:
    """Drop; an older version does not read by it either."""
    sql.run(db, "DROP INDEX events_merchant_id_livemode_sequence")
