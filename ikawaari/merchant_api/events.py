"""Events over REST: what was told, and telling it again."""

from typing import Any

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.edge.documenting import Blueprint, operation
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
    description="What happened, as your webhooks told it: to read, and to have sent again.",
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


# At least ten characters: so the route never answers for `/redeliver`, which has nine.
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
    """One event, again."""

    @operation("redeliverEvent", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.response(200, schemas.Redelivered(), example=schemas.REDELIVERED)
    def post(self, event_id: str) -> history.Redelivery:
        """Send an event again to every endpoint that wants it."""
        event = history.owned(event_id, caller().owner)
        return history.redeliver(event, clock.now())


@bp.route("/redeliver")
class RangeRedelivery(MethodView):
    """The events of a range of time, again."""

    @operation("redeliverEvents")
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.arguments(schemas.RangeInput(), example=schemas.RANGE)
    @bp.response(200, schemas.Redelivered(), example=schemas.REDELIVERED)
    def post(self, body: dict[str, Any]) -> history.Redelivery:
        """Send the events of a range of time again, oldest first.

        An endpoint that was made later hears of what it missed in this way. Endpoints get the same ids and the same
        bytes as ever, and those that they took already, too.
        """
        return history.redeliver_range(caller().owner, clock.now(), **body)
