"""What the customer typed, kept in a cookie: signed, for one page, for a while, and never a card."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Cookie, TestResponse

from ikawaari import clock
from ikawaari.hosted import amounts, drafts
from tests import factories

CARD = {"method": "card", "number": "4111 1111 1111 1111", "expiry": "12/40", "cvc": "987"}
WRONG = {"method": "mobile_money", "phone": "77 123 98"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def pay(client: FlaskClient, session_id: str, **form: str) -> TestResponse:
    """Press the button that pays."""
    return client.post(f"/{session_id}/pay", data=form, follow_redirects=True)


def cookie(client: FlaskClient, session_id: str) -> Cookie:
    """The draft of that page."""
    found = client.get_cookie("draft", path=f"/{session_id}")
    assert found is not None
    return found


def kept(app: Flask, client: FlaskClient, session_id: str) -> Any:
    """What the cookie holds."""
    with app.app_context():
        return drafts._signer(session_id).loads(cookie(client, session_id).decoded_value)


def test_what_was_typed_comes_back(client: FlaskClient) -> None:
    session = factories.session()
    page = pay(client, session.id, **WRONG).text
    assert 'value="77 123 98"' in page
    assert 'aria-invalid="true"' in page


def test_the_cookie_is_for_this_page_and_no_script(client: FlaskClient) -> None:
    session = factories.session()
    pay(client, session.id, **WRONG)
    found = cookie(client, session.id)
    assert found.http_only
    assert found.same_site == "Lax"
    assert found.path == f"/{session.id}"
    assert found.max_age == drafts.LIFETIME_SECONDS


def test_a_card_never_enters_the_cookie(app: Flask, client: FlaskClient) -> None:
    session = factories.session()
    page = client.post(f"/{session.id}/card", data=CARD, follow_redirects=True).text
    assert kept(app, client, session.id)["values"] == {"method": "card"}
    assert not any(secret in page for secret in ("4111", "987", "12/40"))


def test_a_code_never_enters_the_cookie(app: Flask, client: FlaskClient) -> None:
    session = factories.session()
    pay(client, session.id, method="mobile_money", phone=factories.phone("009"))
    client.post(f"/{session.id}/otp", data={"otp": "123456"})
    assert "123456" not in str(kept(app, client, session.id))


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1], lambda text: "A" + text, lambda _text: "", lambda _text: "é"]
)
def test_a_cookie_that_was_changed_is_ignored(client: FlaskClient, change: Any) -> None:
    session = factories.session()
    pay(client, session.id, **WRONG)
    client.set_cookie("draft", change(cookie(client, session.id).value), path=f"/{session.id}")
    answer = client.get(f"/{session.id}")
    assert answer.status_code == 200
    assert "77 123 98" not in answer.text


def test_the_draft_of_another_page_is_ignored(client: FlaskClient) -> None:
    mine, other = factories.session(), factories.session()
    pay(client, mine.id, **WRONG)
    client.set_cookie("draft", cookie(client, mine.id).value, path=f"/{other.id}")
    assert "77 123 98" not in client.get(f"/{other.id}").text


def test_an_old_draft_is_ignored(client: FlaskClient) -> None:
    session = factories.session()
    pay(client, session.id, **WRONG)
    with time_machine.travel(clock.now() + timedelta(minutes=16), tick=False):
        client.set_cookie("draft", cookie(client, session.id).value, path=f"/{session.id}")
        assert "77 123 98" not in client.get(f"/{session.id}").text


def test_a_long_draft_gives_up_its_longest_answers_and_still_fits_a_cookie(app: Flask, client: FlaskClient) -> None:
    fields = [factories.custom_field(f"f{number}") for number in range(20)]
    session = factories.session(custom_fields=fields)
    answers = {f"field.f{number}": chr(0x4E00 + number) * 300 for number in range(20)}
    pay(client, session.id, **WRONG, **answers)
    assert len(cookie(client, session.id).value) < 4_000
    assert kept(app, client, session.id)["values"]["phone"] == "77 123 98"


def test_the_draft_goes_when_the_money_has_come(client: FlaskClient) -> None:
    session = factories.session()
    pay(client, session.id, **WRONG)
    client.post(f"/{session.id}/card", data=CARD | {"number": "4242424242424242"}, follow_redirects=True)
    assert client.get_cookie("draft", path=f"/{session.id}") is None


def test_changing_the_country_keeps_the_rest_but_not_a_number_that_names_its_own(
    app: Flask, client: FlaskClient
) -> None:
    session = factories.session()
    form = {"method": "mobile_money", "name": "Awa", "operator": "wave_sn", "show_country": "CI"}
    client.post(f"/{session.id}/pay", data=form | {"phone": "+221771234500"})
    assert kept(app, client, session.id)["values"] == {
        "method": "mobile_money",
        "name": "Awa",
        "country": "CI",
        "operator": "",
        "phone": "",
    }
    client.post(f"/{session.id}/pay", data=form | {"phone": "0700000500"})
    assert kept(app, client, session.id)["values"]["phone"] == "0700000500"


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("5000", "XOF", 5_000),
        ("5 000", "XOF", 5_000),
        ("5.000", "XOF", 5_000),
        ("5\u202f000", "XOF", 5_000),
        ("1,234,567", "XOF", 1_234_567),
        ("12,50", "EUR", 1_250),
        ("1.234,5", "EUR", 123_450),
    ],
)
def test_an_amount_is_read_as_people_type_it(text: str, currency: str, amount: int) -> None:
    assert amounts.read(text, currency) == amount


@pytest.mark.parametrize("text", ["", "abc", "-5", "5,5", "1e3", "٥٠٠", "9" * 30])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        amounts.read(text, "XOF")
