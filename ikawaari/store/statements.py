"""How many statements each thread has sent, for the debug log only. Nothing is counted until `watch` is called."""

import threading
from typing import Any

from ikawaari.store.database import database

_NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK")
_mine = threading.local()


def watch() -> None:
    """Count from now on, on the current database of the models."""
    execute_sql = database.obj.execute_sql

    def counted(sql: str, *args: Any, **options: Any) -> Any:
        if not sql.startswith(_NOT_COUNTED):
            _mine.count = count() + 1
        return execute_sql(sql, *args, **options)

    database.obj.execute_sql = counted


def restart() -> None:
    """Start at zero again, in this thread."""
    _mine.count = 0


def count() -> int:
    """How many statements this thread has sent since `restart`."""
    return getattr(_mine, "count", 0)
