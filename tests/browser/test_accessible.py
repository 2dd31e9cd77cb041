"""What holds in every state: axe is content, light or dark; nothing sticks out of a narrow screen; keys are enough."""

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import forgive
from tests.browser.shop import HOME, Shop, assert_paid_once, open_session
from tests.browser.states import STATES
from tests.browser.steps import arrive, end, see

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW = 320, 180  # the narrowest phones, and twice the size on a usual one
HAS_RING = """() => {
    const element = document.activeElement;
    const around = [element.closest('.tel'), element.closest('.pick'), element.nextElementSibling];
    const shown = [element, ...around.filter(Boolean)];
    return shown.map(one => getComputedStyle(one))
        .some(style => style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3);
}"""


def violations(page: Page) -> str:
    """What axe has to say against the page; nothing when it is fine."""
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize("name", STATES)
def test_axe_finds_nothing_in_light_or_dark_and_nothing_sticks_out(
    page: Page, shop: Shop, complaints: list[str], name: str
) -> None:
    page.route(f"{HOME}/**", lambda _: None)  # the shop never answers, so no receipt is left while it is looked at
    STATES[name](page, shop)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert not violations(page)
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    forgive(complaints, "404", "410")


@pytest.mark.parametrize("color", ["#ffcc00", "#ffffff", "#000000", "#e30613"])
def test_a_shop_of_any_colour_is_readable(page: Page, new_shop: Callable[..., Shop], color: str) -> None:
    arrive(page, open_session(new_shop(color=color)))
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert not violations(page)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there; whatever it passes shows it."""
    for _ in range(15):
        page.keyboard.press("Tab")
        assert page.evaluate(HAS_RING), page.evaluate("document.activeElement.outerHTML")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"no way to {selector}")


def test_a_keyboard_is_enough_to_pay(page: Page, shop: Shop) -> None:
    session = open_session(shop, successUrl=None)
    arrive(page, session)
    tab_to(page, "#phone")
    page.keyboard.type("771234500")
    tab_to(page, "[name=operator]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Mixx by Yas")).to_be_checked()
    tab_to(page, "button.main")
    page.keyboard.press("Enter")
    see(page, "prompt", "Mixx by Yas")
    expect(page.locator("h1")).to_be_focused()
    tab_to(page, "button.second")
    end(page, "paid")
    expect(page.locator("h1")).to_be_focused()
    assert_paid_once(shop, session)


def test_enter_in_a_field_pays_and_changes_no_country(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    page.locator("#phone").fill("771234011")
    page.keyboard.press("Enter")
    see(page, "prompt")


def test_the_focus_is_not_lost_by_a_check_that_changes_nothing(page: Page, shop: Shop) -> None:
    STATES["checked"](page, shop)
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#live")).to_contain_text("Pas encore validé à ")


def test_a_new_state_is_announced(page: Page, shop: Shop) -> None:
    STATES["prompt"](page, shop)
    expect(page.locator("#live")).to_contain_text("Orange Money vous demande 5 000 FCFA")
