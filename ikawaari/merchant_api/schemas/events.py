"""Events on the wire."""

from collections.abc import Mapping

from marshmallow import fields, validate

from ikawaari.edge import examples
from ikawaari.edge.answers import EmbeddedList, Instant, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Choice, Text
from ikawaari.edge.parsing import Input
from ikawaari.events import history
from ikawaari.events.types import EVENT_TYPES
from ikawaari.merchant_api.paging import LAST_INSTANT, Page, PageQuery
from ikawaari.merchant_api.schemas.attempts import ATTEMPT
from ikawaari.merchant_api.schemas.intents import CANCELED_INTENT, CONFIRMED_INTENT
from ikawaari.merchant_api.schemas.sessions import SESSION
from ikawaari.merchant_api.schemas.subscriptions import SUBSCRIPTION

EVENT_ID = {
    "in": "path",
    "name": "event_id",
    "description": "The event's id, `evt_…`.",
    "schema": {"type": "string", "minLength": 10, "maxLength": 64},
    "example": "evt_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}


class EventQuery(PageQuery):
    """Filters of the list, and the page."""

    type = Choice(sorted(EVENT_TYPES))
    object_id = Text(64, metadata={"description": "The id of the object that the event is about."})


class RangeInput(Input):
    """A time range, including both ends."""

    created_gte = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds; happened then or later."},
    )
    created_lte = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds; happened then or earlier."},
    )
    cursor = Text(64, metadata={"description": "The `next_cursor` of the previous answer: continue after it."})


class Event(Output):
    """One thing that happened to one object: the body of its webhook."""

    id = TextField(pattern="^evt_[A-Za-z0-9]+$")
    object = ObjectName("event")
    type = OneOf(sorted(EVENT_TYPES), "What happened: see the webhooks of this document.")
    created = Instant()
    livemode = fields.Boolean(required=True)
    data = fields.Dict(
        required=True,
        metadata={"description": "The object as it was then; see the webhook of that type for its schema."},
    )


class EventList(Page):
    """A page of events, newest first."""

    data = EmbeddedList(Event)


class Redelivered(Output):
    """How much is being delivered again."""

    object = ObjectName("redelivery")
    events = fields.Integer(required=True, metadata={"description": f"At most {history.MOST_AT_ONCE} at a time."})
    deliveries = fields.Integer(
        required=True, metadata={"description": "One for each event and each endpoint that subscribes to it."}
    )
    has_more = fields.Boolean(
        required=True, metadata={"description": "More events of the range are left: ask again with `cursor`."}
    )
    next_cursor = TextField("With the same range, the `cursor` of the next call; null at the end.", nullable=True)


RANGE: Example = {"created_gte": 1767225600, "created_lte": 1767229200}
REDELIVERED: Example = {
    "object": "redelivery",
    "events": 12,
    "deliveries": 24,
    "has_more": False,
    "next_cursor": None,
}


_THEN = 1767225960  # after everything in the other examples
_PAID_ATTEMPT = ATTEMPT | {"status": "succeeded", "amount_received": 25000, "settled_at": _THEN}
_FAILED_ATTEMPT = ATTEMPT | {"status": "failed", "failure_code": "payer_declined", "settled_at": _THEN}
_PAID: Example = {
    "payment_status": "paid",
    "completed_at": _THEN,
    "customer_details": {"name": "Awa Diop"},
    "custom_fields": [examples.CUSTOM_FIELD | {"value": "L"}],
    "reference": ATTEMPT["reference"],
    "attempts": [_PAID_ATTEMPT],
}
_REFUSED = {"code": "payer_declined", "message": "The last payment attempt failed: payer declined."}
_CHANGES: Mapping[str, Example] = {
    "checkout.session.completed": {"status": "complete", **_PAID},
    "checkout.session.expired": {"status": "expired"},
    "checkout.session.late_payment": {"status": "expired", "late": True, **_PAID},
    "payment_intent.processing": {"status": "processing", "attempts": [ATTEMPT | {"status": "submitting"}]},
    "payment_intent.unresolved": {"status": "processing", "attempts": [ATTEMPT | {"status": "unknown"}]},
    "payment_intent.requires_action": CONFIRMED_INTENT,
    "payment_intent.succeeded": {"status": "succeeded", "amount_received": 25000, "attempts": [_PAID_ATTEMPT]},
    "payment_intent.payment_failed": {
        "status": "failed",
        "last_payment_error": _REFUSED,
        "attempts": [_FAILED_ATTEMPT],
    },
    "payment_intent.canceled": CANCELED_INTENT | {"canceled_at": _THEN},
    "refund.succeeded": {"status": "succeeded", "settled_at": _THEN},
    "refund.failed": {"status": "failed", "failure_code": "wallet_limit", "settled_at": _THEN},
    "payment_link.deactivated": {"active": False, "status": "inactive"},
    "subscription.created": {"status": "active"},
    "subscription.updated": {"status": "active"},
    "subscription.canceled": {"status": "canceled", "canceled_at": _THEN},
    "subscription.trial_will_end": {"status": "trialing", "trial_end": SUBSCRIPTION["current_period_end"]},
    "subscription.past_due": {"status": "past_due"},
    "subscription.unpaid": {"status": "unpaid"},
    "invoice.created": {"attempt_count": 0, "last_payment_error": None},
    "invoice.voided": {"status": "void", "next_payment_attempt": None},
    "invoice.uncollectible": {"status": "uncollectible", "next_payment_attempt": None},
    "invoice.paid": {
        "status": "paid",
        "paid_at": _THEN,
        "next_payment_attempt": None,
        "last_payment_error": None,
    },
}


def example_of(type_: str, data: Example) -> Example:
    """The event `type_` about the example object `data`, as it is at that moment."""
    told: Example = {**data, **_CHANGES.get(type_, {})}
    return {
        "id": examples.EVENT_ID,
        "object": "event",
        "type": type_,
        "created": told["created"] if type_.endswith(".created") else _THEN,
        "livemode": False,
        "data": told | {"currency": str(told["currency"]).lower()} if "currency" in told else told,
    }


EVENT = example_of("checkout.session.completed", SESSION)
EVENTS: Example = examples.page(EVENT)
