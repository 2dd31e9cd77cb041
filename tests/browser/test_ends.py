"""Pages that end it: expired, late, refunded, not there; and what a script-less, foreign or odd visit meets."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser import states
from tests.browser.conftest import forgive
from tests.browser.shop import HOME, Shop, ask, charges, expire, open_session
from tests.browser.steps import arrive, pay_by_phone, reload_until, return_to_shop, see, type_phone


def test_an_expired_session_leads_back_to_the_shop(customer: Page, shop: Shop, complaints: list[str]) -> None:
    states.expired(customer, shop)
    see(customer, "expired", "Cette page a expiré")
    return_to_shop(customer)
    customer.wait_for_url(f"{HOME}/cart")
    forgive(complaints, "410")


def test_a_session_that_expires_under_the_form_takes_nothing(customer: Page, shop: Shop, complaints: list[str]) -> None:
    session = open_session(shop)
    arrive(customer, session)
    expire(shop, session)
    pay_by_phone(customer)
    see(customer, "expired", "Rien n’a été débité.")
    assert charges(shop, session) == []
    forgive(complaints, "410")


def test_an_expired_session_without_a_shops_address_says_whom_to_ask(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    session = open_session(shop, cancelUrl=None)
    expire(shop, session)
    arrive(page, session)
    see(page, "expired", "Demandez un nouveau lien à Boutique Awa.")
    forgive(complaints, "410")


def test_money_that_comes_after_the_end_is_told(customer: Page, shop: Shop, complaints: list[str]) -> None:
    states.late(customer, shop)
    see(customer, "late", "Votre paiement est arrivé en retard")
    forgive(complaints, "410")


def test_money_that_comes_late_to_a_shop_that_wants_none_goes_back(
    customer: Page, new_shop: Callable[..., Shop], complaints: list[str]
) -> None:
    strict = new_shop("Boutique Binta", late_payments="refund")
    session = states.late(customer, strict)
    reload_until(customer, "refunded")
    see(customer, "refunded", "reviennent sur")
    assert ask(strict, session)["payment_status"] == "refunded"
    assert charges(strict, session) == []
    forgive(complaints, "410")


def test_a_link_that_leads_nowhere_says_so(customer: Page, shop: Shop, complaints: list[str]) -> None:
    states.no_such_session(customer, shop)
    see(customer, "error", "Page introuvable")
    forgive(complaints, "404")


def test_a_form_on_another_site_pays_nothing(customer: Page, shop: Shop, complaints: list[str]) -> None:
    session = open_session(shop)
    form = (
        f'<form method="post" action="{session["url"]}/pay"><input name="phone" value="771234500"><button>Win</button>'
    )
    customer.route("https://evil.example/", lambda route: route.fulfill(content_type="text/html", body=form))
    customer.goto("https://evil.example/")
    customer.get_by_role("button").click()
    see(customer, "error", "Cette demande a été refusée")
    assert ask(shop, session)["attempts"] == []
    customer.get_by_role("link", name="Ouvrir la page de paiement").click()
    see(customer, "choose")
    forgive(complaints, "403", "favicon", "404")


def test_the_shop_is_one_press_away_from_the_open_form(customer: Page, shop: Shop) -> None:
    arrive(customer, open_session(shop))
    type_phone(customer)
    return_to_shop(customer)
    customer.wait_for_url(f"{HOME}/cart")
    expect(customer.get_by_role("heading")).to_have_text("Awa")
