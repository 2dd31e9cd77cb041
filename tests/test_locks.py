"""Turns: threads of a process pass a locked file on, but keep nobody else out for long."""

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ikawaari import locks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to lock."""
    return tmp_path / "lock"


def is_free(path: Path) -> bool:
    """Whether another process could lock it now."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_one_thread_at_a_time_has_the_turn_and_the_last_one_frees_the_file(path: Path) -> None:
    inside: list[int] = []
    taken = 0

    def write(number: int) -> None:
        nonlocal taken
        for _ in range(20):
            with locks.turn(path, 10):
                inside.append(number)
                assert inside == [number]
                assert not is_free(path)
                inside.remove(number)
                taken += 1

    run_all([threading.Thread(target=write, args=[number]) for number in range(6)])
    assert (taken, is_free(path)) == (120, True)


def test_another_process_waits_for_a_few_turns_only(path: Path) -> None:
    order: list[str] = []

    def own() -> None:
        with locks.turn(path, 10):
            order.append("own")
            time.sleep(0.01)

    def other() -> None:
        with locks.file_lock(path, 10):
            order.append("other")

    threads = [threading.Thread(target=other), *(threading.Thread(target=own) for _ in range(48))]
    with locks.turn(path, 10):  # until all wait, the other one in the kernel's queue
        threads[0].start()
        _await(lambda: any(thread.name == "writers-queue" for thread in threading.enumerate()))
        time.sleep(0.1)
        for thread in threads[1:]:
            thread.start()
        _await(lambda: locks._turns[str(path)]._waiting == len(threads) - 1)
    for thread in threads:
        thread.join()
    # On a busy machine the kernel may wake it too late once or twice; it is not kept out until all others are done.
    assert (len(order), order.index("other") < 4 * locks._MOST_IN_A_ROW) == (49, True)


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_who_has_waited_too_long_is_told_so_and_the_file_is_free_afterwards(path: Path) -> None:
    told: list[str] = []
    holds, leaves = threading.Event(), threading.Event()

    def slow() -> None:
        with locks.turn(path, 10):
            holds.set()
            leaves.wait(10)

    def hasty() -> None:
        holds.wait(10)
        try:
            with locks.turn(path, 0.05):
                told.append("had it")
        except locks.Busy as busy:
            told.append(str(busy))
        leaves.set()

    run_all([threading.Thread(target=slow), threading.Thread(target=hasty)])
    assert ("was held by others" in told[0], is_free(path)) == (True, True)


def test_a_thread_that_gives_up_as_the_turn_is_passed_on_frees_the_file(path: Path) -> None:
    """The one before kept the file for it: see `_Turns._await`."""
    turns = locks._turns[str(path)]
    with locks.turn(path, 10):
        turns._count(1)  # somebody waits
    assert not is_free(path)
    turns._count(-1)  # and no longer
    with pytest.raises(locks.Busy):
        turns._give_up(path, 0.05)
    assert is_free(path)


def test_a_turn_that_nobody_had_for_it_is_not_kept_when_the_file_is_taken(path: Path) -> None:
    with locks.file_lock(path), pytest.raises(locks.Busy), locks.turn(path, 0.05):
        raise AssertionError("others have it")
    with locks.turn(path, 10):
        assert not is_free(path)
    _await(lambda: is_free(path))  # who gave up leaves the kernel's queue when it is let in


def test_a_forked_process_takes_turns_of_its_own(path: Path) -> None:
    with locks.turn(path, 10):
        child = os.fork()
        if not child:
            os._exit(0 if not is_free(path) and not locks._turns else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not is_free(path)
    assert is_free(path)
