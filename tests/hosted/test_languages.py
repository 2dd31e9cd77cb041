"""What a payer is told to do, in the session's language or else in the one that the caller accepts."""

import pytest
from flask import Flask

from tests import factories
from tests.merchant_api.calls import Shop

APPROVE = {"en": "Approve the payment on your phone.", "fr": "Validez le paiement sur votre téléphone."}
TYPE = {"en": "Type the code that your operator gave you.", "fr": "Saisissez le code que votre opérateur vous a donné."}
CASES = [
    ("fr", "en", "fr"),
    ("en", "fr", "en"),
    ("auto", "fr-SN,en;q=0.8", "fr"),
    ("auto", "de, en-GB", "en"),
    ("auto", "wo", "en"),
    ("auto", None, "en"),
]


@pytest.mark.parametrize(("locale", "accepts", "spoken"), CASES)
@pytest.mark.parametrize(("ending", "kind", "words"), [("011", "ussd", APPROVE), ("009", "otp", TYPE)])
def test_a_session_speaks_its_own_language_else_the_accepted_one(  # noqa: PLR0917
    app: Flask, locale: str, accepts: str | None, spoken: str, ending: str, kind: str, words: dict[str, str]
) -> None:
    shop = Shop(app)
    headers = {"Accept-Language": accepts} if accepts else {}
    session = shop.opened(locale=locale)
    wallet = {"operator": "orange_sn", "phone_number": factories.phone(ending)}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    paid = shop.client.post(f"/api/checkout/{session['id']}/pay", json=body, headers=headers)
    read = shop.client.get(f"/api/checkout/{session['id']}", headers=headers)
    intent = shop.get(f"/api/v1/payment-intents/{session['payment_intent']}", **headers)
    for answer in (paid, read, intent):
        assert answer.json["next_action"][f"mobile_money_{kind}"]["message"] == words[spoken]


def test_an_intent_speaks_the_accepted_language(app: Flask) -> None:
    shop = Shop(app)
    wallet = {"operator": "mtn_ci", "country": "CI", "msisdn": "+2250700000011"}
    body = {"amount": 5000, "currency": "xof", "confirm": True, "payment_method": {"type": "mobile_money"}}
    body["payment_method"] |= {"mobile_money": wallet}  # type: ignore[operator]
    intent = shop.post("/api/v1/payment-intents", body, Accept_Language="fr").json
    assert intent["next_action"]["mobile_money_ussd"] == {"message": APPROVE["fr"], "dial_code": "*133#"}
    listed = shop.get("/api/v1/payment-intents", Accept_Language="fr").json["data"]
    assert listed[0]["next_action"] == intent["next_action"]
