"""A shop written in PHP on every route: `[]` for an empty object, "" for a text it has not, the order number as key."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.merchant_api.calls import SESSIONS, Answer, Shop
from tests.merchant_api.documents import JSON, operations, resolved

CARD = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
INTENTS = "/api/v1/payment-intents"
ENDPOINTS = "/api/v1/webhook-endpoints"
ORDERS = map(str, itertools.count(1042))
FIELD = {"key": "note", "label": "Note", "type": "text"}
COLLECTED = {"customerDetails": {"name": "Awa Diop"}, "customFields": {"note": "!"}}
_ID = re.compile(r"[a-z]+_[A-Za-z0-9]{20,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|/pay/[\w-]+")


@pytest.fixture
def shop(shared_app: Flask) -> Shop:
    """A merchant with a customer and events."""
    shop = Shop(shared_app, rate_limit=1_000_000)
    paid(shop)
    return shop


# ---------------------------------------------------------------- what PHP makes of a body


def php(document: dict[str, Any], schema: dict[str, Any], value: Any) -> Any:
    """`value` with everything optional that its schema knows, as nothing: texts are "", objects are []."""
    schema = meant(document, schema)
    if isinstance(value, list):
        return [php(document, schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    known = schema["properties"]
    given = {name: php(document, known[name], inner) for name, inner in value.items()}
    return {name: nothing(document, told) for name, told in known.items() if is_text_or_map(document, told)} | given


def meant(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object among a schema's alternatives, else the first of them, without its references."""
    choices = [resolved(document, one) for one in resolved(document, schema).get("anyOf", ())]
    objects = [one for one in choices if "properties" in one]
    return next(iter([*objects, *choices]), resolved(document, schema))


def nothing(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """How PHP writes nothing of that kind."""
    return "" if "string" in kinds(meant(document, schema)) else []


def is_text_or_map(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether it may be nothing, and PHP would say so: not of a number, nor of an object that requires something."""
    is_optional = "null" in kinds(schema) or {"type": "null"} in schema.get("anyOf", ())
    schema = meant(document, schema)
    return is_optional and ("string" in kinds(schema) or ("object" in kinds(schema) and not schema.get("required")))


def kinds(schema: dict[str, Any]) -> list[str]:
    """The JSON types of a schema."""
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


# ---------------------------------------------------------------- what each route is about


def fresh(shop: Shop, name: str) -> str:
    """The id of a new object, for a path's parameter or a body's field of that name."""
    makers: dict[str, Callable[[], Any]] = {
        "session_id": lambda: shop.opened(customFields=[FIELD])["id"],
        "intent_id": lambda: made(shop.post(INTENTS, {"amount": 5000, "currency": "XOF"})),
        "payment_intent": lambda: paid(shop)["payment_intent"],
        "subscription_id": lambda: paid(shop, mode="subscription", recurring={"interval": "month"})["subscription"],
        "endpoint_id": lambda: made(shop.post(ENDPOINTS, {"url": "https://a.example", "enabled_events": ["*"]})),
        "event_id": lambda: shop.get("/api/v1/events").json["data"][0]["id"],
    }
    return str(makers[name.replace("payment_intent_id", "intent_id")]())


def made(answer: Answer) -> str:
    """The id in a 201."""
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def paid(shop: Shop, **body: Any) -> dict[str, Any]:
    """A session that was paid by card."""
    session_id = shop.opened(amount=25_000, customerEmail="awa@boutique.example", **body)["id"]
    assert shop.client.post(f"/api/checkout/{session_id}/pay", json=CARD).status_code == 200
    return dict(shop.get(f"{SESSIONS}/{session_id}").json)


def place(shop: Shop, path: str) -> str:
    """`path` with new objects in it."""
    if "{link_id}" in path:
        return path.replace("{link_id}", made(shop.post(path.partition("/{")[0], {"amount": 5000})))
    return re.sub(r"{(\w+)}", lambda found: fresh(shop, found[1]), path)


def example(shop: Shop, operation: dict[str, Any]) -> Any:
    """The document's body of an operation, about new objects; None for one without."""
    body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("example")
    if isinstance(body, dict):
        names = {"payment_intent", "payment_intent_id"} & body.keys()
        body = body | {name: fresh(shop, name) for name in names}
        body = body | ({"collected": COLLECTED} if "collected" in body else {})
    return body


def body_schema(operation: dict[str, Any]) -> dict[str, Any]:
    """The schema of an operation's body; empty for one without."""
    return dict(operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {}))


# ---------------------------------------------------------------- the comparison


def send(shop: Shop, method: str, path: str, body: Any, key: str | None = None) -> Answer:
    """One call; no body is none, with JSON's content type all the same."""
    headers = {"Authorization": f"Bearer {shop.key}"} | ({"Idempotency-Key": key} if key else {})
    data = None if body is None else json.dumps(body)
    return shop.client.open(path, method=method, data=data, content_type=JSON, headers=headers)


def result(answer: Answer) -> tuple[int, Any]:
    """What it says, without what is another's in each call."""
    return answer.status_code, scrubbed(answer.json)


def scrubbed(value: Any) -> Any:
    """Without ids and instants."""
    if isinstance(value, dict):
        return {
            name: scrubbed(inner) for name, inner in value.items() if name not in {"slug", "url", "number", "reference"}
        }
    if isinstance(value, list):
        return [scrubbed(inner) for inner in value]
    if isinstance(value, int) and value > 1_600_000_000:
        return "an instant"
    return _ID.sub("an id", value) if isinstance(value, str) else value


def writing(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation that may have a body."""
    return (one for one in operations(document) if one[0] in {"POST", "PATCH"})


@pytest.mark.parametrize("part", ["whole", "least"])
def test_a_php_shop_gets_what_others_get(
    document: dict[str, Any], shop: Shop, subtests: pytest.Subtests, part: str
) -> None:
    for method, path, operation in writing(document):
        with subtests.test(operation["operationId"]):
            schema = body_schema(operation)
            required = resolved(document, schema).get("required", [])

            def body(of: dict[str, Any] = operation, names: list[str] = required) -> Any:
                whole = example(shop, of)
                return whole if part == "whole" or whole is None else {name: whole[name] for name in names}

            clean = send(shop, method, place(shop, path), body())
            assert clean.status_code < 300 or part == "least", clean.text
            written: Any = php(document, schema, body()) if schema else []
            where, order = place(shop, path), next(ORDERS)
            if schema:
                wrong = send(shop, method, where, {**(written or {}), "amuont": 1}, order)
                assert wrong.status_code == 400, wrong.text
                assert "amuont" in wrong.json["error"]["details"], wrong.text
            assert result(send(shop, method, where, written, order)) == result(clean)


def test_an_empty_array_is_an_empty_body(document: dict[str, Any], shop: Shop, subtests: pytest.Subtests) -> None:
    for method, path, operation in writing(document):
        with subtests.test(operation["operationId"]):
            as_object = send(shop, method, place(shop, path), {})
            as_array = send(shop, method, place(shop, path), [])
            assert result(as_array) == result(as_object)


def test_an_empty_filter_is_none(document: dict[str, Any], shop: Shop, subtests: pytest.Subtests) -> None:
    for method, path, operation in operations(document):
        asked = [resolved(document, one) for one in operation.get("parameters", ())]
        free = [one for one in asked if one["in"] == "query" and not one.get("required")]
        texts = [one["name"] for one in free if "string" in kinds(one["schema"])]
        if method == "GET" and texts:
            with subtests.test(operation["operationId"]):
                where = place(shop, path)
                assert shop.get(f"{where}?{'=&'.join(texts)}=").json == shop.get(where).json
