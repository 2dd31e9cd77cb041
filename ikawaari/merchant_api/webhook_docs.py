"""The document's `webhooks` section: every event that is sent, its body, its signature, and when it is retried."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

from flask_smorest import Api
from marshmallow import Schema

from ikawaari.edge.answers import TextField
from ikawaari.edge.examples import Example
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
from ikawaari.shapes import JsonObject


class _InLowerCase(Schema):
    """Objects whose currency is in upper case in answers have it in lower case in events."""

    currency = TextField("ISO 4217, lower case.", pattern="^[a-z]{3}$")


class CheckoutSessionEventData(_InLowerCase, sessions.CheckoutSession):
    """A checkout session in an event: its currency is in lower case there."""


class PaymentLinkEventData(_InLowerCase, payment_links.PaymentLink):
    """A payment link of the first version in an event: its currency is in lower case there."""


class PaymentLinkV2EventData(_InLowerCase, payment_links.PaymentLinkV2):
    """A payment link of the second version in an event: its currency is in lower case there."""


OBJECTS: Mapping[str, tuple[tuple[type[Schema], ...], Example]] = {
    "checkout.session": ((CheckoutSessionEventData,), sessions.SESSION),
    "payment_intent": ((intents.PaymentIntent,), intents.INTENT),
    "refund": ((refunds.Refund,), refunds.REFUND),
    "payment_link": ((PaymentLinkEventData, PaymentLinkV2EventData), payment_links.LINK),
    "subscription": ((subscriptions.Subscription,), subscriptions.SUBSCRIPTION),
    "invoice": ((subscriptions.Invoice,), subscriptions.INVOICE),
    "customer": ((customers.Customer,), customers.CUSTOMER),
    "webhook_endpoint": ((webhook_endpoints.WebhookEndpoint,), webhook_endpoints.ENDPOINT),
}
"""What events are about: each object's schemas and an example, by its name. Other types are not documented."""

TAG = "Webhooks"
_TEST_MEANING = (
    "You requested a test of this endpoint: `data` is the endpoint itself. It is sent whatever the endpoint lists."
)
_SECRET, _STAMP, _BODY = str(webhook_endpoints.ENDPOINT_WITH_SECRET["secret"]), 1767225600, b'{"id":"evt_1"}'
_SIGNED = signature.of_webhook(_SECRET, _STAMP, _BODY)
_SECONDS = f"{outgoing.TIMEOUT_SECONDS:g} seconds"
_SIGNATURE: JsonObject = {
    "name": signature.HEADER,
    "in": "header",
    "required": True,
    "description": "`t=<unix>,v1=<hex>`: `hex` is the HMAC-SHA256 of `<t>.<raw body>`, keyed with the whole secret.",
    "schema": {"type": "string", "pattern": "^t=[0-9]+,v1=[0-9a-f]{64}$"},
    "example": _SIGNED,
}
_TAKEN = f"Any 2xx within {_SECONDS}: the event was accepted, and is not sent again. The body of the answer is ignored."


def complete(api: Api) -> None:
    """Add the section and what it refers to."""
    api.spec.components.parameter(signature.HEADER, "header", _SIGNATURE)
    api.spec.components.response("WebhookTaken", {"description": _TAKEN})
    api.spec.components.response(
        "WebhookNotTaken", {"description": f"Any other response counts as a failed delivery. {_again()}"}
    )
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
**Webhooks.** Create a webhook endpoint and keep its `secret`: it is returned only once. We POST every event that the
endpoint lists, as JSON; the webhooks of this document show the body of each type. `data` is the object as it was when
the event happened: retrieve the object if you need its current state.

* *Signature.* `{signature.HEADER}: t=<unix>,v1=<hex>`, exactly so: no space, one `v1`. `hex` is the HMAC-SHA256 of
  `<t>.<raw body>`, in lower case; its key is the whole secret, including `whsec_`. Compute it over the bytes that you
  received, before you parse them; compare in constant time; reject a `t` that differs from your clock by more than 300
  seconds. Each try has its own `t`. To check your code: with the secret `{_SECRET}` the body `{_BODY.decode()}` at
  {_STAMP} is signed `{_SIGNED}`.
* *Answer.* Any 2xx within {_SECONDS}; do your work afterwards. Redirects are not followed.
* *Retries.* {_again()}
* *Order.* Every event is delivered at least once, with the same `id` and the same bytes each time: store the ids and
  skip events you have already processed. The events of one object arrive in order, each after you have accepted the
  previous one; events of different objects may overtake each other.
* *Missed.* `GET /api/v1/events` lists what happened, and `redeliver` sends it again.

"""


def _again() -> str:
    waits = [_spoken(wait) for wait in delivery.RETRIES]
    return (
        f"The event is retried after {', '.join(waits[:-1])} and {waits[-1]}, each counted from the previous try. "
        "Then the endpoint is `failing`: it receives nothing until you set `enabled` to true, and then all it missed."
    )


def _spoken(wait: timedelta) -> str:
    minutes = wait // timedelta(minutes=1)
    return f"{minutes} minutes" if minutes < 60 else f"{minutes // 60} hours"


def _any_of(refs: Sequence[JsonObject]) -> JsonObject:
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _object(type_: str) -> str:
    return type_.rpartition(".")[0]


def _words(type_: str) -> str:
    return "".join(word.title() for word in re.split("[._]", type_))


def _component(type_: str) -> str:
    return f"{_words(type_)}Event"


def _meaning(type_: str) -> str:
    return MEANINGS.get(type_, _TEST_MEANING)


def _operation(type_: str) -> JsonObject:
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
