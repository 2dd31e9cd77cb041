"""A desktop page that leads to the phone: by a square code and a short one, which only a wide screen asks for."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, Visit
from tests.browser.shop import Shop, assert_paid_once, open_session
from tests.browser.steps import arrive, end, pay_by_card, pay_by_phone, see

CODE = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")


def shown(page: Page) -> str:
    """The code that stands on the page."""
    code = page.locator("#device b")
    expect(code).to_have_text(CODE)
    expect(page.locator("#device .qr svg")).to_be_visible()
    return code.inner_text()


def test_a_desktop_page_is_carried_on_with_a_phone_and_tells_how_it_ended(visit: Visit, page: Page, shop: Shop) -> None:
    desktop, session = visit(**DESKTOP), open_session(shop)
    arrive(desktop, session)
    code = shown(desktop)
    page.goto(f"{shop.served.url}/")
    page.get_by_label("Code").fill(code.lower())
    page.get_by_role("button", name="Continuer").click()
    see(page, "choose")
    assert page.url == session["url"]
    desktop.reload()
    again = shown(desktop)
    assert again != code
    page.goto(f"{shop.served.url}/{code}")
    pay_by_card(page)
    see(page, "paid")
    desktop.bring_to_front()
    desktop.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    end(desktop, "paid")
    assert_paid_once(shop, session)


def test_a_code_is_renewed_before_it_ends(visit: Visit, shop: Shop) -> None:
    desktop = visit(**DESKTOP)
    arrive(desktop, open_session(shop))
    first = shown(desktop)
    desktop.clock.fast_forward(539_000)
    assert shown(desktop) == first
    desktop.clock.fast_forward(2_000)
    expect(desktop.locator("#device b")).not_to_have_text(first)
    second = shown(desktop)
    desktop.clock.fast_forward(541_000)
    expect(desktop.locator("#device b")).not_to_have_text(second)


def test_who_is_typing_a_code_finds_it_good_although_the_page_has_moved_on(visit: Visit, shop: Shop) -> None:
    desktop = visit(**DESKTOP)
    arrive(desktop, open_session(shop))
    code = shown(desktop)
    pay_by_phone(desktop, "011")
    see(desktop, "prompt")
    assert shown(desktop) == code


def test_a_phone_asks_for_no_code(page: Page, shop: Shop) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    arrive(page, open_session(shop))
    page.mouse.wheel(0, 2_000)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#device")).to_be_hidden()
    assert [url for url in asked if url.endswith("/device")] == []


def test_without_a_script_a_link_shows_the_code(visit: Visit, shop: Shop) -> None:
    desktop, session = visit(script=False, **DESKTOP), open_session(shop)
    arrive(desktop, session)
    desktop.get_by_role("link", name="Continuez sur votre téléphone").click()
    code = shown(desktop)
    desktop.goto(f"{shop.served.url}/{code}")
    see(desktop, "choose")
    assert desktop.url == session["url"]


def test_a_wallet_on_another_phone_is_reached_by_a_code(customer: Page, visit: Visit, shop: Shop) -> None:
    customer.route("**/sandbox/**", lambda route: route.fulfill(status=204))  # the wallet does not open here
    session = open_session(shop)
    arrive(customer, session)
    pay_by_phone(customer, "010")
    see(customer, "redirect")
    customer.get_by_role("link", name="Orange Money est sur un autre téléphone").click()
    see(customer, "device")
    first = shown(customer)
    customer.get_by_role("link", name="Afficher un nouveau code").click()
    expect(customer.locator("#device b")).not_to_have_text(first)
    for name, address in (("Par WhatsApp", "https://wa.me/?text="), ("Par SMS", "sms:?&body=")):
        assert (customer.get_by_role("link", name=name).get_attribute("href") or "").startswith(address)
    other = visit()
    other.goto(f"{shop.served.url}/{shown(customer)}")
    see(other, "redirect")
    customer.get_by_role("link", name="Revenir au paiement").click()
    see(customer, "redirect")
