"""Webhooks delivered a second to one receiver on this machine, by two workers; beside them the client alone."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import ikawaari
from ikawaari.config import Config
from ikawaari.events import outgoing
from tests.bench import cpu, databases, shop
from tests.bench.servers import ask, running, working
from tests.bench.shop import Request, Shop
from tests.serving import free_port

WORKERS = 2
SESSIONS = 1_500
_REQUESTS, _BODY = 3_000, b"x" * 1_000
_LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Delivered:
    """How many webhooks came, and within how many seconds from the first to the last. And how many requests a second
    the client alone sends to such a receiver, in one thread: how little the receiver costs.
    """

    count: int
    seconds: float
    client: float

    @property
    def rate(self) -> float:
        """Webhooks a second."""
        return (self.count - 1) / self.seconds


def measure(engine: str, sessions: int = SESSIONS) -> Delivered:
    """Open sessions, each of which has events, and then let the workers at them."""
    with ExitStack() as stack:
        database = stack.enter_context(databases.opened(engine))
        url = stack.enter_context(_receiver())
        environment = shop.settings(database)
        config = Config.from_environment(environment)
        key = shop.prepare(config)
        app = ikawaari.create_app(config)
        own = Shop(key, lambda request: cpu.call(app, cpu.environ_of(request)))
        own.add_endpoint(url)
        own.sessions(sessions)
        shop.disconnect()
        for _ in range(WORKERS):
            stack.enter_context(working({**os.environ, **environment}))
        count, seconds = _await_all(url)
    return Delivered(count, seconds, _client())


@contextmanager
def _receiver() -> Iterator[str]:
    port = free_port()
    with running([[sys.executable, "-m", "tests.bench.receiver", str(port)]], f"http://127.0.0.1:{port}/") as url:
        yield url


def _await_all(url: str) -> tuple[int, float]:
    """Wait until nothing has come for two seconds: nobody here counts events in advance."""
    ends, last = time.monotonic() + _LONGEST_SECONDS, -1
    while time.monotonic() < ends:
        time.sleep(2)
        told = json.loads(ask(url, Request("GET", "/")))
        if told["count"] == last and last > 0:
            first, latest = told["ends"]
            return last, latest - first
        last = told["count"]
    raise TimeoutError("webhooks still come")


def _client() -> float:
    """Requests a second of the client alone, over one connection."""
    with _receiver() as url, outgoing.Caller() as caller:
        started = time.monotonic()
        for _ in range(_REQUESTS):
            assert caller.post(url, _BODY, {}, livemode=False).is_success
        return _REQUESTS / (time.monotonic() - started)
