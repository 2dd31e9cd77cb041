"""The database goes away and comes back, processes die one by one: the server says 503 meanwhile, and recovers."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import requests

from ikawaari import worker
from ikawaari.providers.sandbox import ledger
from tests.chaos import shop as shops
from tests.chaos.shop import Shop, kinds, mismatches, pay, unfinished, wait_until, wallet
from tests.chaos.wire import wire
from tests.serving import Served, serve

WORKERS, THREADS = 2, 4
CALLERS = 3 + 2  # the sandbox has two lanes here, enquiries and refunds: see `worker.Callers`
# Each pool keeps one for each thread that uses it: the sandbox's for those that move money, the house's for all.
SANDBOX_THREADS = THREADS + CALLERS + 1  # and the one in which its world moves on
HOUSE_THREADS = THREADS + CALLERS + 2 + worker.WEBHOOK_THREADS  # and those for bookkeeping, and for starting callers
MOST_CONNECTIONS = WORKERS * (SANDBOX_THREADS + HOUSE_THREADS)
SERVER = "served"
BUSY = {"503 IKW-SYS-002"}


ON_POSTGRES = pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@ON_POSTGRES
def test_connections_that_postgresql_ends_are_replaced_in_web_and_worker(shop: Shop, database_url: str) -> None:
    with serve(settings(database_url), WORKERS, THREADS) as served:
        buy(shop, served, 8)
        for _ in range(3):
            end_connections(database_url)
            seen = kinds([shop.open(served) for _ in range(30)])
            assert set(seen) - BUSY == {"201"}, seen
            assert seen.total() - seen["201"] <= MOST_CONNECTIONS, seen
        buy(shop, served, 8)
        wait_until(lambda: not unfinished(), "the worker has settled everything")
        assert mismatches(list(ledger.entries())) == []


@ON_POSTGRES
def test_a_server_keeps_no_more_connections_than_its_threads_need(shop: Shop, database_url: str) -> None:
    with serve(settings(database_url), WORKERS, THREADS) as served:
        buy(shop, served, 16)
        assert connections(database_url) <= MOST_CONNECTIONS
        buy(shop, served, 16)
        assert connections(database_url) <= MOST_CONNECTIONS


@ON_POSTGRES
def test_while_the_database_is_away_the_server_lives_and_is_not_ready_and_then_it_recovers(
    shop: Shop, database_url: str
) -> None:
    with wire(database_url) as line, serve(settings(line.url), WORKERS, THREADS) as served:
        session = shop.opened(served)
        paid = shop.opened(served)
        assert pay(served, paid, wallet()).status_code == 200
        line.cut()
        assert status(served, "readyz") == 503
        assert status(served, "healthz") == 200
        assert kinds([pay(served, session, wallet()) for _ in range(10)]).keys() == BUSY
        line.mend()
        wait_until(lambda: status(served, "readyz") == 200, "the server is ready again")
        wait_until(lambda: pay(served, session, wallet()).status_code == 200, "a payment is taken again")
        assert shop.settled(served, session)["payment_status"] == "paid"
        assert shop.settled(served, paid)["payment_status"] == "paid"
        assert mismatches(list(ledger.entries())) == []


def test_a_web_process_that_dies_is_replaced_and_the_others_serve_on(shop: Shop, database_url: str) -> None:
    with serve(settings(database_url), WORKERS, THREADS) as served:
        wait_until(lambda: len(children(served.pid)) == WORKERS, "all have started")
        victims = children(served.pid)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
            wait_until(lambda: status(served, "readyz") == 200, "somebody serves")
        wait_until(lambda: len(children(served.pid) - victims) == WORKERS, "all are replaced")
        buy(shop, served, 4)
        assert mismatches(list(ledger.entries())) == []


def buy(shop: Shop, served: Served, customers: int) -> None:
    """That many customers each pay a session at the same time, and all of them are paid."""

    def one(number: int) -> str:
        session = shop.opened(served)
        assert pay(served, session, wallet(line=number)).status_code == 200
        return str(shop.settled(served, session)["payment_status"])

    with ThreadPoolExecutor(customers) as crowd:
        assert set(crowd.map(one, range(customers))) == {"paid"}


def status(served: Served, path: str) -> int:
    """What a load balancer gets there; 0 is no answer."""
    try:
        return requests.get(f"{served.url}/{path}", timeout=30).status_code
    except requests.ConnectionError:
        return 0


def settings(database_url: str) -> dict[str, str]:
    """A server's settings, with a name under which PostgreSQL lists its connections."""
    return shops.environment(database_url) | {"PGAPPNAME": SERVER}


def connections(database_url: str) -> int:
    """How many connections of the server PostgreSQL has."""
    return len(ask(database_url, "SELECT pid FROM pg_stat_activity WHERE application_name = %s"))


def end_connections(database_url: str) -> None:
    """Have PostgreSQL end every connection of the server."""
    ask(database_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s")


def ask(database_url: str, query: LiteralString) -> list[tuple[object, ...]]:
    """What PostgreSQL answers about the server's connections."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(query, [SERVER]).fetchall()


def children(leader: int) -> set[int]:
    """The processes that `leader` started."""
    return {int(pid) for pid in Path(f"/proc/{leader}/task/{leader}/children").read_text().split()}
