"""Going on with a phone: what a desktop page asks for, and where its code is typed. Nothing here needs a script."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import devices, merchant_view
from ikawaari.config import Config
from ikawaari.store.models import DeviceCode
from tests import factories, scenes, statements
from tests.apps import app_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def engine() -> str:
    """The pages are the same on both; the domain's tests run on both."""
    return "sqlite"


def shown(client: FlaskClient, session_id: str, **headers: str) -> str:
    """The code that a page of the session gets."""
    answer = client.get(f"/{session_id}/device", headers=HTMX | headers)
    assert answer.status_code == 200
    found = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", answer.text)
    assert found
    return found[0]


@pytest.mark.parametrize("change", [str, str.lower, lambda code: code.replace("-", "")])
def test_a_code_leads_to_the_page_by_its_address_and_by_the_form(client: FlaskClient, change: object) -> None:
    session = factories.session()
    code = change(shown(client, session.id))  # type: ignore[operator]
    for path in (f"/{code}", f"/code?code={code}", f"/?code={code}&lang=fr"):
        answer = client.get(path)
        assert (answer.status_code, answer.location, answer.mimetype) == (303, f"/{session.id}", "text/html")


def test_the_part_has_a_square_code_of_the_page_s_own_address_and_renews_itself(client: FlaskClient) -> None:
    session = factories.session(locale="fr")
    part = client.get(f"/{session.id}/device", headers=HTMX)
    assert "<html" not in part.text
    assert part.text.count("<svg") == 1
    assert 'hx-trigger="every 540s"' in part.text
    assert "ouvrez localhost et tapez" in part.text
    assert len(part.get_data()) < 3_000
    assert part.headers["Cache-Control"] == "no-store"


def test_without_a_script_a_page_of_its_own_shows_the_code_and_renews_it(client: FlaskClient) -> None:
    session = factories.session(locale="en")
    page = client.get(f"/{session.id}/device")
    assert f'<noscript><meta http-equiv="refresh" content="540;url=/{session.id}/device"></noscript>' in page.text
    assert page.text.count("http-equiv") == 1  # with a script it is renewed in place
    assert f'href="/{session.id}"' in page.text
    found = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", page.text)
    assert found
    assert client.get(f"/{found[0]}").location == f"/{session.id}"


def test_no_code_exists_before_a_page_asks_for_one(client: FlaskClient) -> None:
    session = factories.session()
    assert f"/{session.id}/device" in client.get(f"/{session.id}").text
    assert DeviceCode.select().count() == 0
    with statements.sent() as sent:
        shown(client, session.id)
    written = [text for text in sent if "device_codes" in text]
    assert [text.split()[0] for text in written] == ["DELETE", "INSERT"]
    assert len([text for text in sent if "provider_versions" not in text]) == 3  # and the session


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 200, "Tapez le code"),
        ("?code=K7M4-4Q2X", 404, "Ce code ne mène nulle part"),
        ("?code=%00", 400, "Vérifiez le code"),
        ("?code=K7M4-4Q20", 400, "Vérifiez le code"),
        ("?code=%3Cscript%3E", 400, "&lt;script&gt;"),
        ("?lang=en", 200, "Type the code"),
        ("?lang=xx", 200, "Tapez le code"),
        ("?code=K7M4-4Q2X&lang=en", 404, "This code leads nowhere"),
    ],
)
def test_the_form_says_what_is_wrong_with_a_code(client: FlaskClient, query: str, status: int, words: str) -> None:
    for path in ("/code", "/"):
        answer = client.get(path + query)
        assert (answer.status_code, words in answer.text) == (status, True), path
        assert "<script>" not in answer.text
        assert "noindex" in answer.text


def test_after_too_many_wrong_codes_the_form_asks_for_a_minute_and_the_page_still_opens(client: FlaskClient) -> None:
    with time_machine.travel(datetime(2027, 1, 1, tzinfo=UTC), tick=False):
        session = factories.session()
        code = shown(client, session.id)
        assert [client.get(f"/2222222{sign}").status_code for sign in "23456789AB"] == [404] * 10
        for path in ("/2222222C", f"/{code}"):
            refused = client.get(path, headers={"Accept-Language": "en"})
            assert (refused.status_code, "Try again in a minute" in refused.text) == (429, True)
            assert refused.headers["Retry-After"] == "60"
        assert client.get(f"/{session.id}").status_code == 200
        assert client.get(f"/{code}", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 303


def test_codes_that_cannot_be_any_are_not_counted(client: FlaskClient) -> None:
    assert {client.get("/code?code=0O1IL").status_code for _ in range(40)} == {400}
    assert client.get("/22222222").status_code == 404


def test_a_second_device_sees_nothing_that_was_typed_on_the_first(app: Flask) -> None:
    desktop, phone = app.test_client(), app.test_client()
    session = factories.session()
    typed = {"method": "mobile_money", "country": "SN", "phone": "77 123 40 02", "operator": "orange_sn", "name": "Awa"}
    desktop.post(f"/{session.id}/pay", data=typed | {"recount": "1"})
    assert "123 40 02" in desktop.get(f"/{session.id}").text
    opened = phone.get(shown(desktop, session.id), follow_redirects=True)
    assert opened.request.path == f"/{session.id}"
    desktop.post(f"/{session.id}/pay", data=typed)
    for page in (opened.text, phone.get(f"/{session.id}").text):
        assert "Awa" not in page
        assert not re.search(r"123.?40.?02", page)


def test_a_session_that_does_not_exist_has_no_code(client: FlaskClient) -> None:
    assert client.get("/cs_000000000000000000000000000/device").status_code == 404
    assert DeviceCode.select().count() == 0


def test_no_other_page_has_an_address_that_looks_like_a_code(app: Flask) -> None:
    rules = [rule.rule for rule in app.url_map.iter_rules() if "<" not in rule.rule]
    assert [rule for rule in rules if devices.read(rule.strip("/"))] == []


@pytest.fixture
def shop_with_a_demo(config: Config) -> FlaskClient:
    """The server of a laptop, whose `/` is the demo shop."""
    url = "http://127.0.0.1:8000"
    return app_of(Config(**{**vars(config), "demo": True, "api_url": url, "pay_url": url})).test_client()


def test_beside_the_demo_shop_codes_are_typed_at_an_address_of_their_own(shop_with_a_demo: FlaskClient) -> None:
    session = factories.session(locale="en")
    part = shop_with_a_demo.get(f"/{session.id}/device", headers=HTMX).text
    assert "open 127.0.0.1:8000/code and type" in part
    assert "Type the code" not in shop_with_a_demo.get("/").text
    assert devices.session_of(devices.new_code(session.id, clock.now()), "a", clock.now()) == session.id


@pytest.mark.parametrize(("make", "path"), [("redirect", "/device"), ("qr", "")])
def test_the_link_is_sent_to_another_phone_by_whatsapp_or_sms(client: FlaskClient, make: str, path: str) -> None:
    session = (
        scenes.tried("010") if make == "redirect" else scenes.tried("500", operator="wave_sn", preferred_flow="qr")
    )
    page = client.get(f"/{session.id}").text
    if make == "redirect":
        assert f'href="/{session.id}/device"' in page.partition('<ul class="ways">')[2]
    sent_on = r'href="(https://wa\.me/\?text=|sms:\?&amp;body=)([^"]*)"'
    found = re.findall(sent_on, client.get(f"/{session.id}{path}").text)
    text = f"Pour payer Boutique\u00a0: {merchant_view.page_url(session.id)}"
    assert [(before, unquote(said)) for before, said in found] == [
        ("https://wa.me/?text=", text),
        ("sms:?&amp;body=", text),
    ]


def test_who_pays_by_card_or_waits_for_a_prompt_has_no_wallet_on_another_phone(client: FlaskClient) -> None:
    for session in (scenes.tried_by_card("tok_test_3ds"), scenes.tried("011")):
        ways = client.get(f"/{session.id}").text.partition("<main")[2]
        assert f"/{session.id}/device" not in ways
