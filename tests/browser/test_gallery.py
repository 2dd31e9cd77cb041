"""What axe says of the states of the gallery, and whether anything sticks out of a narrow screen."""

from collections.abc import Iterable

import pytest
from playwright.sync_api import Page

from ikawaari.hosted import gallery
from ikawaari.hosted.gallery_views import HOME
from tests.browser.conftest import Visit
from tests.browser.test_accessible import sticks_out, violations_in_both_schemes
from tests.serving import Served

# Every template and every part of one, each once; the others of their kind differ in a sentence or a figure.
OFTEN = {
    "the form": "choose.faults choose.five-operators choose.quantities choose.card sending.phone",
    "waiting": "prompt.dial time_over.phone otp.error redirect.wallet qr.wave unknown.phone sandbox.wallet",
    "afterwards": "paid.fee trial.begun past_due.invoice refunded.part late.paid receipt.paid expired.way-back "
    "unavailable.used",
    "beside": "device.code link.open link-paid.again link-ended.inactive code.form return.plain error.404",
}


def wrong_with(page: Page, address: str) -> list[str]:
    """What is wrong with the page at `address`, in each scheme and in narrow widths."""
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(address)
    return [*violations_in_both_schemes(page), *(f"sticks out of {width}" for width in sticks_out(page))]


def assert_nothing_is_wrong(page: Page, served: Served, names: Iterable[str]) -> None:
    """In none of these states."""
    found = {name: wrong_with(page, f"{served.url}{HOME}/{name}?lang=fr") for name in names}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_each_kind_of_state_is_looked_at_on_every_commit() -> None:
    often = {name for names in OFTEN.values() for name in names.split()}
    assert often <= set(gallery.NAMES)
    assert {kind_of(name) for name in often} == {kind_of(name) for name in set(gallery.NAMES)}


def kind_of(name: str) -> str:
    """What stands before the dot."""
    return name.partition(".")[0]


@pytest.mark.parametrize("names", OFTEN.values(), ids=OFTEN)
def test_axe_finds_nothing_in_one_state_of_each_kind_and_nothing_sticks_out(
    visit: Visit, served: Served, names: str
) -> None:
    assert_nothing_is_wrong(visit(), served, names.split())


def test_a_code_to_dial_stands_on_one_line(visit: Visit, served: Served) -> None:
    page = visit()
    for width in (360, 320):
        page.set_viewport_size({"width": width, "height": 640})
        page.goto(f"{served.url}{HOME}/choose.code-first?lang=fr")
        assert page.locator(".dial b").evaluate("one => one.getClientRects().length") == 1, width


@pytest.mark.parametrize("name", ["paid.way-back", "redirect.bank"])
def test_no_room_is_kept_for_what_a_script_says_where_none_runs(visit: Visit, served: Served, name: str) -> None:
    for script in (True, False):
        page = visit(script=script)
        page.goto(f"{served.url}{HOME}/{name}?lang=fr")
        assert (page.locator(".auto").bounding_box() is not None) == script


@pytest.mark.long
def test_axe_finds_nothing_in_any_state_and_nothing_sticks_out(visit: Visit, served: Served) -> None:
    assert_nothing_is_wrong(visit(), served, set(gallery.NAMES))
