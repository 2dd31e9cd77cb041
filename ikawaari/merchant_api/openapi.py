"""The OpenAPI 3.1 document at `/openapi.json`: generated from the routes and their schemas."""

import copy
import inspect
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Api
from marshmallow.fields import Field

from ikawaari.config import Config
from ikawaari.edge import parts
from ikawaari.edge.documenting import REQUEST_ID, describe
from ikawaari.errors import CODES, ErrorType
from ikawaari.merchant_api import webhook_docs

SETTINGS: dict[str, Any] = {
    "API_TITLE": "Ikawaari Checkout",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": None,  # `docs` serves the document, made once
}
_INTRODUCTION = """\
Hosted checkout for francophone Africa: your customers pay by mobile money or card, and you learn the truth.

* *Checkout sessions* are the usual way. Open one on your server, send the customer to its `url`, and believe the
  webhook `checkout.session.completed`, or ask for the session. That the customer came back proves nothing by itself,
  unless the address carries a signature.
* *Payment intents* are for those who ask for the payment method themselves: create one, confirm it, show the payer its
  `next_action`, and wait for `payment_intent.succeeded`. Every session that takes money has an intent, too.
* *Refunds* give a paid intent's money back, in part or in whole. They are `pending` until the provider has done it.
* *Webhook endpoints* are where you are told; *events* are what you were told, to read and to have sent again.

**Conventions.** JSON in and out; a successful body is the object itself. Amounts are integers in the currency's
smallest unit: 5000 is 5,000 XOF and 50.00 EUR. Currencies are taken in any case; they come back in upper case on
checkout sessions, and in lower case on all else and in every webhook. Instants are Unix seconds.
Requests on checkout sessions are camelCase, answers are snake_case; requests may spell every field in snake_case too.
In a request null and, where a text is optional, the empty text say the same as absence; in a PATCH they clear the
field, and `metadata` is replaced as a whole. An empty array is taken for the empty object. An e-mail address or phone
number of the customer that cannot be used does not refuse a creation: it is left out and named in `warnings`.
Further fields and further types of events may be added any day: pass over those that you do not know. Every answer
carries `Ikawaari-Request-Id`: name it when you ask us for help.

**Lists** come newest first, `limit` objects at a time: while `has_more`, ask again with `cursor` set to `next_cursor`.

**Idempotency.** Send an `Idempotency-Key` with every POST, and send the same key again when you got no answer: the call
is done once, and answered again byte for byte with `Idempotent-Replayed: true`. A key belongs to its method and path.
Kept for 24 hours is what was done or finally decided: 2xx, 410, and a 402 that is not `retryable`. Every other answer
leaves the key free: send the same request again, or the corrected one. Where an intent was created before the answer
(`confirm` with a retryable decline), the same body goes on with that intent; another body cancels it and creates a new
one, and is a 409 while its attempt is not settled. While the first call runs the others get 409 and `Retry-After`.

**Modes.** `ik_test_…` and `ik_live_…` see two separate worlds, at the same address. In test mode no money moves: the
last digits of a phone number, and the card token, say what becomes of the payment (`…500` and `tok_test_card` pay,
`…001` and `tok_test_declined` do not).

"""
_ERRORS = """\
**Signed return.** Put `{CHECKOUT_SIGNATURE}` into `successUrl`, and it becomes `<unix>.<hex>`. `hex` is the HMAC-SHA256
of `<unix>.<session id>.<payment status>`, such as `1767225600.cs_….paid`; its key is the hex text of
HMAC-SHA256(the key that opened the session, `ikawaari return`). Refuse what is older than 300 seconds.

**Errors.** Every error has the same envelope; `code` is one of these, `retryable` says whether the same request may
succeed later, `details` names every bad field.

"""
_BEARER = (
    "An ApiKey (`ik_test_…`, `ik_live_…`) or an AppToken (`ik_app_test_…`, `ik_app_live_…`). Each operation names the "
    "scope that it needs."
)
_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "The one envelope of all errors.",
    "required": ["error"],
    "properties": {"error": {"$ref": "#/components/schemas/ErrorBody"}},
}
_ERROR_BODY: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong, for a program and for its author.",
    "required": ["code", "message", "type", "retryable", "details", "request_id"],
    "properties": {
        "code": {"type": "string", "pattern": "^IKW-[A-Z]+-[0-9]{3}$", "description": "See the table above."},
        "message": {"type": "string", "description": "For the developer, not for the customer."},
        "type": {"type": "string", "enum": [kind.value for kind in ErrorType]},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "details": {
            "type": "object",
            "description": "What is wrong with which field; nested ones as `lineItems.0.amount`.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "request_id": {"type": "string", "description": "The same as in the header `Ikawaari-Request-Id`."},
    },
}
_METHODS = {"get", "post", "patch", "delete"}
_NUMBER = {"type": "integer", "minimum": 0}
_HEADERS: dict[str, dict[str, Any]] = {
    "Ikawaari-Request-Id": {
        "description": "The number of this request in our logs.",
        "required": True,
        "schema": {"type": "string"},
        "example": REQUEST_ID,
    },
    "X-RateLimit-Limit": {"description": "Requests a minute that you may make.", "schema": _NUMBER, "example": 100},
    "X-RateLimit-Remaining": {"description": "How many of them are left.", "schema": _NUMBER, "example": 99},
    "X-RateLimit-Reset": {
        "description": "When the minute starts anew, in Unix seconds.",
        "schema": _NUMBER | {"format": "int64"},
        "example": 1767225660,
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": _NUMBER, "example": 1},
    "Idempotent-Replayed": {
        "description": "There when this is the answer that the first call with this key got.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string", "enum": ["Bearer"]}},
}
_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A text of your own that names this call, such as a UUID: sent again, it is not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "order-1042",
}


def prepare(api: Api) -> None:
    """Teach the converter, before it meets the first route."""
    api.ma_plugin.converter.add_attribute_function(_alternatives)


def _complete(api: Api) -> None:
    """Add what the routes cannot say of themselves."""
    components = api.spec.components
    components.security_scheme("bearer", {"type": "http", "scheme": "bearer", "description": _BEARER})
    components.parameter("Idempotency-Key", "header", _IDEMPOTENCY_KEY)
    components.schema("ErrorBody", _ERROR_BODY)
    for name, header in _HEADERS.items():
        components.header(name, header)
    _add_next_action(api.spec)
    webhook_docs.complete(api)


def document(app: Flask) -> dict[str, Any]:
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


def _alternatives(_converter: Any, field: Field[Any], **_: Any) -> dict[str, Any]:
    """A field's own `anyOf`: of a nested field apispec knows the object alone, and a card token may replace it."""
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


def _for_generators(told: dict[str, Any]) -> dict[str, Any]:
    """A property as generated clients compile it: no default beside null, and no null among an enum's values."""
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


def _by_name(components: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(components.items()))
