"""Stripe's adapter, with its simulator."""

from collections.abc import Iterator

import pytest

from ikawaari.config import Config
from tests.providers.bench_stripe import StripeBench
from tests.simulators.talking import Receiver, talk


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def bench(config: Config) -> Iterator[StripeBench]:
    """An account in test mode."""
    with Receiver().listening() as receiver, talk(StripeBench.simulator(receiver.url)) as sim:
        yield StripeBench(config, sim, receiver)
