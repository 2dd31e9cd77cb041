"""The reference of a trial, by which its session is found. That of a payment is the beginning of its attempt's id.

An older version works with it: a trial that it starts has none, and is not found by it.
"""

import hashlib
from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE subscriptions ADD COLUMN reference VARCHAR(8);

CREATE INDEX subscriptions_reference ON subscriptions (reference) WHERE reference IS NOT NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the column, and give the trials that there are their references."""
    sql.run(db, SCHEMA)
    mark = db.param
    statement = f"UPDATE subscriptions SET reference = {mark} WHERE id = {mark}"  # noqa: S608 - placeholders
    trials = "SELECT id, session_id FROM subscriptions WHERE trial_end IS NOT NULL"
    for row_id, session_id in db.execute_sql(trials).fetchall():
        reference = hashlib.sha256(session_id.encode()).hexdigest()[:8].upper()
        db.execute_sql(statement, (reference, row_id))
