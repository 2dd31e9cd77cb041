"""The endpoints of the API: for each its parameters, and the function that does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import browser, intents, listing, methods, parameters, refunds
from ikawaari.simulators.stripe.books import Books
from ikawaari.simulators.stripe.parameters import Parameters

Act = Callable[[Books, str, Checked], Json]  # books, the id in the address, parameters


@dataclass(frozen=True)
class Endpoint:
    """`on` is what orders of faults call it; `for_browsers`: a publishable key is enough."""

    method: str
    path: str
    parameters: Parameters
    act: Act
    on: str = "other"
    for_browsers: bool = False


def _show(kind: str) -> Act:
    return lambda books, identifier, _given: books.find(kind, identifier)


def _creates(create: Callable[[Books, Checked], Json]) -> Act:
    return lambda books, _identifier, given: create(books, given)


def _ends(end: Callable[[Books, str], Json]) -> Act:
    return lambda books, identifier, _given: end(books, identifier)


def _list(kind: str, *fields: str) -> Act:
    def act(books: Books, _identifier: str, given: Checked) -> Json:
        return listing.page(listing.matching(books, kind, given, *fields), given, f"/v1/{kind}s")

    return act


def _search(books: Books, _identifier: str, given: Checked) -> Json:
    return listing.search(books, given, "/v1/payment_intents/search")


def _methods_of(books: Books, identifier: str, given: Checked) -> Json:
    books.find("customer", identifier)
    found = listing.matching(books, "payment_method", {"customer": identifier}, "customer")
    return listing.page(found, given, f"/v1/customers/{identifier}/payment_methods")


def _method_list(books: Books, _identifier: str, given: Checked) -> Json:
    found = listing.matching(books, "payment_method", given, "customer", "type")
    return listing.page([one for one in found if one["customer"]], given, "/v1/payment_methods")


def _events(books: Books, _identifier: str, given: Checked) -> Json:
    wanted = {given["type"]} if "type" in given else set(given.get("types", ()))
    every = books.objects["event"].values()
    return listing.page([one for one in every if not wanted or one["type"] in wanted], given, "/v1/events")


def _intent_endpoints(kind: str, on: str) -> Sequence[Endpoint]:
    """What both sorts of intents have; `on` is what a confirmation is about."""
    root, one = f"/v1/{kind}s", f"/v1/{kind}s/{{id}}"
    if kind == "payment_intent":
        confirmed, canceled = parameters.PAYMENT_INTENT_CONFIRM, parameters.PAYMENT_INTENT_CANCEL
        listed = parameters.PAYMENT_INTENT_LIST
    else:
        confirmed, canceled = parameters.SETUP_INTENT_CONFIRM, parameters.SETUP_INTENT_CANCEL
        listed = parameters.SETUP_INTENT_LIST
    return [
        Endpoint("GET", root, listed, _list(kind, "customer", "payment_method"), "lookup"),
        Endpoint(
            "GET",
            one,
            parameters.INTENT_RETRIEVE,
            lambda books, identifier, given: browser.show_intent(books, kind, identifier, given),
            "lookup",
            for_browsers=True,
        ),
        Endpoint(
            "POST",
            f"{one}/confirm",
            confirmed,
            lambda books, identifier, given: intents.confirm(books, kind, identifier, given),
            on,
        ),
        Endpoint(
            "POST",
            f"{one}/cancel",
            canceled,
            lambda books, identifier, given: intents.cancel(books, kind, identifier, given),
            "cancel",
        ),
    ]


ENDPOINTS: Sequence[Endpoint] = [
    Endpoint(
        "POST", "/v1/payment_intents", parameters.PAYMENT_INTENT_CREATE, _creates(intents.create_payment), "intent"
    ),
    Endpoint("GET", "/v1/payment_intents/search", parameters.PAYMENT_INTENT_SEARCH, _search, "lookup"),
    *_intent_endpoints("payment_intent", "charge"),
    Endpoint("POST", "/v1/setup_intents", parameters.SETUP_INTENT_CREATE, _creates(intents.create_setup), "setup"),
    *_intent_endpoints("setup_intent", "setup"),
    Endpoint("POST", "/v1/payment_methods", parameters.PAYMENT_METHOD_CREATE, _creates(methods.create_method)),
    Endpoint("GET", "/v1/payment_methods", parameters.PAYMENT_METHOD_LIST, _method_list),
    Endpoint("GET", "/v1/payment_methods/{id}", parameters.RETRIEVE, _show("payment_method")),
    Endpoint("POST", "/v1/payment_methods/{id}/attach", parameters.PAYMENT_METHOD_ATTACH, methods.attach),
    Endpoint("POST", "/v1/payment_methods/{id}/detach", parameters.PAYMENT_METHOD_DETACH, _ends(methods.detach)),
    Endpoint("POST", "/v1/customers", parameters.CUSTOMER_CREATE, _creates(methods.create_customer), "customer"),
    Endpoint("GET", "/v1/customers", parameters.CUSTOMER_LIST, _list("customer", "email")),
    Endpoint("GET", "/v1/customers/{id}", parameters.RETRIEVE, _show("customer")),
    Endpoint("DELETE", "/v1/customers/{id}", parameters.CUSTOMER_DELETE, _ends(methods.delete_customer)),
    Endpoint("GET", "/v1/customers/{id}/payment_methods", parameters.CUSTOMER_PAYMENT_METHODS, _methods_of),
    Endpoint(
        "POST",
        "/v1/test_helpers/confirmation_tokens",
        parameters.CONFIRMATION_TOKEN_CREATE,
        _creates(methods.create_token),
    ),
    Endpoint(
        "POST",
        "/v1/confirmation_tokens",
        parameters.TYPED_TOKEN,
        _creates(browser.create_token),
        "token",
        for_browsers=True,
    ),
    Endpoint("GET", "/v1/confirmation_tokens/{id}", parameters.RETRIEVE, _show("confirmation_token"), "token"),
    Endpoint("POST", "/v1/refunds", parameters.REFUND_CREATE, _creates(refunds.create), "refund"),
    Endpoint("GET", "/v1/refunds", parameters.REFUND_LIST, _list("refund", "charge", "payment_intent"), "lookup"),
    Endpoint("GET", "/v1/refunds/{id}", parameters.RETRIEVE, _show("refund"), "lookup"),
    Endpoint("GET", "/v1/charges", parameters.CHARGE_LIST, _list("charge", "customer", "payment_intent")),
    Endpoint("GET", "/v1/charges/{id}", parameters.RETRIEVE, _show("charge")),
    Endpoint(
        "GET",
        "/v1/balance_transactions",
        parameters.BALANCE_TRANSACTION_LIST,
        _list("balance_transaction", "currency", "source", "type"),
        "report",
    ),
    Endpoint("GET", "/v1/balance_transactions/{id}", parameters.RETRIEVE, _show("balance_transaction"), "report"),
    Endpoint("GET", "/v1/events", parameters.EVENT_LIST, _events),
    Endpoint("GET", "/v1/events/{id}", parameters.RETRIEVE, _show("event")),
]
