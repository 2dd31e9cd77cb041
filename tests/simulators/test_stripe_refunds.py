"""Refunds at the simulator of Stripe: what it refuses, and what becomes of money that was given back."""

from typing import Any

import pytest
import requests

from tests.simulators.stripe_account import Account, error, events
from tests.simulators.talking import Receiver

DAY = 86_400


def refund(shop: Account, intent_id: str, key: str | None = None, **given: Any) -> requests.Response:
    """As the card refunds."""
    return shop.post("/v1/refunds", key=key, payment_intent=intent_id, **given)


def state(shop: Account, refund_id: str) -> str:
    found: str = shop.get(f"/v1/refunds/{refund_id}").json()["status"]
    return found


def test_a_payment_is_refunded_in_parts(shop: Account) -> None:
    paid = shop.pay(metadata={"attempt": "8f3c"})
    given: dict[str, Any] = {"amount": 400, "reason": "requested_by_customer", "metadata": {"refund": "re_1"}}
    first = refund(shop, paid["id"], **given).json()
    assert (first["status"], first["amount"], first["currency"]) == ("succeeded", 400, "xof")
    rest = refund(shop, paid["id"]).json()
    assert rest["amount"] == 600
    entries = [(one["id"], one["of"], one["amount"], one["state"]) for one in shop.refunds()]
    assert entries == [("re_1", "8f3c", "400", "succeeded"), (rest["id"], "8f3c", "600", "succeeded")]
    assert shop.get(f"/v1/charges/{paid['latest_charge']}").json()["refunded"] is True


def test_more_than_the_rest_is_refused(shop: Account) -> None:
    paid = shop.pay()
    refund(shop, paid["id"], amount=400)
    assert error(refund(shop, paid["id"], amount=601))["param"] == "amount"
    assert refund(shop, paid["id"], amount=600).status_code == 200
    assert error(refund(shop, paid["id"], amount=1))["code"] == "charge_already_refunded"
    assert sum(int(one["amount"]) for one in shop.refunds()) == 1_000


def test_only_what_was_taken_is_refunded(shop: Account) -> None:
    declined = shop.pay("pm_card_chargeDeclined")
    assert error(refund(shop, shop.create()["id"]))["param"] == "payment_intent"
    assert error(refund(shop, declined["id"]))["param"] == "payment_intent"
    assert error(shop.post("/v1/refunds", charge=declined["latest_charge"]))["param"] == "charge"
    assert error(refund(shop, "pi_of_nobody"))["code"] == "resource_missing"
    assert shop.refunds() == []


@pytest.mark.parametrize(
    ("param", "given"),
    [
        ("amount", {"amount": 0}),
        ("amount", {"amount": "4.00"}),
        ("reason", {"reason": "bored"}),
        ("colour", {"colour": 1}),
    ],
)
def test_wrong_values_are_refused(shop: Account, param: str, given: dict[str, Any]) -> None:
    assert error(refund(shop, shop.pay()["id"], **given))["param"] == param


def test_the_same_key_gives_back_once(shop: Account) -> None:
    paid = shop.pay()
    first, second = (refund(shop, paid["id"], key="r1", amount=400).json() for _ in range(2))
    assert first == second
    assert len(shop.refunds()) == 1


def test_a_refund_may_be_pending_before_it_succeeds(shop: Account, receiver: Receiver) -> None:
    made = refund(shop, shop.pay("pm_card_pendingRefund")["id"]).json()
    assert (made["status"], shop.refunds()[0]["state"]) == ("pending", "pending")
    shop.advance(3_601)
    assert (state(shop, made["id"]), shop.refunds()[0]["state"]) == ("succeeded", "succeeded")
    told = [(one["type"], one["data"]["object"]["status"]) for one in events(receiver, 4)[1:]]
    assert told == [("refund.created", "pending"), ("charge.refunded", "succeeded"), ("refund.updated", "succeeded")]


def test_a_refund_may_fail_days_after_it_succeeded(shop: Account, receiver: Receiver) -> None:
    paid = shop.pay("pm_card_refundFail")
    made = refund(shop, paid["id"]).json()
    assert made["status"] == "succeeded"
    shop.advance(3 * DAY + 1)
    assert state(shop, made["id"]) == "failed"
    assert shop.refunds()[0]["state"] == "failed"
    [*_, last] = events(receiver, 5)
    assert (last["type"], last["data"]["object"]["failure_reason"]) == ("refund.failed", "lost_or_stolen_card")
    assert shop.get(f"/v1/charges/{paid['latest_charge']}").json()["amount_refunded"] == 0
    assert refund(shop, paid["id"], amount=1_000).status_code == 200


def test_any_refund_may_be_ordered_to_fail(shop: Account) -> None:
    shop.next("refund_fails")
    made = refund(shop, shop.pay("pm_card_pendingRefund")["id"]).json()
    states = [made["status"]]
    for seconds in (3_601, 3 * DAY):
        shop.advance(seconds)
        states.append(state(shop, made["id"]))
    assert states == ["pending", "succeeded", "failed"]


def test_refunds_are_listed_by_their_payment(shop: Account) -> None:
    first, second = shop.pay(), shop.pay()
    made = [refund(shop, first["id"], amount=amount).json()["id"] for amount in (100, 200)]
    refund(shop, second["id"])
    listed = shop.get("/v1/refunds", payment_intent=first["id"]).json()["data"]
    assert [one["id"] for one in listed] == made[::-1]


def test_orders_for_refunds_spoil_refunds(shop: Account) -> None:
    paid = shop.pay()
    shop.next("accepted_then_500", on="refund")
    assert refund(shop, paid["id"], key="r1").status_code == 500
    assert refund(shop, paid["id"], key="r1").headers["Idempotent-Replayed"] == "true"
    assert len(shop.refunds()) == 1
