"""What a customer does who does not want to go on with a payment that waits for them."""

import re

from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, assert_paid_once, open_session
from tests.browser.steps import arrive, end, pay, pay_by_phone, phone, see, type_phone


def test_who_gets_no_code_pays_by_another_number_at_once(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "009")
    see(customer, "otp")
    customer.get_by_role("button", name="Changer de numéro ou de moyen").click()
    see(customer, "choose", "Rien n’a été débité")
    expect(phone(customer)).to_have_value(re.compile("77 ?123 ?40 ?09"))
    type_phone(customer)
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_new_code_is_one_press_away(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "009")
    see(customer, "otp")
    reference = customer.locator("main > .quiet").last.inner_text()
    customer.get_by_role("button", name="Pas de SMS : nouveau code").click()
    expect(customer.locator("main > .quiet").last).not_to_have_text(reference)
    see(customer, "otp")
    customer.locator("#otp").fill("123456")
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)
