"""Refunds over REST."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask

from ikawaari import clock, worker
from ikawaari.merchants.credentials import Scope
from ikawaari.providers.sandbox import ledger
from tests.merchant_api.calls import Answer, Shop, error, refused
from tests.world import together

INTENTS, REFUNDS = "/api/v1/payment-intents", "/api/v1/refunds"


def paid(shop: Shop, currency: str = "xof") -> str:
    """The id of a paid intent over 5,000 XOF."""
    body = {"amount": 5000, "currency": currency, "confirm": True, "payment_method": "tok_test_card"}
    answer = shop.post(INTENTS, body)
    assert answer.json["status"] == "succeeded", answer.text
    return str(answer.json["id"])


def refund(shop: Shop, intent_id: str, **body: Any) -> Answer:
    """Ask for a refund."""
    return shop.post(REFUNDS, {"payment_intent": intent_id} | body)


def settle() -> None:
    """Have a worker send what was promised."""
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass


def test_a_refund_is_promised_and_then_given(shared_shop: Shop) -> None:
    intent_id = paid(shared_shop)
    answer = refund(shared_shop, intent_id, amount=2000, reason="Rupture", metadata={"order": 7})
    assert answer.status_code == 201
    promised = answer.json
    assert promised["id"].startswith("re_")
    assert (promised["object"], promised["status"], promised["currency"]) == ("refund", "pending", "xof")
    assert (promised["amount"], promised["reason"], promised["metadata"]) == (2000, "Rupture", {"order": 7})
    assert shared_shop.get(f"{INTENTS}/{intent_id}").json["amount_refunded"] == 2000
    settle()
    found = shared_shop.get(f"{REFUNDS}/{promised['id']}").json
    assert (found["status"], found["automatic"]) == ("succeeded", False)
    assert found["settled_at"] is not None


def test_what_is_left_is_named(shared_shop: Shop) -> None:
    intent_id = paid(shared_shop)
    refund(shared_shop, intent_id, amount=2000)
    answer = refund(shared_shop, intent_id, amount=3001)
    assert "3000" in error(answer, 400, "IKW-REQ-001")["details"]["amount"][0]
    assert refund(shared_shop, intent_id).json["amount"] == 3000
    error(refund(shared_shop, intent_id), 409, "IKW-RES-002")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": "5"}, "amount"),
        ({"payment_intent": None}, "payment_intent"),
        ({"payment_intent": 7}, "payment_intent"),
        ({"montant": 5}, "montant"),
    ],
)
def test_a_bad_field_is_named(shared_shop: Shop, wrong: dict[str, Any], field: str) -> None:
    refused(shared_shop.post(REFUNDS, {"payment_intent": "pi_x"} | wrong), field)


def test_one_key_makes_one_refund(shared_shop: Shop) -> None:
    body = {"payment_intent": paid(shared_shop), "amount": 2000}
    answers = [shared_shop.post(REFUNDS, body, Idempotency_Key="r") for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert shared_shop.get(f"{INTENTS}/{body['payment_intent']}").json["amount_refunded"] == 2000


def test_fifty_at_once_never_get_more_than_was_paid(shared_app: Flask) -> None:
    shop = Shop(shared_app, rate_limit=10_000)
    intent_id = paid(shop)

    def ask(_number: int) -> Answer:
        headers = {"Authorization": f"Bearer {shop.key}"}
        body = {"payment_intent": intent_id, "amount": 700}
        return shared_app.test_client().post(REFUNDS, json=body, headers=headers)

    answers: list[Answer] = together(50, ask)
    assert Counter(answer.status_code for answer in answers) == {201: 7, 400: 43}
    settle()
    assert [one["refunded"] for one in ledger.entries() if one["payment_intent"] == intent_id] == [4900]


def test_they_are_listed_newest_first_and_filtered(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    first, second = paid(shop), paid(shop)
    ids = [refund(shop, intent_id, amount=100).json["id"] for intent_id in (first, first, second)]
    page = shop.get(f"{REFUNDS}?limit=2").json
    rest = shop.get(f"{REFUNDS}?limit=2&cursor={page['next_cursor']}").json
    assert sorted(one["id"] for one in page["data"] + rest["data"]) == sorted(ids)
    assert (page["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert [one["id"] for one in shop.get(f"{REFUNDS}?payment_intent={second}").json["data"]] == [ids[2]]
    assert len(shop.get(f"{REFUNDS}?status=pending").json["data"]) == 3
    settle()
    assert shop.get(f"{REFUNDS}?status=pending").json["data"] == []


def test_another_merchant_and_the_other_mode_see_nothing(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    intent_id = paid(shop)
    refund_id = refund(shop, intent_id, amount=100).json["id"]
    for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
        error(refund(other, intent_id), 404, "IKW-RES-001")
        error(other.get(f"{REFUNDS}/{refund_id}"), 404, "IKW-RES-001")
        assert other.get(REFUNDS).json["data"] == []
        refused(other.get(f"{REFUNDS}?cursor={refund_id}"), "cursor")


def test_payments_write_does_not_give_money_back(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    clerk = Shop(shared_app, shop.merchant, scopes=[Scope.PAYMENTS_WRITE, Scope.PAYMENTS_READ])
    answer = refund(clerk, paid(shop))
    assert error(answer, 403, "IKW-AUTHZ-001")["details"] == {"scope": ["refunds:write"]}


def test_who_cannot_be_paid_back_is_told_so(shared_shop: Shop) -> None:
    wallet = {"operator": "expresso_sn", "msisdn": "+221701234500"}
    data = {"type": "mobile_money", "mobile_money": wallet}
    body = {"amount": 5000, "currency": "XOF", "confirm": True, "payment_method_data": data}
    intent = shared_shop.post(INTENTS, body).json
    shared_shop.client.post(
        "/api/test/mobile-money/callback", json={"payment_intent_id": intent["id"], "status": "succeeded"}
    )
    error(refund(shared_shop, intent["id"]), 409, "IKW-RES-005")
    assert shared_shop.get(f"{REFUNDS}?payment_intent={intent['id']}").json["data"] == []


def held(shop: Shop) -> tuple[str, str]:
    """An intent that failed by a wrong amount at an operator that cannot refund, and its attempt."""
    data = {"type": "mobile_money", "mobile_money": {"operator": "expresso_sn", "msisdn": "+221701234012"}}
    body = {"amount": 5000, "currency": "XOF", "confirm": True, "payment_method_data": data}
    intent = shop.post(INTENTS, body).json
    url = "/api/test/mobile-money/callback"
    shop.client.post(url, json={"payment_intent_id": intent["id"], "status": "succeeded"})
    return intent["id"], intent["attempts"][0]["id"]


def test_money_held_is_told_and_asked_for_by_its_attempt(shared_shop: Shop) -> None:
    intent_id, attempt_id = held(shared_shop)
    (attempt,) = shared_shop.get(f"{INTENTS}/{intent_id}").json["attempts"]
    assert (attempt["amount_received"], attempt["amount_returned"], attempt["amount_held"]) == (2500, 0, 2500)
    assert (attempt["surplus"], attempt["status"]) == (True, "failed")
    error(shared_shop.post(REFUNDS, {"attempt": attempt_id}), 409, "IKW-RES-005")
    error(shared_shop.post(REFUNDS, {"payment_intent": intent_id}), 409, "IKW-RES-002")
    (told,) = shared_shop.get(f"{REFUNDS}?payment_intent={intent_id}").json["data"]
    assert (told["status"], told["failure_code"], told["amount"]) == ("failed", "not_allowed", 2500)


def test_a_refund_may_name_the_attempt(shared_shop: Shop) -> None:
    intent_id, other_id = paid(shared_shop), paid(shared_shop)
    attempt_id = shared_shop.get(f"{INTENTS}/{intent_id}").json["attempts"][0]["id"]
    refused(shared_shop.post(REFUNDS, {"payment_intent": other_id, "attempt": attempt_id}), "attempt")
    refused(shared_shop.post(REFUNDS, {"amount": 100}), "payment_intent")
    error(shared_shop.post(REFUNDS, {"attempt": "unknown"}), 404, "IKW-RES-001")
    answer = shared_shop.post(REFUNDS, {"attempt": attempt_id, "amount": 100})
    assert (answer.status_code, answer.json["payment_intent"]) == (201, intent_id)
    assert refund(shared_shop, intent_id, attempt=attempt_id).json["amount"] == 4900


def test_another_merchants_attempt_is_not_found(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    attempt_id = shop.get(f"{INTENTS}/{paid(shop)}").json["attempts"][0]["id"]
    for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
        error(other.post(REFUNDS, {"attempt": attempt_id}), 404, "IKW-RES-001")
