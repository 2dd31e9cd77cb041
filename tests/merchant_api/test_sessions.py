"""Sessions as the merchant sees them: retrieved, expired, and what came of the payment."""

from datetime import timedelta

import pytest
import time_machine

from ikawaari import clock
from tests.merchant_api.calls import SESSIONS, Shop, error

WALLET = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": "+221771234008"}}
CARD = {"type": "card", "card": {"token": "tok_test_card"}}


def test_a_session_can_be_expired_without_a_body_but_with_a_content_type(shared_shop: Shop) -> None:
    session_id = shared_shop.opened()["id"]
    answer = shared_shop.post(f"{SESSIONS}/{session_id}/expire")
    assert (answer.status_code, answer.json["status"]) == (200, "expired")
    error(shared_shop.post(f"{SESSIONS}/{session_id}/expire"), 409, "IKW-RES-002")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"{}"])
def test_what_is_sent_along_with_an_expiry_does_not_matter(shared_shop: Shop, body: bytes) -> None:
    session_id = shared_shop.opened()["id"]
    assert shared_shop.post(f"{SESSIONS}/{session_id}/expire", body).status_code == 200


def test_a_paid_session_cannot_be_expired(shared_shop: Shop) -> None:
    session_id = shared_shop.opened()["id"]
    paid = shared_shop.client.post(f"/api/checkout/{session_id}/pay", json={"payment_method": CARD})
    assert paid.status_code == 200, paid.text
    error(shared_shop.post(f"{SESSIONS}/{session_id}/expire"), 409, "IKW-RES-002")
    session = shared_shop.get(f"{SESSIONS}/{session_id}").json
    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert [attempt["status"] for attempt in session["attempts"]] == ["succeeded"]


def test_time_expires_a_session(shared_shop: Shop) -> None:
    session_id = shared_shop.opened()["id"]
    with time_machine.travel(clock.now() + timedelta(hours=24), tick=False):
        assert shared_shop.get(f"{SESSIONS}/{session_id}").json["status"] == "expired"


def test_a_failed_attempt_is_told_without_the_whole_phone_number(shared_shop: Shop) -> None:
    session_id = shared_shop.opened()["id"]
    shared_shop.client.post(f"/api/checkout/{session_id}/pay", json={"payment_method": WALLET})
    answer = shared_shop.get(f"{SESSIONS}/{session_id}")
    assert answer.json["last_payment_error"]["code"] == "provider_unavailable"
    assert answer.json["attempts"][0]["failure_code"] == "provider_unavailable"
    assert "771234008" not in answer.text.replace(" ", "")
