"""The document's `webhooks` section: every event that is sent, its body, its signature, and when it comes again."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_smorest import Api
from marshmallow import Schema

from ikawaari.edge.answers import Words
from ikawaari.events import delivery, outgoing, signature
from ikawaari.events.types import MEANINGS, TEST
from ikawaari.merchant_api.schemas import (
    customers,
    events,
    intents,
    payment_links,
    refunds,
    sessions,
    subscriptions,
    webhook_endpoints,
)


class _InLowerCase(Schema):
    """What answers with its currency in upper case has it in lower case in events."""

    currency = Words("ISO 4217, lower case.", pattern="^[a-z]{3}$")


class CheckoutSessionEventData(_InLowerCase, sessions.CheckoutSession):
    """A checkout session in an event: its currency is in lower case there."""


class PaymentLinkEventData(_InLowerCase, payment_links.PaymentLink):
    """A payment link of the first version in an event: its currency is in lower case there."""


class PaymentLinkV2EventData(_InLowerCase, payment_links.PaymentLinkV2):
    """A payment link of the second version in an event: its currency is in lower case there."""


OBJECTS: Mapping[str, tuple[tuple[type[Schema], ...], Mapping[str, Any]]] = {
    "checkout.session": ((CheckoutSessionEventData,), sessions.SESSION),
    "payment_intent": ((intents.PaymentIntent,), intents.INTENT),
    "refund": ((refunds.Refund,), refunds.REFUND),
    "payment_link": ((PaymentLinkEventData, PaymentLinkV2EventData), payment_links.LINK),
    "subscription": ((subscriptions.Subscription,), subscriptions.SUBSCRIPTION),
    "invoice": ((subscriptions.Invoice,), subscriptions.INVOICE),
    "customer": ((customers.Customer,), customers.CUSTOMER),
    "webhook_endpoint": ((webhook_endpoints.WebhookEndpoint,), webhook_endpoints.ENDPOINT),
}
"""What events tell of: by its name, the object's schemas and an example. A type without its object here is not told."""

TAG = "Webhooks"
_TEST_MEANING = "You asked for a test of this endpoint: `data` is the endpoint itself. It comes whatever is subscribed."
_SECRET, _STAMP, _BODY = webhook_endpoints.ENDPOINT_WITH_SECRET["secret"], 1767225600, b'{"id":"evt_1"}'
_SIGNED = signature.of_webhook(_SECRET, _STAMP, _BODY)
_SECONDS = f"{outgoing.TIMEOUT_SECONDS:g} seconds"
_SIGNATURE: dict[str, Any] = {
    "name": signature.HEADER,
    "in": "header",
    "required": True,
    "description": "`t=<unix>,v1=<hex>`: `hex` is the HMAC-SHA256 of `<t>.<raw body>`, keyed with the whole secret.",
    "schema": {"type": "string", "pattern": "^t=[0-9]+,v1=[0-9a-f]{64}$"},
    "example": _SIGNED,
}
_TAKEN = f"Any 2xx within {_SECONDS}: the event was taken, and is not sent again. The body of the answer is yours."


def complete(api: Api) -> None:
    """Add the section and what it refers to."""
    api.spec.components.parameter(signature.HEADER, "header", _SIGNATURE)
    api.spec.components.response("WebhookTaken", {"description": _TAKEN})
    api.spec.components.response("WebhookNotTaken", {"description": f"Anything else is no receipt. {_again()}"})
    converter = api.ma_plugin.converter
    envelope = converter.schema2jsonschema(events.Event)
    refs = {
        name: _any_of([converter.resolve_nested_schema(schema) for schema in schemas])
        for name, (schemas, _) in OBJECTS.items()
    }
    told = {type_: _object(type_) for type_ in (*MEANINGS, TEST) if _object(type_) in OBJECTS}
    api.spec.tag({"name": TAG, "description": "What we send to your endpoints: one operation for each type of event."})
    for type_, name in told.items():
        own = {"type": {"type": "string", "const": type_}, "data": refs[name]}
        body = {**envelope, "properties": envelope["properties"] | own, "description": _meaning(type_)}
        api.spec.components.schema(_component(type_), body)
    api.spec.options["webhooks"] = {type_: {"post": _operation(type_)} for type_ in told}


def introduction() -> str:
    """How to take webhooks, for the document's introduction."""
    return f"""\
**Webhooks.** Enter an endpoint and keep its `secret`: it is told once. We POST every event that the endpoint wants, as
JSON; the webhooks of this document show the body of each type. `data` is the object as it was when the event happened:
ask for the object when you need to know how it is now.

* *Signature.* `{signature.HEADER}: t=<unix>,v1=<hex>`, exactly so: no space, one `v1`. `hex` is the HMAC-SHA256 of
  `<t>.<raw body>`, in lower case; its key is the whole secret as you got it, `whsec_` included. Compute it over the
  bytes that came, before you parse them; compare in constant time; refuse a `t` more than 300 seconds away from your
  clock. Each try has its own `t`. To check your code: with the secret `{_SECRET}` the body `{_BODY.decode()}` at
  {_STAMP} is signed `{_SIGNED}`.
* *Answer.* Any 2xx within {_SECONDS}; do the work after it. Redirects are not followed.
* *Retries.* {_again()}
* *Order.* At least once, with the same `id` and the same bytes each time: remember the ids and pass over what you know.
  The events of one object come in their order, the next one when you took the one before; those of different objects
  may overtake each other.
* *Missed.* `GET /api/v1/events` lists what happened, and `redeliver` sends it again.

"""


def _again() -> str:
    waits = [_spoken(wait) for wait in delivery.RETRIES]
    return (
        f"The event is sent again after {', '.join(waits[:-1])} and {waits[-1]}, each counted from the try before. "
        "Then the endpoint is `failing`: it gets nothing until you set `enabled` to true, and then all it missed."
    )


def _spoken(wait: timedelta) -> str:
    minutes = wait // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes < 60 else f"{minutes // 60} hours"


def _any_of(refs: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _object(type_: str) -> str:
    return type_.rpartition(".")[0]


def _words(type_: str) -> str:
    return "".join(word.title() for word in re.split("[._]", type_))


def _component(type_: str) -> str:
    return f"{_words(type_)}Event"


def _meaning(type_: str) -> str:
    return MEANINGS.get(type_, _TEST_MEANING)


def _operation(type_: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_component(type_)}"}
    example = events.example_of(type_, OBJECTS[_object(type_)][1])
    return {
        "operationId": f"on{_words(type_)}",
        "summary": _meaning(type_),
        "tags": [TAG],
        "security": [],
        "x-internal": True,  # openapi-generator writes no client of our own webhooks: its TypeScript would not compile
        "parameters": [{"$ref": f"#/components/parameters/{signature.HEADER}"}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}},
        "responses": {
            "2XX": {"$ref": "#/components/responses/WebhookTaken"},
            "default": {"$ref": "#/components/responses/WebhookNotTaken"},
        },
    }
