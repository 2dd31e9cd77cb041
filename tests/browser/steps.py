"""What a customer does on the page, and what they should see. Every wait is bounded."""

import re
import time
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

# What the button that pays is called: usually, for a subscription, and for the next try after a failure.
PAY = re.compile(
    r"^(Payer|Pay|S’abonner|Subscribe|Réessayer|Try again|Renvoyer|Send again|Demander un nouveau code)(\s|$)"
)
_PATIENCE_SECONDS = 20
CARD = {"number": "4242 4242 4242 4242", "expiry": "12/40", "cvc": "123"}


def arrive(page: Page, session: dict[str, Any], query: str = "") -> None:
    """Open the session's page."""
    page.goto(session["url"] + query)


def see(page: Page, state: str, text: str | None = None) -> None:
    """Wait until the page is in `state`, with `text` in its main part."""
    expect(page.locator(f'#checkout[data-state="{state}"]')).to_be_visible()
    if text is not None:
        expect(page.locator("main")).to_contain_text(text)


def end(page: Page, state: str, text: str | None = None) -> None:
    """Wait for what a payment comes to: with script the page looks by itself, without it the customer reloads."""
    there = page.locator(f'#checkout[data-state="{state}"]')
    waiting = page.locator("[data-state=prompt], [data-state=unknown], [data-state=redirect]")
    expect(there.or_(waiting)).to_be_visible()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not there.count() and time.monotonic() < deadline:
        _pass_time(page)
    see(page, state, text)


def _pass_time(page: Page) -> None:
    """Until the page looks again: its clock is put forward, for nobody waits for real polls."""
    if page.locator("noscript meta").count():
        page.wait_for_timeout(250)  # each load costs as much as a payment
        page.reload()
    else:
        page.clock.fast_forward(2_000)
        page.wait_for_timeout(100)


def lose_recounts(page: Page) -> None:
    """The network is too slow for the totals that follow each choice: the press on the button is always first."""

    def lose(route: Route) -> None:
        if "recount" in (route.request.post_data or ""):
            route.fulfill(status=204)
        else:
            route.fallback()

    page.route("**/pay", lose)


def reload_until(page: Page, state: str) -> None:
    """Reload a page that has nothing more to wait for, until it tells the news."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not page.locator(f'[data-state="{state}"]').count() and time.monotonic() < deadline:
        page.reload()
    see(page, state)


def declined(page: Page, reason: str) -> None:
    """Wait until the open form is back, with the reason why the payment failed."""
    expect(page.locator(".bad").or_(page.locator("[data-state=prompt], [data-state=redirect]"))).to_be_visible()
    end(page, "choose", reason)
    expect(page.locator(".bad")).to_contain_text(reason)


def phone(page: Page) -> Locator:
    """The field of the phone number."""
    return page.locator("#phone")


def type_phone(page: Page, ending: str = "500") -> None:
    """Type a Senegalese number with that ending, which scripts the sandbox: 500 pays."""
    phone(page).fill(f"771234{ending}")
    operators = page.locator("[name=operator]")
    if operators.count() and not page.locator("[name=operator]:checked").count():  # without script nobody guesses
        operators.first.check(force=True)


def pay(page: Page) -> None:
    """Press the one button that pays."""
    page.get_by_role("button", name=PAY).click()


def pay_by_phone(page: Page, ending: str = "500") -> None:
    """Type a number and pay."""
    type_phone(page, ending)
    pay(page)


def pay_by_card(page: Page, number: str = CARD["number"], **changes: str) -> None:
    """Choose the card, type it and pay."""
    choose_card(page)
    for name, text in (CARD | {"number": number} | changes).items():
        page.locator(f"#{name}").fill(text)
    pay(page)


def choose_card(page: Page) -> None:
    """Choose to pay by card, where there is a choice."""
    choice = page.get_by_role("radio", name=re.compile("^(Carte bancaire|Card)$"))
    if choice.count():
        choice.check()


def check_now(page: Page) -> None:
    """Press the button that asks for the result now."""
    page.get_by_role("button", name=re.compile("[Vv]érifier|[Cc]heck")).click()


def be_led_back(page: Page) -> None:
    """Stay on the receipt, with the clock put forward, until it leads to the shop by itself."""
    see(page, "paid")
    page.clock.fast_forward(10_000)
    page.wait_for_url("https://shop.example/**")


def return_to_shop(page: Page) -> None:
    """Press the receipt's button."""
    page.get_by_role("link", name=re.compile("^(Retourner à|Back to) ")).click()


def open_wallet(page: Page) -> None:
    """Press the button that leads to the wallet or the bank, without waiting to be led there."""
    see(page, "redirect")
    page.locator("a.main").click()
    see(page, "sandbox")


def decide(page: Page, choice: str) -> None:
    """Press «Accepter» or «Refuser» at the simulated wallet or bank."""
    page.get_by_role("button", name=choice, exact=True).click()
