"""Which cards their provider did not answer about, when it was asked to save them: breakers count them.

An older version works with it: it writes null, which counts as answered.
"""

from typing import Any

from ikawaari.store import sql

SCHEMA = """
ALTER TABLE card_setups ADD COLUMN unanswered BOOLEAN;

CREATE INDEX card_setups_provider ON card_setups (provider, created_at)
"""


def up(_migrator: Any, db: Any) -> None:
    """Add the column and the index."""
    sql.run(db, SCHEMA)
