"""What holds in every state: axe is content, light or dark; nothing sticks out of a narrow screen; keys are enough."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import forgive
from tests.browser.shop import HOME, Shop, assert_paid_once, open_session
from tests.browser.states import STATES
from tests.browser.steps import arrive, end, see

NARROW = 320, 180  # the narrowest phones, and twice the size on a usual one
HAS_RING = """() => {
    const element = document.activeElement;
    const around = [element.closest('.tel'), element.closest('.pick'), element.nextElementSibling];
    const shown = [element, ...around.filter(Boolean)];
    return shown.map(one => getComputedStyle(one))
        .some(style => style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 3);
}"""


OF_COLORS = ["color-contrast", "link-in-text-block"]
# The gallery shows what the server draws (test_gallery.py); these are also made by a script, or by what was unfolded.
OFTEN = {"unfolded", "faults"}


def violations(page: Page, rules: list[str] | None = None) -> str:
    """What axe has to say against the page, by all its rules or by these; nothing when it is fine."""
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    found = Axe().run(page, options={"resultTypes": ["violations"]} | only)
    return found.generate_report() if found.violations_count else ""


def violations_in_both_schemes(page: Page) -> list[str]:
    """What axe has to say in light, and in dark: there, nothing but the colors is another."""
    page.emulate_media(color_scheme="light")
    light = violations(page)
    page.emulate_media(color_scheme="dark")
    return [report for report in (light, violations(page, OF_COLORS)) if report]


def sticks_out(page: Page) -> list[int]:
    """The narrow widths in which the page is too wide."""
    found = []
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 640})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(width)
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in OFTEN else pytest.mark.long) for name in STATES]
)
def test_axe_finds_nothing_in_light_or_dark_and_nothing_sticks_out(
    page: Page, shop: Shop, complaints: list[str], name: str
) -> None:
    page.route(f"{HOME}/**", lambda _: None)  # the shop never answers, so no receipt is left while it is looked at
    STATES[name](page, shop)
    assert violations_in_both_schemes(page) == []
    assert sticks_out(page) == []
    forgive(complaints, "404", "410")


@pytest.mark.parametrize(
    "color", ["#ffcc00", pytest.param("#000000", marks=pytest.mark.long)]
)  # the rest of all colors: tests/hosted/test_page_colors.py
def test_a_shop_of_any_colour_is_readable(page: Page, new_shop: Callable[..., Shop], color: str) -> None:
    arrive(page, open_session(new_shop(color=color)))
    assert violations_in_both_schemes(page) == []


def test_forced_colors_show_what_is_chosen_and_where_to_press(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    tile, way, button = (page.locator(one) for one in (".pick > input + span", ".seg :checked + span", "button.main"))
    page.emulate_media(forced_colors="active")
    assert tile.first.evaluate("one => getComputedStyle(one).outlineStyle") == "none"
    page.get_by_label("Orange Money").check(force=True)
    for chosen in (tile.first, way):
        assert chosen.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    assert button.evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    edge, ground = (
        button.evaluate(f"one => getComputedStyle(one).{one}") for one in ("borderTopColor", "backgroundColor")
    )
    assert edge != ground


def test_whoever_wants_less_motion_has_none_but_the_time(page: Page, shop: Shop) -> None:
    STATES["prompt"](page, shop)
    moving = "Array.from(document.getAnimations()).filter(one => one.playState === 'running').length"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0


def test_larger_text_keeps_two_columns_and_nothing_sticks_out(page: Page, shop: Shop) -> None:
    arrive(page, open_session(shop))
    page.evaluate("document.documentElement.style.setProperty('font-size', '130%')")
    tops = page.locator(".pick").evaluate_all("all => all.slice(0, 2).map(one => one.getBoundingClientRect().top)")
    assert tops[0] == tops[1]
    assert sticks_out(page) == []


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
