"""The worker: it does what is due, survives its own bugs, and stops when told."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

import ikawaari
from ikawaari import pruning, store, worker
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Outcome
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store import due
from ikawaari.store.database import database
from ikawaari.store.models import CheckoutSession, DueWork
from tests import world as worlds
from tests.world import PAID, Killed, World, audit, statuses, together


@pytest.fixture
def world(config: Config, httpserver: HTTPServer) -> Iterator[World]:
    """The house at work; the clock stands still."""
    with worlds.opened(config, httpserver) as opened:
        yield opened


class Fatal(Sandbox):
    """Whoever enquires here dies."""

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Die."""
        raise Killed


def test_a_round_with_nothing_to_do_says_so(world: World) -> None:
    assert not worker.run_once(world.now)


def test_a_round_does_what_is_due_and_nothing_else(world: World) -> None:
    session = world.session()
    assert not worker.run_once(session.expires_at - timedelta(microseconds=1))
    assert worker.run_once(session.expires_at)
    assert CheckoutSession.get().status == "expired"
    assert not worker.run_once(session.expires_at)


def test_a_handler_that_raises_is_called_again_and_holds_nobody_up(world: World) -> None:
    due.schedule("attempt.enquire", "nobody", world.now)
    due.schedule("refund.send", "nothing", world.now)
    session = world.session()
    world.pay(session)
    with capture_logs() as logged:
        world.wait(6)
    assert statuses(session) == PAID
    assert {(entry["event"], entry["kind"]) for entry in logged} == {
        ("due_work_failed", "attempt.enquire"),
        ("due_work_failed", "refund.send"),
    }
    assert not worker.run_once(world.later(20))
    assert worker.run_once(world.later(10))


def test_a_worker_that_dies_in_the_middle_leaves_its_rows_to_the_next(world: World) -> None:
    opened = [world.session() for _ in range(3)]
    for session in opened:
        world.pay(session, "004")
    world.later(6)
    registry.configure([Fatal(world.config)])
    with pytest.raises(Killed):
        worker.run_once(world.now)
    registry.configure([Sandbox(world.config)])
    assert not worker.run_once(world.later(10))
    world.wait(120, 120, 120, 120)
    assert {statuses(session) for session in opened} == {PAID}
    audit()


def test_each_row_has_a_now_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was claimed with others may have waited long for them."""
    seen = []

    def slow(_subject: str, now: datetime) -> None:
        seen.append(now)
        world.later(5)

    monkeypatch.setitem(worker.HANDLERS, "refund.send", slow)
    for subject in "abc":
        due.schedule("refund.send", subject, world.now)
    start = world.now
    assert worker.run_once(start)
    assert seen == [start + timedelta(seconds=5 * number) for number in range(3)]


def test_workers_side_by_side_do_each_piece_once(world: World) -> None:
    opened = [world.session() for _ in range(12)]
    results = together(4, lambda _: [worker.run_once(opened[-1].expires_at) for _ in range(3)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert world.told().count("checkout.session.expired") == 12


def test_housekeeping_comes_every_hour(world: World) -> None:
    due.schedule_once(worker.HOUSEKEEPING, "", world.now)
    world.work()
    assert DueWork.get(DueWork.kind == worker.HOUSEKEEPING).due_at == world.now + timedelta(hours=1)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_loop_works_until_it_is_stopped(config: Config, httpserver: HTTPServer) -> None:
    with worlds.opened(config, httpserver) as world:
        session, stop = world.session(), threading.Event()
        quick = replace(world.config, worker_poll_seconds=0.01)
        loop = threading.Thread(target=worker.run, args=(stop, quick, worker.MONEY))
        loop.start()
        world.pay(session)
        world.later(6)
        _until(lambda: statuses(session) == PAID)
        stop.set()
        loop.join(10)
        assert not loop.is_alive()
        rows = Counter(row.kind for row in DueWork.select())
        assert (rows[worker.HOUSEKEEPING], rows[pruning.PRUNE]) == (1, len(pruning.RULES))


def test_the_loop_outlives_a_database_that_is_not_ready(config: Config, tmp_path: Path) -> None:
    ikawaari.start(config)
    store.connect(f"sqlite:///{tmp_path}/empty.sqlite3")
    stop = threading.Event()
    loop = threading.Thread(target=worker.run, args=(stop, replace(config, worker_poll_seconds=0.01), worker.MONEY))
    with capture_logs() as logged:
        loop.start()
        _until(lambda: bool(logged))
        time.sleep(0.1)
        store.connect(config.database_url)
        _until(lambda: DueWork.select().where(DueWork.kind == worker.HOUSEKEEPING).exists())
        stop.set()
        loop.join(10)
    assert not loop.is_alive()
    waits = [entry for entry in logged if entry["event"] != "clock_skew_unknown"]
    assert [entry["event"] for entry in waits] == ["worker_waits"]
    assert "was never migrated" in waits[0]["reason"]
    worlds.close()


def test_a_worker_of_a_newer_version_waits_for_its_migration(config: Config, httpserver: HTTPServer) -> None:
    with worlds.opened(config, httpserver) as world:
        newest = max(name for (name,) in database.execute_sql("SELECT name FROM schema_migration").fetchall())
        renamed = "UPDATE schema_migration SET name = '{}' WHERE name = '{}'"
        database.execute_sql(renamed.format("another", newest))
        due.schedule_once(worker.HOUSEKEEPING, "", world.now - timedelta(hours=1))
        stop, quick = threading.Event(), replace(world.config, worker_poll_seconds=0.01)
        with capture_logs() as logged:
            loops = worker.start(stop, quick)
            _until(lambda: bool(logged))
            time.sleep(0.1)
            assert DueWork.get(DueWork.kind == worker.HOUSEKEEPING).due_at == world.now - timedelta(hours=1)
            database.execute_sql(renamed.format(newest, "another"))
            _until(lambda: DueWork.get(DueWork.kind == worker.HOUSEKEEPING).due_at > world.now - timedelta(hours=1))
            stop.set()
            for loop in loops:
                loop.join(10)
        assert [(entry["event"], "run `ikawaari migrate`" in entry["reason"]) for entry in logged] == [
            ("worker_waits", True)
        ]
