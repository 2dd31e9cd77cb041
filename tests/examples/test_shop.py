"""The example shop: what it believes, and what it does not."""

import hashlib
import hmac
import json
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from uuid import uuid4

import pytest
import requests

from ikawaari.events import signature
from ikawaari.merchants import credentials
from tests.chaos.shop import card, pay, wait_until, wallet
from tests.examples.running import Shop, stopped


def event(session: dict[str, Any], type_: str = "checkout.session.completed", **changes: Any) -> bytes:
    """An event about a session, with an id of its own; `changes` are made to the session."""
    told = {"id": f"evt_{uuid4().hex}", "object": "event", "type": type_, "created": 1, "livemode": False}
    return json.dumps(told | {"data": session | changes}).encode()


def paid(shop: Shop, session_id: str) -> bytes:
    """An event that says the session is paid, whatever is true."""
    return event(shop.session(session_id), status="complete", payment_status="paid")


def completed(shop: Shop, session_id: str) -> str:
    """The id of the event that Ikawaari wrote when the session was paid."""
    wanted = {"object_id": session_id, "type": "checkout.session.completed"}
    (found,) = shop.api("GET", "events", params=wanted)["data"]
    return str(found["id"])


def way_back(shop: Shop, session_id: str) -> str:
    """The signed address to which the checkout's page sends the customer."""
    public = requests.get(f"{shop.served.url}/api/checkout/{session_id}", timeout=10).json()
    return str(public["success_url"])


def tries(shop: Shop, event_id: str) -> list[dict[str, Any]]:
    """Every try to tell the shop of it."""
    endpoint = shop.api("GET", "webhook-endpoints")[0]["id"]
    rows = shop.api("GET", f"webhook-endpoints/{endpoint}/deliveries", params={"limit": 100})["data"]
    return [each for row in rows if row["event"] == event_id for each in row["tries"]]


def refunds_told(shop: Shop, session_id: str) -> list[dict[str, Any]]:
    """Every try to tell the shop of a refund of that session's payment."""
    intent = shop.session(session_id)["payment_intent"]
    done = shop.api("GET", "events", params={"type": "refund.succeeded"})["data"]
    return [each for row in done if row["data"]["payment_intent"] == intent for each in tries(shop, row["id"])]


def signed(shop: Shop, session_id: str, stamp: int, key: str | None = None) -> str:
    """What `{CHECKOUT_SIGNATURE}` becomes for a paid session."""
    text = f"{stamp}.{session_id}.paid".encode()
    return f"{stamp}.{hmac.new(credentials.return_key(key or shop.key).encode(), text, hashlib.sha256).hexdigest()}"


def end(shop: Shop, session_id: str, status: str) -> None:
    """The operator says how the payment ended, which nobody approved yet."""
    body = {"payment_intent_id": shop.session(session_id)["payment_intent"], "status": status}
    assert requests.post(f"{shop.served.url}/api/test/mobile-money/callback", json=body, timeout=10).ok


def test_a_payment_makes_the_order_paid(shop: Shop) -> None:
    order, session = shop.buy()
    assert shop.state(order) == "pending"
    assert pay(shop.served, session, wallet()).status_code == 200
    shop.becomes(order, "paid")
    assert shop.times_told(order, "paid") == 1


def test_the_session_asks_for_what_the_order_costs_and_leads_back(shop: Shop) -> None:
    order, session_id = shop.buy()
    session = shop.session(session_id)
    assert (session["amount"], session["currency"]) == (5000, "XOF")
    assert session["cancel_url"] == f"{shop.url}/orders/{order}"


@pytest.mark.parametrize("is_lost", [False, True])
def test_pressed_again_it_is_the_same_session_though_its_answer_was_lost(shop: Shop, is_lost: bool) -> None:
    order, session = shop.buy()
    if is_lost:
        shop.forget_session(order)
    assert shop.press_again(order).headers["Location"] == shop.session(session)["url"]
    same = {"client_reference_id": order}
    assert [row["id"] for row in shop.api("GET", "checkout/sessions", params=same)["data"]] == [session]


def test_a_declined_payment_leaves_the_order_unpaid_and_payable(shop: Shop) -> None:
    order, session = shop.buy()
    assert pay(shop.served, session, card("tok_test_declined")).status_code == 402
    assert shop.page(f"/return?session={session}") == shop.state(order) == "pending"
    assert pay(shop.served, session, card()).status_code == 200
    shop.becomes(order, "paid")


def test_a_webhook_told_again_and_again_pays_once(shop: Shop) -> None:
    order, session = shop.buy()
    body = paid(shop, session)
    threads = [threading.Thread(target=shop.told, args=(body,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shop.told(body) == 204
    assert (shop.state(order), shop.times_told(order, "paid")) == ("paid", 1)


def test_an_event_seen_before_is_not_looked_at_again(shop: Shop) -> None:
    order, session = shop.buy()
    first = json.loads(event(shop.session(session)))
    again = json.loads(paid(shop, session)) | {"id": first["id"]}
    assert shop.told(json.dumps(first).encode()) == shop.told(json.dumps(again).encode()) == 204
    assert shop.state(order) == "pending"


FORGED = {
    "empty": "",
    "malformed": "t=1,v1=0",
    "guessed": f"t=NOW,v1={'0' * 64}",
    "no number": f"t=¹,v1={'0' * 64}",
    "no digest": f"t=NOW,v1={'é' * 64}",
    "no time": f"t={'9' * 99},v1={'0' * 64}",
}


@pytest.mark.parametrize("header", FORGED.values(), ids=FORGED.keys())
def test_a_forged_webhook_pays_nothing(shop: Shop, header: str) -> None:
    order, session = shop.buy()
    headers = {signature.HEADER: header.replace("NOW", str(int(time.time()))).encode("latin-1")}
    answer = requests.post(f"{shop.url}/webhooks", paid(shop, session), headers=headers, timeout=10)
    assert (answer.status_code, shop.state(order)) == (400, "pending")


def test_a_webhook_beyond_all_measure_is_not_even_read(shop: Shop) -> None:
    with closing(HTTPConnection(shop.url.removeprefix("http://"), timeout=10)) as line:
        line.putrequest("POST", "/webhooks")
        line.putheader("Content-Length", "1100000")
        line.endheaders()  # and no body: who waits for one does not answer
        assert line.getresponse().status == 413


def test_a_webhook_without_a_signature_or_with_another_body_pays_nothing(shop: Shop) -> None:
    order, session = shop.buy()
    body = paid(shop, session)
    assert requests.post(f"{shop.url}/webhooks", body, timeout=10).status_code == 400
    header = signature.of_webhook(shop.secret, int(time.time()), body)
    assert (shop.told(body + b" ", header), shop.state(order)) == (400, "pending")
    assert (shop.told(body, header), shop.state(order)) == (204, "paid")


@pytest.mark.parametrize("seconds", [-310, 310])
def test_a_webhook_of_another_time_pays_nothing(shop: Shop, seconds: int) -> None:
    order, session = shop.buy()
    body = paid(shop, session)
    assert (shop.told(body, at=time.time() + seconds), shop.state(order)) == (400, "pending")
    assert (shop.told(body, at=time.time() + seconds * 0.9), shop.state(order)) == (204, "paid")


def test_another_amount_than_the_orders_is_no_payment(shop: Shop) -> None:
    order, session = shop.buy()
    known = shop.session(session) | {"status": "complete", "payment_status": "paid"}
    assert shop.told(event(known, amount=5)) == shop.told(event(known, currency="GNF")) == 204
    assert shop.state(order) == "pending"


def test_an_event_about_something_else_is_taken_and_moves_nothing(shop: Shop) -> None:
    order, session = shop.buy()
    known = shop.session(session) | {"payment_status": "paid"}
    assert shop.told(event(known, "invoice.paid")) == shop.told(event(known, client_reference_id=None)) == 204
    assert shop.state(order) == "pending"


def test_a_genuine_return_is_thanked_before_the_webhook_came_and_stores_nothing(shop: Shop) -> None:
    order, session = shop.buy()
    stamp = int(time.time())
    assert shop.page(f"/return?session={session}&signature={signed(shop, session, stamp)}") == "paid"
    assert shop.state(order) == "pending"
    stale = signed(shop, session, stamp - 310)
    assert shop.page(f"/return?session={session}&signature={stale}") == "pending"


def test_the_address_that_the_checkout_signs_is_believed(shop: Shop) -> None:
    order, session = shop.buy()
    pay(shop.served, session, card())
    assert shop.page(way_back(shop, session)) == "paid"
    shop.becomes(order, "paid")


def test_a_forged_return_shows_nothing_as_paid(shop: Shop) -> None:
    order, session = shop.buy()
    _, other = shop.buy()
    stamp = int(time.time())
    forged = [
        "",
        "x",
        f"{stamp}.{'0' * 64}",
        "¹.é",
        signed(shop, other, stamp),
        signed(shop, session, stamp, "ik_test_x"),
    ]
    assert {shop.page(f"/return?session={session}&signature={each}") for each in forged} == {"pending"}
    assert shop.state(order) == "pending"
    assert requests.get(f"{shop.url}/return?session=cs_none", timeout=10).status_code == 404


@pytest.mark.parametrize("before", ["pending", "expired"])
def test_a_return_without_a_signature_asks_the_api(shop: Shop, before: str) -> None:
    order, session = shop.buy()
    shop.told(event(shop.session(session), status="open" if before == "pending" else "expired"))
    endpoint = shop.api("GET", "webhook-endpoints")[0]["id"]
    shop.api("POST", f"webhook-endpoints/{endpoint}", json={"enabled": False})
    try:
        pay(shop.served, session, card())
        assert shop.state(order) == before
        assert shop.page(f"/return?session={session}") == shop.state(order) == "paid"
    finally:
        shop.api("POST", f"webhook-endpoints/{endpoint}", json={"enabled": True})


def test_what_was_paid_while_the_shop_was_down_is_told_when_it_is_back(shop: Shop) -> None:
    order, session = shop.buy()
    with stopped(shop):
        assert pay(shop.served, session, card()).status_code == 200
        told = completed(shop, session)
        wait_until(lambda: len(tries(shop, told)) == 1, "the webhook found nobody")
    assert shop.state(order) == "pending"
    shop.api("POST", f"events/{told}/redeliver")
    shop.becomes(order, "paid")
    wait_until(lambda: len(tries(shop, told)) == 2, "the shop's answer is known")
    shop.api("POST", f"events/{told}/redeliver")
    wait_until(lambda: len(tries(shop, told)) == 3, "it is told once more")
    assert shop.times_told(order, "paid") == 1


def test_the_order_says_how_much_went_back(shop: Shop) -> None:
    order, session = shop.buy()
    pay(shop.served, session, card())
    shop.becomes(order, "paid")
    refund = {"payment_intent": shop.session(session)["payment_intent"], "amount": 2000}
    shop.api("POST", "refunds", json=refund)
    shop.becomes(order, "partially_refunded")
    shop.api("POST", "refunds", json=refund | {"amount": 3000})
    shop.becomes(order, "refunded")
    assert shop.told(paid(shop, session)) == 204
    assert shop.state(order) == "refunded"


def test_money_that_was_not_the_orders_goes_back_without_a_word_about_the_order(shop: Shop) -> None:
    order, session = shop.buy()
    pay(shop.served, session, wallet("012"))
    wait_until(lambda: bool(refunds_told(shop, session)), "what was taken is given back")
    assert shop.state(order) == "pending"


def test_money_that_comes_after_the_end_is_not_just_delivered(shop: Shop) -> None:
    order, session = shop.buy()
    pay(shop.served, session, wallet("011"))
    end(shop, session, "failed")
    wait_until(lambda: shop.session(session)["payment_status"] == "unpaid", "it failed")
    shop.api("POST", f"checkout/sessions/{session}/expire")
    shop.becomes(order, "expired")
    end(shop, session, "succeeded")
    shop.becomes(order, "paid_late")
    assert shop.times_told(order, "paid") == 0


def test_a_checkout_that_does_not_answer_takes_nothing(shop: Shop) -> None:
    order, session = shop.buy()
    shop.served.stop()
    try:
        assert requests.post(f"{shop.url}/orders", timeout=10).status_code == 503
        assert shop.press_again(order).status_code == 303
        assert shop.page(f"/return?session={session}") == shop.state(order) == "pending"
    finally:
        shop.served.start()
