"""A served server, a shop on it, and customers with phones: every page is watched for what a browser complains of."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Route, expect

import ikawaari
from ikawaari.config import Config
from tests import conftest, factories
from tests.browser.shop import HOME, Shop
from tests.serving import Served, serve

ENVIRONMENT = {
    "IKAWAARI_SANDBOX_DELAY_SECONDS": "0.3",  # who must see a payment wait pays with 011, and says when it ends
    "IKAWAARI_SANDBOX_PROMPT_SECONDS": "8",
    "IKAWAARI_ENQUIRY_SECONDS": "4",
    "IKAWAARI_WORKER_POLL_SECONDS": "0.2",
    "IKAWAARI_KEY_RATE_LIMIT": "100000",
    "IKAWAARI_MERCHANT_RATE_LIMIT": "100000",
    "IKAWAARI_LOG_LEVEL": "WARNING",
}
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "fr-SN",
    "user_agent": "Mozilla/5.0 (Linux; Android 13; TECNO BG6) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36",
}
DESKTOP = {"viewport": {"width": 1280, "height": 800}, "locale": "fr-SN"}
Visit = Callable[..., Page]

expect.set_options(timeout=12_000)
_ALWAYS_WITHOUT_SCRIPT = {
    "test_a_customer_pays_by_phone_and_is_led_back_to_the_shop",
    "test_pressing_twice_pays_once",
    "test_the_back_button_while_waiting_shows_what_is_true",
    "test_the_form_left_open_in_another_tab_cannot_pay_again",
    "test_a_wrong_code_is_told_and_a_new_one_pays",
    "test_a_customer_approves_in_the_wallet_and_comes_back",
    "test_the_bank_approves_a_card",
    "test_a_card_pays_at_once_and_its_number_is_nowhere",
}


@pytest.fixture(scope="package")
def database(tmp_path_factory: pytest.TempPathFactory, new_sqlite: Callable[[Path], str]) -> str:
    """The server's database."""
    return new_sqlite(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="package")
def served(database: str) -> Iterator[Served]:
    """One server for all tests of this folder."""
    with serve(ENVIRONMENT | {"IKAWAARI_DATABASE_URL": database}, 1, 8) as server:
        yield server


@pytest.fixture(scope="package")
def new_shop(database: str, served: Served) -> Callable[..., Shop]:
    """Enters a merchant and its key: fields of `merchants.create`."""

    def make(name: str = "Boutique Awa", **fields: Any) -> Shop:
        ikawaari.start(Config(database_url=database))
        try:
            return Shop(served, factories.credential(factories.merchant(name, **fields)))
        finally:
            conftest.disconnect()

    return make


@pytest.fixture
def shop(new_shop: Callable[..., Shop]) -> Shop:
    """A shop of Senegal, new for each test: one phone is not asked for one shop without an end."""
    return new_shop()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser complained of: a broken policy, a script's error. A test that provokes some forgives them."""
    heard: list[str] = []
    yield heard
    assert not heard


@pytest.fixture
def visit(new_context: Callable[..., BrowserContext], complaints: list[str]) -> Visit:
    """Opens a page in a phone of its own. `script=False` switches JavaScript off; other options are Playwright's."""

    def open_page(*, script: bool = True, **options: Any) -> Page:
        context = new_context(**(PHONE | {"java_script_enabled": script} | options))
        watch(context, complaints)
        context.route(f"{HOME}/**", show_shop)
        if script:
            context.clock.install()  # it runs as clocks do, and can be put forward
        return context.new_page()

    return open_page


@pytest.fixture
def page(visit: Visit) -> Page:
    """A page with script."""
    return visit()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each commit pays in each way without a script, too. What else needs none is held by tests/hosted."""
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if parameters.get("customer") is False and item.originalname not in _ALWAYS_WITHOUT_SCRIPT:  # type: ignore[attr-defined]
            item.add_marker("long")


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def customer(request: pytest.FixtureRequest, visit: Visit) -> Page:
    """A page with script, then one without."""
    return visit(script=request.param)


def forgive(complaints: list[str], *kinds: str) -> None:
    """Strike out the complaints that a test means to provoke: each holds one of `kinds`, such as a status."""
    complaints[:] = [text for text in complaints if not any(kind in text for kind in kinds)]


def watch(context: BrowserContext, complaints: list[str]) -> None:
    """Note every error on the console, broken content policies among them, and every uncaught exception."""

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    context.on("console", listen)
    context.on("weberror", lambda error: complaints.append(str(error.error)))


def show_shop(route: Route) -> None:
    """The shop's site, wherever in it the customer is sent."""
    route.fulfill(content_type="text/html", body='<!doctype html><link rel="icon" href="data:,"><h1>Awa</h1>')
