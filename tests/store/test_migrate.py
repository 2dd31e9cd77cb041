"""The migrations make exactly the schema of the models, however often and from wherever they run."""

import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playhouse import schema_diff

import ikawaari
from ikawaari import store
from ikawaari.providers.sandbox import ledger
from ikawaari.store.database import database
from ikawaari.store.models import TABLES
from tests import postgres, warm, world

pytestmark = pytest.mark.on_both


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.sqlite3"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


@pytest.fixture
def empty(empty_url: str) -> Iterator[str]:
    """The models and the ledger stand on it."""
    store.connect(empty_url)
    ledger.connect(empty_url, pool=20)
    yield empty_url
    world.close()


def _count_migrations() -> int:
    return len(list((Path(ikawaari.__file__).parent / "store" / "migrations").glob("[0-9]*.py")))


@pytest.mark.usefixtures("database")
def test_the_migrated_schema_is_the_models() -> None:
    difference = schema_diff.diff_models(database.obj, list(TABLES))
    assert not difference, str(difference)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_every_column_may_be_null_where_the_model_says_so(model: Any) -> None:
    columns = {one.name: one.null and not one.primary_key for one in database.get_columns(model._meta.table_name)}
    declared = {field.column_name: field.null for field in model._meta.sorted_fields}
    assert columns == declared


def test_every_column_has_the_models_type(postgres_server: postgres.Server) -> None:
    migrated, modelled = postgres_server.create_database(), postgres_server.create_database()
    store.connect(migrated)
    store.migrate()
    written = _columns()
    store.disconnect()
    store.connect(modelled)
    database.create_tables(TABLES)
    assert _columns() == written
    store.disconnect()


def test_every_constraint_is_the_models(postgres_server: postgres.Server) -> None:
    migrated, modelled = postgres_server.create_database(), postgres_server.create_database()
    store.connect(migrated)
    store.migrate()
    written = _constraints()
    store.disconnect()
    store.connect(modelled)
    database.create_tables(TABLES)
    assert _constraints() == written
    store.disconnect()


def _constraints() -> set[tuple[str, str]]:
    told = "conrelid::regclass::text, pg_get_constraintdef(oid)"
    rows = database.execute_sql(f"SELECT {told} FROM pg_constraint WHERE contype IN ('c', 'f') AND conrelid <> 0")
    return {row for row in rows if row[0] in {model._meta.table_name for model in TABLES}}


def _columns() -> set[tuple[Any, ...]]:
    told = "table_name, column_name, data_type, character_maximum_length, is_nullable"
    rows = database.execute_sql(f"SELECT {told} FROM information_schema.columns WHERE table_schema = 'public'")
    return {row for row in rows if row[0] in {model._meta.table_name for model in TABLES}}


@pytest.mark.usefixtures("empty")
def test_migrating_twice_does_nothing_more() -> None:
    assert len(ikawaari.migrate()) == _count_migrations()
    assert ikawaari.migrate() == []


@pytest.mark.usefixtures("empty")
def test_an_empty_database_is_not_ready_and_a_migrated_one_is() -> None:
    assert not store.is_ready()
    ikawaari.migrate()
    assert store.is_ready()


@pytest.mark.usefixtures("empty")
def test_machines_that_start_at_once_migrate_once() -> None:
    results = world.together(6, lambda _: ikawaari.migrate())
    assert not [result for result in results if isinstance(result, Exception)], results
    assert sorted(len(result) for result in results if isinstance(result, list)) == [0] * 5 + [_count_migrations()]
    assert store.is_ready()


def _migrate(url: str, gate: Any, answers: Any) -> None:
    store.connect(url)
    ledger.connect(url, pool=2)
    gate.wait()
    try:
        answers.put(ikawaari.migrate())
    except Exception as error:
        answers.put(repr(error))
    finally:
        world.close()


def test_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_migrate, args=(empty_url, gate, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    results = [answers.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(map(len, results)) == [0, 0, _count_migrations()], results


BOTH_TABLES = """
from ikawaari.store import sql

def up(_migrator, db):
    sql.run(db, "ALTER TABLE checkout_sessions ADD COLUMN x BIGINT; ALTER TABLE payment_attempts ADD COLUMN x BIGINT")
"""


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("is_checked", [False, True])
def test_a_migration_that_waits_for_a_payment_which_waits_for_it_begins_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_checked: bool
) -> None:
    """PostgreSQL ends one of the two, most often the migration: it was there first, and looks for a deadlock first."""
    (tmp_path / "9999_both.py").write_text(BOTH_TABLES)
    monkeypatch.setattr(sys.modules["ikawaari.store.migrate"], "_DIRECTORY", tmp_path)
    with psycopg.connect(database_url) as payment, psycopg.connect(database_url, autocommit=True) as watching:
        payment.execute("SELECT 1 FROM payment_attempts")
        before = _deadlocks(watching)
        with ThreadPoolExecutor() as pool:
            migrating = pool.submit(store.check_migration if is_checked else store.migrate)
            while not watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                time.sleep(0.01)
            payment.execute("SELECT 1 FROM checkout_sessions")
            payment.commit()
            assert migrating.result(30) == ([] if is_checked else ["9999_both"])
        while _deadlocks(watching) == before:  # told a moment later
            time.sleep(0.01)


def _deadlocks(connection: psycopg.Connection[Any]) -> Any:
    counted = "SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return connection.execute(counted).fetchone()


def test_the_command_migrates(empty_url: str) -> None:
    environment = {"IKAWAARI_DATABASE_URL": empty_url, "IKAWAARI_SECRET_KEY": "0" * 32, "PATH": ""}
    assert warm.run("ikawaari", ["migrate"], environment).returncode == 0
    store.connect(empty_url)
    assert store.is_ready()
    store.disconnect()
