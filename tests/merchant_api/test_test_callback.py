"""POST /api/test/mobile-money/callback: a developer decides for the payer, of test payments alone."""

import json
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import Answer, Shop, error, refused

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


@pytest.mark.parametrize("body", [[], "a", 5, None])
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


def test_without_an_attempt_there_is_nothing_to_tell(shared_shop: Shop, shared_app: Flask) -> None:
    intent = shared_shop.opened()["payment_intent"]
    error(tell(shared_app, {"payment_intent_id": intent, "status": "failed"}), 409, "IKW-RES-002")


def test_live_and_unknown_intents_are_not_found(shared_app: Flask) -> None:
    live = Shop(shared_app, livemode=True).opened()["payment_intent"]
    for intent in (live, "pi_1", "é"):
        error(tell(shared_app, {"payment_intent_id": intent, "status": "failed"}), 404, "IKW-RES-001")
