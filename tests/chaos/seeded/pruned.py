"""Old rows are deleted while all fails: the database keeps a copy of what goes, so that the books can still be checked.

What was deleted too early could not be missed otherwise, and what each event was is compared at the end of the run.
"""

from collections.abc import Iterator
from typing import Any

from ikawaari import clock, store
from ikawaari.states import PaymentStatus, SessionStatus
from ikawaari.store.database import database
from ikawaari.store.models import Event
from tests.chaos.seeded import moved

_COPIED = {
    "events": "id, type, object_id, sequence, body",
    "checkout_sessions": "id, status, payment_status",
    "callbacks": "id",
}
_COPY = """
CREATE TRIGGER keep_{table} AFTER DELETE ON {table} FOR EACH ROW {action}
"""
_FUNCTION = """
CREATE FUNCTION keep_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {insert};
    RETURN NULL;
END $$
"""


def watch() -> None:
    """From now on keep a copy of each row that is deleted."""
    for table, columns in _COPIED.items():
        old = ", ".join(f"OLD.{column}" for column in columns.split(", "))
        insert = f"INSERT INTO pruned_{table} VALUES ({old})"
        database.obj.execute_sql(f"CREATE TABLE pruned_{table} AS SELECT {columns} FROM {table} WHERE 1 = 0")
        if store.is_postgres():
            database.obj.execute_sql(_FUNCTION.format(table=table, insert=insert))
        action = f"EXECUTE FUNCTION keep_{table}()" if store.is_postgres() else f"BEGIN {insert}; END"
        database.obj.execute_sql(_COPY.format(table=table, action=action))


def events() -> list[tuple[Any, ...]]:
    """Id, type, object, sequence and body of each event that is gone, in the order in which they were written."""
    return _rows("SELECT * FROM pruned_events ORDER BY sequence")


def wrongly() -> Iterator[str]:
    """Sessions that are gone, although somebody may still want to pay them, or has."""
    for session_id, status, payment_status in _rows("SELECT * FROM pruned_checkout_sessions"):
        if (status, payment_status) != (SessionStatus.EXPIRED, PaymentStatus.UNPAID):
            yield f"session {session_id} was deleted: it was {status} and {payment_status}"


def left() -> list[str]:
    """Old events that should be gone by now, when every delivery has ended: all but the newest of each list."""
    before = clock.now() - moved.KEPT
    rows = list(Event.select(Event.id, Event.merchant, Event.livemode).where(Event.created_at < before))
    newest = {(row.merchant_id, row.livemode) for row in rows}
    return [f"{len(rows)} events are too old, of {len(newest)} lists"] if len(rows) > len(newest) else []


def figures() -> dict[str, int]:
    """How many rows are gone."""
    return {table: _rows(f"SELECT COUNT(*) FROM pruned_{table}")[0][0] for table in _COPIED}


def _rows(question: str) -> list[tuple[Any, ...]]:
    return list(database.obj.execute_sql(question).fetchall())
