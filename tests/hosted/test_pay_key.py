"""`Idempotency-Key` on the public pay: the same request never starts a second attempt."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask

from ikawaari.merchants import idempotency
from ikawaari.providers import registry
from ikawaari.store.models import CheckoutSession, PayKey, PaymentAttempt, Subscription
from tests import factories
from tests.merchant_api.calls import Answer, error
from tests.world import Killed, dying, together

CARD: dict[str, Any] = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}


def card(token: str) -> dict[str, Any]:
    """A body that pays by this card."""
    return {"payment_method": {"type": "card", "card": {"token": token}}}


def wallet(ending: str, **fields: Any) -> dict[str, Any]:
    """A body that pays by the wallet of this number."""
    given = {"operator": "orange_sn", "phone_number": factories.phone(ending)} | fields
    return {"payment_method": {"type": "mobile_money", "mobile_money": given}}


def pay(app: Flask, session: CheckoutSession, body: dict[str, Any], key: str | None = "k") -> Answer:
    """Send it."""
    headers = {"Idempotency-Key": key} if key is not None else {}
    return app.test_client().post(f"/api/checkout/{session.id}/pay", json=body, headers=headers)


def attempts() -> int:
    """How many there are."""
    return PaymentAttempt.select().count()


@pytest.mark.parametrize(
    ("body", "first", "status"),
    [
        (CARD, 200, "succeeded"),
        (card("tok_test_declined"), 402, "failed"),
        (wallet("011"), 200, "requires_action"),
        (wallet("004"), 200, "unknown"),
        (wallet("008"), 402, "failed"),
    ],
    ids=["paid", "declined", "waiting", "unknown", "operator down"],
)
def test_the_same_request_is_answered_with_the_view_as_it_is_now(
    app: Flask, body: dict[str, Any], first: int, status: str
) -> None:
    session = factories.session()
    assert pay(app, session, body).status_code == first
    for _ in range(2):
        again = pay(app, session, body)
        assert (again.status_code, again.json["payment"]["status"]) == (200, status)
        assert "Idempotent-Replayed" not in again.headers
    assert again.json == app.test_client().get(f"/api/checkout/{session.id}").json
    assert attempts() == 1


def test_another_body_under_the_key_is_a_conflict(app: Flask) -> None:
    session = factories.session()
    pay(app, session, card("tok_test_declined"))
    error(pay(app, session, CARD), 409, "IKW-REQ-007")
    assert attempts() == 1
    assert pay(app, session, CARD, "another").json["payment_status"] == "paid"
    assert pay(app, session, card("tok_test_declined")).json["payment_status"] == "paid"
    assert attempts() == 2


def test_a_refused_request_leaves_its_key_free(app: Flask) -> None:
    session = factories.session()
    error(pay(app, session, wallet("500", operator="orange_fr")), 400, "IKW-CHK-002")
    error(pay(app, session, card("4242424242424242")), 400, "IKW-CHK-004")
    assert PayKey.select().count() == 0
    assert pay(app, session, CARD).status_code == 200


def test_a_key_belongs_to_its_session(app: Flask) -> None:
    for session in (factories.session(), factories.session()):
        assert pay(app, session, CARD).json["payment_status"] == "paid"
    assert attempts() == 2


@pytest.mark.parametrize("key", ["", "a" * 256, "a\x7f"])
def test_a_key_has_1_to_255_printable_characters(app: Flask, key: str) -> None:
    session = factories.session()
    assert "Idempotency-Key" in error(pay(app, session, CARD, key), 400, "IKW-REQ-001")["details"]
    assert attempts() == 0


def test_a_code_is_sent_once(app: Flask) -> None:
    session = factories.session()
    pay(app, session, wallet("009"), "first")
    code = wallet("009", otp="000000")
    error(pay(app, session, code), 402, "IKW-TRANSFER-001")
    assert pay(app, session, code).json["last_payment_error"]["code"] == "otp_invalid"
    error(pay(app, session, wallet("009", otp="123456")), 409, "IKW-REQ-007")


def test_a_trial_starts_once(app: Flask) -> None:
    recurring = {"interval": "month", "interval_count": 1, "trial_period_days": 7}
    session = factories.session(mode="subscription", recurring=recurring)
    answers = together(4, lambda _: pay(app, session, CARD))
    assert {answer.status_code for answer in answers if not isinstance(answer, Exception)} == {200}
    assert Subscription.select().count() == 1


@pytest.mark.parametrize("token", ["tok_test_card", "tok_test_declined"])
def test_equal_requests_at_once_start_one_attempt(app: Flask, token: str) -> None:
    session = factories.session()
    answers: list[Answer] = together(12, lambda _: pay(app, session, card(token)))
    counted = Counter(answer.status_code for answer in answers)
    assert counted == ({200: 12} if token == "tok_test_card" else {402: 1, 200: 11})
    assert (attempts(), PayKey.select().count()) == (1, 1)


def test_different_requests_at_once_under_one_key_start_one_attempt(app: Flask) -> None:
    session = factories.session()
    answers: list[Answer] = together(
        12, lambda number: pay(app, session, CARD | {"return_url": None} if number % 2 else CARD)
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert attempts() == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_request_is_not_repeated(app: Flask, when: str) -> None:
    session, real = factories.session(), registry.named("sandbox")
    assert real is not None
    dying(app.config["IKAWAARI"], when)
    with pytest.raises(Killed):
        pay(app, session, CARD)
    registry.configure([real])
    again = pay(app, session, CARD)
    assert (again.status_code, again.json["payment_status"], attempts()) == (200, "processing", 1)


def test_a_key_is_kept_for_a_day(app: Flask) -> None:
    from datetime import timedelta

    from ikawaari import clock

    pay(app, factories.session(), CARD)
    idempotency.forget_payments(clock.now() + timedelta(hours=24))
    assert PayKey.select().count() == 1
    idempotency.forget_payments(clock.now() + timedelta(hours=26))
    assert PayKey.select().count() == 0
