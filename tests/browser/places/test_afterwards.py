"""Long after a payment, script or not: what a subscription owes, what went back of a payment, and what a chat shows."""

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ikawaari import clock
from ikawaari.hosted import moments
from ikawaari.store.models import CheckoutSession, Invoice, Merchant
from tests import places, scenes
from tests.browser.places.conftest import Open
from tests.browser.steps import pay_by_card, see
from tests.places import PLACES

OFF_AND_ON = pytest.mark.parametrize(
    "script", [pytest.param(True, marks=pytest.mark.long), False], ids=["script", "no script"]
)


def plain(text: str) -> str:
    """The text with ordinary blanks, and without the signs that isolate a name."""
    return re.sub(r"\s+", " ", re.sub(r"[\u2066-\u2069]", "", text)).strip()


def arrive(put: Open, path: str, *, script: bool) -> Page:
    """Open the page at `path`."""
    page = put(places.Place(path), java_script_enabled=script)
    page.goto(path)
    return page


@OFF_AND_ON
def test_who_owes_a_period_reads_which_pays_it_and_owes_nothing(put: Open, owner: Merchant, script: bool) -> None:
    path = places.past_due(owner).path
    subscription = scenes.subscription(CheckoutSession.get_by_id(path[1:]))
    owed = Invoice.get(Invoice.subscription == subscription, Invoice.status == "open")
    page = arrive(put, path, script=script)
    see(page, "past_due")
    said = plain(page.locator("main").inner_text())
    assert plain(page.locator("h1").inner_text()) == "Un paiement manque"
    start, end = (plain(moments.day(day, "fr")) for day in (owed.period_start, owed.period_end - timedelta(days=1)))
    assert f"Celui du {start} au {end} n’est pas passé." in said
    assert "Sinon, l’abonnement s’arrête le" in said
    assert not re.search("C’est payé|merci", said)
    expect(page.locator(".sign.ok")).to_have_count(0)
    pay = page.get_by_role("link", name="Payer 5 000 FCFA maintenant")
    expect(pay).to_be_in_viewport()
    pay.click()
    assert page.url.endswith(f"/{owed.session_id}")
    pay_by_card(page)
    see(page, "paid")
    page.goto(path)
    see(page, "paid")
    assert Invoice.get_by_id(owed.id).status == "paid"


@OFF_AND_ON
def test_each_part_that_went_back_has_its_row_with_its_day(put: Open, owner: Merchant, script: bool) -> None:
    with places.before(timedelta(days=3)):
        session = CheckoutSession.get_by_id(PLACES["paid"](owner).path[1:])
    days = [clock.now() - timedelta(days=days) for days in (3, 1, 0)]
    for moment, amount in zip(days[1:], (1_500, 500), strict=True):
        with places.before(clock.now() - moment):
            scenes.order_refund(session, amount)
            scenes.work()
    page = arrive(put, f"/{session.id}", script=script)
    see(page, "refunded")
    assert plain(page.locator("h1").inner_text()) == "Remboursé en partie"
    paid, first, second = (plain(moments.day_nearby(day, days[0], "fr")) for day in days)
    rows = page.locator(".rows > div").all()
    said = [tuple(plain(cell) for cell in row.locator("dt, dd").all_inner_texts()) for row in rows]
    assert said[:4] == [
        (f"Payé le {plain(moments.day(days[0], 'fr'))}", "5 000 FCFA"),
        (f"Remboursé le {first}", "− 1 500 FCFA"),
        (f"Remboursé le {second}", "− 500 FCFA"),
        ("Reste payé", "3 000 FCFA"),
    ], paid


@OFF_AND_ON
def test_an_address_sent_to_a_chat_shows_the_amount_and_the_shop(put: Open, owner: Merchant, script: bool) -> None:
    invoice = PLACES["invoice"](owner).path
    owed = Invoice.get(Invoice.session == invoice[1:])
    period = "Du {} au {}. ".format(
        *(plain(moments.day(day, "fr")) for day in (owed.period_start, owed.period_end - timedelta(days=1)))
    )
    for path, about in ((PLACES["open"](owner).path, ""), (invoice, period)):
        page = arrive(put, path, script=script)
        seen = head(page)
        title = f"Paiement · {'5 000' if about else '4 500'} FCFA · Boutique Awa"
        assert (plain(page.title()), seen["og:title"]) == (title, title)
        assert seen["description"] == seen["og:description"]
        assert seen["og:description"].startswith(f"{about}Paiement sécurisé par Ikawaari pour ")
        assert (seen["robots"], "og:image" in seen) == ("noindex", False)


def head(page: Page) -> dict[str, Any]:
    """What the page's head says, by the name of the tag."""
    tags = page.locator("head > meta[content]")
    found = [
        (tag.get_attribute("name") or tag.get_attribute("property"), tag.get_attribute("content")) for tag in tags.all()
    ]
    return {name: plain(text or "") for name, text in found if name}
