"""Subscriptions over REST: seen, ended, and moved in time by whoever tests them."""

from typing import Any

import pytest
from flask import Flask

from ikawaari import clock, worker
from ikawaari.merchants import idempotency
from ikawaari.store.models import CheckoutSession, DueWork, Event, Subscription
from tests.merchant_api.calls import MISSING, Answer, Shop, error, refused
from tests.merchant_api.documents import strict

SUBSCRIPTIONS = "/api/v1/billing/subscriptions"
EVERY_ROUTE = [
    ("GET", SUBSCRIPTIONS + "/{id}"),
    ("GET", SUBSCRIPTIONS + "/{id}/invoices"),
    ("POST", SUBSCRIPTIONS + "/{id}/cancel"),
    ("POST", "/api/test/subscriptions/{id}/advance"),
]


def subscribe(shop: Shop, token: str = "tok_test_card", **body: Any) -> str:
    """The id of a new monthly subscription over 5,000 XOF."""
    opened = shop.opened(mode="subscription", **({"recurring": {"interval": "month"}} | body))
    payment = {"payment_method": {"type": "card", "card": {"token": token}}}
    assert shop.client.post(f"/api/checkout/{opened['id']}/pay", json=payment).status_code == 200
    return str(shop.get(f"/api/v1/checkout/sessions/{opened['id']}").json["subscription"])


def work() -> None:
    """A worker comes by."""
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass


def advance(shop: Shop, subscription_id: str) -> Answer:
    """Let the next thing come, and be done."""
    answer = shop.post(f"/api/test/subscriptions/{subscription_id}/advance")
    work()
    return answer


def call(shop: Shop, method: str, path: str, subscription_id: str) -> Answer:
    """Call a route."""
    return (shop.get if method == "GET" else shop.post)(path.format(id=subscription_id))


def test_a_subscription_tells_what_was_agreed(shared_shop: Shop) -> None:
    subscription_id = subscribe(shared_shop, clientReferenceId="77", metadata={"plan": 1})
    told = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}").json
    assert (told["object"], told["status"], told["amount"], told["currency"]) == ("subscription", "active", 5000, "xof")
    assert (told["client_reference_id"], told["metadata"]) == ("77", {"plan": 1})
    assert (told["cancel_at_period_end"], told["canceled_at"], told["trial_end"]) == (False, None, None)
    (invoice,) = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}/invoices").json["data"]
    assert (invoice["id"], invoice["period_end"]) == (told["latest_invoice"], told["current_period_end"])
    assert (invoice["status"], invoice["attempt_count"], invoice["checkout_session"]) == (
        "paid",
        1,
        told["checkout_session"],
    )


def test_answers_are_as_the_document_tells(shared_shop: Shop) -> None:
    document = shared_shop.client.get("/openapi.json").json
    subscription_id = subscribe(shared_shop, "tok_test_renewal_declined")
    for _ in range(2):
        told = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}").json
        strict(document, {"$ref": "#/components/schemas/Subscription"}).validate(told)
        listed = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}/invoices").json
        strict(document, {"$ref": "#/components/schemas/InvoiceList"}).validate(listed)
        advance(shared_shop, subscription_id)


def test_a_developer_sees_a_year_go_by_in_a_minute(shared_shop: Shop) -> None:
    subscription_id = subscribe(shared_shop, "tok_test_renewal_declined", recurring={"interval": "year"})
    assert advance(shared_shop, subscription_id).status_code == 200
    told = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}").json
    assert told["status"] == "past_due"
    (late, _) = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}/invoices").json["data"]
    assert (late["status"], late["last_payment_error"]["code"]) == ("open", "card_declined")
    assert 2 * 86_400 < late["next_payment_attempt"] - clock.unix(clock.now()) <= 3 * 86_400
    assert late["hosted_invoice_url"] == f"http://localhost/{late['checkout_session']}"
    for _ in range(4):
        advance(shared_shop, subscription_id)
    assert shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}").json["status"] == "unpaid"
    error(advance(shared_shop, subscription_id), 409, "IKW-RES-002")


def test_an_invoice_s_page_takes_the_money_that_the_bank_refused_behind_it(shared_shop: Shop) -> None:
    subscription_id = subscribe(shared_shop, "tok_test_renewal_declined")
    advance(shared_shop, subscription_id)
    (late, _) = shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}/invoices").json["data"]
    payment = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    assert shared_shop.client.post(f"/api/checkout/{late['checkout_session']}/pay", json=payment).status_code == 200
    assert shared_shop.get(f"{SUBSCRIPTIONS}/{subscription_id}").json["status"] == "active"


def test_the_list_is_filtered_by_status(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    active, canceled = subscribe(shop), subscribe(shop)
    shop.post(f"{SUBSCRIPTIONS}/{canceled}/cancel")
    for status, ids in (("active", [active]), ("canceled", [canceled]), ("unpaid", [])):
        assert [one["id"] for one in shop.get(f"{SUBSCRIPTIONS}?status={status}").json["data"]] == ids
    assert [one["id"] for one in shop.get(f"{SUBSCRIPTIONS}?limit=1").json["data"]] == [canceled]
    assert shop.get(f"{SUBSCRIPTIONS}?customer=cus_1").json["data"] == []
    refused(shop.get(f"{SUBSCRIPTIONS}?status=late"), "status")


def test_invoices_come_newest_first_page_by_page(shared_shop: Shop) -> None:
    subscription_id = subscribe(shared_shop)
    advance(shared_shop, subscription_id)
    advance(shared_shop, subscription_id)
    path = f"{SUBSCRIPTIONS}/{subscription_id}/invoices?limit=2"
    first = shared_shop.get(path).json
    second = shared_shop.get(f"{path}&cursor={first['next_cursor']}").json
    assert [invoice["period"] for invoice in first["data"] + second["data"]] == [3, 2, 1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert shared_shop.get(f"{path}&status=open").json["data"] == []


@pytest.mark.parametrize(
    ("body", "status", "flag"),
    [(None, "canceled", False), ({}, "canceled", False), ({"at_period_end": True}, "active", True)],
)
def test_a_subscription_is_canceled_now_or_later(shared_shop: Shop, body: Any, status: str, flag: bool) -> None:
    path = f"{SUBSCRIPTIONS}/{subscribe(shared_shop)}/cancel"
    answer = shared_shop.post(path, body, Idempotency_Key="end")
    assert (answer.status_code, answer.json["status"], answer.json["cancel_at_period_end"]) == (200, status, flag)
    assert (answer.json["canceled_at"] is not None) == (status == "canceled")
    again = shared_shop.post(path, body, Idempotency_Key="end")
    assert (again.data, again.headers["Idempotent-Replayed"]) == (answer.data, "true")


def test_what_is_canceled_is_not_canceled_again(shared_shop: Shop) -> None:
    path = f"{SUBSCRIPTIONS}/{subscribe(shared_shop)}/cancel"
    shared_shop.post(path)
    error(shared_shop.post(path), 409, "IKW-RES-002")
    refused(shared_shop.post(path, {"at_period_end": "yes"}), "at_period_end")
    refused(shared_shop.post(path, {"refund": True}), "refund")


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE, ids=[*map(" ".join, EVERY_ROUTE)])
class TestOneSubscription:
    """Whose it is, and of which mode."""

    def test_one_s_own_is_found(self, shared_shop: Shop, method: str, path: str) -> None:
        assert call(shared_shop, method, path, subscribe(shared_shop)).status_code == 200

    def test_another_merchant_s_is_not_found(self, shared_app: Flask, method: str, path: str) -> None:
        theirs = subscribe(Shop(shared_app))
        error(call(Shop(shared_app), method, path, theirs), 404, "IKW-RES-001")

    def test_a_test_one_is_not_found_by_a_live_key(self, shared_app: Flask, method: str, path: str) -> None:
        shop = Shop(shared_app)
        live = Shop(shared_app, shop.merchant, livemode=True)
        error(call(live, method, path, subscribe(shop)), 404, "IKW-RES-001")

    def test_a_live_one_is_not_found_by_a_test_key(self, shared_app: Flask, method: str, path: str) -> None:
        shop = Shop(shared_app)
        error(call(shop, method, path, made_live(subscribe(shop))), 404, "IKW-RES-001")

    @pytest.mark.parametrize("odd", [MISSING, "sub_", "..", "%00", "é", "a" * 500])
    def test_an_odd_id_is_not_found(self, shared_shop: Shop, method: str, path: str, odd: str) -> None:
        error(call(shared_shop, method, path, odd), 404, "IKW-RES-001")


def made_live(subscription_id: str) -> str:
    """The subscription, as if a live session had made it: no provider takes live money here."""
    Subscription.update(livemode=True).where(Subscription.id == subscription_id).execute()
    CheckoutSession.update(livemode=True).where(
        CheckoutSession.id == Subscription.get_by_id(subscription_id).session_id
    ).execute()
    return subscription_id


def test_nobody_moves_the_time_of_a_live_subscription(shared_app: Flask) -> None:
    shop = Shop(shared_app)
    subscription_id = made_live(subscribe(shop))
    before = Subscription.get_by_id(subscription_id).__data__
    due = list(DueWork.select().where(DueWork.subject == subscription_id).tuples())
    live = Shop(shared_app, shop.merchant, livemode=True)
    for who in (shop, live):
        error(who.post(f"/api/test/subscriptions/{subscription_id}/advance"), 404, "IKW-RES-001")
    assert Subscription.get_by_id(subscription_id).__data__ == before
    assert list(DueWork.select().where(DueWork.subject == subscription_id).tuples()) == due
    assert live.get(f"{SUBSCRIPTIONS}/{subscription_id}").status_code == 200


def test_a_cancellation_that_is_not_kept_is_not_told(shared_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    subscription_id = subscribe(shared_shop)
    monkeypatch.setattr(idempotency, "keep", lambda *_: 1 / 0)
    assert shared_shop.post(f"{SUBSCRIPTIONS}/{subscription_id}/cancel", Idempotency_Key="k").status_code == 500
    assert Subscription.get_by_id(subscription_id).status == "active"
    assert not Event.select().where(Event.type == "subscription.canceled", Event.object_id == subscription_id).exists()
