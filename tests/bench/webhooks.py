"""Webhooks delivered a second to one receiver on this machine, by two workers."""

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

import ikawaari
from ikawaari.config import Config
from tests.bench import cpu, databases, shop
from tests.bench.servers import ask, running, working
from tests.bench.shop import Request, Shop
from tests.serving import free_port

WORKERS = 2
SESSIONS = 1_500
_LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Delivered:
    """How many webhooks came, and within how many seconds from the first to the last."""

    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Webhooks a second."""
        return (self.count - 1) / self.seconds


def measure(engine: str, sessions: int = SESSIONS) -> Delivered:
    """Open sessions, each of which has events, and then let the workers at them."""
    with ExitStack() as stack:
        database = stack.enter_context(databases.opened(engine))
        port = free_port()
        url = f"http://127.0.0.1:{port}/"
        stack.enter_context(running([[sys.executable, "-m", "tests.bench.receiver", str(port)]], url))
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
        return _await_all(url)


def _await_all(url: str) -> Delivered:
    """Wait until nothing has come for two seconds: nobody here counts events in advance."""
    ends, last = time.monotonic() + _LONGEST_SECONDS, -1
    while time.monotonic() < ends:
        time.sleep(2)
        told = json.loads(ask(url, Request("GET", "/")))
        if told["count"] == last and last > 0:
            first, latest = told["ends"]
            return Delivered(last, latest - first)
        last = told["count"]
    raise TimeoutError("webhooks still come")
