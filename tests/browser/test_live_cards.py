"""A live card in Stripe's own fields: no number reaches this server, the bank is asked, a card is kept for renewals."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, Request, expect

from ikawaari.simulators.stripe import Stripe
from tests.browser.conftest import Visit, forgive
from tests.browser.live import add_account, open_shop, wait_for_method
from tests.browser.places.measures import ALL_BYTES, ALL_REQUESTS, FIRST_FLIGHT_BYTES
from tests.browser.shop import Shop, ask, open_session
from tests.browser.steps import PAY, arrive, choose_card, declined, end, pay, see
from tests.browser.test_accessible import violations
from tests.serving import Served
from tests.simulators.talking import Talk, talk

PAYS, ASKS, POOR = "4242 4242 4242 4242", "4000 0027 6000 3184", "4000 0000 0000 9995"
SMALL = {"width": 360, "height": 640}


@pytest.fixture
def stripe() -> Iterator[Talk]:
    """Stripe, simulated, and its orders."""
    with talk(Stripe()) as sim:
        yield sim


@pytest.fixture
def opened(served: Served) -> tuple[Shop, str]:
    """A shop, and its merchant's id."""
    return open_shop(served)


@pytest.fixture
def shop(served: Served, opened: tuple[Shop, str], stripe: Talk) -> Shop:
    """A shop with an account of its own at Stripe, and nothing else."""
    shop, merchant_id = opened
    settings = {name: str(value).replace("_test_", "_live_") for name, value in stripe.settings().items()}
    account = add_account(served, "stripe", merchant_id, settings)
    stripe.set(callback_url=account.callback_url)
    return shop


@pytest.fixture
def wallets(shop: Shop, opened: tuple[Shop, str]) -> Shop:
    """The same shop, which takes mobile money, too."""
    add_account(
        shop.served,
        "pawapay",
        opened[1],
        {"token": "made_up", "sign_callbacks": False, "base_url": "http://127.0.0.1:9"},
    )
    return shop


def order(shop: Shop, **fields: Any) -> dict[str, Any]:
    """A session that takes cards."""
    session = open_session(shop, **fields)
    wait_for_method(session, shop.served, "card")
    return session


def fields(page: Page) -> FrameLocator:
    """The card's fields, which are Stripe's."""
    return page.frame_locator("#card iframe")


def type_card(page: Page, number: str = PAYS, expiry: str = "12 / 34") -> None:
    """Type a card."""
    for label, text in (("Numéro de carte", number), ("Date d'expiration", expiry), ("Code de sécurité", "123")):
        fields(page).get_by_label(label).fill(text)


def test_a_typed_card_pays_and_its_number_never_reaches_us(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data}"))
    session = order(shop)
    arrive(page, session)
    choose_card(page)
    type_card(page)
    pay(page)
    end(page, "paid")
    assert ask(shop, session)["payment_status"] == "paid"
    (charge,) = stripe.charges()
    assert (charge["amount"], charge["state"], charge["payer"]) == ("5000", "succeeded", "4242")
    ours = [text for text in sent if text.startswith(shop.served.url)]
    assert [text for text in ours if re.search("4242.?4242", text)] == []
    assert any("ctoken_" in text for text in ours)


def test_stripes_script_is_loaded_once_the_card_is_chosen(visit: Visit, wallets: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    session = order(wallets)
    wait_for_method(session, wallets.served, "mobile_money")
    arrive(page, session)
    expect(page.get_by_role("radio", name="Mobile money")).to_be_checked()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if url.startswith(stripe.base_url)] == []
    choose_card(page)
    type_card(page)
    assert f"{stripe.base_url}/v3/" in asked
    page.get_by_role("radio", name="Mobile money").check()
    expect(page.locator("#card")).to_be_hidden()
    choose_card(page)
    expect(fields(page).get_by_label("Numéro de carte")).to_have_value(PAYS)
    pay(page)
    end(page, "paid")


@pytest.mark.parametrize(("button", "state"), [("Complete authentication", "paid"), ("Fail authentication", "choose")])
def test_the_bank_is_asked_on_a_page_of_its_own(
    visit: Visit, shop: Shop, stripe: Talk, button: str, state: str
) -> None:
    page = visit(viewport=SMALL)
    session = order(shop)
    arrive(page, session)
    type_card(page, ASKS)
    pay(page)
    see(page, "redirect", "Confirmez")
    page.locator("a.main").click()
    page.get_by_role("button", name=button).click()
    end(page, state)
    expect(page).not_to_have_url(re.compile("redirect_status|client_secret"))
    paid = state == "paid"
    assert ask(shop, session)["payment_status"] == ("paid" if paid else "unpaid")
    assert [charge["state"] for charge in stripe.charges()] == ["succeeded" if paid else "failed"]
    if not paid:
        expect(page.locator(".bad")).to_be_visible()


def test_a_forged_return_pays_nothing(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    session = order(shop)
    arrive(page, session)
    type_card(page, ASKS)
    pay(page)
    see(page, "redirect")
    arrive(page, session, "?returned=1&redirect_status=succeeded&payment_intent=pi_forged")
    see(page, "redirect")
    assert ask(shop, session)["payment_status"] == "processing"


def test_another_card_after_a_decline(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    session = order(shop)
    arrive(page, session)
    type_card(page, POOR)
    pay(page)
    declined(page, "insuffisant")
    expect(fields(page).get_by_label("Numéro de carte")).to_have_value("")
    type_card(page)
    pay(page)
    end(page, "paid")
    assert [charge["state"] for charge in stripe.charges()] == ["failed", "succeeded"]


def test_a_mistyped_card_is_told_and_nothing_is_sent(
    visit: Visit, shop: Shop, stripe: Talk, complaints: list[str]
) -> None:
    page = visit(viewport=SMALL)
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    arrive(page, order(shop))
    type_card(page, "4242 4242 4242 4241")
    pay(page)
    expect(page.locator("#number-problem")).to_contain_text("n’a pas été acceptée")
    page.get_by_role("button", name=PAY).click()
    expect(page.locator("#number-problem")).to_contain_text("n’a pas été acceptée")
    forgive(complaints, "402")
    assert [url for url in posted if url.startswith(shop.served.url)] == []
    type_card(page)
    pay(page)
    end(page, "paid")


def test_a_card_that_is_not_complete_is_told_by_its_fields(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    arrive(page, order(shop))
    type_card(page, "4242")
    pay(page)
    expect(fields(page).get_by_role("alert")).to_contain_text("incomplet")
    expect(page.locator("#number-problem")).to_be_hidden()
    type_card(page)
    pay(page)
    end(page, "paid")


def test_many_presses_pay_once(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    arrive(page, order(shop))
    type_card(page)
    page.locator("[data-pay]").evaluate("button => { for (const _ of [1, 2, 3]) button.click(); }")
    end(page, "paid")
    assert [charge["state"] for charge in stripe.charges()] == ["succeeded"]


def test_fields_that_do_not_load_are_told_and_can_be_asked_for_again(
    visit: Visit, shop: Shop, stripe: Talk, complaints: list[str]
) -> None:
    page = visit(viewport=SMALL)
    page.route("**/v3/", lambda route: route.abort())
    session = order(shop)
    arrive(page, session)
    expect(page.locator("#number-problem")).to_contain_text("n’ont pas pu être chargés")
    pay(page)
    expect(page.locator("#number-problem")).to_contain_text("n’ont pas pu être chargés")
    forgive(complaints, "ERR_FAILED")
    page.unroute("**/v3/")
    pay(page)
    expect(fields(page).get_by_label("Numéro de carte")).to_be_visible()
    type_card(page)
    pay(page)
    end(page, "paid")
    assert len(stripe.charges()) == 1


def test_without_cookies_a_card_pays_too(visit: Visit, shop: Shop) -> None:
    page = visit(viewport=SMALL)
    page.context.route("**/*", lambda route: route.continue_(headers=_without_cookies(route.request.headers)))
    session = order(shop)
    arrive(page, session)
    type_card(page, ASKS)
    pay(page)
    see(page, "redirect")
    page.locator("a.main").click()
    page.get_by_role("button", name="Complete authentication").click()
    end(page, "paid")


def _without_cookies(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "cookie"}


def test_without_script_the_card_says_so_and_the_wallets_stay(visit: Visit, wallets: Shop, stripe: Talk) -> None:
    page = visit(script=False, viewport=SMALL)
    session = order(wallets)
    wait_for_method(session, wallets.served, "mobile_money")
    arrive(page, session)
    expect(page.locator("#phone")).to_be_visible()
    choose_card(page)
    expect(page.locator("#card")).to_contain_text("a besoin de JavaScript")
    expect(page.locator("#card")).to_contain_text("Mobile money fonctionne sans.")
    pay(page)
    see(page, "choose!", "rien n’a été débité")
    page.get_by_role("radio", name="Mobile money").check()
    expect(page.locator("#phone")).to_be_visible()
    assert ask(wallets, session)["payment_status"] == "unpaid"
    assert stripe.charges() == []


MONTHLY = {"interval": "month", "interval_count": 1}


def test_a_trial_starts_once_the_bank_has_let_the_card_be_saved(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    session = order(shop, mode="subscription", recurring=MONTHLY | {"trial_period_days": 7}, successUrl=None)
    arrive(page, session)
    expect(page.locator("header")).to_contain_text("7 jours gratuits")
    page.locator("#email").fill("awa@example.com")
    type_card(page, ASKS)
    page.get_by_role("button", name="Commencer").click()
    see(page, "redirect", "Confirmez")
    expect(page.locator("header")).to_contain_text("7 jours gratuits")
    page.locator("a.main").click()
    page.get_by_role("button", name="Complete authentication").click()
    end(page, "trial")
    assert ask(shop, session)["payment_status"] == "no_payment_required"
    assert stripe.charges() == []


def test_a_trial_whose_bank_says_no_may_be_tried_again(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    session = order(shop, mode="subscription", recurring=MONTHLY | {"trial_period_days": 7}, successUrl=None)
    arrive(page, session)
    page.locator("#email").fill("awa@example.com")
    type_card(page, ASKS)
    page.get_by_role("button", name="Commencer").click()
    see(page, "redirect")
    page.locator("a.main").click()
    page.get_by_role("button", name="Fail authentication").click()
    see(page, "choose")
    expect(page.locator(".bad")).to_be_visible()
    type_card(page)
    page.get_by_role("button", name="Commencer").click()
    end(page, "trial")


def test_a_subscription_saves_its_card(visit: Visit, shop: Shop, stripe: Talk) -> None:
    page = visit(viewport=SMALL)
    session = order(shop, mode="subscription", recurring=MONTHLY, successUrl=None)
    arrive(page, session)
    page.locator("#email").fill("awa@example.com")
    type_card(page)
    pay(page)
    end(page, "paid")
    key = {"Authorization": f"Bearer {stripe.settings()['secret_key'].replace('_test_', '_live_')}"}
    (intent,) = requests.get(f"{stripe.base_url}/v1/payment_intents", headers=key, timeout=10).json()["data"]
    assert intent["setup_future_usage"] == "off_session"
    assert intent["customer"].startswith("cus_")


def test_our_own_part_fits_in_the_bytes_promised(visit: Visit, wallets: Shop) -> None:
    page = visit()
    page.context.unroute_all()  # else Playwright switches the browser's own measuring off
    sizes: dict[str, int] = {}

    def measure(request: Request) -> None:
        size = request.sizes()
        sizes[request.url] = size["responseHeadersSize"] + size["responseBodySize"]

    page.on("requestfinished", measure)
    session = order(wallets)
    wait_for_method(session, wallets.served, "mobile_money")
    page.goto(session["url"], wait_until="networkidle")
    assert sizes[session["url"]] <= FIRST_FLIGHT_BYTES
    assert len(sizes) <= ALL_REQUESTS
    assert sum(sizes.values()) <= ALL_BYTES
    assert max(size for url, size in sizes.items() if "stripe" in url) <= 4_096


def test_axe_finds_nothing_around_the_fields(visit: Visit, wallets: Shop) -> None:
    page = visit(viewport=SMALL)
    session = order(wallets)
    wait_for_method(session, wallets.served, "mobile_money")
    arrive(page, session)
    choose_card(page)
    expect(fields(page).get_by_label("Numéro de carte")).to_be_visible()
    assert not violations(page)
    page.set_viewport_size({"width": 180, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 180


def test_a_live_page_without_an_account_for_cards_offers_none(visit: Visit, served: Served) -> None:
    shop, _ = open_shop(served)
    page = visit(viewport=SMALL)
    arrive(page, open_session(shop))
    see(page, "choose")
    expect(page.locator("#card, #number")).to_have_count(0)
    assert page.locator("script[src*=stripe]").count() == 0
