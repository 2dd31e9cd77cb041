"""Machines die, freeze, differ in their clocks and are upgraded while customers pay: nothing is taken twice or lost.

`make cluster` runs the same for longer, with three of each kind, and prints its figures.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import requests

from ikawaari import clock
from ikawaari.events import delivery
from ikawaari.store import due
from ikawaari.store.models import Event
from tests import postgres
from tests.cluster import claims
from tests.cluster.__main__ import report
from tests.cluster.balancer import balanced
from tests.cluster.claims import Claim, Outage
from tests.cluster.machines import Cluster, cluster
from tests.cluster.run import Outcome, changed, disordered, logged, run, undelivered
from tests.cluster.trade import Trade
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
    print(*report(outcome, trade), sep="\n")
    assert outcome.violations == []
    assert len(trade.paid) > 50
    assert outcome.recoveries.keys() >= {"kill -9 PostgreSQL", "freeze worker 0", "upgrade worker 1"}
    assert list(outcome.recoveries)[-2:] == ["roll back server 127.0.0.2", "roll back worker 0"]
    assert outcome.refused
    assert any(one.is_takeover for one in outcome.claims)


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


AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONGEST = claims.LONGEST_WAIT


def claim(waited: timedelta, leased: timedelta = 9 * SECOND, *, kind: str = "refund.send") -> Claim:
    """What a worker takes over at `AT`, after nobody had it for a time."""
    return Claim(kind, "re_1", AT - waited, AT, AT + leased, is_takeover=True)


@pytest.mark.parametrize(
    ("one", "outages", "is_late"),
    [
        (claim(-SECOND), [], False),  # by a worker whose clock is ahead
        (claim(LONGEST), [], False),
        (claim(LONGEST + SECOND), [], True),
        (claim(2 * LONGEST), [(AT - 3 * LONGEST, AT - SECOND)], False),
        (claim(2 * LONGEST), [(AT - 3 * LONGEST, AT - LONGEST - SECOND)], True),
        (claim(2 * LONGEST), [(AT, AT + SECOND)], True),
        (claim(SECOND, 60 * SECOND), [], True),
        (claim(SECOND, 60 * SECOND, kind=delivery.DELIVER), [], False),
        (claim(SECOND, 70 * SECOND, kind=delivery.DELIVER), [], True),
    ],
)
def test_work_that_is_taken_over_late_or_held_for_too_long_is_found(
    one: Claim, outages: Sequence[Outage], is_late: bool
) -> None:
    assert bool(list(claims.late([one], outages))) == is_late
    assert list(claims.late([one, one], outages)) == 2 * list(claims.late([one], outages))


@pytest.mark.on_postgres
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_each_claim_is_noted_with_how_long_nobody_had_the_work() -> None:
    claims.watch()
    then = clock.now() - 60 * SECOND
    due.schedule("k", "s", then)  # just now, by a machine whose clock is a minute behind
    due.claim(then, kinds={"k"}, most=1, lease=9 * SECOND)  # by a worker of that machine, which dies
    assert len(list(claims.abandoned())) == 1
    (taken,) = due.claim(clock.now(), kinds={"k"}, most=1, lease=9 * SECOND)
    assert list(claims.abandoned()) == []
    assert due.postpone(taken, then)  # it could not be begun before this
    due.claim(clock.now(), kinds={"k"}, most=1, lease=9 * SECOND)
    noted = claims.noted()
    assert {(one.kind, one.subject) for one in noted} == {("k", "s")}
    assert [one.is_takeover for one in noted] == [False, True, False]
    assert [round(one.waited().total_seconds()) for one in noted] == [0, 51, 0]
    (found,) = claims.late(noted, [])
    assert "was not taken over for 51" in found


def test_a_private_text_and_an_exception_in_a_machines_log_are_found(tmp_path: Path) -> None:
    clean, dirty = tmp_path / "worker0.log", tmp_path / "server1.log"
    clean.write_text('{"event": "paid"}\n')
    dirty.write_text('{"event": "to 221771234100"}\n{"event": "with s3cret-of-ours"}\nTraceback: ValueError: x\n')
    found = logged([clean, dirty], ["s3cret-of-ours"], {"221771234100"})
    assert [one.partition(":")[0] for one in found] == 3 * ["server1.log"]


def test_what_the_migration_of_an_older_version_changes_is_found() -> None:
    schema = ["migrated 0001_initial", "migrated 9999_next_version"]
    assert changed(schema, list(schema)) == []
    assert len(changed(schema, schema[:1])) == len(changed(schema[:1], schema)) == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_the_schema_that_is_compared_has_columns_indexes_and_migrations(database_url: str, tmp_path: Path) -> None:
    found = Cluster("", [], [], None, {"IKAWAARI_DATABASE_URL": database_url}, tmp_path).schema()  # type: ignore[arg-type]
    assert "refunds.cost_amount bigintYES" in found
    assert "migrated 0037_reports" in found
    assert any(line.startswith("CREATE INDEX payment_attempts_held ON public.payment_attempts ") for line in found)


def test_a_run_in_which_nobody_paid_has_figures_too() -> None:
    steps = [(1.0, "kill -9 worker 0")]
    outcome = Outcome(steps=steps, recoveries={"kill -9 worker 0": 0.0})
    lines = report(outcome, Trade("http://127.0.0.1", {}))
    assert "0 payments and 0 declines in 0 s" in lines
    assert "0 claims of due work, the slowest -; 0 of them took over, - after the lease at most" in lines


def _address(receiver: Receiver) -> tuple[str, int]:
    host, port = receiver.authority.split(":")
    return host, int(port)
