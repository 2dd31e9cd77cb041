"""What a shop may be called and ask for, in no room: large and small amounts, currencies, long and Arabic names."""

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Page

from ikawaari.store.models import Merchant
from tests import factories, places, scenes
from tests.browser.places import measures
from tests.browser.places.conftest import SMALLEST, Open
from tests.places import Place

ARABIC = "محل الأمل للملابس والأقمشة الإفريقية في داكار"
LONG = "Établissements Ndiaye, Traoré & Fils – Société d’importation de tissus et d’habillement du Grand Dakar SARL"
UNBROKEN = "BoutiqueDesTissusEtHabillementDuGrandDakarEtDesEnvironsSARL"
CONGO: dict[str, Any] = {"country": "CD", "currency": "USD"}
SESSIONS: Mapping[str, Mapping[str, Any]] = {
    "one franc": {"amount": 1},
    "a billion": {"amount": 999_999_999_999},
    "Guinea": {"country": "GN", "currency": "GNF", "amount": 1_250_000},
    "Congolese francs": {"country": "CD", "currency": "CDF", "amount": 123_456_789},
    "cents": CONGO | {"amount": 1},
    "dollars to choose": CONGO | {"amount": None, "amount_min": 150, "amount_presets": [500, 1_050, 1_234_567]},
    "euros": {"currency": "EUR", "amount": 1_999, "payment_method_types": ["card"]},
    "items": {"line_items": [{"name": LONG, "amount": 12_345_678, "quantity": 3}]},
    "description": {"description": f"{LONG} {ARABIC}"},
    "words": {"custom_text": f"{LONG} {UNBROKEN}"},
    "questions": {
        "custom_fields": [factories.custom_field("q", label=LONG), factories.custom_field("a", label=ARABIC)]
    },
}
WIDTHS = (360, 320, 180)
# Where the unit of the amount stands on one line, and whether "Details" covers none of the amount.
_UNIT = """amount => {
    const text = document.createTreeWalker(amount, NodeFilter.SHOW_TEXT);
    const lines = new Set();
    while (text.nextNode()) {
        if (!/^\\s*[A-Z$€]/.test(text.currentNode.data) || text.currentNode.parentNode !== amount) continue;
        const range = document.createRange();
        range.selectNodeContents(text.currentNode);
        for (const box of range.getClientRects()) lines.add(box.top);
    }
    return lines.size;
}"""
_COVERED = """() => {
    const [amount, fold] = ['.amount', '.fold'].map(one => document.querySelector(one).getBoundingClientRect());
    return fold.left < amount.right && fold.top < amount.bottom && fold.bottom > amount.top;
}"""


def sticks_out(page: Page, place: Place) -> dict[int, list[str]]:
    """What has no room, by the width of the window."""
    page.goto(place.path)
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 640})
        found[width] = measures.sticks_out(page)
    return {width: wide for width, wide in found.items() if wide}


@pytest.mark.parametrize("name", ["items", *(pytest.param(name, marks=pytest.mark.long) for name in SESSIONS)])
@pytest.mark.parametrize("locale", ["fr", pytest.param("en", marks=pytest.mark.long)])
def test_whatever_is_asked_for_has_room(put: Open, owner: Merchant, name: str, locale: str) -> None:
    fields: dict[str, Any] = {**places.ADDRESSES, **SESSIONS[name], "locale": locale}
    place = places.of(factories.session(owner, **fields))
    assert sticks_out(put(place), place) == {}


@pytest.mark.long
@pytest.mark.parametrize("shop", [ARABIC, LONG, UNBROKEN], ids=["Arabic", "long", "unbroken"])
def test_a_shop_of_any_name_has_room_in_every_state(
    put: Open, connected: None, complaints: list[str], shop: str
) -> None:
    seller = factories.merchant(shop, **{**places.SHOP, "legal_name": shop, "payer_name": shop[:20]})
    for name in ("open", "prompt", "wallet", "square code", "unknown", "paid, stay", "refunded", "late", "expired"):
        place = places.PLACES[name](seller)
        assert (name, sticks_out(put(place), place)) == (name, {})
    complaints[:] = [said for said in complaints if "410" not in said]


@pytest.mark.parametrize(("amount", "locale"), [(37_037_034, "en"), (999_999_999_999, "fr"), (12_500, "fr")])
def test_a_large_amount_breaks_before_its_unit_and_nothing_covers_it(
    put: Open, owner: Merchant, amount: int, locale: str
) -> None:
    items = [{"name": "Wax", "amount": amount, "quantity": 1}]
    place = places.of(factories.session(owner, line_items=items, locale=locale))
    page = put(place, SMALLEST)
    page.goto(place.path)
    assert page.locator("h1.amount").evaluate(_UNIT) == 1
    assert not page.evaluate(_COVERED)
    page.locator(".fold summary").click()
    assert page.locator(".items").is_visible()


@pytest.mark.parametrize("amount", [500, 123_456_789])
def test_the_amount_in_the_drawn_phone_stays_on_its_paper(put: Open, owner: Merchant, amount: int) -> None:
    place = places.of(scenes.tried("011", factories.session(owner, amount=amount, locale="en")))
    page = put(place)
    page.goto(place.path)
    text, paper = (page.locator(f".handset {one}").bounding_box() for one in ("text >> nth=0", "rect >> nth=2"))
    assert text
    assert paper
    assert paper["x"] <= text["x"]
    assert text["x"] + text["width"] <= paper["x"] + paper["width"]
