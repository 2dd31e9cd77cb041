"""How many threads of a process answer at once, and who answers while some of them wait for a provider."""

import queue
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from peewee import PeeweeException
from psycopg import DatabaseError

from ikawaari import pooled, store
from ikawaari.serving.poller import Worker
from ikawaari.serving.turns import Turns, how_many
from ikawaari.store.database import database

pytestmark = pytest.mark.usefixtures("database")
_LONG = 10.0  # seconds: a machine may be busy
_SHORT = 0.2  # in which nothing happens
ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


class Pool:
    """The threads of a process, without its connections."""

    def __init__(self, threads: int) -> None:
        self.requests: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.turns = Turns(how_many(threads, "sqlite:///x"))
        own = SimpleNamespace(_requests=self.requests, _turns=self.turns)
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
    _no_turn_was_lost(pool)


def test_a_request_that_fails_costs_no_turn(pool: Pool) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(8):
        pool.requests.put(fail)
    _hold(pool, 3, leaving=False).set()


def test_a_request_that_runs_for_long_keeps_nobody_waiting(pool: Pool) -> None:
    answered = threading.Event()
    release = _hold(pool, 3, leaving=False)
    pool.requests.put(answered.set)
    pool.turns.end_long()  # they have only begun
    assert not answered.wait(_SHORT)
    pool.turns.end_long()
    assert answered.wait(_LONG)
    release.set()
    _no_turn_was_lost(pool)


def test_a_thread_without_a_request_keeps_its_turn(pool: Pool) -> None:
    _hold(pool, 3, leaving=False).set()
    threading.Event().wait(_SHORT)
    pool.turns.end_long()
    _no_turn_was_lost(pool)


@ON_POSTGRES
def test_whoever_waits_for_postgres_for_long_loses_its_turn(pool: Pool) -> None:
    begun, answered = threading.Semaphore(0), threading.Event()

    def request() -> None:
        begun.release()
        database.execute_sql("SELECT pg_sleep(2)").fetchone()
        assert answered.is_set()
        store.release()
        begun.release()

    for _ in range(3):
        pool.requests.put(request)
    assert all(begun.acquire(timeout=_LONG) for _ in range(3))
    pool.requests.put(answered.set)
    assert all(begun.acquire(timeout=_LONG) for _ in range(3))
    _no_turn_was_lost(pool)


@ON_POSTGRES
def test_whoever_waits_for_postgres_for_a_moment_keeps_its_turn(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "_BRIEF_SECONDS", _LONG)
    begun, release, answered = threading.Semaphore(0), threading.Event(), threading.Event()

    def request() -> None:
        assert database.execute_sql("SELECT 1").fetchone() == (1,)
        store.release()
        begun.release()
        release.wait(_LONG)

    for _ in range(3):
        pool.requests.put(request)
    assert all(begun.acquire(timeout=_LONG) for _ in range(3))
    pool.requests.put(answered.set)
    assert not answered.wait(_SHORT)
    release.set()
    assert answered.wait(_LONG)


@ON_POSTGRES
@pytest.mark.parametrize("brief", [0.0, 0.001, 10.0])
def test_an_error_is_told_however_long_it_took(brief: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooled, "_BRIEF_SECONDS", brief)
    monkeypatch.setattr(pooled, "_waiting", [lambda: None])
    for slowly in ("", ", pg_sleep(0.02)"):
        with pytest.raises(Exception, match="division by zero"):
            database.execute_sql(f"SELECT 1 / (random() * 0)::integer{slowly}")
        assert database.execute_sql("SELECT 1").fetchone() == (1,)
    with pytest.raises((PeeweeException, DatabaseError)), store.atomic():
        database.execute_sql("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(1)")
    store.release()
    assert database.execute_sql("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("url", "threads", "at_once"),
    [
        *[("sqlite:///instance/x.sqlite3", threads, at_once) for threads, at_once in ((1, 1), (2, 2), (4, 3), (8, 6))],
        *[("postgresql://me:word@db.example/x", threads, at_once) for threads, at_once in ((1, 1), (4, 3))],
        ("postgresql://me:word@127.0.0.1:5433/x", 4, 1),
        ("postgresql://me@localhost/x", 8, 1),
        ("postgresql://me@[::1]/x", 4, 1),
        ("postgresql:///x", 4, 1),
    ],
)
def test_so_many_threads_have_a_turn(url: str, threads: int, at_once: int) -> None:
    turns, taken = Turns(how_many(threads, url)), threading.Semaphore(0)

    def take() -> None:
        turns.take()
        taken.release()

    for _ in range(at_once + 1):
        threading.Thread(target=take, daemon=True).start()
    assert all(taken.acquire(timeout=_LONG) for _ in range(at_once))
    assert not taken.acquire(timeout=_SHORT)


def _no_turn_was_lost(pool: Pool) -> None:
    """Three threads answer at once, and no fourth."""
    release, answered = _hold(pool, 3, leaving=False), threading.Event()
    pool.requests.put(answered.set)
    assert not answered.wait(_SHORT)
    release.set()
    assert answered.wait(_LONG)
