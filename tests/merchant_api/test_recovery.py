"""A call whose process was killed in the middle, and its client who sends it again under the same key."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from ikawaari import clock
from ikawaari.checkout import enquiry
from ikawaari.merchants import idempotency
from ikawaari.providers import registry
from ikawaari.store.models import Event, PaymentAttempt, PaymentIntent
from tests.merchant_api.calls import Answer, Shop, error
from tests.merchant_api.test_intents import INTENTS, NEW, taken, wallet
from tests.world import START, Killed, dying

CARD = {"payment_method": "tok_test_card"}


@pytest.fixture
def clockwork() -> Iterator[Any]:
    """A clock that stands until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def shop(app: Flask, clockwork: Any) -> Shop:
    """A merchant, at the time that the clock shows."""
    return Shop(app)


def kill(  # noqa: PLR0917
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, when: str, path: str, body: dict[str, Any]
) -> None:
    """Send it under the key "k" to a process that is killed before or after the charge."""
    real = registry.named("sandbox")
    assert real is not None
    dying(app.config["IKAWAARI"], when)
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "release", lambda _mine: None)  # the dead let go of nothing
        with pytest.raises(Killed):
            shop.post(path, body, Idempotency_Key="k")
    registry.configure([real])


def again(shop: Shop, path: str, body: dict[str, Any]) -> Answer:
    """The client's next try."""
    return shop.post(path, body, Idempotency_Key="k")


@pytest.mark.parametrize("when", ["before", "after"])
def test_create_and_confirm_go_on_with_the_intent_made_before(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any, when: str
) -> None:
    body = NEW | {"confirm": True} | CARD
    kill(app, shop, monkeypatch, when, INTENTS, body)
    error(again(shop, INTENTS, body), 409, "IKW-REQ-008")
    clockwork.shift(61)
    answer = again(shop, INTENTS, body)
    assert (answer.status_code, answer.json["status"]) == (201, "processing")
    assert [row.id for row in PaymentIntent.select()] == [answer.json["id"]]
    enquiry.enquire(PaymentAttempt.get().id, now())
    assert shop.get(f"{INTENTS}/{answer.json['id']}").json["status"] == ("succeeded" if when == "after" else "failed")
    assert taken() == ([5000] if when == "after" else [])
    assert again(shop, INTENTS, body).data == answer.data
    assert Event.select().where(Event.type == "payment_intent.created").count() == 1


def test_a_second_run_that_finds_the_payment_settled_tells_of_it(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any
) -> None:
    body = NEW | {"confirm": True} | CARD
    kill(app, shop, monkeypatch, "after", INTENTS, body)
    clockwork.shift(61)
    enquiry.enquire(PaymentAttempt.get().id, now())
    answer = again(shop, INTENTS, body)
    assert (answer.status_code, answer.json["status"], taken()) == (201, "succeeded", [5000])


@pytest.mark.parametrize("path", ["create", "confirm"])
def test_a_second_run_that_finds_it_declined_does_not_try_again(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any, path: str
) -> None:
    body: dict[str, Any] = {"payment_method": "tok_test_declined"}
    target = INTENTS
    if path == "confirm":
        target = f"{INTENTS}/{shop.post(INTENTS, NEW).json['id']}/confirm"
    else:
        body |= NEW | {"confirm": True}
    kill(app, shop, monkeypatch, "after", target, body)
    clockwork.shift(61)
    enquiry.enquire(PaymentAttempt.get().id, now())
    details = error(again(shop, target, body), 402, "IKW-TRANSFER-001")["details"]
    assert details["payment_intent"] == [PaymentIntent.get().id]
    assert PaymentAttempt.select().count() == 1


def test_a_confirmation_that_was_killed_is_not_done_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any
) -> None:
    path = f"{INTENTS}/{shop.post(INTENTS, NEW).json['id']}/confirm"
    kill(app, shop, monkeypatch, "after", path, CARD)
    clockwork.shift(61)
    answer = again(shop, path, CARD)
    assert (answer.status_code, answer.json["status"], len(answer.json["attempts"])) == (200, "processing", 1)
    assert taken() == [5000]


def test_a_killed_code_is_not_sent_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any
) -> None:
    path = f"{INTENTS}/{shop.post(INTENTS, NEW).json['id']}/confirm"
    assert shop.post(path, wallet("009")).json["status"] == "requires_action"
    clockwork.shift(5)
    kill(app, shop, monkeypatch, "after", path, wallet("009", otp="000000"))
    enquiry.enquire(PaymentAttempt.get().id, now())
    clockwork.shift(61)
    assert error(again(shop, path, wallet("009", otp="000000")), 402, "IKW-TRANSFER-001")
    assert PaymentAttempt.select().count() == 1


def now() -> datetime:
    """What the clock shows."""
    return clock.now()
