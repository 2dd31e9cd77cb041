"""Browsers of any origin may call the two public routes, and never the merchant's API."""

from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.merchant_api.calls import MISSING, Shop

ORIGIN = {"Origin": "https://boutique.example"}


def allowed(answer: Any) -> None:
    """Any origin may read this response, without credentials."""
    assert answer.headers["Access-Control-Allow-Origin"] == "*", answer.status
    assert answer.headers["Access-Control-Expose-Headers"] == "Ikawaari-Request-Id, Retry-After"
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ["", "/pay"])
def test_a_preflight_names_the_methods_and_headers(client: Any, path: str) -> None:
    for session_id in (factories.session().id, MISSING):
        asked = ORIGIN | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        answer = client.options(f"/api/checkout/{session_id}{path}", headers=asked)
        allowed(answer)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, Idempotency-Key, Accept-Language"
        assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_every_response_of_the_public_routes_may_be_read(client: Any) -> None:
    path = f"/api/checkout/{factories.session().id}"
    card = {"payment_method": {"type": "card", "card": {"token": "tok_test_declined"}}}
    answers = [
        client.get(path, headers=ORIGIN),
        client.get(f"/api/checkout/{MISSING}", headers=ORIGIN),
        client.put(path, headers=ORIGIN),
        client.get(f"{path}/pay", headers=ORIGIN),
        client.post(f"{path}/pay", json=card, headers=ORIGIN),
        client.post(f"{path}/pay", json={}, headers=ORIGIN),
        client.post(f"{path}/pay", data="{", content_type="application/json", headers=ORIGIN),
        client.post(f"{path}/pay", data="{}", content_type="text/plain", headers=ORIGIN),
        client.post(f"{path}/pay", json={"a": "b" * 200_000}, headers=ORIGIN),
        client.post(f"/api/checkout/{MISSING}/pay", json=card, headers=ORIGIN),
    ]
    for answer in answers:
        allowed(answer)
    assert [answer.status_code for answer in answers] == [200, 404, 405, 405, 402, 400, 400, 415, 413, 404]


def test_no_other_route_lets_a_browser_of_another_origin_in(client: Any, app: Flask) -> None:
    shop = Shop(app)
    session_id = shop.opened()["id"]
    answers = [
        shop.get(f"/api/v1/checkout/sessions/{session_id}", **ORIGIN),
        client.options("/api/v1/checkout/sessions", headers=ORIGIN),
        client.get(f"/{session_id}", headers=ORIGIN),
        client.post("/api/test/mobile-money/callback", json={}, headers=ORIGIN),
        client.get(f"/api/checkout/{session_id}/pay/more", headers=ORIGIN),
        client.get(f"/api/checkout/{session_id}/", headers=ORIGIN),
        client.get("/openapi.json", headers=ORIGIN),
    ]
    assert not any("Access-Control-Allow-Origin" in answer.headers for answer in answers)
