"""Bring the database's schema up to date. Any number of machines may start at once."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peewee import OperationalError, PeeweeException
from playhouse.migrations import Runner

from ikawaari import databases, locks
from ikawaari.store import commit_order
from ikawaari.store.database import database, is_postgres
from ikawaari.store.sql import Finding, Unfit

_DIRECTORY = Path(__file__).parent / "migrations"
_OURS = frozenset(file.stem for file in _DIRECTORY.glob("[0-9]*.py"))  # now: an upgrade may replace the files later
_LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
_DEADLOCK, _MOST_DEADLOCKS = "40P01", 20
_LOCK = 0x1BA7A1  # PostgreSQL's advisory locks are numbers; this one is ours


def migrate() -> list[str]:
    """Apply the missing migrations in order, all or none. Returns their names.

    Raises Unfit for rows that violate a constraint, if no migration can know the right value.
    """
    with _one_at_a_time():
        applied = _run()
        commit_order.forget_another_server()
        return applied


def check() -> list[Finding]:
    """The rows that prevent a migration. It is tried and rolled back: nothing changes."""
    findings: list[Finding] = []
    with suppress(_Undone), _one_at_a_time():
        try:
            _run(tried_only=True)
        except Unfit as unfit:
            findings += unfit.findings
    return findings


def why_not_ready() -> str | None:
    """Why this program cannot work on its database, in a sentence; None if it can.

    It can on the schema of a newer version, which has more: a rolling upgrade migrates before it replaces servers.
    """
    try:
        applied = {name for (name,) in database.execute_sql("SELECT name FROM schema_migration").fetchall()}
    except PeeweeException:
        return "The database does not answer, or was never migrated: see `ikawaari migrate`."
    if missing := len(_OURS - applied):
        return f"The database lacks {missing} of this version's migrations: run `ikawaari migrate` of this version."
    return None


def is_ready() -> bool:
    """Whether the database answers, and has every migration that this program knows."""
    return why_not_ready() is None


def _run(*, tried_only: bool = False) -> list[str]:
    """Apply what is missing, in one transaction.

    If a payment has one table and waits for another, and the migration has that one and waits for the first, PostgreSQL
    ends one of the two, most often the migration, of which nothing is applied then. To avoid that, it begins again.
    """
    for _ in range(_MOST_DEADLOCKS):
        try:
            return _run_once(tried_only=tried_only)
        except OperationalError as error:
            if getattr(error.__context__, "sqlstate", None) != _DEADLOCK:
                raise
    return _run_once(tried_only=tried_only)


def _run_once(*, tried_only: bool) -> list[str]:
    with _without_foreign_keys(), databases.transaction(database.obj, on_own_connection=True):
        applied = [str(name) for name in Runner(database.obj, directory=str(_DIRECTORY)).up()]
        _check_foreign_keys()
        if tried_only:
            raise _Undone
    return applied


class _Undone(Exception):
    """Rolls back a transaction that was only tried."""


@contextmanager
def _without_foreign_keys() -> Iterator[None]:
    """SQLite only: a table that is recreated is dropped in between, which must not delete the rows that refer to it."""
    if is_postgres():
        yield
        return
    database.execute_sql("PRAGMA foreign_keys = off")
    try:
        yield
    finally:
        database.execute_sql("PRAGMA foreign_keys = on")


def _check_foreign_keys() -> None:
    """SQLite only: check the foreign keys that were not checked meanwhile. Raises Unfit."""
    if is_postgres():
        return
    broken = database.execute_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise Unfit([Finding(f"foreign key to {parent}", table, str(row)) for table, row, parent, _ in broken])


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """If two machines migrated at once, both would apply the same migration."""
    if not is_postgres():
        with locks.file_lock(Path(f"{database.obj.database}.migrating")):
            yield
        return
    for limit in _LIMITS:  # the other machine, or a large table, may take any time
        database.execute_sql(f"SET {limit} = 0")
    database.execute_sql("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        yield
    finally:
        database.execute_sql("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        for limit in _LIMITS:
            database.execute_sql(f"RESET {limit}")
