"""The served API against its own document, with whatever schemathesis thinks of."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import hypothesis
import pytest
import schemathesis
import structlog
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

import ikawaari
from ikawaari import clock
from ikawaari.checkout import intents
from ikawaari.checkout.intents import NewIntent
from ikawaari.config import Config
from tests import factories
from tests.merchant_api.calls import HOME, Shop, app_on

# What fits the schema of every single field may still be refused for what two fields say of each other, or for what no
# schema can say: line items that do not add up, a phone number of no country, an instant too far ahead.
NOT_FOR_US: list[Any] = [positive_data_acceptance]

# The operations are known before any fixture is: this app stands on no database until `shop` gives it one.
NOWHERE = f"sqlite:///{tempfile.mkdtemp(prefix='ikawaari-')}/none.sqlite3"
app = ikawaari.create_app(Config(database_url=NOWHERE, log_level="CRITICAL", **HOME))
structlog.reset_defaults()  # who reads the log in this process after its collection hears of errors
document = schemathesis.openapi.from_wsgi("/openapi.json", app)
load_all_checks()
OPERATIONS = [
    (method, path)
    for path, operations in document.raw_schema["paths"].items()
    for method in map(str.upper, operations)
    if method != "PARAMETERS"
]
# What is retrieved by its id is alike, and so is what is listed: of each, every commit tries one.
READ_OFTEN = {("GET", "/api/v1/checkout/sessions/{session_id}"), ("GET", "/api/v1/checkout/sessions")}
# Their bodies have the parts of others that every commit tries.
CHANGED_SELDOM = {
    ("POST", "/api/v2/payment_links"),
    ("POST", "/api/v2/payment_links/{link_id}/deactivate"),
    ("POST", "/api/v1/payment-intents/{intent_id}/confirm"),
    ("PATCH", "/api/v1/payment-intents/{intent_id}"),
}
EXAMPLES: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
SHORT = hypothesis.settings(max_examples=2, derandomize=True, **EXAMPLES)  # besides those that cover the schema
LONG = hypothesis.settings(max_examples=100, **EXAMPLES)
# The document says what to send. More is understood, of what shops send that have nothing to say: see `is_lenient`.
UNREFUSED = {"customerEmail", "customer_email", "customerPhone", "customer_phone", "preferred_flow"}
NEW_INTENT = NewIntent(amount=5_000, currency="XOF")
KEYS = map(str, itertools.count())
FIELDS = [factories.custom_field("note"), factories.custom_field("size", "dropdown")]


def is_long(operation: tuple[str, str]) -> bool:
    """Whether others like it are tried on every commit."""
    return operation in CHANGED_SELDOM or (operation[0] == "GET" and operation not in READ_OFTEN)


@pytest.fixture(scope="module")
def shop(shared_url: str) -> Iterator[Shop]:
    """Who asks, as often as it likes."""
    with app_on(shared_url, log_level="CRITICAL"):
        yield Shop(app, rate_limit=10**9)
    structlog.reset_defaults()


def is_lenient(value: Any) -> bool:
    """Whether something in it is empty, or is a field that never refuses a request."""
    if isinstance(value, Mapping):
        # An empty object in a query arrives as an empty text.
        return any(key in UNREFUSED or inner == {} or is_lenient(inner) for key, inner in value.items())
    if isinstance(value, list) and value:
        return any(is_lenient(inner) for inner in value)
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


@pytest.mark.parametrize(
    ("method", "path"),
    [pytest.param(*one, marks=pytest.mark.long if is_long(one) else []) for one in OPERATIONS],
    ids=[*map(" ".join, OPERATIONS)],
)
def test_what_is_promised_is_kept(method: str, path: str, shop: Shop, pytestconfig: pytest.Config) -> None:
    """Its examples are made here: as schemathesis collects them, every test process makes those of all operations."""
    build_operation_test(
        config=document.config,
        operation=document[path][method],
        test_func=is_kept,
        given_kwargs={},
        feedback=FeedbackSources(),
        explicit_settings=LONG if pytestconfig.getoption("long") else SHORT,
    )(shop=shop)


def is_kept(case: schemathesis.Case[Any], shop: Shop) -> None:
    """One request, and once more with what exists."""
    secured = case.operation.definition.raw["security"]
    headers = {"Authorization": f"Bearer {shop.key}"} if secured else {}
    lenient = is_lenient(case.body) or is_lenient(dict(case.query))
    excluded = [*NOT_FOR_US, negative_data_rejection] if lenient else NOT_FOR_US
    answer = case.call_and_validate(headers=headers, excluded_checks=excluded)
    if answer.status_code not in {404, 409}:
        return
    # What schemathesis makes up is no session's id, and its one idempotency key is soon used: once more with real ones.
    if "session_id" in case.path_parameters:
        case.path_parameters["session_id"] = factories.session(shop.merchant, custom_fields=FIELDS).id
    if "intent_id" in case.path_parameters:
        case.path_parameters["intent_id"] = intents.create(factories.owner(shop.merchant), NEW_INTENT, clock.now()).id
    if "link_id" in case.path_parameters:
        version = 2 if case.path.startswith("/api/v2/") else 1
        case.path_parameters["link_id"] = factories.link(shop.merchant, version=version, custom_fields=FIELDS).id
    case.headers["Idempotency-Key"] = next(KEYS)
    # These may heal what was wrong with the request.
    case.call_and_validate(headers=headers, excluded_checks=[*NOT_FOR_US, negative_data_rejection])
