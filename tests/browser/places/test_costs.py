"""What each place of the page costs its customer, and has room for: bytes, requests, shifts, sizes. Kept as budgets."""

from collections.abc import Iterable
from typing import Any

import pytest

from ikawaari.store.models import Merchant
from tests.browser.conftest import forgive
from tests.browser.places import measures
from tests.browser.places.conftest import ROBOT, SMALL, SMALLEST, Open
from tests.browser.steps import see
from tests.places import PLACES
from tests.serving import Served

PAY_ENDS_AT = {SMALL: 560, SMALLEST: 568}  # pixels below the top, with the test banner and four operators
DOUBLED = 180  # a small phone's width at twice the size
MAIN = {"open", "open, quantities", "prompt", "paid"}  # the heaviest, and one of each kind
NO_SESSION = {"expired", "ended meanwhile", "link ended", "link used up", "wrong code", "not found"}


def in_each_commit(short: Iterable[str]) -> list[Any]:
    """All places as parameters; those that are not in `short` are long."""
    return [name if name in short else pytest.param(name, marks=pytest.mark.long) for name in PLACES]


@pytest.mark.parametrize("name", in_each_commit(MAIN))
def test_a_place_is_light_stands_still_and_can_be_touched(
    put: Open, still: Served, owner: Merchant, complaints: list[str], name: str
) -> None:
    place = PLACES[name](owner)
    page = put(place, **({"user_agent": ROBOT} if name == "link" else {}))
    weight = measures.weigh(page, place.path)
    if name in NO_SESSION:
        forgive(complaints, "404", "410")
    assert weight.first <= measures.FIRST_FLIGHT_BYTES
    assert weight.all <= measures.ALL_BYTES
    assert len(weight.by_url) <= measures.ALL_REQUESTS
    assert all(url.startswith(still.url) for url in weight.by_url)
    assert (measures.shift(page), measures.moved(page)) == (0, [])
    assert measures.small_targets(page) == []
    page.set_viewport_size({"width": DOUBLED, "height": 320})
    assert measures.sticks_out(page) == []


@pytest.mark.parametrize("size", PAY_ENDS_AT)
def test_the_button_is_seen_without_scrolling_in_both_languages(
    put: Open, owner: Merchant, size: tuple[int, int]
) -> None:
    place = PLACES["open"](owner)
    page = put(place, size)
    for language in ("fr", "en"):
        page.goto(f"{place.path}?lang={language}")
        assert measures.bottom(page) <= PAY_ENDS_AT[size], language


def test_from_state_to_state_nothing_moves_under_the_thumb(put: Open, owner: Merchant) -> None:
    place = PLACES["open"](owner)
    page = put(place)
    page.goto(place.path)
    button = measures.bottom(page)
    page.locator("#phone").press_sequentially("771234009")
    page.get_by_label("Mixx by Yas").check(force=True)
    assert measures.bottom(page) == button
    assert measures.moved(page) == []
    page.locator("button.main").click()
    see(page, "otp")
    page.locator("main button[data-pay]").click()
    see(page, "otp!")
    assert measures.moved(page) == []
