"""Pages beside the checkout itself: their language, with and without cookies, their test banner, and a way to retry."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock, errors
from ikawaari.checkout import attempts
from ikawaari.errors import IkawaariError, TooManyRequests, Unavailable
from ikawaari.hosted import web
from ikawaari.store.models import PaymentLink
from tests import factories

BANNER = "Mode test"
ROBOT = {"User-Agent": "WhatsApp/2.0"}


@pytest.fixture
def engine() -> str:
    """The pages are the same on both."""
    return "sqlite"


def receipt() -> str:
    session = factories.session(locale="fr")
    attempts.pay(session.id, factories.card_request(), clock.now())
    return f"/{session.id}/receipt"


def ended_link() -> PaymentLink:
    link = factories.link(locale="fr")
    link.change(active=False)
    return link


PAGES = {
    "code": lambda: "/code",
    "return": lambda: "/return",
    "not found": lambda: "/nowhere/at/all",
    "no such session": lambda: "/cs_" + "a" * 27,
    "link": lambda: f"/pay/{factories.link(locale='fr').slug}",
    "ended link": lambda: f"/pay/{ended_link().slug}",
    "device": lambda: f"/{factories.session(locale='fr').id}/device",
    "receipt": receipt,
}


@pytest.mark.parametrize("name", PAGES)
def test_each_page_offers_the_other_language_and_the_browser_keeps_it(client: FlaskClient, name: str) -> None:
    path = PAGES[name]()
    french = client.get(path, headers=ROBOT)
    assert '<html lang="fr">' in french.text
    offered = re.search(r'<a class="lang" href="([^"]*)\?lang=en" lang="en" hreflang="en">English</a>', french.text)
    assert offered, french.text
    english = client.get(f"{offered[1] or path}?lang=en", headers=ROBOT)
    assert '<html lang="en">' in english.text
    assert "?lang=fr" in english.text
    kept = [cookie for cookie in english.headers.getlist("Set-Cookie") if cookie.startswith("lang=")]
    assert len(kept) == 1
    assert '<html lang="en">' in client.get(path, headers=ROBOT).text


@pytest.mark.parametrize("name", ["link", "ended link", "device", "receipt"])
def test_a_page_of_a_test_says_so(client: FlaskClient, name: str) -> None:
    page = client.get(PAGES[name](), headers=ROBOT).text
    assert re.search(rf'<aside class="test">\s*<p>{BANNER}', page)


def test_a_live_link_that_has_ended_has_no_test_banner(client: FlaskClient) -> None:
    link = factories.link(locale="fr", livemode=True)
    link.change(active=False)
    assert BANNER not in client.get(f"/pay/{link.slug}").text


def test_without_cookies_the_language_goes_along_from_page_to_page(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    link = factories.link(locale="fr")
    page = client.get(f"/pay/{link.slug}?lang=en", headers=ROBOT).text
    assert 'href="?lang=en&amp;open"' in page
    opened = client.get(f"/pay/{link.slug}?lang=en&open", headers=ROBOT)
    assert opened.location.endswith("?lang=en")
    device = client.get(f"{opened.location.split('?')[0]}/device?lang=en").text
    assert f'href="{opened.location}"' in device


def test_a_wrong_code_is_not_tried_again_for_another_language(client: FlaskClient) -> None:
    page = client.get("/K7M4-4Q2X").text
    assert 'href="/code?lang=' in page


def error_page(app: Flask, error: IkawaariError, path: str, method: str = "GET") -> str:
    """The page of an error that a request met."""
    with app.test_request_context(method=method, environ_overrides={"PATH_INFO": path}):
        return web.error_page(error, error.status).get_data(as_text=True)


@pytest.mark.parametrize("error", [Unavailable(errors.UNAVAILABLE), TooManyRequests(errors.RATE_LIMITED)])
def test_only_an_error_of_ours_is_tried_again_by_a_press_and_by_itself(app: Flask, error: IkawaariError) -> None:
    page = error_page(app, error, "/fails")
    ours = error.status == 503
    assert ('<a class="main" href="/fails">Réessayer</a>' in page) == ours
    assert ('http-equiv="refresh" content="8;url=/fails"' in page) == ours
    assert 'class="lang" href="?lang=en"' in page


def test_the_error_of_a_form_offers_only_addresses_that_answer_a_get(app: Flask) -> None:
    session = f"/cs_{'a' * 27}"
    page = error_page(app, Unavailable(errors.UNAVAILABLE), f"{session}/pay", "POST")
    assert f'class="lang" href="{session}?lang=en"' in page
    assert f'<a class="main" href="{session}">Réessayer</a>' in page
    assert 'class="lang"' not in error_page(app, Unavailable(errors.UNAVAILABLE), "/elsewhere", "POST")


def test_an_error_never_leads_to_another_host(app: Flask) -> None:
    page = error_page(app, Unavailable(errors.UNAVAILABLE), "//evil.example/pay")
    assert 'href="/evil.example/pay"' in page
    assert "//evil.example" not in page
