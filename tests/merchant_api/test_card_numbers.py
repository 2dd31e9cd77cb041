"""No card number gets in by a merchant's doors: refused in what people read, and in references as a whole alone."""

from typing import Any

import pytest

from tests.merchant_api.calls import SESSIONS, Shop, error, refused

CARD = "4242 4242 4242 4242"
LINKS, LINKS_V2, INTENTS = "/api/v1/payment_links", "/api/v2/payment_links", "/api/v1/payment-intents"
MONEY = {"amount": 5000, "currency": "xof"}
ITEM = {"name": CARD, "amount": 1}
FIELD = {"key": "a", "label": CARD, "type": "text"}
DOORS: tuple[tuple[str, dict[str, Any], str], ...] = (
    (SESSIONS, {"customerEmail": "4242424242424242@example.com"}, "customerEmail"),
    (LINKS, {"description": CARD}, "description"),
    (LINKS_V2, {"description": "Carte 4242/4242/4242/4242"}, "description"),
    (LINKS_V2, {"thankYou": CARD}, "thankYou"),
    (LINKS_V2, {"lineItems": [ITEM]}, "lineItems.0.name"),
    (LINKS_V2, {"customFields": [FIELD]}, "customFields.0.label"),
    (LINKS_V2, {"metadata": {"order": CARD}}, "metadata"),
    (INTENTS, MONEY | {"description": CARD}, "description"),
    (INTENTS, MONEY | {"customer": CARD}, "customer"),
    (INTENTS, MONEY | {"metadata": {"a": {"b": [CARD]}}}, "metadata"),
    ("/api/v1/refunds", {"payment_intent": "pi_1", "reason": CARD}, "reason"),
    ("/api/v1/refunds", {"payment_intent": "pi_1", "metadata": {CARD: "1"}}, "metadata"),
)


@pytest.mark.parametrize(("path", "body", "field"), DOORS, ids=[f"{path} {field}" for path, _, field in DOORS])
def test_a_card_number_is_refused_and_not_told_again(
    shared_shop: Shop, path: str, body: dict[str, Any], field: str
) -> None:
    answer = shared_shop.post(path, body)
    assert field in error(answer, 400, "IKW-CHK-004")["details"] or field == "customerEmail"
    assert "4242" not in answer.text


def test_a_change_is_checked_like_a_creation(shared_shop: Shop) -> None:
    intent = shared_shop.post(INTENTS, MONEY).json["id"]
    for body in ({"description": CARD}, {"customer": CARD}, {"metadata": {"a": CARD}}):
        headers = {"Authorization": f"Bearer {shared_shop.key}"}
        answer = shared_shop.client.patch(f"{INTENTS}/{intent}", json=body, headers=headers)
        refused(answer, *body, code="IKW-CHK-004")


def test_an_idempotency_key_is_an_order_number_unless_it_is_a_card_number_as_a_whole(shared_shop: Shop) -> None:
    refused(shared_shop.post(SESSIONS, {}, Idempotency_Key=CARD), "Idempotency-Key", code="IKW-CHK-004")
    for key in (f"CMD-{CARD}", "1763000000000", "5000000000009", "4242424242424241"):
        assert shared_shop.post(SESSIONS, {}, Idempotency_Key=key).status_code == 201
