"""Live mobile money at pawaPay: a code that goes with the charge is asked before it, and a prompt says what to dial."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ikawaari.simulators.pawapay import PawaPay
from tests.browser.live import add_account, open_shop, wait_for_method
from tests.browser.shop import Shop, ask, open_session
from tests.browser.steps import arrive, end, pay, phone, see
from tests.serving import Served
from tests.simulators.talking import Talk, talk

DIAL = "*144*4*6*5000#"


@pytest.fixture
def pawapay() -> Iterator[Talk]:
    """pawaPay, simulated."""
    with talk(PawaPay()) as sim:
        yield sim


@pytest.fixture
def live_shop(served: Served, pawapay: Talk) -> Shop:
    """A shop with an account of its own at pawaPay."""
    shop, merchant_id = open_shop(served)
    account = add_account(served, "pawapay", merchant_id, pawapay.settings())
    pawapay.set(callback_url=account.callback_url)
    return shop


def order(shop: Shop, country: str) -> dict[str, Any]:
    """A session of a country whose wallets the account reaches."""
    session = open_session(shop, country=country)
    wait_for_method(session, shop.served, "mobile_money")
    return session


def test_a_code_before_the_charge_is_dialed_typed_and_sent(customer: Page, live_shop: Shop, pawapay: Talk) -> None:
    session = order(live_shop, "BF")
    arrive(customer, session)
    phone(customer).fill("07 34 56 78")
    customer.get_by_label("Orange Money").check()
    pay(customer)
    see(customer, "choose", "Composez ce code et tapez votre code secret")
    expect(customer.get_by_role("link", name=DIAL)).to_have_attribute("href", "tel:*144*4*6*5000%23")
    assert ask(live_shop, session)["attempts"] == []
    assert phone(customer).input_value() == "07 34 56 78"
    customer.get_by_label("Le code reçu par SMS").fill("123456")
    pay(customer)
    end(customer, "paid", "Orange Money")
    assert [attempt["status"] for attempt in ask(live_shop, session)["attempts"]] == ["succeeded"]
    assert [charge["status"] for charge in pawapay.charges()] == ["COMPLETED"]


def test_a_prompt_that_does_not_appear_is_found_as_the_provider_says(customer: Page, live_shop: Shop) -> None:
    session = order(live_shop, "CI")
    arrive(customer, session)
    phone(customer).fill("07 34 56 71 30")
    customer.get_by_label("Orange Money").check()
    pay(customer)
    see(customer, "prompt")
    # A worker asks pawaPay what it says as soon as the account is there.
    expect(customer.locator(".dial")).to_contain_text("Composez *123#")
    expect(customer.locator(".dial")).to_have_attribute("href", "tel:*123%23")
