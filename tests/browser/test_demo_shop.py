"""The demo shop of `make run`: from its one button to what the API says, full circle."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ENVIRONMENT
from tests.browser.steps import end, pay_by_phone, return_to_shop, see
from tests.browser.test_accessible import violations
from tests.serving import serve


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with its demo shop, on a database that does not exist yet."""
    folder: Path = tmp_path_factory.mktemp("demo")
    own = {"IKAWAARI_DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3", "DEMO_KEY_FILE": str(folder / "demo.key")}
    with serve(ENVIRONMENT | own, 1, 4, "--demo", module="tests.browser.demo_server") as served:
        yield served.url


def test_a_visitor_buys_pays_and_reads_what_the_api_says(customer: Page, demo: str) -> None:
    customer.goto(demo)
    customer.get_by_role("button", name="Acheter").click()
    see(customer, "choose")
    pay_by_phone(customer)
    end(customer, "paid")
    return_to_shop(customer)
    see(customer, "shop", "Ce que dit l’API")
    expect(customer.locator("dd strong")).to_have_text("paid")
    customer.get_by_role("button", name="Acheter encore").click()
    see(customer, "choose")


def test_the_shop_has_nothing_against_anybody(page: Page, demo: str) -> None:
    page.goto(demo)
    assert not violations(page)
