"""A browser that keeps no cookies: what was typed comes back by a token in the address, and the language goes along."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock
from ikawaari.checkout import page_drafts
from ikawaari.store.models import CheckoutSession, PageDraft, PaymentAttempt
from tests import factories

WRONG = {"method": "mobile_money", "phone": "77 123 98"}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def bare(app: Flask) -> FlaskClient:
    """A browser that refuses every cookie."""
    return app.test_client(use_cookies=False)


def press(client: FlaskClient, session: CheckoutSession, **form: str) -> str:
    """Send the form. Returns where it leads."""
    answer = client.post(f"/{session.id}/pay", data=form)
    assert answer.status_code == 303
    return answer.location


def forms(page: TestResponse) -> set[str]:
    """Where the page's forms lead, its poll and its reload."""
    return {re.sub("seen=[^&]*&amp;", "", url) for url in re.findall(r'(?:action|hx-get|url)="?=?([^"]+)"', page.text)}


def test_what_was_typed_comes_back_once(bare: FlaskClient) -> None:
    session = factories.session()
    address = press(bare, session, **WRONG)
    assert len(address.partition("?d=")[2]) == 22
    page = bare.get(address).text
    assert 'value="77 123 98"' in page
    assert 'aria-invalid="true"' in page
    assert "?d=" not in page
    assert "77 123 98" not in bare.get(address).text, "the address may have been passed on"
    assert PageDraft.select().count() == 0


def test_it_is_sealed_and_neither_card_nor_code_is_in_it(bare: FlaskClient) -> None:
    session = factories.session()
    token = press(bare, session, **WRONG, number="4111111111111111", otp="123456").partition("?d=")[2]
    row = PageDraft.get()
    assert not any(word in f"{row.sealed}{row.id}" for word in ("Awa", token))
    text = page_drafts.read(session.id, token, clock.now()) or ""
    assert not any(word in text for word in ("4111", "123456"))


def test_it_lives_for_fifteen_minutes_and_opens_on_its_own_page_only(bare: FlaskClient) -> None:
    session, other = factories.session(), factories.session()
    query = press(bare, session, **WRONG).partition("?")[2]
    assert "77 123 98" not in bare.get(f"/{other.id}?{query}").text
    assert "77 123 98" not in bare.get(f"/{session.id}?{query}x").text
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        assert "77 123 98" not in bare.get(f"/{session.id}?{query}").text
        page_drafts.forget(clock.now())
    assert PageDraft.select().count() == 0


def test_a_waiting_page_carries_it_until_the_form_is_shown_again(bare: FlaskClient) -> None:
    session = factories.session()
    address = press(
        bare, session, method="mobile_money", phone=factories.phone("011"), operator="orange_sn", name="Awa"
    )
    query = address.partition("?")[2]
    for _ in range(2):
        page = bare.get(address)
        assert 'data-state="prompt"' in page.text
        assert forms(page) >= {f"/{session.id}/check?{query}", f"/{session.id}?{query}"}
    checked = bare.post(f"/{session.id}/check?{query}")
    assert checked.location == f"/{session.id}?{query}&checked=1"


def test_what_was_typed_is_forgotten_once_it_is_paid(bare: FlaskClient) -> None:
    session = factories.session()
    address = press(bare, session, method="card", card_token="tok_test_card", name="Awa")
    assert PageDraft.select().count() == 1
    assert 'data-state="paid"' in bare.get(address).text
    assert PageDraft.select().count() == 0


def test_a_browser_with_cookies_costs_no_row(client: FlaskClient) -> None:
    session = factories.session()
    client.get(f"/{session.id}")
    assert press(client, session, **WRONG) == f"/{session.id}"
    assert PageDraft.select().count() == 0
    assert 'value="77 123 98"' in client.get(f"/{session.id}").text


@pytest.mark.parametrize("use_cookies", [True, False])
def test_the_language_switch_is_a_submit_that_loses_nothing_and_pays_nothing(app: Flask, use_cookies: bool) -> None:
    client = app.test_client(use_cookies=use_cookies)
    session = factories.session(locale="fr")
    client.get(f"/{session.id}")
    address = press(client, session, **WRONG | {"phone": "77 123", "lang": "en"})
    page = client.get(address)
    assert '<html lang="en">' in page.text
    assert 'value="77 123"' in page.text
    assert 'aria-invalid="true"' not in page.text
    assert PaymentAttempt.select().count() == 0


def test_a_language_goes_along_by_address(bare: FlaskClient) -> None:
    session = factories.session(locale="fr")
    page = bare.get(f"/{session.id}?lang=en")
    assert f'action="/{session.id}/pay?lang=en"' in page.text
    assert "&amp;lang=en" in page.text, "the poll's address"
    form = {"method": "mobile_money", "phone": factories.phone("011"), "operator": "orange_sn"}
    waiting = bare.get(bare.post(f"/{session.id}/pay?lang=en", data=form).location)
    assert '<html lang="en">' in waiting.text
    assert "Approve on your phone" in waiting.text
    assert f"url=/{session.id}?lang=en&amp;d=" in waiting.text


def test_with_a_cookie_the_addresses_stay_plain(client: FlaskClient) -> None:
    session = factories.session(locale="fr")
    client.get(f"/{session.id}?lang=en")
    assert f'action="/{session.id}/pay"' in client.get(f"/{session.id}?lang=en").text
    assert '<html lang="en">' in client.get(f"/{session.id}").text
