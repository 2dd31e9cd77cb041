"""The sandbox, alone with its ledger."""

from collections.abc import Iterator

import pytest

import ikawaari
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox
from tests import world as worlds
from tests.providers.cinetpay_said import Scripted
from tests.providers.contract import BENCHES

collect_ignore = [] if BENCHES else ["test_promises.py"]  # without an adapter, nobody has promised anything


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
