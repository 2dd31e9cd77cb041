"""The webhooks of the simulated Wave: what they say, how they are signed, and how they go wrong."""

import time
from typing import Any

import pytest
import requests

from ikawaari.simulators.wave import rules, simulator
from ikawaari.simulators.web import Answer, Request
from tests.simulators.talking import Receiver, eventually
from tests.simulators.wave_wallet import REFERENCE, SUCCESS_URL, Wallet, hexdigest, press

SECRET = rules.webhook_secret("sn")


def events(callbacks: list[Request]) -> list[tuple[str, str]]:
    return [(event["type"], event["data"].get("client_reference")) for event in (one.json() for one in callbacks)]


def signatures(callback: Request) -> tuple[int, list[str]]:
    """The time, and every signature."""
    header = callback.header("Wave-Signature") or ""
    moment, *rest = header.split(",")
    return int(moment.removeprefix("t=")), [one.removeprefix("v1=") for one in rest]


def pay(wave: Wallet, **changes: object) -> dict[str, Any]:
    session = wave.opened(**changes)
    press(session, "pay")
    return session


# ---------------------------------------------------------------- what is said


def test_a_payment_is_told_with_the_whole_session(wave: Wallet, receiver: Receiver) -> None:
    session = pay(wave)
    [callback] = receiver.wait(1)
    event = callback.json()
    assert (callback.method, callback.path) == ("POST", "/callbacks/acc_test")
    assert event["id"].startswith("EV_")
    assert event["type"] == "checkout.session.completed"
    assert event["data"] == wave.session(session)


def test_a_payment_is_told_before_the_browser_is_back(wave: Wallet, receiver: Receiver) -> None:
    session = wave.opened()
    wave.sim.next("early_callback", on="page")
    assert press(session, "pay") == SUCCESS_URL
    assert events(receiver.received) == [("checkout.session.completed", REFERENCE)]


@pytest.mark.parametrize("is_bare", [False, True], ids=["with-reference", "bare"])
def test_a_failed_try_is_told_without_the_session(wave: Wallet, receiver: Receiver, *, is_bare: bool) -> None:
    wave.sim.set(bare_failures=is_bare)
    session = wave.opened()
    press(session, "decline")
    event = receiver.wait(1)[0].json()
    assert event["type"] == "checkout.session.payment_failed"
    names = {"id", "last_payment_error"} | (set() if is_bare else {"client_reference", "payment_status"})
    assert set(event["data"]) == names
    assert (event["data"]["id"], event["data"]["last_payment_error"]["code"]) == (session["id"], "insufficient-funds")


def test_neither_an_expiry_nor_a_refund_is_told(wave: Wallet, receiver: Receiver) -> None:
    wave.expire(wave.opened())
    wave.refund(pay(wave, client_reference="second"))
    pay(wave, client_reference="third")
    assert events(receiver.wait(2)) == [("checkout.session.completed", name) for name in ("second", "third")]


def test_an_event_of_any_type_can_be_sent(wave: Wallet, receiver: Receiver) -> None:
    address = f"{wave.sim.base_url}/_sim/webhook"
    for given in ({"type": "test.test_event"}, {"type": "merchant.payment_received", "data": {"id": "T1"}}):
        assert requests.post(address, json=given, timeout=5).status_code == 202
    received = [callback.json() for callback in receiver.wait(2)]
    assert [(one["type"], one["data"]) for one in received] == [
        ("test.test_event", {}),
        ("merchant.payment_received", {"id": "T1"}),
    ]
    moment, [signature] = signatures(receiver.received[0])
    assert signature == hexdigest(SECRET, str(moment).encode() + receiver.received[0].body)
    assert wave.sim.charges() == []


def test_another_wallet_has_no_webhook_here(wave: Wallet, receiver: Receiver) -> None:
    pay(Wallet(wave.sim, "ci"))
    pay(wave)
    eventually(lambda: len(wave.sim.deliveries()) == 1)
    assert receiver.wait(1)[0].json()["data"]["currency"] == "XOF"
    assert len(wave.sim.charges()) == 2


# ---------------------------------------------------------------- how it is signed


def test_the_signature_covers_the_time_and_the_raw_body_with_nothing_between(wave: Wallet, receiver: Receiver) -> None:
    pay(wave)
    [callback] = receiver.wait(1)
    moment, made = signatures(callback)
    text = str(moment).encode()
    assert abs(moment - time.time()) < 60
    assert made == [hexdigest(SECRET, text + callback.body)]
    wrong = [text + b"." + callback.body, text + b"," + callback.body, callback.body]
    assert not {hexdigest(SECRET, message) for message in wrong} & set(made)
    assert callback.header("Authorization") is None


def test_there_may_be_two_signatures_and_the_second_is_right(wave: Wallet, receiver: Receiver) -> None:
    wave.sim.set(sends_two_signatures=True)
    pay(wave)
    [callback] = receiver.wait(1)
    moment, (first, second) = signatures(callback)
    assert second == hexdigest(SECRET, str(moment).encode() + callback.body) != first


def test_the_shared_secret_is_the_other_way_and_nothing_is_signed(wave: Wallet, receiver: Receiver) -> None:
    wave.sim.set(webhook_mode="shared")
    pay(wave)
    [callback] = receiver.wait(1)
    assert callback.header("Authorization") == f"Bearer {SECRET}"
    assert callback.header("Wave-Signature") is None


@pytest.mark.parametrize("mode", ["signing", "shared"])
def test_a_webhook_may_be_signed_by_somebody_else_or_not_at_all(wave: Wallet, receiver: Receiver, mode: str) -> None:
    wave.sim.set(webhook_mode=mode)
    wave.sim.next("bad_signature")
    wave.sim.next("unsigned")
    pay(wave)
    pay(wave, client_reference="second")
    bad, unsigned = receiver.wait(2)
    assert (unsigned.header("Wave-Signature"), unsigned.header("Authorization")) == (None, None)
    if mode == "shared":
        assert bad.header("Authorization") not in {None, f"Bearer {SECRET}"}
    else:
        moment, made = signatures(bad)
        assert made
        assert hexdigest(SECRET, str(moment).encode() + bad.body) not in made


# ---------------------------------------------------------------- how it goes wrong


def test_a_webhook_may_come_twice_with_one_id(wave: Wallet, receiver: Receiver) -> None:
    wave.sim.next("double_callback")
    pay(wave)
    first, second = receiver.wait(2)
    assert first.body == second.body


@pytest.mark.parametrize("kind", ["drop_callback", "late_callback", "reorder"])
def test_a_webhook_may_be_lost_late_or_overtaken(wave: Wallet, receiver: Receiver, kind: str) -> None:
    wave.sim.next(kind)
    pay(wave, client_reference="first")
    pay(wave, client_reference="second")
    eventually(lambda: bool(receiver.received))
    wave.sim.advance(100)
    names = [name for _, name in events(receiver.wait(1 if kind == "drop_callback" else 2))]
    assert names == (["second"] if kind == "drop_callback" else ["second", "first"])


def test_a_webhook_is_repeated_for_three_days_until_a_2xx_answers_it(wave: Wallet, receiver: Receiver) -> None:
    receiver.statuses = [500] * 7 + [204]
    pay(wave)
    for count in range(1, 9):
        eventually(lambda count=count: len(wave.sim.deliveries()) == count)  # type: ignore[misc]
        wave.sim.advance(144_001)
    assert [note["answered"] for note in wave.sim.deliveries()] == [500] * 7 + [204]
    assert len({callback.body for callback in receiver.received}) == 1


def test_a_webhook_that_is_not_answered_in_time_is_repeated(
    wave: Wallet, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert simulator.PATIENCE_SECONDS == 5
    monkeypatch.setattr(simulator, "PATIENCE_SECONDS", 0.1)
    receive = receiver._receive

    def receive_slowly(request: Request) -> Answer:
        time.sleep(0.3)
        return receive(request)

    monkeypatch.setattr(receiver._server, "respond", receive_slowly)
    pay(wave)
    eventually(lambda: [note["answered"] for note in wave.sim.deliveries()] == ["ReadTimeout"])
    monkeypatch.setattr(receiver._server, "respond", receive)
    wave.sim.advance(11)
    eventually(lambda: [note["answered"] for note in wave.sim.deliveries()] == ["ReadTimeout", 200])


def test_a_webhook_of_a_late_payment_follows_the_end_of_the_session(wave: Wallet, receiver: Receiver) -> None:
    wave.sim.next("late_success")
    session = wave.opened()
    wave.sim.advance(1900)
    assert events(receiver.wait(1)) == [("checkout.session.completed", REFERENCE)]
    assert wave.session(session)["checkout_status"] == "complete"
