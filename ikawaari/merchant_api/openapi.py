"""The OpenAPI 3.1 document at `/openapi.json`: generated from the routes and their schemas."""

import copy
import inspect
from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api
from marshmallow.fields import Field

from ikawaari.config import Config
from ikawaari.edge import parts
from ikawaari.edge.documenting import REQUEST_ID, Document, describe
from ikawaari.edge.examples import Example
from ikawaari.errors import CODES, ErrorType
from ikawaari.merchant_api import webhook_docs
from ikawaari.shapes import JsonObject

SETTINGS: dict[str, Any] = {
    "API_TITLE": "Ikawaari Checkout",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": None,  # `docs` serves the document, made once
}
_INTRODUCTION = """\
Hosted checkout for francophone Africa: your customers pay by mobile money or card, and you learn the result.

* *Checkout sessions* are the usual way. Open one on your server, send the customer to its `url`, and trust the webhook
  `checkout.session.completed`, or retrieve the session. A customer's return proves nothing, unless the address has a
  valid signature.
* *Payment intents* are for merchants who collect the payment method themselves: create one, confirm it, show the payer
  its `next_action`, and wait for `payment_intent.succeeded`. Every session that takes money has an intent, too.
* *Refunds* return the money of a paid intent, in part or in full. They are `pending` until the provider has done it.
* *Daily reports* sum up what was taken, returned and kept by providers on a day in your country.
* *Webhook endpoints* are where your server receives events; *events* are what happened, to read or to receive again.

**Conventions.** JSON in and out; a successful body is the object itself. Amounts are integers in the currency's
smallest unit: 5000 is 5,000 XOF and 50.00 EUR. Currencies are accepted in any case; they are returned in upper case in
checkout sessions, and in lower case in everything else and in every webhook. Times are Unix seconds.
Requests about checkout sessions are camelCase, answers are snake_case; requests may spell every field in snake_case,
too. In a request null is treated as absent, and so is the empty string of an optional text; in a PATCH they clear the
field, and `metadata` is replaced as a whole. An empty array is treated as an empty object. If an email address or a
phone number of the customer cannot be used, the object is created without it, and `warnings` names the field. So it
does if no provider account takes a payment method now: the object is created, and may be paid when one does.
New fields and new event types may be added at any time: ignore unknown ones. Every answer has an
`Ikawaari-Request-Id`: include it when you ask for help.

**Lists** are sorted newest first, with `limit` objects per page: while `has_more` is true, send `next_cursor` as
`cursor` to get the next page.

**Idempotency.** Send an `Idempotency-Key` with every POST, and repeat the request with the same key if you receive no
answer: the call is done once, and its answer is returned again byte for byte, with `Idempotent-Replayed: true`. A key
belongs to its method and path. Final answers are kept for 24 hours: 2xx, 410, and a 402 that is not `retryable`. Any
other answer leaves the key unused: repeat the request, or correct it. If an intent was created before such an answer
(`confirm` with a retryable decline), the same body continues with that intent; a different body cancels it and creates
a new one, or gets 409 while its attempt is not settled. While the first call runs, others get 409 and `Retry-After`.

**Modes.** `ik_test_…` and `ik_live_…` keys see separate objects, at the same address. In test mode no money moves: the
last digits of the phone number, or the card token, decide what happens (`…500` and `tok_test_card` succeed, `…001` and
`tok_test_declined` fail).

"""
_ERRORS = """\
**Signed return.** Put `{CHECKOUT_SIGNATURE}` into `successUrl`, and it becomes `<unix>.<hex>`. `hex` is the HMAC-SHA256
of `<unix>.<session id>.<payment status>`, such as `1767225600.cs_….paid`; its key is the hex text of
HMAC-SHA256(the key that opened the session, `ikawaari return`). Reject signatures that are older than 300 seconds.

**Errors.** Every error has the same envelope; `code` is one of these, `retryable` says whether the same request may
succeed later, `details` names every wrong field.

"""
_BEARER = (
    "An ApiKey (`ik_test_…`, `ik_live_…`) or an AppToken (`ik_app_test_…`, `ik_app_live_…`). Each operation names the "
    "scope that it needs."
)
_ERROR: JsonObject = {
    "type": "object",
    "description": "The one envelope of all errors.",
    "required": ["error"],
    "properties": {"error": {"$ref": "#/components/schemas/ErrorBody"}},
}
_ERROR_BODY: JsonObject = {
    "type": "object",
    "description": "What went wrong, for the program and for its developer.",
    "required": ["code", "message", "type", "retryable", "details", "request_id"],
    "properties": {
        "code": {"type": "string", "pattern": "^IKW-[A-Z]+-[0-9]{3}$", "description": "See the table above."},
        "message": {"type": "string", "description": "For the developer, not for the customer."},
        "type": {"type": "string", "enum": [kind.value for kind in ErrorType]},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "details": {
            "type": "object",
            "description": "The problems of each wrong field; nested fields are named like `lineItems.0.amount`.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string", "description": "The same as in the header `Ikawaari-Request-Id`."},
    },
}
_METHODS = {"get", "post", "patch", "delete"}
_NUMBER: Example = {"type": "integer", "minimum": 0}
_HEADERS: Mapping[str, JsonObject] = {
    "Ikawaari-Request-Id": {
        "description": "The id of this request in our logs.",
        "required": True,
        "schema": {"type": "string"},
        "example": REQUEST_ID,
    },
    "X-RateLimit-Limit": {
        "description": "The number of requests that you may make per minute.",
        "schema": _NUMBER,
        "example": 100,
    },
    "X-RateLimit-Remaining": {
        "description": "The number of requests left in this minute.",
        "schema": _NUMBER,
        "example": 99,
    },
    "X-RateLimit-Reset": {
        "description": "When the next minute starts, in Unix seconds.",
        "schema": _NUMBER | {"format": "int64"},
        "example": 1767225660,
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": _NUMBER, "example": 1},
    "Idempotent-Replayed": {
        "description": "Present if this answer repeats the one to the first call with this key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string", "enum": ["Bearer"]}},
}
_IDEMPOTENCY_KEY: JsonObject = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your own id of this call, such as a UUID: a repeated call has no further effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "order-1042",
}


def prepare(api: Api) -> None:
    """Extend the converter before the first route is registered."""
    api.ma_plugin.converter.add_attribute_function(_alternatives)


def _complete(api: Api) -> None:
    """Add what the routes do not say themselves."""
    components = api.spec.components
    components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "description": _BEARER})
    components.parameter("Idempotency-Key", "header", _IDEMPOTENCY_KEY)
    components.schema("ErrorBody", _ERROR_BODY)
    for name, header in _HEADERS.items():
        components.header(name, header)
    _add_next_action(api.spec)
    webhook_docs.complete(api)


def document(app: Flask) -> Document:
    """The finished document of `app`, for one caller at a time."""
    config: Config = app.config["IKAWAARI"]
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    if describe(app):
        _complete(api)
    raw = copy.deepcopy(api.spec.to_dict())
    schemas = raw["components"]["schemas"]
    for (schema, *_modifiers), name in api.ma_plugin.converter.refs.items():
        schemas[name]["description"] = inspect.cleandoc(schema.__doc__ or "")
    del schemas["PaginationMetadata"]  # smorest's own, as is its shape of errors
    schemas["Error"] = _ERROR
    raw["components"]["responses"] = _by_name(raw["components"]["responses"])
    for schema in schemas.values():
        for name, told in schema.get("properties", {}).items():
            schema["properties"][name] = _for_generators(told)
    for item in (*raw["paths"].values(), *raw["webhooks"].values()):
        for operation in (item[method] for method in _METHODS & item.keys()):
            operation.setdefault("description", operation["summary"])
    return {
        "openapi": raw["openapi"],
        "info": raw["info"]
        | {
            "description": _INTRODUCTION + webhook_docs.introduction() + _ERRORS + _error_table(),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": config.api_url, "description": "This installation; the key picks test or live mode."}],
        "tags": raw["tags"],
        "paths": raw["paths"],
        "webhooks": raw["webhooks"],
        "components": raw["components"] | {"schemas": _by_name(schemas)},
    }


def _alternatives(_converter: Any, field: Field[Any], **_: Any) -> JsonObject:
    """A field's own `anyOf`: apispec only knows the nested object, but a card token may replace it."""
    return {"anyOf": field.metadata["anyOf"]} if "anyOf" in field.metadata else {}


def _add_next_action(spec: APISpec) -> None:
    refs = {}
    for kind, schema in parts.NEXT_ACTIONS.items():
        spec.components.schema(schema.__name__, schema=schema)
        refs[kind] = f"#/components/schemas/{schema.__name__}"
    union = {
        "description": "What the payer has to do now.",
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }
    spec.components.schema("NextAction", union)


def _for_generators(told: Document) -> Document:
    """A property that generated clients compile: no default beside null, and no null among an enum's values."""
    if "null" in told.get("type", ()) and "default" in told:
        told = {name: value for name, value in told.items() if name != "default"}
    if None not in told.get("enum", ()):
        return told
    words = {name: value for name, value in told.items() if name not in ("enum", "type")}
    choices = {"type": "string", "enum": [choice for choice in told["enum"] if choice is not None]}
    return {"anyOf": [choices, {"type": "null"}], **words}


def _error_table() -> str:
    rows = (f"| `{row.id}` | {row.status} | {row.meaning}{_retryable(row.retryable)} |" for row in CODES.values())
    return "\n".join(["| code | status | meaning |", "|---|---|---|", *rows])


def _retryable(is_retryable: bool) -> str:
    return " Retryable." if is_retryable else ""


def _by_name(components: Document) -> Document:
    return dict(sorted(components.items()))
