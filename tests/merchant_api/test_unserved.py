"""Nothing fails late for want of an account: creating warns; paying says what is missing, and stores nothing."""

from typing import Any

import pytest
from flask import Flask

from ikawaari.config import Config
from ikawaari.store.models import DueWork, Event, PaymentAttempt, PaymentIntent
from tests import accounts as providers
from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop, error

LINKS = "/api/v1/payment_links", "/api/v2/payment_links"
INTENTS = "/api/v1/payment-intents"
WALLET = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": factories.phone("500")}}
NO_WALLETS = {
    "field": "paymentMethodTypes",
    "message": "No provider account takes mobile money in SN (XOF).",
}
NO_CARDS = {"field": "paymentMethodTypes", "message": "No provider account takes cards in XOF."}


@pytest.fixture
def shop(app: Flask, config: Config) -> Shop:
    """A merchant of Senegal with a live key; there is no account yet."""
    providers.install(config)
    return Shop(app, livemode=True)


def warned(answer: Any) -> list[dict[str, str]]:
    """The warnings in the answer to a creation."""
    assert answer.status_code == 201, answer.text
    return list(answer.json["warnings"])


def test_a_live_session_is_opened_without_any_account_and_warns(shop: Shop) -> None:
    assert warned(shop.post(SESSIONS, {"amount": 5000})) == [NO_WALLETS, NO_CARDS]
    assert warned(shop.post(SESSIONS, {"amount": 5000, "paymentMethodTypes": ["card"]})) == [NO_CARDS]
    given = {"amount": 5000, "payment_method_types": ["mobile_money"]}
    assert warned(shop.post(SESSIONS, given)) == [{**NO_WALLETS, "field": "payment_method_types"}]


def test_a_warning_is_replayed_as_it_was(shop: Shop, config: Config) -> None:
    first = shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="warned")
    providers.add(config)
    assert shop.post(SESSIONS, {"amount": 5000}, Idempotency_Key="warned").data == first.data


def test_what_was_not_asked_for_is_not_missed_while_something_is_there(shop: Shop, config: Config) -> None:
    providers.add(config)
    assert warned(shop.post(SESSIONS, {"amount": 5000})) == []
    both = {"amount": 5000, "paymentMethodTypes": ["card", "mobile_money"]}
    assert warned(shop.post(SESSIONS, both)) == [NO_CARDS]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"country": "CI"}, "CI (XOF)"),
        ({"currency": "EUR"}, "EUR"),
        ({"currency": "XAF"}, "XAF"),
        ({"country": "CM"}, "CM (XAF)"),
    ],
    ids=["country", "no wallets", "others' wallets", "other country"],
)
def test_it_says_where(shop: Shop, body: dict[str, Any], where: str) -> None:
    (told,) = warned(shop.post(SESSIONS, {"amount": 5000, "paymentMethodTypes": ["mobile_money"], **body}))
    assert told["message"] == f"No provider account takes mobile money in {where}."


def test_an_account_of_a_neighbor_is_missed_where_the_payer_is(shop: Shop, config: Config) -> None:
    providers.add(config, country="CI")
    only = {"amount": 5000, "paymentMethodTypes": ["mobile_money"]}
    assert warned(shop.post(SESSIONS, only)) == [NO_WALLETS]
    assert warned(shop.post(SESSIONS, {**only, "country": "CI"})) == []


@pytest.mark.parametrize("path", LINKS)
def test_a_live_link_is_made_and_warns(shop: Shop, config: Config, path: str) -> None:
    told = warned(shop.post(path, {"amount": 5000}))
    assert [each["message"] for each in told] == ["No provider account takes mobile money in XOF.", NO_CARDS["message"]]
    assert warned(shop.post(path, {"amount": 5000, "country": "SN", "paymentMethodTypes": ["mobile_money"]})) == [
        NO_WALLETS
    ]
    providers.add(config)
    assert warned(shop.post(path, {"amount": 5000})) == []


def test_a_live_intent_is_made_and_warns_and_is_refused_when_it_is_confirmed(shop: Shop, config: Config) -> None:
    plain = {"amount": 5000, "currency": "xof"}
    assert warned(shop.post(INTENTS, plain)) == [NO_WALLETS, NO_CARDS]
    made = shop.post(INTENTS, {**plain, "payment_method": WALLET})
    missing = "No provider account takes mobile money by orange_sn in XOF now."
    assert warned(made) == [{"field": "payment_method", "message": missing}]
    stored = [model.select().count() for model in (PaymentIntent, PaymentAttempt, Event, DueWork)]
    for path, body in (
        (f"{INTENTS}/{made.json['id']}/confirm", {}),
        (INTENTS, {**plain, "payment_method": WALLET, "confirm": True}),
    ):
        told = error(shop.post(path, body), 503, "IKW-SYS-003")
        assert (told["retryable"], told["details"]) == (False, {"payment_method": [missing]})
    assert [model.select().count() for model in (PaymentIntent, PaymentAttempt, Event, DueWork)] == stored
    providers.add(config)
    assert warned(shop.post(INTENTS, {**plain, "payment_method": WALLET})) == []
    assert shop.post(f"{INTENTS}/{made.json['id']}/confirm", {}).status_code == 200


def test_a_payment_without_a_candidate_stores_nothing_and_says_what_is_missing(shop: Shop, config: Config) -> None:
    session = shop.opened()
    stored = [model.select().count() for model in (PaymentIntent, PaymentAttempt, Event, DueWork)]
    pay = f"/api/checkout/{session['id']}/pay"
    for method, what in (
        (WALLET, "mobile money by orange_sn"),
        ({"type": "card", "card": {"token": "tok_test_card"}}, "cards"),
    ):
        told = error(shop.client.post(pay, json={"payment_method": method}), 503, "IKW-SYS-003")
        assert told["retryable"] is False
        assert told["details"] == {"payment_method": [f"No provider account takes {what} in XOF now."]}
    assert [model.select().count() for model in (PaymentIntent, PaymentAttempt, Event, DueWork)] == stored
    assert shop.client.get(f"/api/checkout/{session['id']}").json["payment_methods"] == []
    providers.add(config)
    assert shop.client.post(pay, json={"payment_method": WALLET}).status_code == 200


def test_a_page_shows_what_its_own_merchant_can_be_paid_with(shop: Shop, app: Flask, config: Config) -> None:
    providers.add(config, merchant_id=shop.merchant.id)
    other = Shop(app, livemode=True)
    pages = [shop.client.get(f"/{each.opened()['id']}").text for each in (shop, other, shop, other)]
    assert ['value="mobile_money"' in page for page in pages] == [True, False, True, False]
    assert "There is no way to pay here yet" in shop.client.get(f"/{other.opened(locale='en')['id']}").text
