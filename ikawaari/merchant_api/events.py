"""Events over REST: reading them, and delivering them again."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.parsing import Loaded
from ikawaari.events import history
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.schemas import events as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Events",
    __name__,
    url_prefix="/api/v1/events",
    description="What happened, as your webhooks reported it: read it, or have it sent again.",
)


@bp.route("")
class Events(MethodView):
    """All of a merchant's events."""

    @operation("listEvents")
    @requires(Scope.WEBHOOKS_READ)
    @bp.arguments(schemas.EventQuery(), location="query")
    @bp.response(200, schemas.EventList(), example=schemas.EVENTS)
    def get(self, query: PageRequest) -> Page:
        """List events, newest first."""
        return history.listed(caller().owner, query)


# At least ten characters, so that this route never matches `/redeliver`, which has nine.
@bp.route("/<string(minlength=10):event_id>", parameters=[schemas.EVENT_ID])
class OneEvent(MethodView):
    """One event."""

    @operation("retrieveEvent", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, schemas.Event(), example=schemas.EVENT)
    def get(self, event_id: str) -> JsonObject:
        """Retrieve an event."""
        return history.resource(history.owned(event_id, caller().owner))


@bp.route("/<string:event_id>/redeliver", parameters=[schemas.EVENT_ID])
class Redelivery(MethodView):
    """Deliver one event again."""

    @operation("redeliverEvent", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.response(200, schemas.Redelivered(), example=schemas.REDELIVERED)
    def post(self, event_id: str) -> history.Redelivery:
        """Send an event again to every endpoint that subscribes to it."""
        event = history.owned(event_id, caller().owner)
        return history.redeliver(event, clock.now())


@bp.route("/redeliver")
class RangeRedelivery(MethodView):
    """Deliver the events of a time range again."""

    @operation("redeliverEvents")
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.arguments(schemas.RangeInput(), example=schemas.RANGE)
    @bp.response(200, schemas.Redelivered(), example=schemas.REDELIVERED)
    def post(self, body: Loaded) -> history.Redelivery:
        """Send the events of a time range again, oldest first.

        This is how an endpoint that was created later receives what it missed. Endpoints receive the same ids and the
        same bytes as before, including events that they have already accepted.
        """
        return history.redeliver_range(caller().owner, clock.now(), **body)
