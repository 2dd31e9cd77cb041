"""A press without an answer: what came of it is looked up first, then the page says what is true. Nobody pays twice."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visit, forgive
from tests.browser.shop import Shop, assert_paid_once, charges, open_session, tell
from tests.browser.states import subscribed
from tests.browser.steps import arrive, end, pay, pay_by_phone, phone, see, type_phone

UNSENT = "Rien n’a été envoyé"
ONCE = "Appuyez de nouveau sur Payer : vous ne paierez qu’une fois."
PORTAL = "<!doctype html><title>Wi-Fi gratuit</title><h1>Acceptez les conditions</h1>"
NOISE = ("ERR_", "timeout", "Failed to fetch", "503", "403", "429")


def answer(status: int, body: str = "") -> Callable[[Route], None]:
    """What somebody on the way answers to a press; other requests pass."""

    def fulfill(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=status, body=body, content_type="text/html")
        else:
            route.fallback()

    return fulfill


def lose_answer(route: Route) -> None:
    """The press arrives, and its answer gets lost."""
    if route.request.method == "POST":
        route.fetch(max_redirects=0)
        route.abort()
    else:
        route.fallback()


def message(page: Page) -> Locator:
    """What the page says in place."""
    return page.locator("[data-told]")


def typed(page: Page, shop: Shop, ending: str = "500") -> dict[str, str]:
    """A form that is filled in."""
    session = open_session(shop)
    arrive(page, session)
    type_phone(page, ending)
    return session


def press_again(page: Page, shop: Shop, session: dict[str, str]) -> None:
    """The form is as it was, and pays, once."""
    expect(phone(page)).to_have_value("77 123 45 00")
    assert charges(shop, session) == []
    page.unroute("**/pay")
    pay(page)
    end(page, "paid")
    assert_paid_once(shop, session)


def test_a_press_without_a_network_is_said_to_be_unsent_once_the_network_is_back(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    session = typed(page, shop)
    page.context.set_offline(True)
    expect(page.get_by_text("Rien n’est parti : attendez, puis appuyez sur Payer.")).to_be_visible()
    pay(page)
    expect(page.get_by_text("Nous vérifions dès qu’il revient.")).to_be_visible()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.context.set_offline(False)
    expect(message(page)).to_contain_text(UNSENT)
    expect(message(page)).to_contain_text(ONCE)
    expect(page.locator("#net")).to_have_text(re.compile(r"^\s*$"), use_inner_text=True)
    press_again(page, shop, session)
    forgive(complaints, *NOISE)


@pytest.mark.parametrize(
    ("status", "body"), [(503, "down"), (200, PORTAL), pytest.param(403, PORTAL, marks=pytest.mark.long)]
)
def test_a_press_that_a_server_or_a_portal_swallowed_is_said_to_be_unsent(
    page: Page, shop: Shop, complaints: list[str], status: int, body: str
) -> None:
    session = typed(page, shop)
    page.route("**/pay", answer(status, body))
    pay(page)
    expect(message(page)).to_contain_text(UNSENT)
    expect(message(page)).to_be_focused()
    see(page, "choose")
    press_again(page, shop, session)
    expect(message(page)).to_have_count(0)
    forgive(complaints, *NOISE)


def test_a_press_without_an_answer_for_twenty_seconds_is_looked_up(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    session = typed(page, shop)
    page.route("**/pay", lambda route: None)
    pay(page)
    expect(page.get_by_role("button", name="Envoi de la demande…")).to_be_visible()
    page.clock.fast_forward(21_000)
    expect(message(page)).to_contain_text(UNSENT)
    press_again(page, shop, session)
    forgive(complaints, *NOISE)


def test_a_press_whose_answer_was_lost_shows_what_came_of_it(page: Page, shop: Shop, complaints: list[str]) -> None:
    session = typed(page, shop, "011")
    page.route("**/pay", lose_answer)
    pay(page)
    see(page, "prompt")
    expect(message(page)).to_have_count(0)
    tell(shop, session, "succeeded")
    end(page, "paid")
    assert_paid_once(shop, session)
    forgive(complaints, *NOISE)


def test_while_the_server_is_down_the_page_keeps_looking(page: Page, shop: Shop, complaints: list[str]) -> None:
    session = typed(page, shop)
    page.route(f"**/{session['id']}**", lambda route: route.fulfill(status=502, body="bad gateway"))
    pay(page)
    expect(page.get_by_text("Nous vérifions ce qu’il en est.")).to_be_visible()
    page.unroute_all()
    page.clock.fast_forward(30_000)
    expect(message(page)).to_contain_text(UNSENT)
    press_again(page, shop, session)
    forgive(complaints, "502", *NOISE)


def test_a_code_that_was_not_sent_stays_and_can_be_sent_again(page: Page, shop: Shop, complaints: list[str]) -> None:
    session = open_session(shop)
    arrive(page, session)
    pay_by_phone(page, "009")
    see(page, "otp")
    page.locator("#otp").fill("123456")
    page.route("**/otp", answer(503))
    page.locator("main button[data-pay]").click()
    expect(message(page)).to_contain_text(UNSENT)
    expect(page.locator("#otp")).to_have_value("123456")
    page.unroute("**/otp")
    page.locator("main button[data-pay]").click()
    end(page, "paid")
    assert_paid_once(shop, session)
    forgive(complaints, *NOISE)


def test_what_was_not_sent_from_a_fold_is_told_where_it_is_seen(page: Page, shop: Shop, complaints: list[str]) -> None:
    subscribed(page, shop)
    page.context.set_offline(True)
    page.get_by_role("button", name="Oui, arrêter l’abonnement").click()
    expect(page.get_by_text("Nous vérifions dès qu’il revient.")).to_be_visible()
    page.context.set_offline(False)
    expect(message(page)).to_be_visible()
    expect(message(page)).to_contain_text(UNSENT)
    page.get_by_role("button", name="Oui, arrêter l’abonnement").click()
    see(page, "paid", "Abonnement arrêté")
    page.route("**/resume", answer(503))
    page.get_by_role("button", name="Reprendre l’abonnement").click()
    expect(message(page)).to_contain_text(UNSENT)
    color = "one => getComputedStyle(one).color"
    assert message(page).evaluate(color) == page.locator("body").evaluate(color), "no link's color"
    forgive(complaints, *NOISE)


def test_a_look_on_demand_that_was_not_sent_is_told_without_a_word_of_paying(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    arrive(page, open_session(shop))
    pay_by_phone(page, "011")
    see(page, "prompt")
    page.route("**/check", answer(503))
    page.get_by_role("button", name=re.compile("vérifier")).click()
    expect(message(page)).to_contain_text("Le réseau a coupé. Appuyez de nouveau.")
    page.route("**/*seen=*", lambda route: route.continue_(url=route.request.url.replace("seen=", "seen=x")))
    page.evaluate("document.querySelector('#checkout').dataset.old = ''")
    page.clock.fast_forward(2_000)
    expect(page.locator("#checkout[data-old]")).to_have_count(0)
    expect(message(page)).to_be_visible()
    forgive(complaints, *NOISE)


@pytest.mark.parametrize(("ending", "address", "field"), [("500", "pay", "#phone"), ("009", "otp", "#otp")])
def test_too_many_tries_are_told_in_place_and_nothing_typed_is_lost(  # noqa: PLR0917
    page: Page, shop: Shop, complaints: list[str], ending: str, address: str, field: str
) -> None:
    typed(page, shop)
    if address == "otp":
        pay_by_phone(page, ending)
        see(page, "otp")
        page.locator(field).fill("123456")
    before = page.locator(field).input_value()
    page.route(f"**/{address}", answer(429, "slow down"))
    page.locator("main button[data-pay]").click()
    expect(message(page)).to_have_text("Trop d’essais. Réessayez dans une minute.")
    expect(page.locator(field)).to_have_value(before)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    forgive(complaints, *NOISE)


def test_a_pressed_button_is_busy_at_once_and_a_second_press_does_nothing(page: Page, shop: Shop) -> None:
    session = typed(page, shop)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            route.fallback()

    page.route("**/pay", hold)
    button = page.locator("main button[data-pay]")
    before = button.evaluate("it => [it.offsetWidth, it.offsetHeight]")
    pay(page)
    expect(button).to_have_text("Envoi de la demande…")
    expect(page.locator("form[aria-busy=true]")).to_have_count(1)
    expect(page.get_by_text("Un instant : ne fermez pas la page.").first).to_be_visible()
    expect(page.locator("#live")).to_have_text("Un instant : ne fermez pas la page.")
    assert button.evaluate("it => [it.offsetWidth, it.offsetHeight]") == before
    button.click()
    page.wait_for_timeout(200)
    assert len(held) == 1
    held[0].continue_()
    end(page, "paid")
    assert_paid_once(shop, session)


@pytest.mark.parametrize("status", [200, pytest.param(403, marks=pytest.mark.long)])
def test_a_portals_page_never_takes_the_place_of_a_waiting_one(
    page: Page, shop: Shop, complaints: list[str], status: int
) -> None:
    session = open_session(shop)
    arrive(page, session)
    page.route("**/*seen=*", lambda route: route.fulfill(status=status, body=PORTAL, content_type="text/html"))
    pay_by_phone(page, "011")
    see(page, "prompt")
    expect(page.locator("[data-net=waiting]")).to_be_visible()
    see(page, "prompt")
    tell(shop, session, "succeeded")
    page.unroute_all()
    end(page, "paid")
    assert_paid_once(shop, session)
    forgive(complaints, *NOISE)


@pytest.mark.parametrize("arrives", [True, False], ids=["with the scripts", "scripts lost"])
def test_a_waiting_page_reloads_slowly_where_its_scripts_got_lost(
    visit: Visit, shop: Shop, complaints: list[str], arrives: bool
) -> None:
    page = visit()
    session = open_session(shop)
    if not arrives:
        page.route("**/static/**", lambda route: route.abort())
    arrive(page, session)
    pages: list[str] = []

    def hasten(route: Route) -> None:
        """The page with its thirty seconds as two."""
        got = route.fetch()
        pages.append(got.text())
        route.fulfill(response=got, body=got.text().replace('content="30;', 'content="2;'))

    type_phone(page, "011")
    page.locator("[name=operator]").first.check(force=True)
    pay(page)
    see(page, "prompt")
    page.route(session["url"], hasten)
    page.reload()
    page.wait_for_timeout(3_500)
    assert (len(pages) > 1) is not arrives
    assert pages[0].rindex('content="30;') > pages[0].index(
        "</noscript>"
    )  # the first one wins: that of who has no script
    forgive(complaints, *NOISE)
