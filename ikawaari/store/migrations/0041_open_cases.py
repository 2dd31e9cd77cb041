"""Open cases are found without those that were closed in all the years.

An older version works with it.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
CREATE INDEX reconciliation_cases_open ON reconciliation_cases (account, reference) WHERE closed_at IS NULL
"""


def up(_migrator: Any, db: Any) -> None:
    """Create."""
    sql.run(db, SCHEMA)
