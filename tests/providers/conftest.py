"""The sandbox, alone with its ledger, and every adapter with its simulator."""

from collections.abc import Iterator

import pytest

import ikawaari
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.provider import Verb
from ikawaari.providers.sandbox import Sandbox
from tests import world as worlds
from tests.providers.bench import Bench
from tests.providers.cinetpay_said import Scripted
from tests.providers.contract import BENCHES
from tests.simulators.talking import Receiver, talk


@pytest.fixture
def sandbox(config: Config) -> Iterator[Sandbox]:
    """The sandbox of this process, on a fresh ledger; its payers act at once."""
    ikawaari.start(config)
    provider = registry.named("sandbox")
    assert isinstance(provider, Sandbox)
    yield provider
    worlds.close()


@pytest.fixture
def said() -> Iterator[Scripted]:
    """A CinetPay that says what it is told to."""
    with Scripted().listening() as scripted:
        yield scripted


@pytest.fixture(params=BENCHES, ids=lambda bench: bench.label())
def bench(request: pytest.FixtureRequest, config: Config) -> Iterator[Bench]:
    """Each adapter in turn, with its simulator; a module of one adapter has a bench of its own."""
    made: type[Bench] = request.param
    with Receiver().listening() as receiver, talk(made.simulator(receiver.url, made.country)) as sim:
        yield made(config, sim, receiver)


@pytest.fixture
def refunding(bench: Bench) -> Bench:
    """Those that refund."""
    if Verb.REFUND not in bench.provider.verbs:
        pytest.skip("it has no refunds")
    return bench
