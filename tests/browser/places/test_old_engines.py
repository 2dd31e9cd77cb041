"""Old engines and odd ones get less, and never something broken: one of the scripts lost, styles that are not known."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from ikawaari.store.models import Merchant
from tests.browser.conftest import forgive
from tests.browser.places import measures
from tests.browser.places.conftest import Open
from tests.browser.steps import check_now, choose_card, pay, pay_by_phone, phone, see
from tests.places import PLACES, Place

LOST = "ERR_FAILED"
HTMX, OURS = "**/htmx*.js*", "**/checkout.js*"
_RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
_YOUNG = re.compile(r"^(inset|aspect-ratio|(padding|margin)-(inline|block))$")
_MATH = re.compile(r"\b(min|max|clamp)\(")


def known(rule: re.Match[str]) -> str:
    """What a Chromium of 2019 keeps of a rule: it drops one whose selector, and a line whose word it does not know."""
    selector, lines = rule[1], rule[2].split(";")
    if ":has(" in selector or ":focus-visible" in selector:
        return ""
    kept = [line for line in lines if not _YOUNG.match(line.partition(":")[0].strip()) and not _MATH.search(line)]
    return f"{selector}{{{';'.join(kept)}}}"


def age(context: BrowserContext) -> None:
    """Let the pages of the context have the styles that such an engine knows."""

    def answer(route: Route) -> None:
        if route.request.resource_type != "document" or route.request.method != "GET":
            return route.fallback()
        response = route.fetch(max_redirects=0)
        style = re.compile(r"(?<=<style>).*?(?=</style>)", re.DOTALL)
        return route.fulfill(
            response=response, body=style.sub(lambda found: _RULE.sub(known, found[0]), response.text())
        )

    context.route("**/*", answer)


@pytest.fixture
def old(put: Open, owner: Merchant) -> Callable[[str], Page]:
    """Opens a place in an engine that knows no style of the last years."""

    def arrive(name: str) -> Page:
        page = put(PLACES[name](owner), bypass_csp=True)
        age(page.context)
        page.goto(PLACES[name](owner).path)
        return page

    return arrive


@pytest.mark.parametrize("lost", [HTMX, OURS], ids=["checkout.js alone", "htmx alone"])
def test_one_script_without_the_other_pays(put: Open, owner: Merchant, complaints: list[str], lost: str) -> None:
    place: Place = PLACES["open"](owner)
    page = put(place)
    page.route(lost, lambda route: route.abort())
    page.goto(place.path)
    phone(page).fill("77 123")
    pay(page)
    see(page, "choose!", "Il manque")
    page.get_by_role("button", name="English").click()
    see(page, "choose", "Your phone number")
    expect(phone(page)).to_have_value("77 123")
    pay_by_phone(page)
    see(page, "prompt", "Approve on your phone")
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.wait_for_timeout(1_100)  # the payer's time at the sandbox
    check_now(page)
    see(page, "paid")
    forgive(complaints, LOST)


def test_a_waiting_page_with_checkout_js_alone_reloads_but_not_over_what_is_typed(
    put: Open, owner: Merchant, complaints: list[str]
) -> None:
    place: Place = PLACES["code"](owner)
    page = put(place)
    page.clock.install()
    page.route(HTMX, lambda route: route.abort())
    page.goto(place.path)
    with page.expect_navigation():
        page.clock.fast_forward(8_100)
    page.locator("#otp").fill("123")
    page.clock.fast_forward(17_000)
    expect(page.locator("#otp")).to_have_value("123")
    forgive(complaints, LOST)


def test_without_has_both_ways_to_pay_are_shown_and_what_is_typed_is_chosen(old: Callable[[str], Page]) -> None:
    page = old("open")
    expect(page.locator(".mm legend")).to_be_visible()
    expect(page.locator("p.apart")).to_have_text("Carte bancaire")
    expect(page.locator("#number")).to_be_visible()
    page.locator("#number").fill("4242 4242 4242 4242")
    expect(page.get_by_role("radio", name="Carte bancaire")).to_be_checked()
    page.locator("#expiry").fill("12/40")
    page.locator("#cvc").fill("123")
    pay(page)
    see(page, "paid")


def test_the_page_of_today_shows_one_way_to_pay_at_a_time(put: Open, owner: Merchant) -> None:
    place = PLACES["open"](owner)
    page = put(place)
    page.goto(place.path)
    expect(page.locator("p.apart, #number")).to_have_count(2)
    expect(page.locator("p.apart")).to_be_hidden()
    expect(page.locator("#number")).to_be_hidden()
    choose_card(page)
    expect(page.locator("p.apart")).to_be_hidden()
    expect(phone(page)).to_be_hidden()


@pytest.mark.parametrize(
    "name", ["open", *(pytest.param(name, marks=pytest.mark.long) for name in PLACES if name != "open")]
)
def test_without_the_styles_of_the_last_years_nothing_is_cut_off_or_out_of_reach(
    old: Callable[[str], Page], complaints: list[str], name: str
) -> None:
    page = old(name)
    assert measures.sticks_out(page) == []
    assert measures.small_targets(page) == []
    forgive(complaints, "404", "410")


def test_a_lost_network_is_seen_in_an_old_engine(old: Callable[[str], Page], complaints: list[str]) -> None:
    page = old("open")
    page.context.set_offline(True)
    line = page.get_by_text("Rien n’est parti")
    expect(line).to_be_in_viewport()
    page.context.set_offline(False)
    forgive(complaints, "ERR_")
