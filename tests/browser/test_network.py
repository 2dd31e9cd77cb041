"""A network that comes and goes, a server that is down, and a phone in the pocket."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Visit, forgive
from tests.browser.shop import HOME, Shop, assert_paid_once, open_session, tell
from tests.browser.steps import arrive, end, pay_by_card, pay_by_phone, see

GONE = "Pas de réseau. La page reprend toute seule."
DOWN = "Le serveur ne répond pas. La page reprend toute seule."
CUT = "ERR_INTERNET_DISCONNECTED"


def hide(page: Page, hidden: bool) -> None:
    """Put the phone into the pocket, or take it out."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


@contextmanager
def counting_polls(page: Page) -> Iterator[list[str]]:
    """The addresses of the polls that leave the page meanwhile."""
    polls: list[str] = []

    def note(request: Request) -> None:
        if "seen=" in request.url:
            polls.append(request.url)

    page.on("request", note)
    yield polls
    page.remove_listener("request", note)


def test_a_lost_network_is_told_and_the_payment_goes_on_by_itself(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    session = open_session(shop)
    arrive(page, session)
    pay_by_phone(page, "011")
    see(page, "prompt")
    page.context.set_offline(True)
    expect(page.get_by_text(GONE)).to_be_visible()
    see(page, "prompt")
    tell(shop, session, "succeeded")
    page.context.set_offline(False)
    end(page, "paid")
    expect(page.get_by_text(GONE)).to_be_hidden()
    assert_paid_once(shop, session)
    forgive(complaints, CUT, "Failed to fetch")


def test_a_receipt_waits_for_the_network_before_it_leads_to_the_shop(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_card(page)
    see(page, "paid")
    page.context.set_offline(True)
    expect(page.get_by_text(GONE)).to_be_visible()
    page.clock.fast_forward(20_000)
    see(page, "paid")
    page.context.set_offline(False)
    page.wait_for_url(f"{HOME}/**")


def test_a_server_that_is_down_leaves_the_page_alone_until_it_is_back(
    page: Page, shop: Shop, complaints: list[str]
) -> None:
    session = open_session(shop)
    arrive(page, session)
    page.route("**/*seen=*", lambda route: route.fulfill(status=503, body="down"))
    pay_by_phone(page, "011")
    see(page, "prompt")
    expect(page.get_by_text(DOWN)).to_be_visible()
    see(page, "prompt")
    tell(shop, session, "succeeded")
    page.unroute_all()
    end(page, "paid")
    expect(page.get_by_text(DOWN)).to_be_hidden()
    forgive(complaints, "503")


def test_a_hidden_page_asks_nothing_and_looks_at_once_when_it_is_seen(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_phone(page, "011")
    see(page, "prompt")
    hide(page, True)
    with counting_polls(page) as polls:
        page.clock.run_for(7_000)
    assert polls == []
    with page.expect_request(lambda request: "seen=" in request.url):
        hide(page, False)


def test_save_data_halves_the_looks(visit: Visit, shop: Shop) -> None:
    page = visit(extra_http_headers={"Save-Data": "on"})
    arrive(page, open_session(shop))
    pay_by_phone(page, "011")
    expect(page.locator("#poll[hx-trigger^='every 4s']")).to_be_attached()


def test_a_settled_page_asks_nothing_more(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop, successUrl=None))
    pay_by_phone(page)
    end(page, "paid")
    with counting_polls(page) as polls:
        page.clock.run_for(30_000)
    assert polls == []


def test_the_countdown_runs_and_then_asks_how_it_ended(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_phone(page, "011")
    expect(page.get_by_role("timer")).to_contain_text("Il reste 0:05")
    see(page, "time_over", "Nous demandons à Orange Money comment cela s’est terminé.")


def test_what_is_typed_outlives_a_look_that_draws_the_page_anew(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    pay_by_phone(page, "009")
    see(page, "otp")
    page.route("**/*seen=*", lambda route: route.continue_(url=route.request.url.replace("seen=", "seen=x")))
    page.locator("#otp").press_sequentially("123")
    page.evaluate("document.querySelector('#checkout').dataset.old = ''")
    page.clock.fast_forward(2_000)
    expect(page.locator("#checkout[data-old]")).to_have_count(0)
    expect(page.locator("#otp")).to_be_focused()
    page.keyboard.type("456")
    expect(page.locator("#otp")).to_have_value("123456")
