"""Transactions that are ready at the same moment are written as one; each ends as if it had been alone."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError

from ikawaari import databases, locks, sqlite

READY = 6


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Any]:
    opened: Any = databases.open_database(f"sqlite:///{tmp_path}/a")
    opened.execute_sql("CREATE TABLE here (x UNIQUE)")
    yield opened
    databases.disconnect(opened)


@pytest.fixture
def commits(file: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An entry for each commit."""
    seen: list[str] = []
    real = file.commit

    def commit() -> None:
        seen.append("commit")
        real()

    monkeypatch.setattr(file, "commit", commit)
    return seen


def insert(file: Any, value: object) -> Callable[[], None]:
    """What inserts a row."""

    def ending() -> None:
        file.execute_sql("INSERT INTO here VALUES (?)", (value,))

    return ending


def write(file: Any, ending: Callable[[], None]) -> None:
    """A transaction that has all ready."""
    try:
        with databases.transaction(file, ending=ending):
            pass
    finally:
        file.close()


def together(file: Any, endings: list[Callable[[], None]]) -> list[BaseException | None]:
    """Have each written by a thread of its own, all at once. What went wrong with each."""
    with ThreadPoolExecutor(len(endings)) as pool, locks.file_lock(file.writers_queue):
        futures = [pool.submit(write, file, ending) for ending in endings]
        _await(lambda: len(file._groups._waiting) == len(endings))  # the first one has waited for its turn
    return [future.exception() for future in futures]


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def rows(file: Any) -> set[Any]:
    return {row[0] for row in file.execute_sql("SELECT x FROM here").fetchall()}


def test_what_is_ready_at_once_is_committed_and_synced_once(
    file: Any, commits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(sqlite, "_fdatasync", synced.append)
    assert together(file, [insert(file, number) for number in range(READY)]) == [None] * READY
    assert (rows(file), len(commits), len(synced)) == (set(range(READY)), 1, 1)


def test_one_alone_needs_no_savepoint(file: Any, commits: list[str]) -> None:
    sent: list[str] = []
    file.writer().connection.set_trace_callback(sent.append)
    write(file, insert(file, 1))
    assert ([text.split()[0] for text in sent], rows(file)) == (["BEGIN", "INSERT", "COMMIT"], {1})


def test_what_fails_is_undone_alone_and_told_to_its_own_thread(file: Any, commits: list[str]) -> None:
    def half() -> None:
        insert(file, "half")()
        raise ZeroDivisionError

    write(file, insert(file, 0))
    told = together(file, [insert(file, 1), half, insert(file, 0), insert(file, 2)])
    assert [type(error) for error in told] == [type(None), ZeroDivisionError, IntegrityError, type(None)]
    assert (rows(file), len(commits)) == ({0, 1, 2}, 2)


def test_one_alone_that_fails_leaves_nothing_and_holds_up_nobody(file: Any) -> None:
    def half() -> None:
        insert(file, 1)()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(file, half)
    write(file, insert(file, 2))
    assert rows(file) == {2}


def test_a_turn_that_does_not_come_is_told_to_all_and_the_next_ones_write(
    file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LONGEST_WAIT_SECONDS", 0.3)
    with ThreadPoolExecutor(READY) as pool, locks.file_lock(file.writers_queue):
        told = [pool.submit(write, file, insert(file, number)) for number in range(READY)]
        assert {type(each.exception()) for each in told} == {locks.Busy}
    assert together(file, [insert(file, number) for number in range(READY)]) == [None] * READY
    assert rows(file) == set(range(READY))


def test_a_commit_that_fails_is_no_success_of_anybody(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file, "commit", full)
        assert {type(error) for error in together(file, [insert(file, 1), insert(file, 2)])} == {OSError}
    write(file, insert(file, 3))
    assert rows(file) == {3}


def test_a_disk_that_fails_is_no_success_of_anybody(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_log: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sqlite, "_fdatasync", broken)
    assert {type(error) for error in together(file, [insert(file, 1), insert(file, 2)])} == {OSError}


def test_when_sqlite_undoes_all_nothing_of_the_group_is_written(file: Any) -> None:
    """As it does when the disk is full: what follows must not be written outside any transaction."""

    def undone() -> None:
        file.connection().execute("ROLLBACK")
        raise IntegrityError("disk is full")

    told = together(file, [insert(file, 1), undone, insert(file, 2)])
    assert (all(told), rows(file)) == (True, set())
    write(file, insert(file, 3))
    assert rows(file) == {3}


def test_who_has_nothing_to_write_waits_for_nobody(file: Any, commits: list[str]) -> None:
    with locks.file_lock(file.writers_queue), databases.transaction(file):
        pass
    assert commits == []


def test_a_group_has_a_bound_and_who_is_left_leads_the_next(file: Any, commits: list[str]) -> None:
    count = 40
    assert together(file, [insert(file, number) for number in range(count)]) == [None] * count
    assert (rows(file), len(commits)) == (set(range(count)), 3)
