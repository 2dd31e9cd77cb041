"""Nobody is stuck: in every place, each control that is pressed leads to a page with a way on, script or not.

`tests/hosted/test_walk.py` says what a way on is, and walks everywhere in each commit, as a browser without a script.
"""

import re

import pytest
from playwright.sync_api import Page, expect

from ikawaari.store.models import Merchant
from tests.browser.conftest import forgive, show_shop
from tests.browser.places.conftest import ROBOT, Open
from tests.hosted.test_walk import ENDS, STATES
from tests.places import PLACES, SHOP_URL, Place

CONTROLS = "a[href], button, summary, select, input[type=radio], label[for=phone].link"
# Of each control that can be seen and pressed: its number among all, its words, and whether it leads on.
SEEN = """all => all
    .map((one, number) => [number, [one.tagName, one.name, one.value, one.innerText].join(' '),
        !one.matches('.lang, .test *, footer *')])
    .filter(([number]) => all[number].checkVisibility({ visibilityProperty: true }) && !all[number].disabled
        && !all[number].hasAttribute('aria-hidden'))"""
TYPED = {"#phone": "771234500", "#otp": "123456", "#amount": "3000", "#number": "4242 4242 4242 4242"}
TYPED |= {"#expiry": "12/40", "#cvc": "123", "#code": "K7M4-4Q2X"}
OFTEN = {("unknown", True), ("expired", False)}  # with a script, and without
OUTWARD = re.compile(r"^(tel:|sms:|https://(wa\.me|teranga\.example)/)")


def controls(page: Page) -> list[tuple[int, str, bool]]:
    """What can be seen and pressed: the number among all controls, the words, and whether it leads on."""
    found: list[tuple[int, str, bool]] = page.locator(CONTROLS).evaluate_all(SEEN)
    return found


def settle(page: Page) -> None:
    """Wait until whatever was asked for is here."""
    page.wait_for_load_state("load")
    expect(page.locator("[aria-busy], .htmx-request")).to_have_count(0)


def come(page: Page, place: Place) -> list[str]:
    """Come to the place as if for the first time; the words of what can be pressed there."""
    page.context.clear_cookies()
    page.goto(place.path)
    address = page.url.partition("?")[0]
    if place.cookies:
        page.context.add_cookies(
            [{"name": name, "value": text, "url": address} for name, text in place.cookies.items()]
        )
        page.goto(place.path)
    settle(page)
    return [words for _, words, _ in controls(page)]


def stuck(page: Page) -> str:
    """Why a customer cannot go on from here; empty if there is a way, or if the page says that it is the end."""
    if page.url.startswith(SHOP_URL):
        return ""
    here = page.locator("#checkout")
    state = (here.get_attribute("data-state") or "").rstrip("!")
    if state not in STATES | {"sending"}:
        return f"nobody has walked from {state}"
    if not page.locator("h1").first.inner_text().strip():
        return f"no heading at {state}"
    leads_on = any(leads for _, _, leads in controls(page))
    return "" if leads_on or ENDS.search(here.inner_text()) else f"no way on from {state}"


def press(page: Page, number: int) -> None:
    """Press the control of that number among all, with everything typed. Other sites are not visited."""
    control = page.locator(CONTROLS).nth(number)
    for selector, text in TYPED.items():
        field = page.locator(f"{selector}:visible")
        if field.count():
            field.fill(text)
    if not OUTWARD.match(control.get_attribute("href") or ""):
        control.click(force=True, no_wait_after=True)
        settle(page)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        pytest.param(name, script, marks=() if (name, script) in OFTEN else pytest.mark.long)
        for name in PLACES
        for script in (True, False)
    ],
)
def test_every_control_leads_on(put: Open, owner: Merchant, complaints: list[str], name: str, script: bool) -> None:
    place = PLACES[name](owner)
    page = put(place, java_script_enabled=script, **({"user_agent": ROBOT} if name == "link" else {}))
    page.route(f"{SHOP_URL}/**", show_shop)
    first, dead = come(page, place), {"itself": stuck(page)}
    for turn, (number, words, _) in enumerate(controls(page)):
        if turn and come(page, place) != first:  # the press before has moved it on
            place = PLACES[name](owner)
            assert come(page, place) == first
        press(page, number)
        dead[words] = stuck(page)
    assert {words: why for words, why in dead.items() if why} == {}
    forgive(complaints, "404", "410")
