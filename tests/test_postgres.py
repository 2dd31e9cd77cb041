"""The database that one test after the other gets is as it was at the beginning, whatever a test left in it."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from ikawaari import clock, store
from ikawaari.providers.sandbox import ledger
from ikawaari.store import due
from ikawaari.store.models import DueWork
from tests import factories, own_database, postgres
from tests.conftest import disconnect, migrate


@pytest.fixture
def next_test(postgres_server: postgres.Server) -> Iterator[Callable[[], str]]:
    """Begins a test, the first or the next: the models stand on the database that it gets, whose URL this returns."""

    def begin() -> str:
        url = postgres_server.own_database(migrate)
        store.connect(url)
        ledger.connect(url, pool=2)
        return url

    yield begin
    disconnect()


def test_rows_and_numbers_are_gone_in_the_next_test_and_the_migrations_are_known(next_test: Callable[[], str]) -> None:
    before = contents(next_test())
    for _ in range(2):
        factories.session(factories.merchant())
        due.schedule("k", "a", clock.now())
        assert [work.id for work in DueWork.select().where(DueWork.kind == "k")] == [DueWork.select().count()]
        ledger.OutgoingCallback.create(body="", due_at=clock.now())
        disconnect()
        assert contents(next_test()) == before
    assert [table for table, rows in before.items() if rows] == ["schema_migration"]


def test_a_transaction_that_a_test_left_open_holds_nobody_up(next_test: Callable[[], str]) -> None:
    url = next_test()
    forgotten = psycopg.connect(url)
    forgotten.execute("LOCK TABLE merchants")
    assert next_test() == url
    with pytest.raises(psycopg.OperationalError):
        forgotten.commit()
    forgotten.close()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE due_work DROP COLUMN tries",
        "ALTER TABLE events RENAME TO elsewhere",
        "ALTER TABLE events RENAME COLUMN body TO words",
        "ALTER TABLE refunds DROP CONSTRAINT refunds_amount_check",
        "DROP INDEX refunds_one_automatic_pending",
        "CREATE TABLE more (id BIGINT)",
        "DROP TABLE rate_windows",
        "DROP TABLE schema_migration",
        "DELETE FROM schema_migration WHERE name = (SELECT max(name) FROM schema_migration)",
        "UPDATE schema_migration SET name = name",
    ],
)
def test_a_test_that_changed_the_schema_or_a_migrations_row_costs_a_new_database(
    next_test: Callable[[], str], change: str
) -> None:
    url = next_test()
    store.database.database.execute_sql(change)
    fresh = next_test()
    assert fresh != url
    assert next_test() == fresh


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(own_database.TABLES)]
        every = sql.SQL("SELECT * FROM {}")
        return {name: connection.execute(every.format(sql.Identifier(name))).fetchall() for name in sorted(names)}
