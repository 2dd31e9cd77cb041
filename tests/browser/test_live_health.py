"""Operators that are down, and limits, as a provider says them: told on the page before anything is sent."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from ikawaari.checkout import breakers
from ikawaari.simulators.pawapay import PawaPay
from tests.browser.live import add_account, at_home, open_shop, wait_for_method
from tests.browser.shop import Shop, ask, open_session
from tests.browser.steps import arrive, end, pay, phone, see
from tests.browser.test_accessible import sticks_out, violations_in_both_schemes
from tests.serving import Served
from tests.simulators.talking import Talk, talk

ORANGE, FREE, WAVE = "Orange Money", "Mixx by Yas", "Wave"
DOWN = {"fr": "En panne", "en": "Not working now"}
PATIENCE_SECONDS = 15


@pytest.fixture
def pawapay() -> Iterator[Talk]:
    """pawaPay, simulated, where Orange in Senegal is delayed."""
    with talk(PawaPay()) as sim:
        sim.set(availability={"ORANGE_SEN": "DELAYED"})
        yield sim


@pytest.fixture
def house(served: Served, pawapay: Talk) -> tuple[Shop, str]:
    """A shop with an account of its own at pawaPay, and the account's id. A worker of the server asks about it."""
    shop, merchant_id = open_shop(served)
    account = add_account(served, "pawapay", merchant_id, pawapay.settings())
    pawapay.set(callback_url=account.callback_url)
    return shop, account.id


@pytest.fixture
def shop(house: tuple[Shop, str]) -> Shop:
    """The shop."""
    return house[0]


def order(shop: Shop, **fields: Any) -> dict[str, Any]:
    """A session, once the server knows what pawaPay says."""
    session = open_session(shop, **fields)
    wait_for_method(session, shop.served, "mobile_money")
    until(lambda: available(shop, session)["orange_sn"] is False)
    return session


def available(shop: Shop, session: dict[str, Any]) -> dict[str, bool]:
    """What the public JSON says of the operators."""
    shown = requests.get(f"{shop.served.url}/api/checkout/{session['id']}", timeout=10).json()
    (method,) = shown["payment_methods"]
    return {each["id"]: each["available"] for each in method["countries"][0]["operators"]}


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a worker of the server."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def tile(page: Page, name: str) -> Locator:
    """An operator's tile."""
    return page.locator(".ops label").filter(has_text=name)


@pytest.mark.parametrize("language", ["fr", pytest.param("en", marks=pytest.mark.long)])
def test_an_operator_that_is_down_says_so_and_cannot_be_chosen(customer: Page, shop: Shop, language: str) -> None:
    session = order(shop, locale=language)
    arrive(customer, session)
    expect(tile(customer, ORANGE)).to_contain_text(DOWN[language])
    expect(customer.locator(".ops label").last).to_contain_text(ORANGE)
    expect(tile(customer, ORANGE).get_by_role("radio")).to_be_disabled()
    expect(tile(customer, FREE).get_by_role("radio")).to_be_enabled()
    phone(customer).fill("76 123 45 67")
    tile(customer, FREE).click()
    pay(customer)
    end(customer, "prompt")
    assert ask(shop, session)["attempts"][-1]["operator"] == "free_sn"


@pytest.mark.parametrize(
    "case",
    [
        ("fr", 99, "Min. 100", "Réessayer"),
        pytest.param(("en", 99, "Min. 100", "Try again"), marks=pytest.mark.long),
        pytest.param(("fr", 2_000_001, "Max. 2 000 000", "Réessayer"), marks=pytest.mark.long),
        ("en", 2_000_001, "Max. 2,000,000", "Try again"),
    ],
    ids=lambda case: f"{case[0]} {case[1]}",
)
def test_a_limit_is_told_before_anything_is_sent(
    customer: Page, shop: Shop, pawapay: Talk, case: tuple[str, int, str, str]
) -> None:
    """Nobody takes the amount who is not down: there is nothing to press but what looks again."""
    language, amount, line, way_on = case
    session = order(shop, amount=amount, locale=language)
    arrive(customer, session)
    for name in (FREE, WAVE):
        expect(tile(customer, name)).to_contain_text(line)
        expect(tile(customer, name).get_by_role("radio")).to_be_disabled()
    expect(tile(customer, ORANGE)).to_contain_text(DOWN[language])
    customer.get_by_role("link", name=way_on).click()
    for name in (FREE, WAVE):
        expect(tile(customer, name)).to_contain_text(line)
    expect(customer.locator("[data-pay]")).to_have_count(0)
    assert pawapay.charges() == []
    assert ask(shop, session)["attempts"] == []


@pytest.mark.parametrize("amount", [pytest.param(5_000, marks=pytest.mark.long), 99])
def test_axe_finds_nothing(page: Page, shop: Shop, amount: int) -> None:
    arrive(page, order(shop, amount=amount))
    assert violations_in_both_schemes(page) == []
    assert sticks_out(page) == []


def test_an_amount_that_is_chosen_may_be_chosen_again(customer: Page, shop: Shop) -> None:
    session = order(shop, amount=None)
    arrive(customer, session)
    customer.get_by_label("Montant").fill("99")
    phone(customer).fill("76 123 45 67")
    tile(customer, FREE).click()
    pay(customer)
    see(customer, "choose!", f"{FREE} accepte 100 FCFA au moins.")
    expect(tile(customer, FREE).get_by_role("radio")).to_be_checked()
    customer.get_by_label("Montant").fill("100")
    pay(customer)
    end(customer, "prompt")


def test_an_operator_that_is_back_can_be_chosen(page: Page, house: tuple[Shop, str], pawapay: Talk) -> None:
    shop, account_id = house
    session = order(shop)
    pawapay.set(availability={})
    with at_home(shop.served):
        breakers.close_now((account_id, "orange_sn"), True)
    until(lambda: available(shop, session)["orange_sn"])
    arrive(page, session)
    phone(page).fill("77 123 45 67")
    expect(tile(page, ORANGE).get_by_role("radio")).to_be_checked()
    pay(page)
    end(page, "prompt")
