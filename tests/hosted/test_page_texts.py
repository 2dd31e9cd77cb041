"""What the page's form may hold: bounded before it is read, and no text or card number in it that may not be stored."""

import html
import json
from dataclasses import replace
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import encode_multipart

import ikawaari
from ikawaari import cards, clock
from ikawaari.checkout import sessions
from ikawaari.config import Config
from ikawaari.hosted import drafts
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories
from tests.factories import custom_field

CARD = "4242 4242 4242 4242"
UNKNOWN = "cs_doesnotexist00000000000000"
WALLET = {"method": "mobile_money", "phone": factories.phone("500"), "operator": "orange_sn"}
TOKEN = {"method": "card", "card_token": "tok_test_card"}


def kept(app: Flask, client: FlaskClient, session_id: str) -> Any:
    """What the draft cookie holds."""
    found = client.get_cookie("draft", path=f"/{session_id}")
    assert found is not None
    with app.app_context():
        return drafts._signer(session_id).loads(found.decoded_value)


def fresh(session: CheckoutSession) -> CheckoutSession:
    """The session as it is stored."""
    return CheckoutSession.get_by_id(session.id)


# ---------------------------------------------------------------- no money for what cannot be stored


@pytest.mark.parametrize("email", ["n\x00ul@b.co", "İ" * 200 + "@y.co", "a\x1b@b.co", "x" * 400 + "@b.sn"], ids=ascii)
@pytest.mark.parametrize("way", [WALLET, TOKEN], ids=["wallet", "card"])
def test_an_address_that_cannot_be_stored_is_told_before_any_money_moves(
    client: FlaskClient, way: dict[str, str], email: str
) -> None:
    session = factories.session()
    page = client.post(f"/{session.id}/pay", data=way | {"email": email}, follow_redirects=True)
    assert page.status_code == 200
    assert '<div class="box bad faults" role="alert"' in page.text
    assert PaymentAttempt.select().count() == 0
    body = {
        "payment_method": {"type": "card", "card": {"token": "tok_test_card"}},
        "collected": {"customerDetails": {"email": email}},
    }
    answer = client.post(f"/api/checkout/{session.id}/pay", json=body)
    assert answer.status_code == 400
    assert list((answer.json or {})["error"]["details"]) == ["collected.customerDetails.email"]
    assert (PaymentAttempt.select().count(), fresh(session).payment_status) == (0, "unpaid")


# ---------------------------------------------------------------- card numbers


FIELDS = ("name", "email", "phone", "field.q", "amount", "operator", "country", "method", "preset")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("recount", [False, True])
def test_a_card_number_is_never_kept(app: Flask, client: FlaskClient, recount: bool) -> None:
    session = factories.session(amount=None, custom_fields=[custom_field("q")])
    for name in FIELDS:
        for card in ("4000 0566 5566 5556", "4242/4242/4242/4242", "٤٢٤٢ ٤٢٤٢ ٤٢٤٢ ٤٢٤٢", "4\u200b2" * 8):
            form = WALLET | {"amount": "5000", name: f" {card}"} | ({"recount": "1"} if recount else {})
            client.post(f"/{session.id}/pay", data=form)
            draft = kept(app, client, session.id)
            assert name not in draft["values"]
            assert name in draft["faults"]
            assert not any(cards.holds_number(text) for text in draft["values"].values())
        page = html.unescape(client.get(f"/{session.id}").text)
        assert card not in page
        assert "numéro de carte" in page or name not in FIELDS[:5], name
    assert PaymentAttempt.select().count() == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_phone_that_looks_like_a_card_pays(client: FlaskClient) -> None:
    session = factories.session(country="CI", currency="XOF")
    client.post(f"/{session.id}/pay", data=WALLET | {"operator": "orange_ci", "phone": "+2250700000044"})
    assert fresh(session).payment_status != "unpaid"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_field_or_a_country_named_by_a_card_number_is_not_kept(app: Flask, client: FlaskClient) -> None:
    session = factories.session(custom_fields=[custom_field("q")])
    number = CARD.replace(" ", "")
    for form in ({f"field.{number}": "1"}, {f"quantity.{number}": "1"}, {"show_country": number}):
        client.post(f"/{session.id}/pay", data=WALLET | form)
        assert "4242424242424242" not in json.dumps(kept(app, client, session.id))
        assert PaymentAttempt.select().count() == 0


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("token", ["tok_4242424242424242", "tok_4242_4242_4242_4242", CARD])
def test_a_card_number_is_no_token(client: FlaskClient, token: str) -> None:
    session = factories.session()
    page = client.post(f"/{session.id}/pay", data={"method": "card", "card_token": token}, follow_redirects=True)
    assert 'id="number-problem"' in page.text
    body = {"payment_method": {"type": "card", "card": {"token": token}}}
    answer = client.post(f"/api/checkout/{session.id}/pay", json=body)
    assert (answer.status_code, (answer.json or {})["error"]["code"]) == (400, "IKW-CHK-004")
    assert PaymentAttempt.select().count() == 0


# ---------------------------------------------------------------- one limit, and no cut


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_answer_is_taken_up_to_the_same_length_as_by_the_api_and_is_never_cut(client: FlaskClient) -> None:
    session = factories.session(custom_fields=[custom_field("q")])
    page = client.post(f"/{session.id}/pay", data=WALLET | {"field.q": "a" * 501}, follow_redirects=True)
    assert "500 signes" in html.unescape(page.text)
    assert fresh(session).custom_field_values == {}
    client.post(f"/{session.id}/pay", data=WALLET | {"field.q": "a" * 500})
    assert fresh(session).custom_field_values == {"q": "a" * 500}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("currency", "preset", "charged"), [("EUR", 500, 500), ("XOF", 2_000, 2_000), ("TND", 1_500, 1_500)]
)
def test_a_preset_is_charged_as_its_button_says(client: FlaskClient, currency: str, preset: int, charged: int) -> None:
    session = factories.session(amount=None, currency=currency, amount_presets=[preset])
    client.post(f"/{session.id}/pay", data=TOKEN | {"preset": str(preset)})
    assert PaymentAttempt.get().amount == charged
    other = factories.session(amount=None, currency=currency, amount_presets=[preset])
    client.post(f"/{other.id}/pay", data=TOKEN | {"preset": "777"})
    assert PaymentAttempt.select().count() == 1


# ---------------------------------------------------------------- bounds before work


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("form", [{"recount": "1"}, WALLET, {"show_country": "CI"}], ids=str)
def test_an_unknown_session_costs_nothing(
    client: FlaskClient, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    monkeypatch.setattr(drafts, "typed", lambda _form: worked.append("typed"))
    monkeypatch.setattr(cards, "holds_number", lambda _text: worked.append("cards"))
    names = {f"field.f{number}": "x" for number in range(90)}
    assert client.post(f"/{UNKNOWN}/pay", data=form | names).status_code == 404
    for path in ("otp", "stop", "check", "card"):
        assert client.post(f"/{UNKNOWN}/{path}", data=form | names).status_code == 404
    assert client.post(f"/api/checkout/{UNKNOWN}/pay", json={"a": ["x"] * 1_900}).status_code == 404
    assert worked == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=part"])
def test_a_form_has_at_most_a_hundred_fields(client: FlaskClient, content_type: str) -> None:
    session = factories.session()
    for count, status in ((4_000, 413), (101, 413), (100, 303)):
        form = {"recount": "1"} | {f"field.f{number}": "x" for number in range(count - 1)}
        # The client would keep parts of half a megabyte in a temporary file, which it leaves open.
        body = encode_multipart(form, "part")[1] if "boundary" in content_type else urlencode(form)
        answer = client.post(f"/{session.id}/pay", data=body, content_type=content_type)
        assert answer.status_code == status, count


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_work_on_a_form_is_bounded(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session, signed = factories.session(), list[Any]()
    signer = drafts._signer

    class Counted:
        def __init__(self, session_id: str) -> None:
            self.signer = signer(session_id)

        def dumps(self, value: Any) -> Any:
            signed.append(value)
            return self.signer.dumps(value)

    monkeypatch.setattr(drafts, "_signer", Counted)
    form = {"recount": "1"} | {f"field.f{number}": chr(0x4E00 + number) * 100 for number in range(99)}
    answer = client.post(f"/{session.id}/pay", data=form)
    assert answer.status_code == 303
    assert len(answer.headers["Set-Cookie"]) < 4_000
    assert len(signed) <= 8


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_query_is_bounded(client: FlaskClient) -> None:
    session_id = factories.session().id
    for path in (f"/{session_id}", f"/api/checkout/{session_id}", "/pay/x", "/return", "/docs"):
        for query in ("&" * 100, "a=" + "b" * 8_192, "lang=fr&" * 101):
            assert client.get(path, query_string=query).status_code == 414, path


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_expiry_that_is_none_is_at_fault(app: Flask, client: FlaskClient) -> None:
    session = factories.session()
    for expiry in ("1" + " " * 24_000 + "x", "12" + "/ " * 300, "1" * 500, "\x00", "12/4０"):
        form = {"method": "card", "number": "4242424242424242", "expiry": expiry, "cvc": "123"}
        client.post(f"/{session.id}/card", data=form)
        assert kept(app, client, session.id)["faults"] == ["expiry"], expiry[:20]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_expiry_is_read_as_people_type_it(client: FlaskClient) -> None:
    for expiry in ("12/40", "12 / 40", "12/2040", "1240", "12-40", "12.40", " 12 40 ", "\u200b12/40"):
        session = factories.session()
        form = {"method": "card", "number": CARD, "expiry": expiry, "cvc": "123"}
        client.post(f"/{session.id}/card", data=form)
        assert fresh(session).payment_status == "paid", expiry


# ---------------------------------------------------------------- headers, cookies, stored addresses


ODD = ("\\000", "a\\000b", "\\377", '"\\000"', "x" * 5_000, "é", "\udcff", "%00", "cs_" + "\\000" * 20)


def test_no_cookie_breaks_a_page(client: FlaskClient) -> None:
    link, session = factories.link(), factories.session()
    for cookie, name in product(ODD, ("visit", "draft", "lang")):
        value = cookie.encode("utf-8", "surrogateescape").decode("latin-1")
        for path in (f"/pay/{link.slug}", f"/{session.id}"):
            answer = client.get(path, headers={"Cookie": f'{name}="{value}"'})
            assert answer.status_code < 400, (name, path, cookie)


HEADERS = (
    *("Origin", "User-Agent", "Accept-Language", "Accept-Encoding", "Sec-Purpose", "Purpose", "HX-Request", "Referer"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Authorization", "Idempotency-Key", "Save-Data"),
)
VALUES = ("http://[", "null", "\x00", "http://a:port", "x" * 9_000, "é", "ÿ\x80")


def test_no_header_breaks_a_page(client: FlaskClient) -> None:
    link, session = factories.link(), factories.session()
    for name, value in product(HEADERS, VALUES):
        for path in (f"/pay/{link.slug}", f"/{session.id}", "/api/v1/checkout/sessions", f"/api/checkout/{session.id}"):
            assert client.get(path, headers={name: value}).status_code < 500, (name, path, value)
        assert client.post(f"/{session.id}/check", headers={name: value}).status_code < 500, (name, value)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_form_of_the_same_origin_in_another_spelling_is_ours(client: FlaskClient) -> None:
    path = f"/{factories.session().id}/check"
    for origin, status in (("HTTP://LOCALHOST:80", 303), ("http://localhost", 303), ("http://localhost:81", 403)):
        assert client.post(path, headers={"Origin": origin}).status_code == status, origin


def test_a_stored_address_that_leads_nowhere_takes_no_page_away(client: FlaskClient) -> None:
    owner = factories.merchant()
    owner.change(logo_url="http://[")
    session, link = factories.session(owner), factories.link(owner)
    session.change(success_url="http://[", cancel_url="https://[x")
    assert client.get(f"/{session.id}").status_code == 200
    assert client.get(f"/pay/{link.slug}?x", headers={"User-Agent": "TelegramBot (like TwitterBot)"}).status_code == 200
    client.post(f"/{session.id}/pay", data=TOKEN)
    assert client.get(f"/{session.id}").status_code == 200
    assert sessions.find(session.id, clock.now()).payment_status == "paid"


TURNED = "Commande \u202e1042 \u05d0"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_foreign_words_are_isolated_from_what_follows_them(client: FlaskClient) -> None:
    owner = factories.merchant(TURNED)
    items = [{"name": TURNED, "amount": 1_042, "quantity": 1}]
    fields = [custom_field("q", label=TURNED)]
    session = factories.session(owner, description=TURNED, line_items=items, custom_fields=fields, thank_you=TURNED)
    link = factories.link(owner, description=TURNED)
    pages = [client.get(f"/{session.id}").text]
    client.post(f"/{session.id}/pay", data=TOKEN)
    pages += [client.get(f"/{session.id}").text]
    pages += [client.get(f"/pay/{link.slug}", headers={"User-Agent": "TelegramBot (like TwitterBot)"}).text]
    shown = TURNED.replace("\u202e", "")
    for page in pages:
        assert "\u202e" not in page, "1042 is not shown as 2401"
        assert page.count(f"<bdi>{shown}</bdi>") + page.count(f"\u2068{shown}\u2069") == page.count(shown) > 1


def test_the_demo_shop_is_asked_for_any_order(config: Config) -> None:
    client = ikawaari.create_app(replace(config, demo=True)).test_client()
    for asked in ("%00", "cs_%00", "%ED%A0%80", "a" * 5_000):
        assert client.get(f"/?session={asked}").status_code == 200, asked


@pytest.mark.parametrize("way", ["card", "mobile_money"])
def test_the_longest_address_to_come_back_to_is_paid(client: FlaskClient, way: str) -> None:
    session = factories.session(
        factories.merchant("n" * 255), success_url="https://shop.example/", description="d" * 500
    )
    wallet = {"operator": "orange_sn", "phone_number": factories.phone("010")}
    method = {"card": {"card": {"token": "tok_test_3ds"}}, "mobile_money": {"mobile_money": wallet}}[way]
    address = "https://shop.example/" + "a" * 2_027
    body = {"payment_method": {"type": way} | method, "return_url": address}
    answer = client.post(f"/api/checkout/{session.id}/pay", json=body)
    assert answer.status_code == 200, answer.text
    assert ((answer.json or {})["next_action"] or {})["redirect_to_url"]["return_url"] == address
