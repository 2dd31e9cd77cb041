"""The page's routes as a browser and htmx meet them: one address, every POST leads back, errors are pages."""

import base64
import gzip
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock
from ikawaari.checkout import attempts, public_view, sessions
from ikawaari.config import ROOT
from ikawaari.hosted import csp
from ikawaari.store.models import CheckoutSession
from tests import factories

HTMX = {"HX-Request": "true"}
FIRST_FLIGHT_BYTES = 14_600


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def poll(client: FlaskClient, session: CheckoutSession, seen: str, **headers: str) -> TestResponse:
    """What the page's own poll is answered."""
    return client.get(f"/{session.id}?seen={seen}", headers=HTMX | headers)


def seen_in(page: TestResponse) -> str:
    """What the page tells its next poll that it has seen."""
    found = re.search(r"seen=([0-9a-f]+\.\d*)", page.text)
    assert found, page.text
    return found[1]


def waiting_session() -> CheckoutSession:
    """A session whose payer has been asked, and never answers."""
    session = factories.session()
    attempts.pay(session.id, factories.pay_request(factories.phone("011")), clock.now())
    return session


def expired_session() -> CheckoutSession:
    """A session that its merchant has ended."""
    return sessions.expire(factories.session(), clock.now())


# ---------------------------------------------------------------- every POST leads back


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("pay", {}),
        ("pay", {"method": "mobile_money", "phone": "771234500"}),
        ("pay", {"method": "mobile_money", "phone": "771234008"}),
        ("pay", {"show_country": "CI"}),
        ("otp", {"otp": "123456"}),
        ("otp", {}),
        ("check", {}),
        ("card", {"method": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123"}),
        ("card", {"method": "card", "number": "1"}),
    ],
)
@pytest.mark.parametrize("make", [factories.session, waiting_session, expired_session])
def test_every_post_leads_back_to_the_page(client: FlaskClient, path: str, form: dict[str, str], make: Any) -> None:
    session = make()
    answer = client.post(f"/{session.id}/{path}", data=form)
    assert answer.status_code == 303
    assert answer.location.split("?")[0] == f"/{session.id}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_a_typed_card_is_passed_on_whole_and_kept_by_no_one(client: FlaskClient) -> None:
    session = factories.session()
    answer = client.post(f"/{session.id}/pay", data={"method": "card", "number": "4242424242424242"})
    assert (answer.status_code, answer.location) == (307, f"/{session.id}/card")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
@pytest.mark.parametrize("path", ["pay", "otp", "check", "card"])
def test_a_form_of_another_site_is_refused_with_a_page(client: FlaskClient, headers: Any, path: str) -> None:
    session = factories.session()
    answer = client.post(f"/{session.id}/{path}", data={"phone": "771234500"}, headers=headers)
    assert answer.status_code == 403
    assert_is_page(answer)
    assert f'href="/{session.id}"' in answer.text


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_our_own_form_is_taken(client: FlaskClient, headers: Any) -> None:
    assert client.post(f"/{factories.session().id}/pay", headers=headers).status_code == 303


def test_a_session_that_does_not_exist_can_neither_be_seen_nor_paid(client: FlaskClient) -> None:
    for answer in (
        client.get("/cs_0000000000000000"),
        *(client.post(f"/cs_0000000000000000/{p}") for p in ("pay", "check")),
    ):
        assert answer.status_code == 404
        assert_is_page(answer)


# ---------------------------------------------------------------- whole for a browser, a part for htmx


def test_a_browser_gets_a_page_and_htmx_its_part(client: FlaskClient) -> None:
    session = factories.session()
    whole, part = client.get(f"/{session.id}"), client.get(f"/{session.id}", headers=HTMX)
    assert whole.text.startswith("<!doctype html>")
    assert "<html" not in part.text
    assert "<title>" in part.text
    assert part.text.count('id="checkout"') == whole.text.count('id="checkout"') == 1
    for answer in (whole, part):
        assert answer.headers["Cache-Control"] == "no-store"
        assert {"HX-Request", "Accept-Encoding"} <= set(answer.vary.as_set(preserve_casing=True))


def test_a_poll_that_has_seen_it_all_is_answered_with_nothing(client: FlaskClient) -> None:
    session = waiting_session()
    seen = seen_in(client.get(f"/{session.id}"))
    answer = poll(client, session, seen)
    assert (answer.status_code, answer.data) == (204, b"")


def test_a_poll_of_an_older_wait_only_slows_down(client: FlaskClient) -> None:
    session = waiting_session()
    seen = seen_in(client.get(f"/{session.id}"))
    answer = poll(client, session, seen, **{"Save-Data": "on"})
    assert answer.status_code == 200
    assert answer.headers["HX-Retarget"] == "#poll"
    assert 'hx-trigger="every 4s, check"' in answer.text
    assert "checkout" not in answer.text.replace("#checkout", "")


def test_a_poll_of_another_state_gets_the_new_one(client: FlaskClient) -> None:
    session = factories.session()
    seen = seen_in(client.get(f"/{session.id}"))
    attempts.pay(session.id, factories.card_request(), clock.now())
    answer = poll(client, session, seen)
    assert 'data-state="paid"' in answer.text
    assert "hx-get" not in answer.text


@pytest.mark.parametrize("seen", ["", ".", "x", "é.2", "0" * 5_000])
def test_a_strange_poll_gets_the_state(client: FlaskClient, seen: str) -> None:
    assert 'data-state="choose"' in poll(client, factories.session(), seen).text


def test_what_was_seen_means_nothing_to_a_browser_that_reloads(client: FlaskClient) -> None:
    session = factories.session()
    seen = seen_in(client.get(f"/{session.id}"))
    assert client.get(f"/{session.id}?seen={seen}").text.startswith("<!doctype html>")


def test_who_returns_from_a_wallet_is_led_to_the_plain_address_after_a_look(client: FlaskClient) -> None:
    session = factories.session()
    attempts.pay(session.id, factories.pay_request(), clock.now())
    answer = client.get(f"/{session.id}?returned=1")
    assert (answer.status_code, answer.location) == (303, f"/{session.id}")
    assert 'data-state="paid"' in client.get(f"/{session.id}").text


def test_a_charge_call_without_an_answer_yet_says_one_moment(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_submit", lambda *_args: None)
    session = factories.session()
    client.post(f"/{session.id}/pay", data={"method": "mobile_money", "phone": "771234500", "operator": "orange_sn"})
    page = client.get(f"/{session.id}").text
    assert 'data-state="sending"' in page
    assert "Un instant…" in page
    assert 'http-equiv="refresh"' in page


# ---------------------------------------------------------------- language


@pytest.mark.parametrize(
    ("chosen", "session_locale", "accepted", "spoken"),
    [
        (None, "auto", "en", "fr"),  # the country's own, whatever the phone was set to in the shop
        (None, "en", "fr", "en"),
        ("fr", "en", "en", "fr"),
        ("xx", "en", "fr", "en"),
    ],
)
def test_the_language_is_the_customers_then_the_sessions_then_the_countrys(
    client: FlaskClient, chosen: str | None, session_locale: str, accepted: str, spoken: str
) -> None:
    session = factories.session(locale=session_locale)
    if chosen:
        client.set_cookie("lang", chosen)
    answer = client.get(f"/{session.id}", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}">' in answer.text


@pytest.mark.parametrize("locale", ["auto", "fr"])
def test_a_chosen_language_is_remembered_for_the_next_session(client: FlaskClient, locale: str) -> None:
    assert '<html lang="en">' in client.get(f"/{factories.session(locale=locale).id}?lang=en").text
    assert '<html lang="en">' in client.get(f"/{factories.session(locale=locale).id}").text
    assert '<html lang="en">' in client.get("/nowhere").text


def test_a_language_that_we_do_not_speak_is_not_chosen(client: FlaskClient) -> None:
    answer = client.get(f"/{factories.session().id}?lang=de")
    assert '<html lang="fr">' in answer.text
    assert "lang=" not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("accepted", "spoken"), [("en-GB,en", "en"), ("de", "fr"), ("fr-SN,en;q=0.8", "fr"), ("", "fr")]
)
def test_a_page_that_knows_no_session_speaks_the_browsers_language(
    client: FlaskClient, accepted: str, spoken: str
) -> None:
    answer = client.get("/nowhere", headers={"Accept-Language": accepted})
    assert f'<html lang="{spoken}">' in answer.text


# ---------------------------------------------------------------- errors are pages


def assert_is_page(answer: TestResponse) -> None:
    """HTML that nothing foreign can act in, and no word of how we are built."""
    assert answer.mimetype == "text/html"
    assert 'data-state="error"' in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search("Traceback|IKW-|werkzeug|peewee", answer.text)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/{id}", 405), ("GET", "/{id}/pay", 405), ("GET", "/cs_short", 404)],
)
def test_a_wrong_address_is_told_with_a_page(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path.format(id=factories.session().id), method=method)
    assert answer.status_code == status
    assert_is_page(answer)


def test_a_body_that_is_too_large_is_told_with_a_page(client: FlaskClient) -> None:
    answer = client.post(f"/{factories.session().id}/pay", data={"name": "x" * 200_000})
    assert answer.status_code == 413
    assert_is_page(answer)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_expired_page_is_gone_in_words(client: FlaskClient, headers: Any) -> None:
    answer = client.get(f"/{expired_session().id}", headers=headers)
    assert answer.status_code == 410
    assert 'data-state="expired"' in answer.text


def test_a_bug_of_ours_is_a_page_that_tries_again(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session = factories.session()
    monkeypatch.setattr(public_view, "public", lambda *_args: 1 / 0)
    answer = client.post(f"/{session.id}/pay", data={"phone": "771234500"})
    assert answer.status_code == 500
    assert_is_page(answer)
    assert f'<meta http-equiv="refresh" content="8;url=/{session.id}">' in answer.text.split("<noscript>")[0]


def test_a_bug_of_ours_is_only_a_part_for_htmx(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_view, "public", lambda *_args: 1 / 0)
    answer = client.get(f"/{factories.session().id}", headers=HTMX)
    assert answer.status_code == 500
    assert "<html" not in answer.text


# ---------------------------------------------------------------- the sandbox's rooms


def test_no_card_is_typed_in_live_mode(client: FlaskClient) -> None:
    session = factories.session(livemode=True)
    card = {"method": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123"}
    assert client.post(f"/{session.id}/card", data=card).status_code == 404
    page = client.get(f"/{session.id}").text
    assert 'name="number"' not in page
    assert "Mode test" not in page


def test_a_session_without_cards_takes_none(client: FlaskClient) -> None:
    session = factories.session(payment_method_types=["mobile_money"])
    assert client.post(f"/{session.id}/card", data={"number": "4242424242424242"}).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_screen_of_no_charge_is_not_there(client: FlaskClient, method: str) -> None:
    answer = client.open("/sandbox/sbx_nothing", method=method, data={"decision": "approve"})
    assert answer.status_code == 404
    assert_is_page(answer)


def test_a_screen_takes_two_answers_only_and_the_first_one_counts(client: FlaskClient) -> None:
    session = factories.session()
    attempts.pay(session.id, factories.pay_request(factories.phone("010")), clock.now())
    found = re.search(r'href="(?:http://localhost)?(/sandbox/[^"]+)"', client.get(f"/{session.id}").text)
    assert found
    assert client.post(found[1], data={"decision": "maybe"}).status_code == 400
    for decision in ("approve", "refuse"):
        answer = client.post(found[1], data={"decision": decision})
        assert answer.status_code == 303
    assert client.get(answer.location).status_code == 303
    assert 'data-state="paid"' in client.get(f"/{session.id}").text


# ---------------------------------------------------------------- the policy, and the bytes


def test_the_policy_allows_the_pages_own_style_and_nothing_inline(client: FlaskClient) -> None:
    answer = client.get(f"/{factories.session(factories.merchant(color='#ffcc00')).id}")
    text = re.search("<style>(.*?)</style>", answer.text, re.DOTALL)
    assert text
    digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not re.search(r' style=| on[a-z]+="|<script>', answer.text)


@pytest.mark.parametrize(
    ("logo", "source"),
    [("https://cdn.example/logo.png", " https://cdn.example"), ("https://x.example;script-src *", ""), (None, "")],
)
def test_a_logo_widens_the_policy_by_its_origin_alone(app: Flask, logo: str | None, source: str) -> None:
    with app.test_request_context():
        answer = csp.protect(app.make_response(""), csp.style(None), logo=logo)
    assert f"img-src 'self' data:{source};" in answer.headers["Content-Security-Policy"]


def test_a_page_is_compressed_for_whoever_takes_it(client: FlaskClient) -> None:
    session = factories.session()
    plain, small = client.get(f"/{session.id}"), client.get(f"/{session.id}", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 2
    key = re.compile(rb'(name="request_key" value=")[A-Za-z0-9]{22}')  # drawn afresh for every form
    assert key.sub(rb"\1", gzip.decompress(small.data)) == key.sub(rb"\1", plain.data)
    assert "Content-Encoding" not in client.get(f"/{session.id}", headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_the_largest_page_fits_in_the_first_flight(client: FlaskClient) -> None:
    fields = [factories.custom_field(f"f{number}", "dropdown") for number in range(20)]
    items = [{"name": f"Pagne numéro {number}", "amount": 1_000, "quantity": 2} for number in range(20)]
    session = factories.session(custom_fields=fields, line_items=items, description="Commande " * 20)
    answer = client.get(f"/{session.id}", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) + len(str(answer.headers)) < FIRST_FLIGHT_BYTES


def test_htmx_lies_there_compressed_and_unchanged() -> None:
    import brotli

    plain = ROOT / "static" / csp.HTMX
    assert gzip.decompress(plain.with_name(f"{plain.name}.gz").read_bytes()) == plain.read_bytes()
    assert brotli.decompress(plain.with_name(f"{plain.name}.br").read_bytes()) == plain.read_bytes()


def test_our_scripts_address_changes_with_it(client: FlaskClient) -> None:
    page = client.get(f"/{factories.session().id}").text
    assert f'/static/{csp.SCRIPT}?v={csp.script_version(str(ROOT / "static"))}"' in page


def test_a_receipt_is_dated_and_an_old_one_does_not_lead_on(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = factories.session(success_url="https://shop.example/ok")
    attempts.pay(session.id, factories.card_request(), clock.now())
    assert "data-forward" in client.get(f"/{session.id}").text
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert "data-forward" not in client.get(f"/{session.id}").text


def test_a_page_is_the_same_in_gzip(client: FlaskClient) -> None:
    """Twice: the second one goes on from what the first one compressed."""
    address = f"/{factories.session(description='Commande 1').id}"
    for _ in range(2):
        response = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        page = gzip.decompress(response.data).decode()
        assert without_key(page) == without_key(client.get(address).get_data(as_text=True))


def without_key(page: str) -> str:
    """The page without the one word that each drawing has of its own."""
    return re.sub('name="request_key" value="[^"]*"', "", page)
