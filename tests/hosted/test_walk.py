"""Nobody is stuck: from every place of the page each control leads to a page of ours that has a way on, or to the shop.

This is the walk of a customer without a script: links and forms, typed and empty. Where one leads is in turn one of the
places, so nobody comes to an end that does not say so. `tests/browser/test_walk.py` walks with a script, too.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from ikawaari.config import Config
from ikawaari.store.models import Merchant
from tests import conftest, places
from tests.apps import app_of
from tests.controls import Field, Form, Page
from tests.places import NO_LIMITS, PLACES, Place

HERE = "http://localhost"
ROBOT = {"User-Agent": "WhatsApp/2"}  # is shown a link's own page, and opens no session
TYPED = {
    "phone": "771234500",
    "otp": "123456",
    "amount": "3000",
    "code": "K7M4-4Q2X",
    "field.name": "Awa",
    "number": "4242424242424242",
    "expiry": "12/40",
    "cvc": "123",
    "email": "awa@example.com",
}
OUTWARD = ("https://shop.example/", "https://wa.me/", "https://teranga.example/", "tel:", "sms:")
STATES = {
    *("choose", "prompt", "time_over", "otp", "redirect", "qr", "unknown", "paid", "trial", "past_due", "refunded"),
    *("late", "expired", "unavailable", "receipt", "link", "link-paid", "link-ended", "device", "code", "sandbox"),
    *("return", "error"),
}  # and "sending", which ends by itself within seconds
ENDS = re.compile(
    "Vérifiez le lien, ou demandez-en un nouveau|Vous pouvez fermer cette page|Prévenez la boutique"
    "|Demandez un nouveau lien à .*Boutique Awa|Demandez à .*Boutique Awa.* comment le payer"
    "|Check the link, or ask|You may close this page|Ask .*Boutique Awa.* for a new link|Please tell the shop"
    "|Ask .*Boutique Awa.* how to pay it|Pour garder cette page|To keep this page"
)
NO_WAY = {"lang", "try_phone"}  # buttons that lead to the same place
# Walked in each commit: a place of every state, and the form with other controls; the others differ in words.
OFTEN = {
    *("open", "open, quantities", "prompt", "time over", "code", "wallet", "square code", "unknown", "paid", "stopped"),
    *(
        "trial begun",
        "past due",
        "refunded in part",
        "late",
        "expired",
        "ended meanwhile",
        "receipt",
        "wallet's screen",
    ),
    *("link", "link paid", "link ended", "device", "code to type", "returned", "not found"),
}
# The same where the shop has no contacts: ends, and what only the shop can help with.
OFTEN_BARE = {"open, no way to pay", "unknown", "past due", "late", "expired", "ended meanwhile", "link ended"}
Press = tuple[str, str, list[Field]]  # the method, the address, and the fields


@pytest.fixture
def new_client(shared_url: str) -> Iterator[Callable[[Place], FlaskClient]]:
    """Makes a browser without a script that knows the cookies of a place; nobody is told to wait."""
    app: Flask = app_of(
        Config(
            database_url=shared_url,
            secret_key="test-secret-key-0123456789abcdef",
            api_url=HERE,
            pay_url=HERE,
            sandbox_delay_seconds=0,
            **NO_LIMITS,
        )
    )

    def make(place: Place) -> FlaskClient:
        client = app.test_client()
        for name, text in place.cookies.items():
            client.set_cookie(name, text)
        return client

    yield make
    conftest.disconnect()


def in_each_commit(short: set[str]) -> list[Any]:
    """All places as parameters; those that are not in `short` are long."""
    return [name if name in short else pytest.param(name, marks=pytest.mark.long) for name in PLACES]


def go(client: FlaskClient, press: Press, headers: dict[str, str]) -> TestResponse:
    """Press, and follow to where that leads."""
    method, address, fields = press
    if method == "post":
        return client.post(address, data=MultiDict(fields), headers=headers, follow_redirects=True)
    path, _, query = address.partition("?")
    asked = MultiDict(fields or parse_qsl(query, keep_blank_values=True))
    return client.get(path, query_string=asked, headers=headers, follow_redirects=True)


def presses(answer: TestResponse) -> list[Press]:
    """Everything that can be pressed on the page and leads to our server."""
    page = Page(answer.text)
    other = re.search(r'<a class="lang" href="([^"]*)"', answer.text)
    links = [*page.links, *([unescape(other[1])] if other else [])]
    here = f"{answer.request.path}?{answer.request.query_string.decode()}"
    found: list[Press] = [("get", urljoin(here, link), []) for link in links if not link.startswith(OUTWARD)]
    for form in page.forms.values():
        found += [(form.method, urljoin(here, form.action), fields) for fields in ways_through(form)]
    return found


def ways_through(form: Form) -> Iterator[list[Field]]:
    """Each button, with everything typed and with nothing; each choice, with everything typed."""
    buttons = form.buttons or [None]
    yield form.filled({}, button=buttons[0])
    for button in dict.fromkeys(buttons):
        yield form.filled(TYPED, button=button)
    for choice in form.choices:
        yield form.filled(TYPED, chosen=choice, button=buttons[0])


def stuck(answer: TestResponse) -> str:
    """Why a customer cannot go on from here; empty if there is a way, or if the page says that it is the end."""
    found = re.search(r'id="checkout" data-state="([a-z_-]+)!?"', answer.text)
    if answer.status_code >= 500 or not found:
        return f"{answer.status_code}, no page of ours"
    if found[1] not in STATES:
        return f"nobody has walked from {found[1]}"
    if answer.status_code != 200 and found[1] not in {"expired", "unavailable", "link-ended", "error", "code"}:
        return f"{answer.status_code} at {found[1]}"
    page = Page(answer.text.partition("<footer")[0])
    if not any(words.strip() for words in page.headings):
        return "no heading"
    ways = page.links + [
        str(button) for form in page.forms.values() for button in form.buttons if not button or button[0] not in NO_WAY
    ]
    said = ENDS.search(re.sub(r"<[^>]+>|[\u2066-\u2069]", "", unescape(answer.text)))
    return "" if ways or said else f"no way on from {found[1]}"


def state_of(answer: TestResponse) -> str:
    """The state that the page shows."""
    found = re.search(r'data-state="([^"!]*)', answer.text)
    return found[1] if found else ""


def walk(new_client: Callable[[Place], FlaskClient], name: str, owner: Merchant) -> dict[str, str]:
    """Press every control of the place; why each that leads nowhere does."""
    headers = ROBOT if name == "link" else {}

    def arrive() -> tuple[Place, TestResponse]:
        place = PLACES[name](owner)
        return place, go(new_client(place), ("get", place.path, []), headers)

    place, start = arrive()
    dead = {"itself": stuck(start)}
    found = presses(start)
    for number in range(len(found)):
        press = found[number]
        end = go(new_client(place), press, headers)
        dead[str(press)] = stuck(end)
        if state_of(end) != state_of(start) or (press[0] == "post" and len(presses(end)) != len(found)):
            place, again = arrive()  # the press has moved it on
            found = presses(again)
    return {press: why for press, why in dead.items() if why}


@pytest.mark.parametrize("name", in_each_commit(OFTEN))
def test_every_control_leads_on(new_client: Callable[[Place], FlaskClient], name: str) -> None:
    assert walk(new_client, name, places.shop()) == {}


@pytest.mark.parametrize("name", in_each_commit(OFTEN_BARE))
def test_a_shop_that_has_told_nothing_of_itself_leaves_nobody_stuck(
    new_client: Callable[[Place], FlaskClient], name: str
) -> None:
    assert walk(new_client, name, places.shop(bare=True)) == {}


def test_what_each_commit_walks_shows_every_state(new_client: Callable[[Place], FlaskClient]) -> None:
    owner = places.shop()
    seen = set()
    for name in OFTEN:
        place = PLACES[name](owner)
        seen.add(state_of(go(new_client(place), ("get", place.path, []), ROBOT if name == "link" else {})))
    assert seen == STATES
    assert set(PLACES) > OFTEN_BARE
