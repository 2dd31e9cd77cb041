"""A call whose process was killed in the middle, and its client who sends it again under the same key."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from ikawaari import clock
from ikawaari.checkout import attempts, enquiry
from ikawaari.merchants import idempotency
from ikawaari.providers import registry
from ikawaari.store.models import Event, PaymentAttempt, PaymentIntent
from tests.checkout.test_crashes import power_fails_at
from tests.merchant_api.calls import Answer, Shop, error
from tests.merchant_api.test_intents import INTENTS, NEW, taken, wallet
from tests.world import START, Killed, dying, release, together

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


# ---------------------------------------------------------------- what was stored before an answer stays with the key


OTHER = NEW | {"amount": 7000, "confirm": True} | CARD
DOWN = NEW | {"confirm": True} | wallet("008")


def intents() -> list[tuple[int, str]]:
    """Amount and status of every intent, oldest first."""
    rows = PaymentIntent.select().order_by(PaymentIntent.created_at, PaymentIntent.id)
    return [(row.amount, str(row.status)) for row in rows]


def charged() -> list[int]:
    """What payers were charged, refusals left aside."""
    return [amount for amount in taken() if amount]


def test_a_retryable_decline_is_not_kept_and_the_same_body_goes_on_with_its_intent(shop: Shop) -> None:
    first = error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")
    assert first["retryable"] is True
    second = error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")
    assert second["details"] == first["details"]
    assert (intents(), PaymentAttempt.select().count()) == ([(5000, "failed")], 2)


def test_a_correction_cancels_the_intent_of_the_retryable_decline_and_makes_a_new_one(
    shop: Shop, clockwork: Any
) -> None:
    error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")
    clockwork.shift(1)
    answer = again(shop, INTENTS, OTHER)
    assert (answer.status_code, answer.json["status"]) == (201, "succeeded")
    assert (intents(), charged()) == ([(5000, "canceled"), (7000, "succeeded")], [7000])
    assert Event.select().where(Event.type == "payment_intent.canceled").count() == 1
    assert again(shop, INTENTS, OTHER).data == answer.data
    error(again(shop, INTENTS, DOWN), 409, "IKW-REQ-007")


def test_a_correction_that_is_refused_cancels_nothing(shop: Shop, clockwork: Any) -> None:
    error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")
    error(again(shop, INTENTS, OTHER | {"amount": 0}), 400, "IKW-REQ-001")
    error(again(shop, INTENTS, NEW | {"confirm": True} | wallet(operator="orange_fr")), 400, "IKW-CHK-002")
    assert intents() == [(5000, "failed")]
    clockwork.shift(1)
    error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")
    assert intents() == [(5000, "failed")]


def test_a_final_decline_is_kept(shop: Shop) -> None:
    body = NEW | {"confirm": True, "payment_method": "tok_test_declined"}
    first, second = (again(shop, INTENTS, body) for _ in range(2))
    assert (first.status_code, second.data, PaymentAttempt.select().count()) == (402, first.data, 1)
    assert second.headers["Idempotent-Replayed"] == "true"
    error(again(shop, INTENTS, OTHER), 409, "IKW-REQ-007")


@pytest.mark.parametrize("when", ["before", "after"])
def test_while_the_attempt_of_a_killed_call_is_unsettled_a_correction_waits(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any, when: str
) -> None:
    body = NEW | {"confirm": True} | CARD
    kill(app, shop, monkeypatch, when, INTENTS, body)
    error(again(shop, INTENTS, OTHER), 409, "IKW-REQ-008")
    clockwork.shift(61)
    error(again(shop, INTENTS, OTHER), 409, "IKW-RES-003")
    assert intents() == [(5000, "processing")]
    enquiry.enquire(PaymentAttempt.get().id, now())
    answer = again(shop, INTENTS, OTHER)
    if when == "after":
        error(answer, 409, "IKW-REQ-007")
        assert charged() == [5000]
        assert again(shop, INTENTS, body).json["status"] == "succeeded"
    else:
        assert (answer.status_code, charged()) == (201, [7000])
        assert intents() == [(5000, "canceled"), (7000, "succeeded")]


def test_a_confirmation_whose_operator_is_down_may_be_repeated_or_corrected(shop: Shop) -> None:
    path = f"{INTENTS}/{shop.post(INTENTS, NEW).json['id']}/confirm"
    for _ in range(2):
        error(again(shop, path, wallet("008")), 402, "IKW-TRANSFER-002")
    answer = again(shop, path, CARD)
    assert (answer.status_code, answer.json["status"], charged()) == (200, "succeeded", [5000])
    assert again(shop, path, CARD).data == answer.data
    error(again(shop, path, wallet("008")), 409, "IKW-REQ-007")


def test_a_correction_of_a_killed_confirmation_waits_for_its_attempt(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any
) -> None:
    path = f"{INTENTS}/{shop.post(INTENTS, NEW).json['id']}/confirm"
    kill(app, shop, monkeypatch, "after", path, wallet("500"))
    clockwork.shift(61)
    error(again(shop, path, CARD), 409, "IKW-RES-003")
    assert again(shop, path, wallet("500")).json["status"] == "processing"
    assert PaymentAttempt.select().count() == 1


def test_a_run_that_was_taken_for_dead_stores_no_attempt(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any
) -> None:
    intent_id = shop.post(INTENTS, NEW).json["id"]
    path = f"{INTENTS}/{intent_id}/confirm"
    real, answers = attempts.confirm, []

    def slow(*args: Any) -> None:
        monkeypatch.setattr(attempts, "confirm", real)
        clockwork.shift(61)
        answers.append(Shop(app, shop.merchant).post(path, CARD, Idempotency_Key="k"))
        real(*args)

    monkeypatch.setattr(attempts, "confirm", slow)
    assert again(shop, path, CARD).status_code == 409
    assert (answers[0].status_code, PaymentAttempt.select().count(), charged()) == (200, 1, [5000])


def test_equal_calls_at_once_after_a_retryable_decline_charge_once(app: Flask, shop: Shop) -> None:
    error(again(shop, INTENTS, DOWN), 402, "IKW-TRANSFER-002")

    def correct(number: int) -> Answer:
        return Shop(app, shop.merchant).post(INTENTS, OTHER | {"amount": 7000 + number % 2}, Idempotency_Key="k")

    answers: list[Answer] = together(8, correct)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(charged()) == 1
    assert [status for _, status in intents()].count("succeeded") == 1


@pytest.mark.parametrize("statement", range(2, 41, 3))
def test_wherever_a_call_is_killed_its_repetition_charges_once(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, clockwork: Any, statement: int
) -> None:
    body = NEW | {"confirm": True} | CARD
    with monkeypatch.context() as patch, power_fails_at(statement):
        patch.setattr(idempotency, "release", lambda _mine: None)
        with suppress(Killed):
            again(shop, INTENTS, body)
    release()
    clockwork.shift(61)
    for attempt in PaymentAttempt.select():
        enquiry.enquire(attempt.id, now())
    answer = again(shop, INTENTS, body)
    assert answer.status_code in {201, 402}, answer.text
    if answer.status_code == 402:  # killed between the claim and the call: the provider never saw it
        error(answer, 402, "IKW-TRANSFER-002")
        answer = again(shop, INTENTS, body)
    assert (answer.status_code, answer.json["status"]) == (201, "succeeded")
    assert (PaymentIntent.select().count(), charged()) == (1, [5000])


def now() -> datetime:
    """What the clock shows."""
    return clock.now()
