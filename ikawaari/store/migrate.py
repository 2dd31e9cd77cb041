"""Bring the database's schema to the code's. Any number of machines may start at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from ikawaari import databases
from ikawaari.store import commit_order
from ikawaari.store.database import database, is_postgres

_DIRECTORY = Path(__file__).parent / "migrations"
_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
_LOCK = 0x1BA7A1  # PostgreSQL's advisory locks are numbers; this one is ours


def migrate() -> list[str]:
    """Apply what is missing, in order, and return the names of what was applied."""
    with _one_at_a_time():
        applied = [str(name) for name in Runner(database.obj, directory=str(_DIRECTORY)).up()]
        commit_order.forget_another_server()
        return applied


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two machines that migrate at once would both find the same file missing."""
    if not is_postgres():
        with databases.file_lock(Path(f"{database.obj.database}.migrating")):
            yield
        return
    for limit in _LIMITS:  # the other machine, and a large table, may take as long as they need
        database.execute_sql(f"SET {limit} = 0")
    database.execute_sql("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        database.execute_sql("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        for limit in _LIMITS:
            database.execute_sql(f"RESET {limit}")
