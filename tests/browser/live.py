"""Live mode: a shop with a live key, and the house's account at a simulated provider, which calls the server back."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

import ikawaari
from ikawaari import clock
from ikawaari.checkout import account_setup
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.providers.base import Account
from tests import conftest, factories
from tests.browser.shop import Shop
from tests.serving import Served

_PATIENCE_SECONDS = 10


@contextmanager
def at_home(served: Served) -> Iterator[Config]:
    """The server's database in this process, for as long as the block lasts."""
    config = Config(
        database_url=served.environment["IKAWAARI_DATABASE_URL"],
        secret_key=served.environment["IKAWAARI_SECRET_KEY"],
        api_url=served.url,
        pay_url=served.url,
    )
    ikawaari.start(config)
    try:
        yield config
    finally:
        conftest.disconnect()


def open_shop(served: Served, **fields: Any) -> tuple[Shop, str]:
    """A merchant with a live key, and its id."""
    with at_home(served):
        merchant = factories.merchant("Boutique Awa", **fields)
        return Shop(served, factories.credential(merchant, livemode=True)), str(merchant.id)


def add_account(
    served: Served, provider: str, merchant_id: str, settings: Mapping[str, object], *, country: str | None = None
) -> Account:
    """The merchant's own account at a provider, in live mode."""
    new = NewAccount(provider=provider, merchant_id=merchant_id, country=country, livemode=True, settings=settings)
    with at_home(served) as config:
        return account_setup.add(new, config, clock.now())


def wait_for_method(session: Mapping[str, Any], served: Served, kind: str) -> None:
    """Until the server has heard of the account: within a second."""
    url = f"{served.url}/api/checkout/{session['id']}"

    def offered() -> bool:
        found = requests.get(url, timeout=_PATIENCE_SECONDS).json()["payment_methods"]
        return kind in [method["type"] for method in found]

    _until(offered)


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
