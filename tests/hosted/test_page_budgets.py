"""What a page that is tried too often tells, with cookies and without them, and what its public JSON answers."""

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock
from tests import factories

DECLINED = {"method": "card", "card_token": "tok_test_declined"}
JSON = {"payment_method": {"type": "card", "card": {"token": "tok_test_declined"}}}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def press(client: FlaskClient, session_id: str) -> TestResponse:
    return client.post(f"/{session_id}/pay", data=DECLINED)


def shown(page: TestResponse) -> str:
    """What is seen of the page, without what its script may say later."""
    return page.text.partition("<template")[0]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Too many tries. Try again in 60 minutes."), ("fr", "Trop d’essais. Réessayez dans 60")],
)
@pytest.mark.parametrize("use_cookies", [True, False])
def test_the_page_says_when_the_next_try_is_taken(app: Flask, language: str, words: str, use_cookies: bool) -> None:
    client = app.test_client(use_cookies=use_cookies)
    session = factories.session(locale=language)
    for _ in range(5):
        press(client, session.id)
    page = client.get(press(client, session.id).location)
    assert page.status_code == 200
    assert words in page.text
    assert 'data-state="choose!"' in page.text


def test_the_words_go_when_the_rest_is_over(client: FlaskClient) -> None:
    session = factories.session(locale="en")
    with time_machine.travel(clock.now(), tick=False) as traveller:
        for _ in range(5):
            press(client, session.id)
        address = press(client, session.id).location
        traveller.shift(3_601)
        assert "Too many tries" not in shown(client.get(address))


@pytest.mark.parametrize("rest", ["", "x", "-5", "9" * 12, "9" * 400, "١٢"])
def test_an_address_that_was_made_up_says_nothing(client: FlaskClient, rest: str) -> None:
    session = factories.session(locale="en")
    page = client.get(f"/{session.id}", query_string={"rest": rest})
    assert page.status_code == 200
    assert "Too many tries" not in shown(page)


def test_public_json_answers_429_with_the_wait(client: FlaskClient) -> None:
    session = factories.session()
    answers = [client.post(f"/api/checkout/{session.id}/pay", json=JSON) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [402] * 5 + [429]
    error = answers[-1].get_json()["error"]
    assert (error["code"], error["retryable"]) == ("IKW-RATE-002", True)
    assert 3_590 <= int(answers[-1].headers["Retry-After"]) <= 3_600


def test_confirming_an_intent_has_the_same_budget(client: FlaskClient) -> None:
    headers = {"Authorization": f"Bearer {factories.credential()}"}
    intent = client.post("/api/v1/payment-intents", json={"amount": 5_000, "currency": "XOF"}, headers=headers)
    path = f"/api/v1/payment-intents/{intent.get_json()['id']}/confirm"
    body = {"payment_method_data": JSON["payment_method"]}
    answers = [client.post(path, json=body, headers=headers | {"Idempotency-Key": "order-1"}) for _ in range(6)]
    answers += [client.post(path, json=body, headers=headers) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers
