"""A database of PostgreSQL that one test after the other gets, each as if it had just been created and migrated."""

import time
from typing import Any, LiteralString

import psycopg
from psycopg import sql

PATIENCE_SECONDS = 30
USES_PER_VACUUM = 20  # of a database: by then, dead rows cost more than their removal
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
HAS_ROWS = "EXISTS (SELECT FROM {})"
ROWS = "(SELECT (count(*), max(xmin::text::bigint)) FROM {})"
SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
# Every change of a table, an index, a constraint, a trigger or a function shows in one of these.
SCHEMA = b"""
    SELECT (SELECT (count(*), max(xmin::text::bigint)) FROM pg_attribute WHERE attrelid >= 16384),
        (SELECT (count(*), max(xmin::text::bigint)) FROM pg_constraint WHERE oid >= 16384),
        (SELECT (count(*), max(xmin::text::bigint)) FROM pg_trigger),
        (SELECT (count(*), max(xmin::text::bigint)) FROM pg_proc WHERE oid >= 16384),
        (SELECT string_agg(relname, ',' ORDER BY oid) FROM pg_class WHERE oid >= 16384 AND relkind <> 't')
"""
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class OwnDatabase:
    """A database that one test after the other gets, each as it was at the beginning."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = url.rsplit("/", 1)[1]
        self._connection = psycopg.connect(url, autocommit=True)
        self._connection.execute("SET session_replication_role = replica")  # foreign keys would ask for an order
        tables = self._names(TABLES)
        has_rows = self._row(_select(_each(HAS_ROWS, tables)))
        kept = [table for table, is_filled in zip(tables, has_rows, strict=True) if is_filled]
        self._emptied = [table for table in tables if table not in kept]
        self._filled = _select(_each(HAS_ROWS, self._emptied))
        self._delete = _each("DELETE FROM {}", self._emptied)
        self._rewind = _select([self._to_its_position(name) for name in self._names(SEQUENCES)])
        self._migrations = _select(_each(ROWS, kept))
        self._migrated, self._schema = self._row(self._migrations), self._row(SCHEMA)
        self._uses = 0

    def restore(self) -> bool:
        """Make it what it was; False when somebody changed its schema or what migrations wrote, and it cannot be."""
        self._end_others()
        if self._row(SCHEMA) != self._schema or self._row(self._migrations) != self._migrated:
            return False
        filled = self._row(self._filled)
        emptying = [delete for delete, is_filled in zip(self._delete, filled, strict=True) if is_filled]
        # TRUNCATE gives every table and index a new file, which takes much longer than this.
        self._connection.execute(b"; ".join([*emptying, self._rewind]))
        self._uses += 1
        if self._uses % USES_PER_VACUUM == 0:
            self._connection.execute(b"VACUUM " + b", ".join(_each("{}", self._emptied)))
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _end_others(self) -> None:
        """Wait until nobody else is connected: a killed server's last statement may still be at work."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._connection.execute(END_OTHERS).fetchall():
            assert time.monotonic() < deadline, "somebody stays connected to the test's database"
            time.sleep(0.001)

    def _names(self, query: LiteralString) -> list[str]:
        return [name for (name,) in self._connection.execute(query)]

    def _to_its_position(self, sequence: str) -> bytes:
        (name,) = _each("{}", [sequence])
        last_value, is_called = self._row(b"SELECT last_value, is_called FROM " + name)
        return sql.SQL("setval({}, {}, {})").format(name.decode(), last_value, is_called).as_bytes()

    def _row(self, query: bytes) -> tuple[Any, ...]:
        found = self._connection.execute(query).fetchone()
        assert found is not None
        return found


def _each(expression: LiteralString, names: list[str]) -> list[bytes]:
    return [sql.SQL(expression).format(sql.Identifier(name)).as_bytes() for name in names]


def _select(expressions: list[bytes]) -> bytes:
    return b"SELECT " + b", ".join(expressions)
