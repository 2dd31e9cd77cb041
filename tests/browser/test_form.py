"""The open form: amounts, questions, a number known before, countries, languages, one way to pay only."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.shop import Shop, ask, assert_paid_once, charges, open_session
from tests.browser.states import CHOSEN, FIELDS, MOBILE, MONTHLY, PREFILLED, TRIAL
from tests.browser.steps import (
    arrive,
    choose_card,
    declined,
    end,
    pay,
    pay_by_card,
    pay_by_phone,
    phone,
    see,
    type_phone,
)


def test_a_preset_amount_is_paid(page: Page, shop: Shop) -> None:
    session = open_session(shop, **CHOSEN)
    arrive(page, session)
    page.get_by_label("10 000", exact=True).check()
    pay_by_phone(page)
    end(page, "paid", "10 000 FCFA")
    assert_paid_once(shop, session, 10_000)


def test_an_amount_is_chosen_within_its_bounds(customer: Page, shop: Shop) -> None:
    session = open_session(shop, **CHOSEN)
    arrive(customer, session)
    field = customer.get_by_label("Autre montant")
    expect(field).to_have_accessible_description("1 000 à 50 000 FCFA")
    field.fill("60 000")
    pay_by_phone(customer)
    see(customer, "choose!", "Au plus 50 000 FCFA.")
    expect(field).to_have_value("60 000")
    field.fill("2 500")
    pay(customer)
    end(customer, "paid", "2 500 FCFA")
    assert_paid_once(shop, session, 2_500)


def test_one_amount_is_chosen_at_a_time_and_the_button_names_it(page: Page, shop: Shop) -> None:
    session = open_session(shop, **CHOSEN)
    arrive(page, session)
    button, field = page.locator("button.main"), page.get_by_label("Autre montant")
    expect(button).to_have_text("Payer")
    preset = page.get_by_label("2 000", exact=True)
    preset.check()
    expect(button).to_have_text("Payer 2 000 FCFA")
    field.fill("3000")
    expect(preset).not_to_be_checked()
    expect(button).to_have_text("Payer 3 000 FCFA")
    field.fill("trois mille")
    expect(button).to_have_text("Payer")
    preset.check()
    expect(field).to_have_value("")
    field.fill("3 500")
    pay_by_phone(page)
    end(page, "paid")
    assert_paid_once(shop, session, 3_500)


@pytest.mark.parametrize(
    ("currency", "typed", "french", "english"),
    [
        ("USD", "1234,5", "Payer 1 234,50 $US", "Pay $1,234.50"),
        ("USD", "12", "Payer 12,00 $US", "Pay $12.00"),
        ("CDF", "25000", "Payer 25 000 FC", "Pay 25,000 FC"),
        ("CDF", "25.75", "Payer 25,75 FC", "Pay 25.75 FC"),
    ],
)
def test_the_button_writes_an_amount_as_the_server_does(  # noqa: PLR0917
    visit: Visit, shop: Shop, currency: str, typed: str, french: str, english: str
) -> None:
    for locale, words in (("fr", french), ("en", english)):
        session = open_session(shop, country="CD", currency=currency, amount=None, locale=locale)
        page = visit(locale="fr-SN")
        arrive(page, session, f"?lang={locale}")
        page.locator("#amount").fill(typed)
        expect(page.locator("button.main")).to_have_text(words)
        page.locator("#phone").fill("12")
        pay(page)
        see(page, "choose!")
        expect(page.locator("button.main")).to_have_text(words)


def test_the_shops_questions_are_asked_and_answered(customer: Page, shop: Shop) -> None:
    session = open_session(shop, customFields=FIELDS)
    arrive(customer, session)
    customer.get_by_label("Nom à broder").fill("Awa & <Fils>")
    customer.get_by_label("Nombre de pièces").fill("douze")
    pay_by_phone(customer)
    see(customer, "choose!", "Choisissez une réponse : Taille.")
    expect(customer.get_by_label("Nombre de pièces")).to_have_accessible_description("Tapez un nombre.")
    expect(customer.get_by_label("Nom à broder")).to_have_value("Awa & <Fils>")
    customer.get_by_label("Taille").select_option("M")
    customer.get_by_label("Nombre de pièces").fill("12")
    customer.get_by_label("Jour de livraison").fill("2030-05-17")
    pay(customer)
    end(customer, "paid")
    answers = {field["key"]: field["value"] for field in ask(shop, session)["custom_fields"]}
    assert answers == {"size": "M", "name": "Awa & <Fils>", "count": "12", "day": "2030-05-17"}


def test_who_has_paid_may_leave_name_and_email(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    expect(customer.get_by_label("Votre e-mail")).to_have_count(0)
    pay_by_phone(customer)
    end(customer, "paid")
    customer.get_by_role("link", name="Ajouter mon nom et mon e-mail").click()
    customer.wait_for_url("**?stay=1#contact")
    customer.locator("summary", has_text="e-mail").click()
    customer.get_by_label("Votre nom").fill("Awa Diop")
    customer.get_by_label("Votre e-mail").fill("awa")
    send = customer.get_by_role("button", name="Envoyer à Boutique Awa")
    send.click()
    see(customer, "paid!", "Il manque @ dans l’adresse.")
    customer.get_by_label("Votre e-mail").fill("awa@example.com")
    send.click()
    expect(customer.locator("#contact")).to_have_count(0)
    assert ask(shop, session)["customer_details"] == {"name": "Awa Diop", "email": "awa@example.com"}


def test_a_known_number_is_shown_masked_and_pays(customer: Page, shop: Shop) -> None:
    session = open_session(shop, **PREFILLED)
    arrive(customer, session)
    expect(phone(customer)).to_have_accessible_description("Donné par Boutique Awa. 77 ••• •• 00")
    expect(customer.get_by_label("Orange Money")).to_be_checked()
    assert "771234500" not in re.sub(r"\s", "", customer.content())
    assert "awa@example.com" not in customer.content()
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_known_number_may_be_changed(page: Page, shop: Shop) -> None:
    session = open_session(shop, **PREFILLED)
    arrive(page, session)
    pay_by_phone(page, "501")
    end(page, "paid", "•• 01")


def test_the_number_finds_its_groups_and_its_operator(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    phone(page).press_sequentially("761234567")
    expect(phone(page)).to_have_value("76 123 45 67")
    expect(page.get_by_label("Mixx by Yas")).to_be_checked()
    page.get_by_label("Wave").check()
    phone(page).fill("771234567")
    expect(page.get_by_label("Wave")).to_be_checked()


def test_a_number_with_its_country_code_is_understood(page: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(page, session)
    phone(page).fill("00221 77 123 45 00")
    pay(page)
    end(page, "paid", "Orange Money")


def test_a_number_from_before_2021_is_shown_as_it_is_today_and_then_pays(customer: Page, shop: Shop) -> None:
    session = open_session(shop, country="CI", currency="XOF")
    arrive(customer, session)
    phone(customer).fill("47 12 35 00")
    customer.get_by_label("Orange Money").check()
    pay(customer)
    see(customer, "choose!", "Vous avez tapé un ancien numéro.")
    expect(phone(customer)).to_have_value("07 47 12 35 00")
    assert charges(shop, session) == []
    pay(customer)
    end(customer, "paid")
    assert_paid_once(shop, session, 5_000)


def test_a_customer_from_the_neighbouring_country_pays_too(customer: Page, shop: Shop) -> None:
    session = open_session(shop, **CHOSEN)
    arrive(customer, session)
    customer.get_by_label("Autre montant").fill("3 000")
    phone(customer).fill("+221771234500")
    customer.locator("summary", has_text="+221").click()
    customer.get_by_role("button", name="Côte d’Ivoire").click()
    expect(customer.locator(".tel", has=phone(customer))).to_contain_text("+225")
    expect(customer.get_by_label("Autre montant")).to_have_value("3 000")
    expect(customer.get_by_label("MTN MoMo")).to_be_visible()
    phone(customer).fill("0700000500")
    customer.get_by_label("Orange Money").check(force=True)
    pay(customer)
    end(customer, "paid", "Orange Money")
    assert_paid_once(shop, session, 3_000)


def test_the_page_speaks_english_when_asked_loses_nothing_typed_and_remembers_it(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    expect(customer.locator("html")).to_have_attribute("lang", "fr")
    phone(customer).fill("77 123")
    customer.get_by_role("button", name="English").click()
    expect(customer.locator("html")).to_have_attribute("lang", "en")
    expect(phone(customer)).to_have_value("77 123")
    expect(customer.locator("[aria-invalid]")).to_have_count(0)
    pay_by_phone(customer, "011")
    see(customer, "prompt", "Approve on your phone")
    customer.reload()  # no form is sent again
    customer.get_by_role("link", name="Français").click()
    see(customer, "prompt", "Validez")
    arrive(customer, open_session(shop, locale="en"))
    expect(customer.locator("html")).to_have_attribute("lang", "fr")


def test_without_script_a_guess_is_shown_and_asked_about_once(visit: Visit, shop: Shop) -> None:
    page = visit(script=False)
    session = open_session(shop)
    arrive(page, session)
    phone(page).fill("771234500")
    pay(page)
    see(page, "choose!", "Nous pensons à Orange Money : vérifiez, puis appuyez sur Payer.")
    expect(page.get_by_label("Orange Money")).to_be_checked()
    assert charges(shop, session) == []
    pay(page)
    end(page, "paid", "Orange Money")
    assert_paid_once(shop, session)


def test_the_page_follows_a_number_of_another_country_in_place(page: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(page, session)
    phone(page).fill("+2250700000500")
    phone(page).blur()
    expect(page.get_by_label("MTN MoMo")).to_be_visible()
    expect(phone(page)).to_have_value("07 00 00 05 00")
    expect(phone(page)).to_be_focused()
    expect(page.locator("#live")).to_contain_text("Côte d’Ivoire")
    expect(page.get_by_label("Orange Money")).to_be_checked()
    pay(page)
    end(page, "paid", "Orange Money")
    assert_paid_once(shop, session)


def test_enter_pays_and_does_not_switch_the_language(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    type_phone(customer, "011")
    phone(customer).press("Enter")
    see(customer, "prompt", "Validez")


def test_one_way_to_pay_is_no_choice(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop, **MOBILE))
    see(customer, "choose", "Votre numéro de téléphone")
    expect(customer.locator("[name=method]:visible")).to_have_count(0)
    expect(customer.locator("#number")).to_have_count(0)


def test_a_card_alone_is_asked_for_at_once(page: Page, shop: Shop) -> None:
    session = open_session(shop, paymentMethodTypes=["card"])
    arrive(page, session)
    see(page, "choose", "Numéro de carte")
    expect(phone(page)).to_have_count(0)
    pay_by_card(page)
    end(page, "paid")


def test_choosing_the_card_hides_the_phone(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    expect(customer.locator("#number")).to_be_hidden()
    choose_card(customer)
    expect(customer.locator("#number")).to_be_visible()
    expect(phone(customer)).to_be_hidden()


@pytest.mark.parametrize("country", ["CM", "CI"])
def test_a_shop_elsewhere_gets_its_own_country(page: Page, shop: Shop, country: str) -> None:
    arrive(page, open_session(shop, country=country, currency={"CM": "XAF", "CI": "XOF"}[country]))
    expect(page.locator(".tel").first).to_contain_text({"CM": "+237", "CI": "+225"}[country])
    expect(page.get_by_label("MTN MoMo")).to_be_visible()


def test_a_subscription_says_what_is_taken_and_when(customer: Page, shop: Shop) -> None:
    session = open_session(shop, **MONTHLY, customerEmail="awa@example.com")
    arrive(customer, session)
    expect(customer.locator(".amount")).to_have_text(re.compile(r"5\s000\sFCFA par mois"))
    see(customer, "choose", "Aujourd’hui5 000 FCFA")
    expect(customer.get_by_text("À valider chaque fois sur votre téléphone.")).to_be_visible()
    expect(customer.get_by_text("Chaque paiement est débité de votre carte.")).to_be_hidden()
    choose_card(customer)
    expect(customer.get_by_text("Chaque paiement est débité de votre carte.")).to_be_visible()
    pay_by_card(customer)
    end(customer, "paid")
    assert_paid_once(shop, session)


def test_a_trial_says_that_nothing_is_taken_today_and_takes_nothing(customer: Page, shop: Shop) -> None:
    session = open_session(shop, **TRIAL)
    arrive(customer, session)
    expect(customer.locator(".amount")).to_have_text("7 jours gratuits")
    see(customer, "choose", "Rien n’est débité aujourd’hui.")
    type_phone(customer)
    customer.get_by_role("button", name="Commencer gratuitement").click()
    see(customer, "trial", "Ensuite5 000 FCFA par mois")
    assert ask(shop, session)["payment_status"] == "no_payment_required"
    assert charges(shop, session) == []


def test_another_operator_than_the_numbers_is_said_in_place_and_moves_nothing(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop, successUrl=None))
    note, hint, button = page.locator("#phone-note"), page.locator("#phone-hint"), page.locator("button.main")
    before = button.bounding_box()
    phone(page).press_sequentially("771234500")
    expect(page.locator("[data-guess]")).to_be_visible()
    assert button.bounding_box() == before
    page.get_by_label("Mixx by Yas").check(force=True)
    expect(note).to_have_text("Ce numéro semble être chez Orange Money. Gardez Mixx by Yas s’il a été porté.")
    expect(page.locator("#live")).to_have_text(note.inner_text())
    expect(hint).to_be_hidden()
    assert button.bounding_box() == before
    page.get_by_label("Wave").check(force=True)
    expect(note).to_be_hidden()
    expect(hint).to_be_visible()
    page.get_by_label("E-Money").check(force=True)
    expect(note).to_contain_text("Gardez E-Money")
    phone(page).fill("701234500")
    expect(note).to_be_hidden()
    phone(page).fill("761234500")
    expect(note).to_contain_text("chez Mixx by Yas. Gardez E-Money")
    pay(page)
    end(page, "paid")


def test_another_operator_than_the_numbers_is_said_without_script_when_the_form_is_shown_again(
    visit: Visit, shop: Shop
) -> None:
    page = visit(script=False)
    arrive(page, open_session(shop, successUrl=None))
    phone(page).fill("771234001")
    page.get_by_label("Mixx by Yas").check(force=True)
    pay(page)
    declined(page, "Solde insuffisant")
    note = page.locator("#phone-note")
    expect(note).to_have_text("Ce numéro semble être chez Orange Money. Gardez Mixx by Yas s’il a été porté.")
    expect(phone(page)).to_have_accessible_description(note.inner_text())
