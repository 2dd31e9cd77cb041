"""POST /api/test/mobile-money/callback: a developer decides for the payer, of test payments alone."""

import json
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Answer, Shop, error, refused
from tests.world import together

PATH = "/api/test/mobile-money/callback"
NEVER_ENDS = {"operator": "orange_sn", "phone_number": "+221771234011"}


def tell(app: Flask, body: Any) -> Answer:
    """Call it, without a credential."""
    return app.test_client().post(PATH, data=json.dumps(body), content_type="application/json")


def tried(shop: Shop) -> dict[str, Any]:
    """A session whose payer never answers."""
    session = shop.opened()
    body = {"payment_method": {"type": "mobile_money", "mobile_money": NEVER_ENDS}}
    assert shop.client.post(f"/api/checkout/{session['id']}/pay", json=body).status_code == 200
    return session


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ("payment_intent_id", "status")),
        ({"payment_intent_id": 5, "status": "failed"}, ("payment_intent_id",)),
        ({"payment_intent_id": "", "status": "failed"}, ("payment_intent_id",)),
        ({"payment_intent_id": "p" * 65, "status": "failed"}, ("payment_intent_id",)),
        ({"payment_intent_id": "pi_1", "status": "paid"}, ("status",)),
        ({"payment_intent_id": "pi_1", "status": None}, ("status",)),
        ({"payment_intent_id": "pi_1", "status": "failed", "failure_reason": 5}, ("failure_reason",)),
        ({"payment_intent_id": "pi_1", "status": "failed", "failure_reason": "a" * 101}, ("failure_reason",)),
        ({"payment_intent_id": "pi_1", "status": "failed", "amount": 5}, ("amount",)),
        ({"payment_intent_id": "pi_\x00", "status": "failed"}, ("payment_intent_id",)),
    ],
)
def test_a_wrong_field_is_named(shared_app: Flask, body: dict[str, Any], fields: tuple[str, ...]) -> None:
    refused(tell(shared_app, body), *fields)


@pytest.mark.parametrize("body", [[1], "a", 5, None])
def test_what_is_no_object_is_refused(shared_app: Flask, body: Any) -> None:
    error(tell(shared_app, body), 400, "IKW-REQ-002")


def test_other_content_is_refused(shared_app: Flask) -> None:
    client = shared_app.test_client()
    error(client.post(PATH, data={"status": "failed"}), 415, "IKW-REQ-003")
    error(client.post(PATH, json={"status": "a" * 131_072}), 413, "IKW-REQ-004")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "succeeded"}, "succeeded"),
        ({"status": "failed"}, "failed"),
        ({"status": "failed", "failure_reason": "payer_limit"}, "failed"),
        ({"status": "failed", "failure_reason": None}, "failed"),
        ({"status": "failed", "failure_reason": "he did not want to"}, "failed"),
    ],
)
def test_the_payment_ends_as_it_is_told(shared_shop: Shop, shared_app: Flask, body: Any, status: str) -> None:
    session = tried(shared_shop)
    answer = tell(shared_app, {"payment_intent_id": session["payment_intent"]} | body)
    assert answer.json == {"received": True, "payment_intent_id": session["payment_intent"], "status": status}


def test_what_was_paid_stays_paid(shared_shop: Shop, shared_app: Flask) -> None:
    intent = tried(shared_shop)["payment_intent"]
    for status in ("succeeded", "failed", "succeeded"):
        assert tell(shared_app, {"payment_intent_id": intent, "status": status}).json["status"] == "succeeded"


INTENTS = "/api/v1/payment-intents"


@pytest.mark.parametrize("of_a_session", [False, True])
@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_an_intent_just_created_is_settled_too(
    shared_shop: Shop, shared_app: Flask, of_a_session: bool, status: str
) -> None:
    session = shared_shop.opened() if of_a_session else None
    created = shared_shop.post(INTENTS, {"amount": 5000, "currency": "XOF"}).json["id"]
    intent_id = session["payment_intent"] if session else created
    for _ in range(2):
        answer = tell(shared_app, {"payment_intent_id": intent_id, "status": status})
        assert answer.json == {"received": True, "payment_intent_id": intent_id, "status": status}
    intent = shared_shop.get(f"{INTENTS}/{intent_id}").json
    (attempt,) = intent["attempts"]
    assert (attempt["type"], attempt["operator"], attempt["phone"]) == ("mobile_money", "orange_sn", None)
    assert (attempt["status"], intent["amount_received"]) == (status, 5000 if status == "succeeded" else 0)
    if session:
        seen = shared_shop.get(f"/api/v1/checkout/sessions/{session['id']}").json
        paid = ("complete", "paid") if status == "succeeded" else ("open", "unpaid")
        assert (seen["status"], seen["payment_status"]) == paid


@pytest.mark.parametrize("of_a_session", [False, True])
def test_a_failure_may_be_corrected(shared_shop: Shop, shared_app: Flask, of_a_session: bool) -> None:
    intent_id = shared_shop.post(INTENTS, {"amount": 5000, "currency": "XOF"}).json["id"]
    if of_a_session:
        intent_id = shared_shop.opened()["payment_intent"]
    for status in ("failed", "succeeded"):
        answer = tell(shared_app, {"payment_intent_id": intent_id, "status": status, "failure_reason": "payer_limit"})
        assert answer.json["status"] == status
    assert len(shared_shop.get(f"{INTENTS}/{intent_id}").json["attempts"]) == 1


@pytest.mark.parametrize("country", ["CI", "FR"])
def test_the_first_operator_of_the_intent_s_country_is_taken(
    shared_shop: Shop, shared_app: Flask, country: str
) -> None:
    body = {"amount": 5000, "currency": "XOF", "transaction_country": country}
    intent_id = shared_shop.post(INTENTS, body).json["id"]
    assert tell(shared_app, {"payment_intent_id": intent_id, "status": "succeeded"}).json["status"] == "succeeded"
    (attempt,) = shared_shop.get(f"{INTENTS}/{intent_id}").json["attempts"]
    assert attempt["operator"] == {"CI": "orange_ci"}.get(country, "orange_sn")


def test_a_canceled_intent_is_not_settled(shared_shop: Shop, shared_app: Flask) -> None:
    intent_id = shared_shop.post(INTENTS, {"amount": 5000, "currency": "XOF"}).json["id"]
    shared_shop.post(f"{INTENTS}/{intent_id}/cancel")
    error(tell(shared_app, {"payment_intent_id": intent_id, "status": "succeeded"}), 409, "IKW-RES-002")
    session = shared_shop.opened()
    shared_shop.post(f"/api/v1/checkout/sessions/{session['id']}/expire")
    body = {"payment_intent_id": session["payment_intent"], "status": "succeeded"}
    error(tell(shared_app, body), 409, "IKW-RES-002")


def test_many_who_trigger_at_once_start_one_attempt(shared_shop: Shop, shared_app: Flask) -> None:
    intent_id = shared_shop.post(INTENTS, {"amount": 5000, "currency": "XOF"}).json["id"]
    body = {"payment_intent_id": intent_id, "status": "succeeded"}
    answers: list[Answer] = together(6, lambda _: tell(shared_app, body))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(shared_shop.get(f"{INTENTS}/{intent_id}").json["attempts"]) == 1


def test_live_and_unknown_intents_are_not_found(shared_app: Flask) -> None:
    live = Shop(shared_app, livemode=True).opened()["payment_intent"]
    for intent in (live, "pi_1", "é"):
        error(tell(shared_app, {"payment_intent_id": intent, "status": "failed"}), 404, "IKW-RES-001")
