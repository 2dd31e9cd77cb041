"""Webhook endpoints and their deliveries on the wire."""

from marshmallow import ValidationError, fields, validate

from ikawaari.edge import examples
from ikawaari.edge.answers import EmbeddedList, Instant, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Choice, Flag, HttpUrl
from ikawaari.edge.parsing import Input
from ikawaari.events.types import EVENT_TYPES, may_be_asked_for
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.states import DeliveryStatus

ENDPOINT_ID = {
    "in": "path",
    "name": "endpoint_id",
    "description": "The webhook endpoint's id, `we_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "we_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}


_STATUSES = ("enabled", "disabled", "failing")


_CHOICE_OF_EVENTS = (
    "The types to send; `*` means all, including those that are added later. Names that this server never sends "
    "(`invoice.finalized`, `customer.deleted`, `payout.*`, `dispute.*`, `balance.*`) are accepted too."
)


def _check_event_name(name: str) -> None:
    if not may_be_asked_for(name):
        raise ValidationError(f"Must be one of {', '.join(sorted(EVENT_TYPES))}, *.")


class EventName(fields.String):
    """What an endpoint may list: the document names the types that are sent; those never sent are accepted, too."""

    def __init__(self) -> None:
        super().__init__(validate=_check_event_name, metadata={"enum": [*sorted(EVENT_TYPES), "*"]})


class EndpointInput(Input):
    """An endpoint to create."""

    url = HttpUrl(
        required=True, metadata={"description": "In live mode https is required. Internal addresses are refused."}
    )
    enabled_events = fields.List(
        EventName(),
        load_default=lambda: ["*"],
        validate=validate.Length(1, 100),
        metadata={"description": f"{_CHOICE_OF_EVENTS} Absent: `*`."},
    )


class EndpointChanges(Input):
    """What may change."""

    url = HttpUrl()
    enabled_events = fields.List(
        EventName(),
        validate=validate.Length(1, 100),
        metadata={"description": _CHOICE_OF_EVENTS},
    )
    enabled = Flag(
        metadata={
            "description": "false keeps events for later; true sends everything that was missed, also after `failing`."
        }
    )


class RotationInput(Input):
    """How to change the secret."""

    overlap_seconds = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, 86_400),
        metadata={"description": "How long the old secret still signs, so that you have time to install the new one."},
    )


class DeliveryQuery(PageQuery):
    """The page, and the status of the deliveries."""

    status = Choice(DeliveryStatus)


class WebhookEndpoint(Output):
    """Where a merchant receives events, and which ones."""

    id = TextField(pattern="^we_[A-Za-z0-9]+$")
    object = ObjectName("webhook_endpoint")
    url = TextField(format="uri")
    enabled_events = fields.List(fields.String(), required=True, metadata={"description": "`*` means all."})
    enabled = fields.Boolean(required=True, metadata={"description": "Your own switch; see `status`, too."})
    status = OneOf(
        _STATUSES, "`failing`: all retries of an event failed; nothing is sent until you set `enabled` to true."
    )
    failing_since = Instant(nullable=True)
    secret_changes_at = Instant("When the newest secret starts to sign; null if it already does.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint with its secret, which is returned only at creation and at rotation."""

    secret = TextField("Signs every webhook to this endpoint.", pattern="^whsec_[A-Za-z0-9]+$")


class DeletedWebhookEndpoint(Output):
    """A deleted endpoint."""

    id = TextField()
    object = ObjectName("webhook_endpoint")
    deleted = fields.Boolean(required=True)


class DeliveryTry(Output):
    """One try of a delivery."""

    at = Instant()
    duration_ms = fields.Integer(required=True)
    http_status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null if there was no answer: `body` says why."}
    )
    body = TextField("The beginning of the answer, or why there was none.")


class WebhookDelivery(Output):
    """One event on its way to the endpoint."""

    id = TextField()
    object = ObjectName("webhook_delivery")
    event = TextField("The event's id.")
    event_type = TextField("The event's type.")
    status = OneOf(DeliveryStatus, "`pending` until the endpoint answers 2xx, or until the last retry fails: `failed`.")
    created = Instant()
    next_try_at = Instant("Null unless `pending`.", nullable=True)
    tries = EmbeddedList(DeliveryTry, metadata={"description": "Oldest first."})


class WebhookDeliveryList(Page):
    """A page of deliveries, newest first."""

    data = EmbeddedList(WebhookDelivery)


NEW_ENDPOINT: Example = {
    "url": "https://boutique.example/webhooks",
    "enabled_events": ["checkout.session.completed", "checkout.session.late_payment"],
}
ENDPOINT: Example = {
    "id": "we_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
    "object": "webhook_endpoint",
    **NEW_ENDPOINT,
    "enabled": True,
    "status": "enabled",
    "failing_since": None,
    "secret_changes_at": None,
    "livemode": False,
    "created": 1767225600,
}
ENDPOINT_WITH_SECRET: Example = ENDPOINT | {"secret": "whsec_Zr6wY1bTq9LmX3vKc8NdPf2HsGj5RtVb4nYc1LzW"}
ENDPOINT_CHANGES: Example = {"enabled": True}
ROTATION: Example = {"overlap_seconds": 3600}
DELETED_ENDPOINT: Example = {"id": ENDPOINT["id"], "object": "webhook_endpoint", "deleted": True}
DELIVERY: Example = {
    "id": "wd_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
    "object": "webhook_delivery",
    "event": examples.EVENT_ID,
    "event_type": "checkout.session.completed",
    "status": "succeeded",
    "created": 1767225960,
    "next_try_at": None,
    "tries": [{"at": 1767225961, "duration_ms": 84, "http_status": 200, "body": "ok"}],
}
DELIVERIES: Example = examples.page(DELIVERY)
