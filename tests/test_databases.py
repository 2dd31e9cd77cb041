"""How databases are opened and written to."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playhouse.pool import PooledPostgresqlDatabase

from ikawaari import databases, locks, store
from ikawaari.store.database import database
from ikawaari.store.models import Merchant
from tests import factories
from tests.world import Trouble, halfway, together

pytestmark = pytest.mark.on_both


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:///{}/a.sqlite3", "{}/a.sqlite3"), ("sqlite:///{}/deep/with%20space", "{}/deep/with space")],
)
def test_sqlite_is_a_file_whose_folder_is_made(tmp_path: Path, url: str, name: str) -> None:
    opened: Any = databases.open_database(url.format(tmp_path))
    assert opened.database == name.format(tmp_path)
    opened.execute_sql("CREATE TABLE here (x)")
    assert Path(name.format(tmp_path)).exists()
    databases.close(opened)


def modes(folder: Path) -> dict[str, int]:
    """The permissions of everything in a folder."""
    return {each.name: each.stat().st_mode & 0o777 for each in folder.iterdir()}


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_all_files_of_sqlite_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        opened: Any = databases.open_database(f"sqlite:///{tmp_path}/own/a")
        with databases.transaction(opened):
            opened.execute_sql("CREATE TABLE here (x)")
        assert modes(tmp_path / "own") == dict.fromkeys(["a", "a-wal", "a-shm", "a.lock"], 0o600)
        assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700
        databases.close(opened)
    finally:
        os.umask(before)


def test_files_that_an_older_version_left_open_to_all_are_closed(tmp_path: Path) -> None:
    for ending in ("", "-wal", "-shm", ".lock"):
        (tmp_path / f"a{ending}").touch(mode=0o644)
    folder = tmp_path.stat().st_mode
    databases.open_database(f"sqlite:///{tmp_path}/a")
    assert set(modes(tmp_path).values()) == {0o600}
    assert tmp_path.stat().st_mode == folder, "a folder that others may share is theirs to keep"


def test_the_instance_folder_of_a_fresh_copy_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(databases, "INSTANCE", tmp_path)
    databases.open_database(f"sqlite:///{tmp_path}/a")
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_sqlite_checks_foreign_keys_and_writes_ahead(tmp_path: Path) -> None:
    opened: Any = databases.open_database(f"sqlite:///{tmp_path}/a")
    pragmas = [opened.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in ("foreign_keys", "journal_mode")]
    assert pragmas == [1, "wal"]
    databases.close(opened)


def test_a_postgres_url_may_hold_any_character() -> None:
    opened = databases.open_database("postgresql://us%40er:p%2Fw%3A%40@db.example:6543/na%20me", pool=3)
    assert isinstance(opened, PooledPostgresqlDatabase)
    told = {name: opened.connect_params[name] for name in ("host", "port", "user", "password")}
    assert told == {"host": "db.example", "port": 6543, "user": "us@er", "password": "p/w:@"}
    assert opened.database == "na me"


@pytest.mark.usefixtures("database")
def test_a_transaction_is_all_or_nothing() -> None:
    with pytest.raises(Trouble):
        halfway(factories.merchant)
    assert not Merchant.select().exists()


@pytest.mark.usefixtures("database")
def test_inner_blocks_join_the_outer_one_and_roll_back_together() -> None:
    def inner() -> None:
        with store.atomic():
            factories.merchant()

    with pytest.raises(Trouble):
        halfway(inner, factories.merchant)
    assert not Merchant.select().exists()
    assert not store.in_transaction()


@pytest.mark.usefixtures("database")
def test_a_joined_block_that_fails_takes_the_outer_one_along_when_nobody_catches() -> None:
    with pytest.raises(Trouble):
        halfway(factories.merchant, halfway)
    assert not Merchant.select().exists()


@pytest.mark.usefixtures("database")
def test_a_process_that_is_interrupted_leaves_nothing_half_done() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        halfway(factories.merchant, interrupt)
    assert not Merchant.select().exists()
    with store.atomic():
        factories.merchant()
    assert Merchant.select().count() == 1


@pytest.mark.usefixtures("database")
def test_many_writers_at_once_all_get_their_turn() -> None:
    def write(_: int) -> None:
        with store.atomic():
            count = Merchant.select().count()
            factories.merchant(f"after {count}")

    assert together(8, write) == [None] * 8
    assert Merchant.select().count() == 8


@pytest.mark.usefixtures("database")
def test_a_closed_connection_opens_again_on_use() -> None:
    factories.merchant()
    store.disconnect()
    store.disconnect()
    assert database.is_closed()
    assert store.is_ready()


ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@ON_SQLITE
@pytest.mark.usefixtures("database")
def test_a_thread_keeps_its_sqlite_connection_from_one_request_to_the_next() -> None:
    used = database.connection()
    store.release()
    assert database.connection() is used


@ON_SQLITE
@pytest.mark.usefixtures("database")
def test_a_file_that_was_replaced_is_opened_anew(tmp_path: Path, new_sqlite: Any) -> None:
    factories.merchant()
    store.release()
    restored = tmp_path / "restored"
    restored.mkdir()
    new_sqlite(restored)
    for ending in ("-wal", "-shm"):
        Path(f"{database.database}{ending}").unlink()
    next(restored.iterdir()).rename(database.database)
    store.release()
    assert not Merchant.select().exists()


@ON_SQLITE
@pytest.mark.usefixtures("database")
def test_a_connection_that_hangs_in_a_transaction_is_not_kept() -> None:
    database.connection().execute("BEGIN")
    store.release()
    assert database.is_closed()
    factories.merchant()


@ON_SQLITE
@pytest.mark.usefixtures("database")
def test_threads_that_end_close_their_connections() -> None:
    store.is_ready()
    together(8, lambda _: store.is_ready())

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_files()  # SQLite lends the files of connections that were closed to new ones
    assert together(8, lambda _: store.is_ready()) == [True] * 8
    assert open_files() == before


@pytest.mark.usefixtures("database")
def test_a_process_that_is_forked_opens_connections_of_its_own() -> None:
    factories.merchant("before")
    child = os.fork()
    if not child:
        was_closed = bool(database.is_closed())
        try:
            factories.merchant("in the child")
        except BaseException:
            os._exit(1)
        os._exit(0 if was_closed else 1)
    assert os.waitpid(child, 0)[1] == 0
    factories.merchant("after")
    assert [row.name for row in Merchant.select().order_by(Merchant.created_at)] == ["before", "in the child", "after"]


@ON_POSTGRES
@pytest.mark.usefixtures("database")
def test_a_pooled_connection_that_the_server_has_ended_is_not_lent_again(database_url: str) -> None:
    factories.merchant()
    own = database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    store.release()
    other: Any = databases.open_database(database_url)
    other.execute_sql("SELECT pg_terminate_backend(%s)", (own,))
    while other.execute_sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (own,)).fetchone():
        pass
    databases.disconnect(other)
    assert Merchant.select().count() == 1
    assert database.execute_sql("SELECT pg_backend_pid()").fetchone()[0] != own


@ON_POSTGRES
@pytest.mark.usefixtures("database")
def test_a_pooled_connection_that_idles_well_is_lent_again_without_being_asked() -> None:
    own = database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    store.release()
    assert database.execute_sql("SELECT pg_backend_pid()").fetchone()[0] == own


@ON_POSTGRES
def test_half_of_the_pool_stays_with_threads_that_come_again(database_url: str) -> None:
    opened: Any = databases.open_database(database_url, pool=4)
    keeping, others = threading.Barrier(3), threading.Barrier(2)

    def server() -> int:
        found: int = opened.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
        return found

    def keep(_number: int) -> tuple[int, int]:
        first = server()
        databases.release(opened)
        keeping.wait()  # they rest
        keeping.wait()  # and others have come and gone
        return first, server()

    def take(_number: int) -> int:
        own = server()
        others.wait()
        databases.release(opened)
        return own

    with ThreadPoolExecutor(2) as pool:
        kept = pool.map(keep, range(2))
        keeping.wait()
        taken = {server_of for _ in range(3) for server_of in together(2, take)}
        keeping.wait()
        own = [first for first, again in kept if first == again]
    assert (len(own), len(taken), taken & set(own)) == (2, 2, set())
    databases.disconnect(opened)


@ON_POSTGRES
@pytest.mark.usefixtures("database")
def test_who_calls_somebody_outside_leaves_its_connection_to_others() -> None:
    own = database.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
    store.release()
    database.execute_sql("SELECT 1")  # it has stayed
    store.leave()
    (other,) = together(1, lambda _: database.execute_sql("SELECT pg_backend_pid()").fetchone()[0])
    assert (other, database.obj.is_closed()) == (own, True)


@ON_POSTGRES
def test_threads_that_end_give_their_connections_back(database_url: str) -> None:
    opened: Any = databases.open_database(database_url, pool=2)

    def come(_number: int) -> Any:
        found = opened.execute_sql("SELECT pg_backend_pid()").fetchone()[0]
        databases.release(opened)
        return found

    seen = [together(1, come)[0] for _ in range(5)]
    assert len(set(seen)) == 1
    databases.disconnect(opened)


@ON_POSTGRES
@pytest.mark.usefixtures("database")
def test_a_query_inside_another_disturbs_neither() -> None:
    for number in range(3):
        factories.merchant(f"m{number}")
    outer = database.execute_sql("SELECT name FROM merchants ORDER BY name")
    assert [outer.fetchone(), Merchant.select().count(), *outer] == [("m0",), 3, ("m1",), ("m2",)]
    many = database.execute_sql("SELECT * FROM generate_series(1, 5000)")
    assert (next(iter(many)), Merchant.select().count(), len(many.fetchall())) == ((1,), 3, 4999)


@pytest.mark.usefixtures("database")  # threads that race release their connection to it
def test_a_file_lock_is_held_by_one(tmp_path: Path) -> None:
    inside: list[int] = []

    def enter(number: int) -> None:
        with locks.file_lock(tmp_path / "lock"):
            inside.append(number)
            assert inside == [number]
            inside.clear()

    assert together(8, enter) == [None] * 8
