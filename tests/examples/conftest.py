"""One server and one shop for all tests of the examples: each test buys something of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ikawaari import clock, store
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope
from tests.chaos import shop as shops
from tests.examples.running import Shop
from tests.serving import serve


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, new_sqlite: Callable[[Path], str]) -> Iterator[Shop]:
    """The example shop, open."""
    folder = tmp_path_factory.mktemp("example")
    database_url = new_sqlite(folder)
    with serve(shops.environment(database_url), 1, 8) as served:
        opened = Shop(served, key_on(database_url), folder)
        opened.start()
        yield opened
        opened.stop()
        assert "Traceback" not in opened.log_text(), opened.log_text()[-3000:]


def key_on(database_url: str) -> str:
    """A new merchant's key."""
    store.connect(database_url)
    try:
        merchant = merchants.create("Boutique Teranga", clock.now())
        return credentials.create(merchant, livemode=False, scopes=list(Scope), now=clock.now(), rate_limit=1_000_000)
    finally:
        store.disconnect()
