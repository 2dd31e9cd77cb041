"""Machines die, freeze, differ in their clocks and are upgraded while customers pay: nothing is taken twice or lost.

`make cluster` runs the same for longer, with three of each kind, and prints its figures.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from ikawaari.store.models import Event
from tests import postgres
from tests.cluster.balancer import balanced
from tests.cluster.machines import cluster
from tests.cluster.run import disordered, run, undelivered
from tests.serving import free_port
from tests.simulators.talking import Receiver


@pytest.fixture
def own_postgres() -> Iterator[postgres.Server]:
    """A server that may be killed: no other test's."""
    run = postgres.Run.open(durable=True)
    server = run.server()
    yield server
    server.close()
    run.close()


@pytest.mark.long
@pytest.mark.postgres
def test_whatever_happens_to_the_machines_nobody_pays_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    with Receiver().listening() as receiver, cluster(2, 2, tmp_path) as machines:
        outcome, trade = run(machines, receiver, buyers=4, pause=1.5, seed=7)
        log = machines.log_text()
    assert outcome.violations == []
    assert len(trade.paid) > 50
    assert outcome.recoveries.keys() >= {"kill -9 PostgreSQL", "freeze worker 0", "upgrade worker 1"}
    assert outcome.refused
    assert "sk_" not in log


@pytest.mark.postgres
def test_a_killed_postgresql_comes_back_with_what_it_had_committed(own_postgres: postgres.Server) -> None:
    url = own_postgres.create_database()
    with psycopg.connect(url) as before:
        before.execute("CREATE TABLE kept (number INTEGER)")
        before.execute("INSERT INTO kept VALUES (7)")
        before.commit()
        own_postgres.kill()
        own_postgres.restart()
    with psycopg.connect(url) as after:
        assert after.execute("SELECT number FROM kept").fetchall() == [(7,)]


def test_a_balancer_passes_each_connection_to_the_next_server_that_lives() -> None:
    gone = free_port()
    with Receiver().listening() as first, Receiver().listening() as second:
        servers = [_address(first), ("127.0.0.1", gone), _address(second)]
        with balanced(servers, "127.0.0.1") as balancer:
            for _ in range(6):
                assert requests.post(balancer.url, data="x", timeout=10).status_code == 200
        assert len(first.received) + len(second.received) == 6
        assert min(len(first.received), len(second.received)) >= 2


def test_a_balancer_without_any_server_ends_the_connection() -> None:
    with balanced([("127.0.0.1", free_port())], "127.0.0.1") as balancer, pytest.raises(requests.ConnectionError):
        requests.get(balancer.url, timeout=10)


EVENTS = [Event(id=f"evt_{number}", sequence=number, type="t", body=f"{number}") for number in (1, 2)]
TAKEN = [("evt_1", "o", b"1"), ("evt_2", "o", b"2")]


@pytest.mark.parametrize(
    ("taken", "missing", "out_of_order"),
    [
        (TAKEN, 0, 0),
        ([*TAKEN, TAKEN[0]], 0, 0),  # delivered again
        (TAKEN[:1], 1, 0),
        (TAKEN[::-1], 0, 1),
        ([TAKEN[0], ("evt_2", "o", b"other")], 1, 0),
    ],
)
def test_a_lost_changed_or_late_event_is_found(
    taken: list[tuple[str, str, bytes]], missing: int, out_of_order: int
) -> None:
    assert (len(undelivered(EVENTS, taken)), len(disordered(EVENTS, taken))) == (missing, out_of_order)


def _address(receiver: Receiver) -> tuple[str, int]:
    host, port = receiver.authority.split(":")
    return host, int(port)
