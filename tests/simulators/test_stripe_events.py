"""Signed events of the simulator of Stripe: vector S1 with its refusals, and every way in which events go wrong."""

import hashlib
import hmac
import time
from typing import Any

import pytest
import requests
import stripe

from ikawaari.simulators.stripe import signatures
from ikawaari.simulators.web import Request
from tests.simulators.stripe_account import Account, error, events, opened
from tests.simulators.talking import Receiver, eventually

# Vector S1 of the card.
SECRET = "whsec_made_up_secret"
AT = 1_790_000_000
BODY = (
    b'{"id":"evt_test_0001","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_test_0001",'
    b'"object":"payment_intent","status":"succeeded","amount":1000,"amount_received":1000,"currency":"xof"}}}'
)
V1 = "e2277b2b4e0a0565be248a6314ac794a7cb1ec670425e5aba0ddf45027be4da2"


def accepts(header: str | None, body: bytes = BODY, secret: str = SECRET, now: float = AT) -> bool:
    """Whether the official library takes an event at `now`."""
    clock = pytest.MonkeyPatch()
    clock.setattr(time, "time", lambda: now)
    try:
        stripe.Webhook.construct_event(body, header, secret)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    finally:
        clock.undo()
    return True


# ---------------------------------------------------------------- the signature


def test_the_signature_of_the_vector_is_ours() -> None:
    assert signatures.v1(SECRET, AT, BODY) == V1
    assert signatures.header(SECRET, AT, BODY).startswith(f"t={AT},v1={V1},")


def test_the_official_library_takes_the_vector() -> None:
    assert accepts(signatures.header(SECRET, AT, BODY))
    assert accepts(signatures.header(SECRET, AT, BODY), now=AT + 299)


@pytest.mark.parametrize(
    ("header", "given"),
    [
        (None, {}),
        ("", {}),
        (f"t={AT}", {}),
        (f"v1={V1}", {}),
        (f"t={AT},v1={V1}", {"now": AT + 301}),
        (f"t={AT},v1={V1}", {"body": BODY + b"\n"}),
        (f"t={AT},v1={V1}", {"secret": "made_up_secret"}),
        (f"t={AT + 1},v1={V1}", {}),
        (f"t={AT},v0={V1}", {}),
        (f"t={AT},v1={hmac.new(SECRET.encode(), str(AT).encode() + BODY, hashlib.sha256).hexdigest()}", {}),
    ],
    ids=[
        *("unsigned", "empty", "no signature", "no time", "stale", "another body", "without the prefix"),
        *("another time", "only v0", "joined without a dot"),
    ],
)
def test_the_refusals_of_the_vector(header: str | None, given: dict[str, Any]) -> None:
    assert not accepts(header, **given)


def is_signed(shop: Account, request: Request) -> bool:
    """Whether the official library takes an event that arrived just now."""
    header = request.header("Stripe-Signature")
    return accepts(header, request.body, shop.keys["webhook_secret"], time.time())


# ---------------------------------------------------------------- what is sent


def test_a_payment_tells_its_event_signed(shop: Account, receiver: Receiver) -> None:
    paid = shop.pay(metadata={"attempt": "8f3c"})
    [request] = receiver.wait(1)
    assert is_signed(shop, request)
    [event] = events(receiver, 1)
    assert event["type"] == "payment_intent.succeeded"
    assert event["data"]["object"] == paid
    assert (event["object"], event["livemode"], event["api_version"]) == ("event", False, "2026-10-28.endive")
    assert event["pending_webhooks"] == 1
    assert shop.deliveries()[0]["id"] == "8f3c"


def test_every_turn_of_a_payment_is_told(shop: Account, receiver: Receiver) -> None:
    created = shop.create()
    shop.confirm(created["id"], "pm_card_chargeDeclined")
    shop.decide(shop.confirm(created["id"], "pm_card_authenticationRequired").json(), "fail")
    shop.post(f"/v1/payment_intents/{created['id']}/cancel")
    assert [event["type"] for event in events(receiver, 4)] == [
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    ]


def test_processing_and_setups_are_told(shop: Account, receiver: Receiver) -> None:
    shop.set(settles_after=30)
    shop.pay()
    shop.save_card()
    shop.post("/v1/setup_intents", payment_method="pm_card_chargeDeclined", confirm=True)
    shop.advance(31)
    assert [event["type"] for event in events(receiver, 4)] == [
        "payment_intent.processing",
        "setup_intent.succeeded",
        "setup_intent.setup_failed",
        "payment_intent.succeeded",
    ]


def test_an_event_names_the_request_that_caused_it(shop: Account, receiver: Receiver) -> None:
    shop.set(settles_after=30)
    confirm = f"/v1/payment_intents/{shop.create()['id']}/confirm"
    answer = shop.post(confirm, key="a1", payment_method="pm_card_visa")
    shop.advance(31)
    assert [event["request"] for event in events(receiver, 2)] == [
        {"id": answer.headers["Request-Id"], "idempotency_key": "a1"},
        {"id": None, "idempotency_key": None},
    ]


def test_a_dispute_is_told_when_it_opens_and_when_it_ends(shop: Account, receiver: Receiver) -> None:
    paid = shop.pay("pm_card_createDispute")
    shop.advance(7 * 86_400 + 1)
    told = [(event["type"], event["data"]["object"].get("payment_intent")) for event in events(receiver, 3)[1:]]
    assert told == [("charge.dispute.created", paid["id"]), ("charge.dispute.closed", paid["id"])]


def test_an_event_is_repeated_for_three_days_and_signed_anew(shop: Account, receiver: Receiver) -> None:
    receiver.statuses = [500] * 20
    shop.pay()
    for count in range(1, 11):
        receiver.wait(count)
        eventually(lambda count=count: len(shop.deliveries()) == count)  # type: ignore[misc]
        shop.advance(86_401)
    assert len({request.body for request in receiver.wait(10)}) == 1
    assert all(is_signed(shop, request) for request in receiver.received)
    shop.advance(7 * 86_400)
    assert len(receiver.received) == 10


def test_an_event_that_was_taken_is_not_repeated(shop: Account, receiver: Receiver) -> None:
    receiver.statuses = [204]
    shop.pay()
    receiver.wait(1)
    shop.advance(86_400)
    assert len(receiver.received) == 1


# ---------------------------------------------------------------- what goes wrong


def test_events_come_out_of_order(shop: Account, receiver: Receiver) -> None:
    shop.next("reorder")
    created = shop.create()
    shop.decide(shop.confirm(created["id"], "pm_card_authenticationRequired").json(), "complete")
    told = [event["type"] for event in events(receiver, 2)]
    assert told == ["payment_intent.succeeded", "payment_intent.requires_action"]


def test_events_come_twice(shop: Account, receiver: Receiver) -> None:
    shop.next("double_callback")
    shop.pay()
    first, second = events(receiver, 2)
    assert first["id"] == second["id"]


def test_events_come_late_or_never(shop: Account, receiver: Receiver) -> None:
    shop.next("drop_callback")
    shop.next("late_callback", seconds=600)
    lost, late, other = (shop.pay()["id"] for _ in range(3))
    receiver.wait(1)
    shop.advance(601)
    assert [event["data"]["object"]["id"] for event in events(receiver, 2)] == [other, late]
    assert lost in {event["data"]["object"]["id"] for event in shop.get("/v1/events").json()["data"]}


def test_an_event_may_come_before_the_answer(shop: Account, receiver: Receiver) -> None:
    created = shop.create()
    shop.next("early_callback")
    shop.confirm(created["id"])
    assert len(receiver.received) == 1


@pytest.mark.parametrize("kind", ["bad_signature", "unsigned"])
def test_events_come_badly_signed_or_unsigned(shop: Account, receiver: Receiver, kind: str) -> None:
    shop.next(kind)
    shop.pay()
    shop.pay()
    assert [is_signed(shop, request) for request in receiver.wait(2)] == [False, True]


def test_events_come_with_a_stale_signature(shop: Account, receiver: Receiver) -> None:
    shop.set(signature_age=301)
    shop.pay()
    [request] = receiver.wait(1)
    assert not is_signed(shop, request)
    secret, header = shop.keys["webhook_secret"], request.header("Stripe-Signature")
    assert accepts(header, request.body, secret, time.time() - 301)


# ---------------------------------------------------------------- the account's version and modes


def test_the_accounts_version_may_be_other_than_the_pinned_one(shop: Account, receiver: Receiver) -> None:
    shop.set(api_version="2024-06-20")
    shop.pay()
    assert events(receiver, 1)[0]["api_version"] == "2024-06-20"
    answer = shop.get("/v1/events")
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"


def test_a_request_without_a_version_gets_the_accounts(shop: Account) -> None:

    shop.set(api_version="2024-06-20")
    headers = {"Authorization": f"Bearer {shop.secret_key}"}

    def create(name: str) -> requests.Response:
        form = {"amount": "1000", "currency": "xof", f"{name}[]": "card"}
        return requests.post(f"{shop.base_url}/v1/payment_intents", form, headers=headers, timeout=10)

    assert create("payment_method_types").headers["Stripe-Version"] == "2024-06-20"
    assert error(create("allowed_payment_method_types"))["code"] == "parameter_unknown"


def test_live_keys_open_books_of_their_own(shop: Account, receiver: Receiver) -> None:
    tested = shop.create()
    shop.secret_key = shop.secret_key.replace("_test_", "_live_")
    assert shop.get(f"/v1/payment_intents/{tested['id']}").status_code == 404
    assert shop.pay()["livemode"] is True
    assert events(receiver, 1)[0]["livemode"] is True


# ---------------------------------------------------------------- the list of events


def test_events_are_listed_newest_first_and_by_type(shop: Account) -> None:
    shop.pay()
    every = [event["type"] for event in shop.get("/v1/events").json()["data"]]
    assert every == ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]
    wanted = shop.get("/v1/events", types=["charge.succeeded", "payment_intent.created"]).json()["data"]
    assert [event["type"] for event in wanted] == ["charge.succeeded", "payment_intent.created"]
    assert shop.get(f"/v1/events/{wanted[0]['id']}").json() == wanted[0]
    assert [one["type"] for one in shop.get("/v1/events", type="charge.succeeded").json()["data"]] == every[1:2]


def test_an_event_shows_its_object_as_it_was(shop: Account) -> None:
    created = shop.create()
    shop.confirm(created["id"])
    [event] = shop.get("/v1/events", type="payment_intent.created").json()["data"]
    assert event["data"]["object"] == created


def test_without_a_webhook_endpoint_events_are_only_listed() -> None:
    with opened() as shop:
        shop.pay()
        assert len(shop.get("/v1/events").json()["data"]) == 3
        assert shop.deliveries() == []
