"""An independent voice: the official client, as a caller of the simulator and as the list of parameters that exist."""

import ast
import importlib.util
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from ikawaari.simulators.stripe import kinds
from ikawaari.simulators.stripe.endpoints import ENDPOINTS, Endpoint
from ikawaari.simulators.stripe.kinds import Hash, Kind
from tests.simulators.stripe_account import BACK, VERSION, Account, events, flat, intent
from tests.simulators.talking import Receiver

# ---------------------------------------------------------------- the parameters that exist

PARAMS = Path(str(importlib.util.find_spec("stripe").origin)).parent / "params"  # type: ignore[union-attr]

# By method and address: the file that lists the request's parameters.
FILES = {
    "POST /v1/payment_intents": "_payment_intent_create_params",
    "GET /v1/payment_intents": "_payment_intent_list_params",
    "GET /v1/payment_intents/search": "_payment_intent_search_params",
    "GET /v1/payment_intents/{id}": "_payment_intent_retrieve_params",
    "POST /v1/payment_intents/{id}/confirm": "_payment_intent_confirm_params",
    "POST /v1/payment_intents/{id}/cancel": "_payment_intent_cancel_params",
    "POST /v1/setup_intents": "_setup_intent_create_params",
    "GET /v1/setup_intents": "_setup_intent_list_params",
    "GET /v1/setup_intents/{id}": "_setup_intent_retrieve_params",
    "POST /v1/setup_intents/{id}/confirm": "_setup_intent_confirm_params",
    "POST /v1/setup_intents/{id}/cancel": "_setup_intent_cancel_params",
    "POST /v1/payment_methods": "_payment_method_create_params",
    "GET /v1/payment_methods": "_payment_method_list_params",
    "GET /v1/payment_methods/{id}": "_payment_method_retrieve_params",
    "POST /v1/payment_methods/{id}/attach": "_payment_method_attach_params",
    "POST /v1/payment_methods/{id}/detach": "_payment_method_detach_params",
    "POST /v1/customers": "_customer_create_params",
    "GET /v1/customers": "_customer_list_params",
    "GET /v1/customers/{id}": "_customer_retrieve_params",
    "DELETE /v1/customers/{id}": "_customer_delete_params",
    "GET /v1/customers/{id}/payment_methods": "_customer_list_payment_methods_params",
    "POST /v1/test_helpers/confirmation_tokens": "test_helpers/_confirmation_token_create_params",
    "GET /v1/confirmation_tokens/{id}": "_confirmation_token_retrieve_params",
    "POST /v1/refunds": "_refund_create_params",
    "GET /v1/refunds": "_refund_list_params",
    "GET /v1/refunds/{id}": "_refund_retrieve_params",
    "GET /v1/charges": "_charge_list_params",
    "GET /v1/charges/{id}": "_charge_retrieve_params",
    "GET /v1/balance_transactions": "_balance_transaction_list_params",
    "GET /v1/balance_transactions/{id}": "_balance_transaction_retrieve_params",
    "GET /v1/events": "_event_list_params",
    "GET /v1/events/{id}": "_event_retrieve_params",
}
SCRIPTS_OWN = "POST /v1/confirmation_tokens"  # the browser script's; the client has nothing for it

# What the card sends (5.2, 5.5, 5.6): the simulator must know it.
SENT: Mapping[str, Sequence[str]] = {
    "POST /v1/payment_intents": [
        *("amount", "currency", "allowed_payment_method_types", "description", "metadata", "setup_future_usage"),
        *("customer", "payment_method", "off_session", "confirm", "error_on_requires_action", "return_url"),
        *("receipt_email", "statement_descriptor_suffix"),
    ],
    "POST /v1/payment_intents/{id}/confirm": ["payment_method", "confirmation_token", "return_url"],
    "POST /v1/payment_intents/{id}/cancel": ["cancellation_reason"],
    "GET /v1/payment_intents": ["created", "limit", "starting_after"],
    "GET /v1/payment_intents/search": ["query"],
    "POST /v1/setup_intents": [
        *("allowed_payment_method_types", "customer", "usage", "metadata", "confirm", "return_url"),
        *("payment_method", "confirmation_token"),
    ],
    "POST /v1/setup_intents/{id}/confirm": ["payment_method", "confirmation_token", "return_url"],
    "POST /v1/refunds": ["payment_intent", "amount", "reason", "metadata"],
    "GET /v1/refunds": ["payment_intent", "limit"],
    "POST /v1/customers": ["email", "name", "metadata"],
    "GET /v1/balance_transactions": ["created", "limit", "starting_after", "expand"],
}


ODD = [
    *("1000", "0", "true", "false", "", "xof", "card", "é\x00", "9" * 30, "https://shop.example/back", "http://["),
    *("pm_card_visa", "pm_card_authenticationRequired", "pm_card_chargeDeclined", "data.customer", "off_session"),
]


def names(known: Mapping[str, Kind]) -> list[str]:
    """The names of parameters as a form has them, those inside of hashes included."""
    inside = [f"{name}[{one}]" for name, kind in known.items() if isinstance(kind, Hash) for one in kind.known]
    return [*known, *inside]


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def listed(file: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The first class of a file of parameters, and of each class the names with their annotations."""
    tree = ast.parse((PARAMS / f"{file}.py").read_text())
    classes = {
        node.name: {
            one.target.id: ast.unparse(one.annotation)
            for one in node.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    return next(iter(classes)), classes


def invented(known: Mapping[str, Kind], name: str, classes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is `known` and is not in the class `name`, at any depth."""
    found = []
    for parameter, kind in known.items():
        annotation = classes[name].get(parameter)
        if annotation is None:
            found.append(f"{name}.{parameter}")
        elif isinstance(kind, Hash):
            inner = max((one for one in classes if one in annotation), key=len)
            found += invented(kind.known, inner, classes)
    return found


def test_every_endpoint_is_compared() -> None:
    assert {named(endpoint) for endpoint in ENDPOINTS} == {*FILES, SCRIPTS_OWN}


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if named(one) != SCRIPTS_OWN], ids=named)
def test_no_parameter_is_invented(endpoint: Endpoint) -> None:
    name, classes = listed(FILES[named(endpoint)])
    assert invented(endpoint.parameters.known, name, classes) == []
    assert endpoint.parameters.required <= set(endpoint.parameters.known)


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if named(one) in SENT], ids=named)
def test_what_the_card_sends_is_known(endpoint: Endpoint) -> None:
    assert set(SENT[named(endpoint)]) <= set(endpoint.parameters.known)


def test_the_comparison_finds_what_is_invented() -> None:
    name, classes = listed("_payment_intent_create_params")
    automatic = Hash({"enabled": kinds.boolean, "colour": kinds.text()})
    known: dict[str, Kind] = {"payment_method_types": kinds.text(), "automatic_payment_methods": automatic}
    assert invented(known, name, classes) == [
        "PaymentIntentCreateParams.payment_method_types",
        "PaymentIntentCreateParamsAutomaticPaymentMethods.colour",
    ]


def test_every_endpoint_refuses_a_parameter_that_does_not_exist(shop: Account) -> None:
    for endpoint in ENDPOINTS:
        url = shop.base_url + endpoint.path.replace("{id}", "pi_1")
        given = {"params" if endpoint.method == "GET" else "data": {"colour": "red"}}
        answer = requests.request(endpoint.method, url, headers=shop.headers(), timeout=10, **given)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parameter_unknown"), named(endpoint)


def test_no_request_breaks_the_simulator(shop: Account) -> None:
    some, ids = random.Random(1), ["pi_1"]
    for _ in range(600):
        endpoint = some.choice(ENDPOINTS)
        given = some.choices(names(endpoint.parameters.known), k=3) if endpoint.parameters.known else []
        form = [(name + some.choice(("", "", "[]", "[a]", "[")), some.choice([*ODD, *ids[-5:]])) for name in given]
        usual = flat(intent()) if "currency" in endpoint.parameters.known else []
        url = shop.base_url + endpoint.path.replace("{id}", some.choice(ids[-5:]))
        sent = {"params" if endpoint.method == "GET" else "data": usual + form}
        answer = shop.session.request(endpoint.method, url, headers=shop.headers(), timeout=10, **sent)  # type: ignore[arg-type]
        assert answer.status_code in {200, 400, 402, 404}, (url, form, answer.text)
        ids += [answer.json()["id"]] if "id" in answer.json() else []


# ---------------------------------------------------------------- the client


@pytest.fixture
def client(shop: Account) -> Any:
    """The official client of the shop."""
    addresses = {"api": shop.base_url}
    return stripe.StripeClient(shop.secret_key, base_addresses=addresses, max_network_retries=0).v1


TWO_STEPS = {
    "amount": 1_000,
    "currency": "xof",
    "allowed_payment_method_types": ["card"],
    "metadata": {"attempt": "8f3c"},
}


def test_the_client_pins_the_version_of_the_card() -> None:
    assert stripe.api_version == VERSION


def test_the_client_pays_in_two_steps_and_refunds(client: Any, shop: Account) -> None:
    created = client.payment_intents.create(TWO_STEPS, {"idempotency_key": "a1"})
    assert client.payment_intents.create(TWO_STEPS, {"idempotency_key": "a1"}).id == created.id
    given = {"payment_method": "pm_card_visa", "return_url": BACK}
    paid = client.payment_intents.confirm(created.id, given, {"idempotency_key": "a1:confirm"})
    assert (paid.status, paid.amount_received) == ("succeeded", 1_000)
    refund = client.refunds.create({"payment_intent": paid.id, "amount": 400, "metadata": {"refund": "re_1"}})
    assert (refund.status, refund.amount) == ("succeeded", 400)
    assert [one["id"] for one in shop.charges() + shop.refunds()] == ["8f3c", "re_1"]


def test_the_client_sees_a_decline_as_a_card_error(client: Any) -> None:
    created = client.payment_intents.create(TWO_STEPS)
    with pytest.raises(stripe.CardError) as raised:
        client.payment_intents.confirm(created.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"})
    error = raised.value.error
    assert (error.code, error.decline_code, error.advice_code) == (
        "card_declined",
        "insufficient_funds",
        "try_again_later",
    )
    assert error.payment_intent.status == "requires_payment_method"


def test_the_client_saves_a_card_and_charges_it_off_session(client: Any) -> None:
    customer = client.customers.create({"email": "awa@example.com"})
    saved = {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True, "return_url": BACK}
    setup = client.setup_intents.create(saved)
    assert setup.status == "succeeded"
    [card] = client.customers.payment_methods.list(customer.id).data
    renewal = {"customer": customer.id, "payment_method": card.id, "off_session": True, "confirm": True}
    assert client.payment_intents.create(TWO_STEPS | renewal).status == "succeeded"


def test_the_client_meets_the_banks_demand(client: Any) -> None:
    created = client.payment_intents.create(TWO_STEPS)
    given = {"payment_method": "pm_card_authenticationRequired", "return_url": BACK}
    asked = client.payment_intents.confirm(created.id, given)
    assert asked.next_action.redirect_to_url.return_url == BACK
    requests.post(asked.next_action.redirect_to_url.url, {"decision": "complete"}, timeout=10, allow_redirects=False)
    assert client.payment_intents.retrieve(created.id).status == "succeeded"


def test_the_client_tells_the_kinds_of_errors_apart(client: Any, shop: Account) -> None:
    create = client.payment_intents.create
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        create(TWO_STEPS | {"colour": "red"})
    create(TWO_STEPS, {"idempotency_key": "a1"})
    with pytest.raises(stripe.IdempotencyError):
        create(TWO_STEPS | {"amount": 2_000}, {"idempotency_key": "a1"})
    with pytest.raises(stripe.AuthenticationError):
        create(TWO_STEPS, {"api_key": "sk_test_of_somebody_else"})
    shop.next("500", on="intent")
    with pytest.raises(stripe.APIError):
        create(TWO_STEPS)
    shop.next("429", on="intent")
    with pytest.raises(stripe.RateLimitError):
        create(TWO_STEPS)


def test_the_client_retries_under_its_own_key_and_pays_once(shop: Account) -> None:
    addresses = {"api": shop.base_url}
    client: Any = stripe.StripeClient(shop.secret_key, base_addresses=addresses, max_network_retries=2).v1
    shop.next("reset")
    paid = client.payment_intents.create(TWO_STEPS | {"confirm": True, "payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"
    assert len(shop.charges()) == 1


def test_the_client_pages_through_lists_and_searches(client: Any, shop: Account) -> None:
    made = [client.payment_intents.create(TWO_STEPS).id for _ in range(5)]
    pages = client.payment_intents.list({"limit": 2}).auto_paging_iter()
    assert [one.id for one in pages] == made[::-1]
    shop.advance(61)
    found = client.payment_intents.search({"query": "metadata['attempt']:'8f3c'"})
    assert len(found.data) == 5
    assert [one.type for one in client.events.list({"limit": 5}).data] == ["payment_intent.created"] * 5


def test_the_client_takes_the_webhooks(client: Any, shop: Account, receiver: Receiver) -> None:
    created = client.payment_intents.create(TWO_STEPS)
    client.payment_intents.confirm(created.id, {"payment_method": "pm_card_visa"})
    [request] = receiver.wait(1)
    header, secret = request.header("Stripe-Signature"), shop.keys["webhook_secret"]
    event = stripe.Webhook.construct_event(request.body, header, secret)
    assert (event.id, event.data.object.metadata["attempt"]) == (events(receiver, 1)[0]["id"], "8f3c")
