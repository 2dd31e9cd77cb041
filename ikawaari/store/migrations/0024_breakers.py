"""A breaker for each provider account and operator: whether charges go there now, for all machines.

An older version works with it: it does not know the table, and asks whoever it always asked.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE TABLE breakers (
    account VARCHAR(64) NOT NULL,
    operator VARCHAR(32) NOT NULL,
    opened_at BIGINT,
    next_trial_at BIGINT,
    closed_at BIGINT,
    reason VARCHAR(32),
    PRIMARY KEY (account, operator)
)
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
