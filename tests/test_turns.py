"""How many threads of a process answer at once, and who answers while some of them wait for a provider."""

import queue
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from ikawaari import store
from ikawaari.serving.poller import Worker
from ikawaari.serving.turns import Turns

pytestmark = pytest.mark.usefixtures("database")
_LONG = 10.0  # seconds: a machine may be busy
_SHORT = 0.2  # in which nothing happens


class Pool:
    """The threads of a process, without its connections."""

    def __init__(self, threads: int) -> None:
        self.requests: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        own = SimpleNamespace(_requests=self.requests, _turns=Turns(threads))
        own._answer_while_it_has_a_turn = lambda: Worker._answer_while_it_has_a_turn(own)  # type: ignore[arg-type]
        self.threads = [threading.Thread(target=Worker._work, args=(own,), daemon=True) for _ in range(threads)]
        store.when_left(own._turns.give_away)
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let all threads end."""
        for _ in self.threads:
            self.requests.put(None)
        for thread in self.threads:
            thread.join(_LONG)
        assert not any(thread.is_alive() for thread in self.threads)


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Four threads, of which three answer at once."""
    started = Pool(4)
    yield started
    started.stop()


def _hold(pool: Pool, count: int, *, leaving: bool) -> threading.Event:
    """So many requests that run until the event is set, and begin by leaving for a provider or not."""
    begun, release = threading.Semaphore(0), threading.Event()

    def request() -> None:
        if leaving:
            store.leave()
        begun.release()
        release.wait(_LONG)

    for _ in range(count):
        pool.requests.put(request)
    assert all(begun.acquire(timeout=_LONG) for _ in range(count))
    return release


def test_three_of_four_threads_answer_at_once(pool: Pool) -> None:
    answered = threading.Event()
    release = _hold(pool, 3, leaving=False)
    pool.requests.put(answered.set)
    assert not answered.wait(_SHORT)
    release.set()
    assert answered.wait(_LONG)


def test_the_fourth_answers_while_the_others_wait_for_a_provider(pool: Pool) -> None:
    answered = threading.Event()
    release = _hold(pool, 3, leaving=True)
    pool.requests.put(answered.set)
    assert answered.wait(_LONG)
    release.set()


def test_whoever_has_waited_for_a_provider_takes_its_turn_again_and_no_turn_is_lost(pool: Pool) -> None:
    for _ in range(5):
        _hold(pool, 4, leaving=True).set()
    release = _hold(pool, 3, leaving=False)
    answered = threading.Event()
    pool.requests.put(answered.set)
    assert not answered.wait(_SHORT)
    release.set()
    assert answered.wait(_LONG)


def test_a_request_that_fails_costs_no_turn(pool: Pool) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(8):
        pool.requests.put(fail)
    _hold(pool, 3, leaving=False).set()


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 2), (3, 3), (4, 3), (8, 6)])
def test_so_many_threads_have_a_turn(threads: int, at_once: int) -> None:
    turns, taken = Turns(threads), threading.Semaphore(0)

    def take() -> None:
        turns.take()
        taken.release()

    for _ in range(at_once + 1):
        threading.Thread(target=take, daemon=True).start()
    assert all(taken.acquire(timeout=_LONG) for _ in range(at_once))
    assert not taken.acquire(timeout=_SHORT)
