"""The currency of an intent, which its attempts share."""

from tests.merchant_api.calls import Shop, error

NEW = {"amount": 5000, "currency": "xof"}


def test_the_currency_stays_once_a_payment_was_attempted(shared_shop: Shop) -> None:
    intent = shared_shop.post("/api/v1/payment-intents", NEW).json
    path = f"/api/v1/payment-intents/{intent['id']}"
    headers = {"Authorization": f"Bearer {shared_shop.key}"}
    assert shared_shop.client.patch(path, json={"currency": "xaf"}, headers=headers).json["currency"] == "xaf"
    shared_shop.post(f"{path}/confirm", {"payment_method": "tok_test_declined"})
    error(shared_shop.client.patch(path, json={"currency": "xof"}, headers=headers), 409, "IKW-RES-002")
    answer = shared_shop.client.patch(path, json={"currency": "XAF", "amount": 7000}, headers=headers)
    assert (answer.status_code, answer.json["amount"]) == (200, 7000)
