"""Payments that ask for more: a code by SMS, a wallet's page, a bank's."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, ask, assert_paid_once, charges, open_session
from tests.browser.steps import (
    arrive,
    decide,
    declined,
    end,
    open_wallet,
    pay,
    pay_by_card,
    pay_by_phone,
    phone,
    reload_until,
    see,
    type_phone,
)

BANK = "4000 0025 0000 3155"


def type_code(page: Page, code: str) -> None:
    """Type the operator's code and send it."""
    page.get_by_label("Le code reçu par SMS").fill(code)
    pay(page)


def test_a_wrong_code_is_told_and_a_new_one_pays(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "009")
    see(customer, "otp", "Demandez un code, tapez-le ici")
    type_code(customer, "000000")
    declined(customer, "Ce code n’était pas le bon")
    customer.get_by_role("button", name="Demander un nouveau code").click()
    see(customer, "otp")
    type_code(customer, "123 456")
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_code_that_cannot_be_one_costs_no_try(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "009")
    type_code(customer, "abc")
    see(customer, "otp!", "Tapez le code")
    type_code(customer, "123456")
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_customer_approves_in_the_wallet_and_comes_back(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "010")
    open_wallet(customer)
    decide(customer, "Accepter")
    end(customer, "paid")
    assert customer.url == session["url"]
    assert_paid_once(shop, session)


def test_a_customer_refuses_in_the_wallet_and_pays_otherwise(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "010")
    open_wallet(customer)
    decide(customer, "Refuser")
    declined(customer, "Vous avez refusé")
    type_phone(customer)
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_refusal_in_a_wallet_speaks_of_the_wallet(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    phone(customer).fill("771234010")
    customer.get_by_role("radio", name="Wave").check(force=True)
    pay(customer)
    open_wallet(customer)
    decide(customer, "Refuser")
    declined(customer, "Paiement refusé dans Wave")
    expect(customer.locator(".bad")).to_contain_text("Rien n’a été débité.")
    expect(customer.locator("main")).not_to_contain_text("sur le téléphone")


def test_a_code_that_never_came_is_asked_for_anew(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "009")
    see(customer, "otp")
    reload_until(customer, "choose")
    expect(customer.locator(".bad")).to_contain_text("Vous n’avez pas reçu de code ?")
    expect(customer.locator(".bad")).to_contain_text("Rien n’a été débité.")
    expect(phone(customer)).to_have_value(re.compile("77 ?123 ?40 ?09"))
    customer.get_by_role("button", name="Demander un nouveau code").click()
    see(customer, "otp")
    customer.locator("#otp").fill("123456")
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_with_script_the_wallet_opens_by_itself_once(page: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(page, session)
    pay_by_phone(page, "010")
    see(page, "sandbox")
    page.go_back()
    see(page, "redirect")
    expect(page.locator(".auto")).to_be_hidden()
    open_wallet(page)
    decide(page, "Accepter")
    end(page, "paid")
    assert_paid_once(shop, session)


def test_a_wallet_left_alone_lets_the_customer_try_again(page: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(page, session)
    pay_by_phone(page, "010")
    open_wallet(page)
    arrive(page, session)
    see(page, "redirect")
    declined(page, "Le délai est passé")
    type_phone(page)
    pay(page)
    end(page, "paid")
    assert_paid_once(shop, session)


def test_a_wallet_approved_on_another_device_is_found(page: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(page, session)
    pay_by_phone(page, "010")
    open_wallet(page)
    address = page.url
    page.go_back()
    other = page.context.new_page()
    other.goto(address)
    decide(other, "Accepter")
    end(page, "paid")
    assert_paid_once(shop, session)


def test_the_bank_approves_a_card(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_card(customer, BANK)
    see(customer, "redirect", "Confirmez avec votre banque")
    open_wallet(customer)
    decide(customer, "Accepter")
    end(customer, "paid", "Carte bancaire")
    assert_paid_once(shop, session)


def test_the_bank_refuses_a_card_and_another_pays(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_card(customer, BANK)
    open_wallet(customer)
    decide(customer, "Refuser")
    declined(customer, "Votre banque n’a pas pu vous reconnaître")
    pay_by_card(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_card_pays_at_once_and_its_number_is_nowhere(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_card(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)
    assert "4242" not in str(customer.context.cookies()) + shop.served.log_text()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4000 0000 0000 0002", "Votre banque a refusé la carte"),
        ("4000 0000 0000 9995", "Solde insuffisant"),
        ("4000 0000 0000 0069", "Cette carte a expiré"),
    ],
)
def test_a_declined_card_says_why_and_the_next_one_pays(page: Page, shop: Shop, number: str, reason: str) -> None:
    session = open_session(shop)
    arrive(page, session)
    pay_by_card(page, number)
    declined(page, reason)
    expect(page.locator("#number")).to_have_value("")
    pay_by_card(page)
    end(page, "paid")
    assert_paid_once(shop, session)


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", pytest.param("5105-1051-0510-5100", marks=pytest.mark.long)])
def test_a_real_looking_number_is_refused_and_never_shown_again(customer: Page, shop: Shop, number: str) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_card(customer, number)
    see(customer, "choose!", "En mode test, utilisez une carte de test.")
    expect(customer.locator("#number")).to_have_value("")
    everywhere = customer.content() + str(customer.context.cookies()) + customer.url + shop.served.log_text()
    assert number not in everywhere
    assert "".join(filter(str.isdigit, number)) not in everywhere
    assert charges(shop, session) == []
    assert ask(shop, session)["attempts"] == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"expiry": "13/40"}, "Mois / année, comme 08 / 28."), ({"cvc": "1"}, "3 chiffres (4 pour Amex).")],
)
def test_a_card_field_at_fault_is_named(page: Page, shop: Shop, changes: dict[str, str], problem: str) -> None:
    arrive(page, open_session(shop))
    pay_by_card(page, **changes)
    see(page, "choose!", problem)
    expect(page.locator(f"#{next(iter(changes))}")).to_have_attribute("aria-invalid", "true")
