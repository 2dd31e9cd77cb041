"""What axe says of every state of the gallery, and whether anything sticks out of a narrow screen."""

import pytest
from playwright.sync_api import Page

from ikawaari.hosted import gallery
from ikawaari.hosted.gallery_views import HOME
from tests.browser.conftest import Visit
from tests.browser.test_accessible import violations
from tests.serving import Served

NARROW = 320  # pixels
_RENEWS_ITSELF = {"device.code"}  # without a script, its page loads again each nine minutes: axe wants no such page


def wrong_with(page: Page, address: str) -> list[str]:
    """What is wrong with the page at `address`, in one scheme."""
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(address)
    said = [violations(page)]
    page.set_viewport_size({"width": NARROW, "height": 640})
    if page.evaluate("document.documentElement.scrollWidth") > NARROW:
        said.append("sticks out")
    return [text for text in said if text]


@pytest.mark.long
@pytest.mark.parametrize("scheme", gallery.SCHEMES)
def test_axe_finds_nothing_in_any_state_and_nothing_sticks_out(visit: Visit, served: Served, scheme: str) -> None:
    page = visit()
    addresses = {
        name: f"{served.url}{HOME}/{name}?lang=fr&scheme={scheme}"
        for name in gallery.NAMES
        if name not in _RENEWS_ITSELF
    }
    found = {name: wrong_with(page, address) for name, address in addresses.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
