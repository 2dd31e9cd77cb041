"""Webhook endpoints over REST. Their list is a bare array: the documentation has it so."""

from functools import partial
from typing import Any

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.parsing import Loaded
from ikawaari.events import endpoints, history
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent, idempotent_call
from ikawaari.merchant_api.schemas import webhook_endpoints as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Webhook endpoints",
    __name__,
    url_prefix="/api/v1/webhook-endpoints",
    description="Where your server receives events. The introduction says how to receive a webhook.",
)


@bp.route("")
class Endpoints(MethodView):
    """All of a merchant's endpoints."""

    @operation("createWebhookEndpoint")
    @requires(Scope.WEBHOOKS_WRITE)
    @partial(idempotent_call, holds_secret=True)
    @bp.arguments(schemas.EndpointInput(), example=schemas.NEW_ENDPOINT)
    @bp.response(201, schemas.WebhookEndpointWithSecret(), example=schemas.ENDPOINT_WITH_SECRET)
    def post(self, body: Loaded) -> JsonObject:
        """Create a webhook endpoint. The answer contains its secret: keep it, it is not shown again."""
        made = endpoints.create(caller().owner, **body, now=clock.now())
        return endpoints.resource(made, with_secret=True)

    @operation("listWebhookEndpoints")
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, schemas.WebhookEndpoint(many=True), example=[schemas.ENDPOINT])
    def get(self) -> list[JsonObject]:
        """List the webhook endpoints: all of them, oldest first, as a bare array."""
        return [endpoints.resource(row) for row in endpoints.of_merchant(caller().owner)]


@bp.route("/<string:endpoint_id>", parameters=[schemas.ENDPOINT_ID])
class Endpoint(MethodView):
    """One endpoint."""

    @operation("retrieveWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, schemas.WebhookEndpoint(), example=schemas.ENDPOINT)
    def get(self, endpoint_id: str) -> JsonObject:
        """Retrieve a webhook endpoint."""
        return endpoints.resource(_owned(endpoint_id))

    @operation("updateWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent_call
    @bp.arguments(schemas.EndpointChanges(), required=False, example=schemas.ENDPOINT_CHANGES)
    @bp.response(200, schemas.WebhookEndpoint(), example=schemas.ENDPOINT)
    def post(self, changes: Loaded, endpoint_id: str) -> JsonObject:
        """Change a webhook endpoint."""
        return endpoints.resource(endpoints.update(_owned(endpoint_id), clock.now(), **changes))

    @operation("deleteWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @bp.response(200, schemas.DeletedWebhookEndpoint(), example=schemas.DELETED_ENDPOINT)
    def delete(self, endpoint_id: str) -> JsonObject:
        """Delete a webhook endpoint, and its pending deliveries."""
        endpoints.delete(_owned(endpoint_id))
        return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


@bp.route("/<string:endpoint_id>/rotate_secret", parameters=[schemas.ENDPOINT_ID])
class Rotation(MethodView):
    """A new secret."""

    @operation("rotateWebhookSecret", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @partial(idempotent, holds_secret=True)
    @bp.arguments(schemas.RotationInput(), required=False, example=schemas.ROTATION)
    @bp.response(200, schemas.WebhookEndpointWithSecret(), example=schemas.ENDPOINT_WITH_SECRET)
    def post(self, body: dict[str, int], endpoint_id: str) -> JsonObject:
        """Give a webhook endpoint a new secret.

        Until the overlap ends, every delivery is signed with the old secret only; after that, with the new one only.
        Without an overlap the old secret ends immediately. A second rotation ends the overlap of the first.
        """
        rotated = endpoints.rotate_secret(_owned(endpoint_id), clock.now(), **body)
        return endpoints.resource(rotated, with_secret=True)


@bp.route("/<string:endpoint_id>/test", parameters=[schemas.ENDPOINT_ID])
class Test(MethodView):
    """A test event."""

    @operation("testWebhookEndpoint", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.response(200, schemas.WebhookDelivery(), example=schemas.DELIVERY)
    def post(self, endpoint_id: str) -> JsonObject:
        """Send a `webhook_endpoint.test` event to this endpoint only.

        This answers before the event is delivered: its delivery shows later what the endpoint answered.
        """
        return history.send_test(_owned(endpoint_id), clock.now())


@bp.route("/<string:endpoint_id>/deliveries", parameters=[schemas.ENDPOINT_ID])
class Deliveries(MethodView):
    """What was sent."""

    @operation("listWebhookDeliveries", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.arguments(schemas.DeliveryQuery(exclude=("created_gte", "created_lte")), location="query")
    @bp.response(200, schemas.WebhookDeliveryList(), example=schemas.DELIVERIES)
    def get(self, query: PageRequest, endpoint_id: str) -> Page:
        """List the deliveries to a webhook endpoint, newest first, each with all of its tries."""
        return history.deliveries(_owned(endpoint_id), query)


def _owned(endpoint_id: str) -> Any:
    return endpoints.owned(endpoint_id, caller().owner)
