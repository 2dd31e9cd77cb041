"""Payment intents that two of somebody's threads confirm at once: one attempt, one charge."""

from collections import Counter

from flask import Flask

from ikawaari import clock
from ikawaari.checkout import enquiry
from ikawaari.store.models import PaymentAttempt, PaymentIntent
from tests.merchant_api.calls import Answer, Shop
from tests.merchant_api.test_intents import INTENTS, NEW, confirm, created, taken, wallet
from tests.world import together


class Again(Shop):
    """The same merchant in another thread."""

    def __init__(self, app: Flask, key: str) -> None:
        self.client = app.test_client()
        self.key = key


def test_thirty_two_at_once_make_one_attempt_and_one_charge(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    intent = created(shop)
    answers: list[Answer] = together(
        32, lambda _: confirm(Again(app, shop.key), intent, {"payment_method": "tok_test_card"})
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 31}
    assert PaymentAttempt.select().count() == 1
    assert taken() == [5000]


def test_thirty_two_at_once_under_one_key_make_one_attempt_and_one_charge(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    body = NEW | {"confirm": True, "payment_method": "tok_test_card"}
    answers: list[Answer] = together(32, lambda _: Again(app, shop.key).post(INTENTS, body, Idempotency_Key="k"))
    assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
    assert shop.post(INTENTS, body, Idempotency_Key="k").status_code == 201
    assert (PaymentIntent.select().count(), taken()) == (1, [5000])


def test_the_page_and_the_server_cannot_pay_at_once(app: Flask) -> None:
    shop = Shop(app, rate_limit=10_000)
    session = shop.opened()

    def pay(number: int) -> Answer:
        who = Again(app, shop.key)
        if number % 2:
            return confirm(who, {"id": session["payment_intent"]}, {"payment_method": "tok_test_card"})
        card = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
        return who.client.post(f"/api/checkout/{session['id']}/pay", json=card)

    answers: list[Answer] = together(16, pay)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 15}
    assert taken() == [5000]


def test_an_answer_that_did_not_come_is_settled_by_enquiry(shop: Shop) -> None:
    intent = created(shop, confirm=True, **wallet("004"))
    assert intent["status"] == "processing"
    enquiry.enquire(intent["attempts"][0]["id"], clock.now())
    assert shop.get(f"{INTENTS}/{intent['id']}").json["status"] == "succeeded"
    assert taken() == [5000]
