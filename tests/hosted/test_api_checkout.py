"""GET /api/checkout/{id}: what anybody who has the id may see, and no more."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from ikawaari.merchants import merchants
from tests import factories
from tests.factories import BRAND
from tests.merchant_api.calls import app_on


@pytest.fixture
def app(shared_url: str) -> Iterator[Flask]:
    """One app for all tests here."""
    with app_on(shared_url, sandbox_delay_seconds=0) as app:
        yield app


def test_the_public_view_keeps_the_merchant_s_secrets_and_the_customer_s(app: Flask) -> None:
    session = factories.session(
        metadata={"margin": "secret"},
        client_reference_id="secret 1042",
        customer_phone="+221771234567",
        customer_email="awa@shop.example",
        success_url="https://shop.example/secret/{CHECKOUT_SESSION_ID}",
    )
    text = app.test_client().get(f"/api/checkout/{session.id}").text
    for secret in ("secret", "metadata", "awa@", "1234567", "sandbox", session.merchant_id):
        assert secret not in text
    view = json.loads(text)
    assert (view["customer"]["email"], view["customer"]["phone"]) == ("a•••@shop.example", "+221 77 ••• •• 67")


def test_the_success_url_is_told_once_paid(app: Flask) -> None:
    session = factories.session(success_url="https://shop.example/?s={CHECKOUT_SESSION_ID}")
    client: Any = app.test_client()
    assert client.get(f"/api/checkout/{session.id}").json["success_url"] is None
    body = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    paid = client.post(f"/api/checkout/{session.id}/pay", json=body).json
    assert paid["success_url"] == f"https://shop.example/?s={session.id}"
    assert paid["payment"]["status"] == "succeeded"


@pytest.mark.parametrize("query", ["?x=1", "?%00", "?=", "?a%00=%FF"])
def test_a_query_does_not_matter(app: Flask, query: str) -> None:
    session = factories.session()
    assert app.test_client().get(f"/api/checkout/{session.id}{query}").status_code == 200


def test_who_sells_is_told_with_all_that_the_merchant_gave_and_a_change_is_seen_at_once(app: Flask) -> None:
    merchant, client = factories.merchant("Boutique"), app.test_client()
    session = factories.session(merchant)
    told: Any = client.get(f"/api/checkout/{session.id}").get_json()["merchant"]
    assert told == {"name": "Boutique", "country": "SN"} | dict.fromkeys(BRAND)
    merchants.update(merchant.id, name="Teranga", **BRAND)
    told = client.get(f"/api/checkout/{session.id}").get_json()["merchant"]
    assert told == {"name": "Teranga", "country": "SN"} | BRAND
    merchants.update(merchant.id, town="")
    assert client.get(f"/api/checkout/{session.id}").get_json()["merchant"]["town"] is None
