"""What does not work at first: each reason in its own words, everything typed kept, and a second try that pays."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop, assert_paid_once, open_session, tell
from tests.browser.steps import arrive, declined, end, pay, pay_by_phone, phone, reload_until, see, type_phone

REASONS = {
    "001": "Solde insuffisant sur Orange Money",
    "002": "Vous avez refusé sur le téléphone",
    "003": "Le délai est passé",
    "008": "Orange Money ne répond pas",
    "012": "Orange Money n’a pas pu prendre le montant exact",
}


# tests/hosted has the words of each reason.
@pytest.mark.parametrize(
    ("ending", "script"),
    [
        ("001", True),
        ("001", False),
        ("008", True),
        *(pytest.param(ending, True, marks=pytest.mark.long) for ending in ("002", "003", "012")),
        pytest.param("008", False, marks=pytest.mark.long),
    ],
)
def test_a_declined_customer_keeps_what_was_typed_and_pays_at_the_second_try(
    visit: Visit, shop: Shop, ending: str, script: bool
) -> None:
    customer, session = visit(script=script), open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, ending)
    declined(customer, REASONS[ending])
    expect(phone(customer)).to_have_value(re.compile(f"^77 ?123 ?4{ending[0]} ?{ending[1:]}$"))
    type_phone(customer)
    customer.locator("button.main").click()
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_failure_that_the_operator_takes_back_is_paid_without_a_second_try(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "011")
    see(customer, "prompt")
    tell(shop, session, "failed")
    declined(customer, "nous vérifions encore")
    tell(shop, session, "succeeded")
    reload_until(customer, "paid")
    assert_paid_once(shop, session)


def test_no_answer_is_called_unknown_and_turns_out_to_be_paid(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "004")
    see(customer, "unknown", "Ne payez pas une deuxième fois")
    expect(phone(customer)).to_have_count(0)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_an_answer_that_broke_is_made_good_by_the_operators_callback(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "005")
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_good_news_told_three_times_is_one_payment(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "006")
    end(customer, "paid")
    customer.reload()
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_an_impossible_number_is_pointed_out_in_its_field(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    phone(customer).fill("12")
    pay(customer)
    see(customer, "choose!")
    expect(phone(customer)).to_have_value("12")
    expect(phone(customer)).to_have_attribute("aria-invalid", "true")
    expect(phone(customer)).to_be_focused()
    expect(phone(customer)).to_have_accessible_description(
        "Il manque 7 chiffres (9 au Sénégal). Celui de votre compte mobile money."
    )


def test_a_number_is_checked_when_the_customer_leaves_it(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    phone(page).fill("7712")
    expect(phone(page)).to_have_accessible_description("Celui de votre compte mobile money.")
    phone(page).blur()
    expect(page.locator("#phone-problem")).to_be_visible()
    type_phone(page)
    expect(page.locator("#phone-problem")).to_be_hidden()
