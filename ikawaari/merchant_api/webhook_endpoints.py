"""Webhook endpoints over REST. Their list is a bare array: the documentation has it so."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask.views import MethodView
from marshmallow import ValidationError, fields, validate

from ikawaari import clock, errors
from ikawaari.edge import examples
from ikawaari.edge.answers import Instant, Kind, OneOf, Output, Parts, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Choice, Flag, HttpUrl
from ikawaari.edge.parsing import Input
from ikawaari.events import endpoints, history
from ikawaari.events.types import EVENT_TYPES, may_be_asked_for
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent, idempotent_call
from ikawaari.merchant_api.paging import Page, PageQuery, place_of
from ikawaari.merchants.credentials import Scope
from ikawaari.states import DeliveryStatus

ENDPOINT_ID = {
    "in": "path",
    "name": "endpoint_id",
    "description": "The webhook endpoint's id, `we_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "we_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}
_STATUSES = ("enabled", "disabled", "failing")

bp = Blueprint(
    "Webhook endpoints",
    __name__,
    url_prefix="/api/v1/webhook-endpoints",
    description="Where you want to be told what happened. The introduction says how to take a webhook.",
)


_CHOICE_OF_EVENTS = (
    "The types that you want; `*` for all, also for those that are added later. Names that this server never sends "
    "(`invoice.finalized`, `customer.deleted`, `payout.*`, `dispute.*`, `balance.*`) are accepted too."
)


def _check_event_name(name: str) -> None:
    if not may_be_asked_for(name):
        raise ValidationError(f"Must be one of {', '.join(sorted(EVENT_TYPES))}, *.")


class EventName(fields.String):
    """What an endpoint may list: the document names the types that are sent, and those never sent are taken too."""

    def __init__(self) -> None:
        super().__init__(validate=_check_event_name, metadata={"enum": [*sorted(EVENT_TYPES), "*"]})


class EndpointInput(Input):
    """An endpoint to enter."""

    url = HttpUrl(required=True, metadata={"description": "https in live mode, and never an internal address."})
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
            "description": "false keeps what happens for later; true sends all that was missed, also after `failing`."
        }
    )


class RotationInput(Input):
    """How to change the secret."""

    overlap_seconds = fields.Integer(
        strict=True,
        load_default=0,
        validate=validate.Range(0, 86_400),
        metadata={"description": "How long the old secret still signs, so that you can put the new one in place."},
    )


class DeliveryQuery(PageQuery):
    """The place in the list, and which deliveries."""

    status = Choice(DeliveryStatus)


class WebhookEndpoint(Output):
    """Where a merchant is told, and of what."""

    id = Words(pattern="^we_[A-Za-z0-9]+$")
    object = Kind("webhook_endpoint")
    url = Words(format="uri")
    enabled_events = fields.List(fields.String(), required=True, metadata={"description": "`*` stands for all."})
    enabled = fields.Boolean(required=True, metadata={"description": "Your own switch; see `status`, too."})
    status = OneOf(
        _STATUSES, "`failing`: every retry of some event was in vain; nothing is sent until you set `enabled` to true."
    )
    failing_since = Instant(nullable=True)
    secret_changes_at = Instant("When the newest secret begins to sign; null when it does already.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()


class WebhookEndpointWithSecret(WebhookEndpoint):
    """An endpoint with its secret, which is told at creation and rotation alone."""

    secret = Words("Signs every webhook to this endpoint.", pattern="^whsec_[A-Za-z0-9]+$")


class DeletedWebhookEndpoint(Output):
    """What is left of an endpoint."""

    id = Words()
    object = Kind("webhook_endpoint")
    deleted = fields.Boolean(required=True)


class DeliveryTry(Output):
    """One try of a delivery."""

    at = Instant()
    duration_ms = fields.Integer(required=True)
    http_status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null when no answer came: `body` says why."}
    )
    body = Words("The beginning of the answer, or why there was none.")


class WebhookDelivery(Output):
    """One event on its way to the endpoint."""

    id = Words()
    object = Kind("webhook_delivery")
    event = Words("The event's id.")
    event_type = Words("The event's type.")
    status = OneOf(DeliveryStatus, "`pending` until a 2xx came, or until the last retry was in vain: `failed`.")
    created = Instant()
    next_try_at = Instant("Null unless `pending`.", nullable=True)
    tries = Parts(DeliveryTry, metadata={"description": "Oldest first."})


class WebhookDeliveryList(Page):
    """A page of deliveries, newest first."""

    data = Parts(WebhookDelivery)


@bp.route("")
class Endpoints(MethodView):
    """All of a merchant's endpoints."""

    @operation("createWebhookEndpoint")
    @requires(Scope.WEBHOOKS_WRITE)
    @partial(idempotent_call, holds_secret=True)
    @bp.arguments(EndpointInput(), example=examples.NEW_ENDPOINT)
    @bp.response(201, WebhookEndpointWithSecret(), example=examples.ENDPOINT_WITH_SECRET)
    def post(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """Enter a webhook endpoint. The answer holds its secret: keep it, it is not told again."""
        made = endpoints.create(caller().owner, **body, now=clock.now())
        return endpoints.resource(made, with_secret=True)

    @operation("listWebhookEndpoints")
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, WebhookEndpoint(many=True), example=[examples.ENDPOINT])
    def get(self) -> list[dict[str, Any]]:
        """List the webhook endpoints: all of them, oldest first, as a bare array."""
        return [endpoints.resource(row) for row in endpoints.of_merchant(caller().owner)]


@bp.route("/<string:endpoint_id>", parameters=[ENDPOINT_ID])
class Endpoint(MethodView):
    """One endpoint."""

    @operation("retrieveWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, WebhookEndpoint(), example=examples.ENDPOINT)
    def get(self, endpoint_id: str) -> Mapping[str, Any]:
        """Retrieve a webhook endpoint."""
        return endpoints.resource(_owned(endpoint_id))

    @operation("updateWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent_call
    @bp.arguments(EndpointChanges(), required=False, example={"enabled": True})
    @bp.response(200, WebhookEndpoint(), example=examples.ENDPOINT)
    def post(self, changes: dict[str, Any], endpoint_id: str) -> Mapping[str, Any]:
        """Change a webhook endpoint."""
        return endpoints.resource(endpoints.update(_owned(endpoint_id), clock.now(), **changes))

    @operation("deleteWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @bp.response(200, DeletedWebhookEndpoint(), example=examples.DELETED_ENDPOINT)
    def delete(self, endpoint_id: str) -> Mapping[str, Any]:
        """Delete a webhook endpoint, and what was on its way to it."""
        endpoints.delete(_owned(endpoint_id))
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


@bp.route("/<string:endpoint_id>/rotate_secret", parameters=[ENDPOINT_ID])
class Rotation(MethodView):
    """A new secret."""

    @operation("rotateWebhookSecret", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @partial(idempotent, holds_secret=True)
    @bp.arguments(RotationInput(), required=False, example={"overlap_seconds": 3600})
    @bp.response(200, WebhookEndpointWithSecret(), example=examples.ENDPOINT_WITH_SECRET)
    def post(self, body: dict[str, Any], endpoint_id: str) -> Mapping[str, Any]:
        """Give a webhook endpoint a new secret.

        Until the overlap ends every delivery is signed with the old secret alone, from then on with the new one alone.
        Without an overlap the old one signs nothing from now on. A second rotation ends the overlap of the first.
        """
        rotated = endpoints.rotate_secret(_owned(endpoint_id), clock.now(), **body)
        return endpoints.resource(rotated, with_secret=True)


@bp.route("/<string:endpoint_id>/test", parameters=[ENDPOINT_ID])
class Test(MethodView):
    """A test event."""

    @operation("testWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.response(200, WebhookDelivery(), example=examples.DELIVERY)
    def post(self, endpoint_id: str) -> Mapping[str, Any]:
        """Send a `webhook_endpoint.test` event to this endpoint alone.

        It is on its way when this is answered: its delivery tells later what the endpoint said.
        """
        return history.send_test(_owned(endpoint_id), clock.now())


@bp.route("/<string:endpoint_id>/deliveries", parameters=[ENDPOINT_ID])
class Deliveries(MethodView):
    """What was sent."""

    @operation("listWebhookDeliveries", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.arguments(DeliveryQuery(exclude=("created_gte", "created_lte")), location="query")
    @bp.response(200, WebhookDeliveryList(), example=examples.DELIVERIES)
    def get(self, query: dict[str, Any], endpoint_id: str) -> Mapping[str, Any]:
        """List the deliveries to a webhook endpoint, newest first, each with all its tries."""
        place = place_of(query)
        return history.deliveries(_owned(endpoint_id), query, place)


def _owned(endpoint_id: str) -> Any:
    return endpoints.owned(endpoint_id, caller().owner)
