"""A receipt worth keeping, in a browser: sent on, kept on one sheet of paper, copied, and stayed on."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.shop import Shop, open_session
from tests.browser.steps import arrive, pay_by_card, see


def test_a_receipt_is_kept_on_one_page_with_nothing_to_press(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session, "?stay=1")
    pay_by_card(customer)
    see(customer, "paid")
    customer.goto(f"{session['url']}?stay=1")
    expect(customer.get_by_role("link", name="WhatsApp")).to_have_attribute("href", re.compile(r"^https://wa\.me/"))
    customer.get_by_role("link", name="Enregistrer").click()
    see(customer, "receipt")
    for where in (f"{session['url']}/receipt", f"{session['url']}?stay=1"):
        customer.goto(where)
        customer.emulate_media(media="print")
        expect(customer.locator("main dl").first).to_be_visible()
        for pressed in customer.locator("a.main, button, form, .share").all():
            expect(pressed).to_be_hidden()
        color = "element => getComputedStyle(element).color"
        assert customer.locator("header p").first.evaluate(color) == "rgb(0, 0, 0)"
        assert len(re.findall(rb"/Type\s*/Page\b", customer.pdf(format="A4"))) == 1
        customer.emulate_media(media="screen")


def test_the_address_of_a_receipt_is_copied_where_a_browser_lets_a_page_copy(page: Page, shop: Shop) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    session = open_session(shop)
    arrive(page, session)
    pay_by_card(page)
    see(page, "paid")
    page.get_by_role("button", name="Copier le lien").click()
    expect(page.get_by_role("button", name="Copié")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert session["id"] not in copied
    page.goto(copied)
    see(page, "receipt", "Reçu")
    expect(page.get_by_role("link", name="Revenir au paiement")).to_have_count(0)


@pytest.mark.parametrize(("copies", "words"), [("true", "Copié"), ("false", "Pas copié")])
def test_where_a_browser_keeps_its_clipboard_from_pages_the_button_says_what_came_of_it(
    page: Page, shop: Shop, copies: str, words: str
) -> None:
    arrive(page, open_session(shop, successUrl=None))
    pay_by_card(page)
    see(page, "paid")
    address = page.evaluate(
        f"""() => {{
            document.execCommand = () => {{ window.selected = document.activeElement.value; return {copies}; }};
            return document.querySelector('[data-copy]').dataset.copy;
        }}"""
    )
    page.get_by_role("button", name="Copier le lien").click()
    expect(page.get_by_role("button", name=words, exact=True)).to_be_focused()
    expect(page.locator("#live")).to_have_text(words)
    assert page.evaluate("selected") == address


def test_who_stays_is_not_taken_back(customer: Page, shop: Shop) -> None:
    session = open_session(shop)
    arrive(customer, session)
    pay_by_card(customer)
    see(customer, "paid")
    customer.goto(f"{session['url']}?stay=1")
    expect(customer.locator("meta[http-equiv=refresh]")).to_have_count(0)
    expect(customer.locator("[data-forward]")).to_have_count(0)
    see(customer, "paid")
