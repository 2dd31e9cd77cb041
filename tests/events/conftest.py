"""The world of the domain's tests, and a merchant's server."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ikawaari import clock, store, worker
from ikawaari.events import delivery
from tests.checkout.conftest import world  # noqa: F401 - a fixture
from tests.events.receiver import Receiver, listening
from tests.world import World


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A merchant's server that takes everything."""
    with listening() as opened:
        yield opened


@pytest.fixture
def workers(world: World) -> Iterator[list[threading.Thread]]:  # noqa: F811 - asks for the fixture
    """Six workers that carry whatever is due until they are told to stop."""
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.is_set():
                if not worker.run_once(clock.now() + timedelta(seconds=1), delivery.LEASE, worker.WEBHOOKS):
                    stop.wait(0.02)
        finally:
            store.release()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    yield threads
    stop.set()
    for thread in threads:
        thread.join(20)
