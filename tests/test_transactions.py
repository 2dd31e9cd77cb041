"""Transactions begin with their first statement, and return when what they wrote is on the disk."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ikawaari import databases, locks, sqlite

pytestmark = pytest.mark.on_both

INSERT = "INSERT INTO here VALUES (1)"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    opened: Any = databases.open_database(f"sqlite:///{tmp_path}/a")
    opened.execute_sql("CREATE TABLE here (x)")
    yield opened
    databases.close(opened)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were synced by us, in order."""
    seen: list[str] = []
    real = sqlite._fdatasync

    def sync(file: int) -> None:
        seen.append(os.readlink(f"/proc/self/fd/{file}"))
        real(file)

    monkeypatch.setattr(sqlite, "_fdatasync", sync)
    return seen


def _mode(file: Any) -> int:
    mode: int = file.connection().execute("PRAGMA synchronous").fetchone()[0]
    return mode


def _is_locked(file: Any) -> bool:
    try:
        with locks.file_lock(file.writers_queue, 0.01):
            return False
    except locks.Busy:
        return True


def test_nobody_is_kept_out_before_the_first_statement(file: Any) -> None:
    with databases.transaction(file):
        assert not _is_locked(file)
        file.execute_sql("SELECT 1")
        assert _is_locked(file)
    assert not _is_locked(file)


def test_a_transaction_without_a_statement_writes_nothing_and_waits_for_nothing(file: Any, synced: list[str]) -> None:
    with databases.transaction(file):
        pass
    assert (file.connection().in_transaction, synced) == (False, [])


def test_a_commit_is_on_the_disk_when_its_block_ends_and_lets_others_write_before(
    file: Any, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    while_synced: list[bool] = []
    real = sqlite._fdatasync

    def sync(log: int) -> None:
        while_synced.append(_is_locked(file))
        real(log)

    monkeypatch.setattr(sqlite, "_fdatasync", sync)
    with databases.transaction(file):
        file.execute_sql(INSERT)
        assert synced == []
    assert (synced, while_synced) == ([f"{file.database}-wal"], [False])


def test_what_failed_is_undone_and_nobody_waits_for_it(file: Any, synced: list[str]) -> None:
    with suppress(ZeroDivisionError), databases.transaction(file):
        file.execute_sql(INSERT)
        raise ZeroDivisionError
    assert (file.execute_sql("SELECT * FROM here").fetchall(), synced, _is_locked(file)) == ([], [], False)


@pytest.mark.parametrize("statement", [INSERT, "UPDATE here SET x = 2", "DELETE FROM here"])
def test_a_single_statement_is_on_the_disk_too(file: Any, synced: list[str], statement: str) -> None:
    file.execute_sql(statement)
    assert synced == [f"{file.database}-wal"]


def test_a_single_statement_that_returns_rows_waits_in_its_own_commit(file: Any, synced: list[str]) -> None:
    assert file.execute_sql("INSERT INTO here VALUES (2) RETURNING x").fetchall() == [(2,)]
    assert (_mode(file), synced) == (2, [])


def test_threads_that_commit_while_one_waits_share_the_next_wait(
    file: Any, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, goes_on = threading.Event(), threading.Event()
    real, calls = sqlite._fdatasync, []

    def slow(log: int) -> None:
        calls.append(log)
        first.set()
        goes_on.wait(10)
        real(log)

    monkeypatch.setattr(sqlite, "_fdatasync", slow)

    def write() -> None:
        file.execute_sql(INSERT)
        file.close()

    threads = [threading.Thread(target=write) for _ in range(6)]
    threads[0].start()
    assert first.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(file.execute_sql("SELECT * FROM here").fetchall()) < 6:  # all have committed, and none has returned
        assert all(thread.is_alive() for thread in threads)
    while file._sync._latest < 6:
        assert all(thread.is_alive() for thread in threads)
    goes_on.set()
    for thread in threads:
        thread.join()
    assert len(calls) == 2


def test_a_disk_that_fails_is_no_success(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_log: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sqlite, "_fdatasync", broken)
    with pytest.raises(OSError, match="Input/output"):
        file.execute_sql(INSERT)


def test_a_file_that_does_not_wait_for_the_disk_is_left_as_it_is(
    tmp_path: Path, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(databases._SQLITE_PRAGMAS, "synchronous", "off")
    opened: Any = databases.open_database(f"sqlite:///{tmp_path}/b")
    opened.execute_sql("CREATE TABLE here (x)")
    opened.execute_sql(INSERT)
    assert (_mode(opened), synced) == (0, [])
    databases.close(opened)
