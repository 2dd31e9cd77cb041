"""Events over REST: what was told, and telling it again."""

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from ikawaari import clock, errors
from ikawaari.edge import examples
from ikawaari.edge.answers import Instant, Kind, OneOf, Output, Parts, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Choice, Text
from ikawaari.edge.parsing import Input
from ikawaari.events import history
from ikawaari.events.types import EVENT_TYPES
from ikawaari.merchant_api import event_examples
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.paging import LAST_INSTANT, Page, PageQuery, place_of
from ikawaari.merchants.credentials import Scope

EVENT_ID = {
    "in": "path",
    "name": "event_id",
    "description": "The event's id, `evt_…`.",
    "schema": {"type": "string", "minLength": 10, "maxLength": 64},
    "example": "evt_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}

bp = Blueprint(
    "Events",
    __name__,
    url_prefix="/api/v1/events",
    description="What happened, as your webhooks told it: to read, and to have sent again.",
)


class EventQuery(PageQuery):
    """Filters of the list, and the place in it."""

    type = Choice(sorted(EVENT_TYPES))
    object_id = Text(64, metadata={"description": "The id of the object that the event is about."})


class RangeInput(Input):
    """A range of time, both ends in it."""

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
        metadata={"format": "int64", "description": "Unix seconds; happened then or before."},
    )
    cursor = Text(64, metadata={"description": "`next_cursor` of the answer before: go on behind it."})


class Event(Output):
    """One thing that happened to one object: the body of its webhook."""

    id = Words(pattern="^evt_[A-Za-z0-9]+$")
    object = Kind("event")
    type = OneOf(sorted(EVENT_TYPES), "What happened: the webhooks of this document say it of each.")
    created = Instant()
    livemode = fields.Boolean(required=True)
    data = fields.Dict(
        required=True,
        metadata={"description": "The object as it was then; its shape is told with the webhook of that type."},
    )


class EventList(Page):
    """A page of events, newest first."""

    data = Parts(Event)


class Redelivered(Output):
    """How much is on its way again."""

    object = Kind("redelivery")
    events = fields.Integer(required=True, metadata={"description": f"At most {history.MOST_AT_ONCE} at a time."})
    deliveries = fields.Integer(required=True, metadata={"description": "One per event and endpoint that wants it."})
    has_more = fields.Boolean(
        required=True, metadata={"description": "Further events of the range were left out: ask for the rest."}
    )
    next_cursor = Words("With the same range, the `cursor` of the next call; null at the end.", nullable=True)


@bp.route("")
class Events(MethodView):
    """All of a merchant's events."""

    @operation("listEvents")
    @requires(Scope.WEBHOOKS_READ)
    @bp.arguments(EventQuery(), location="query")
    @bp.response(200, EventList(), example=event_examples.EVENTS)
    def get(self, query: dict[str, Any]) -> Mapping[str, Any]:
        """List events, newest first."""
        place = place_of(query)
        return history.listed(caller().owner, query, place)


# At least ten characters: so the route never answers for `/redeliver`, which has nine.
@bp.route("/<string(minlength=10):event_id>", parameters=[EVENT_ID])
class OneEvent(MethodView):
    """One event."""

    @operation("retrieveEvent", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_READ)
    @bp.response(200, Event(), example=event_examples.EVENT)
    def get(self, event_id: str) -> Mapping[str, Any]:
        """Retrieve an event."""
        return history.resource(history.owned(event_id, caller().owner))


@bp.route("/<string:event_id>/redeliver", parameters=[EVENT_ID])
class Redelivery(MethodView):
    """One event, again."""

    @operation("redeliverEvent", errors.OBJECT_UNKNOWN)
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.response(200, Redelivered(), example=examples.REDELIVERED)
    def post(self, event_id: str) -> Mapping[str, Any]:
        """Send an event again to every endpoint that wants it."""
        event = history.owned(event_id, caller().owner)
        return history.redeliver(event, clock.now())


@bp.route("/redeliver")
class RangeRedelivery(MethodView):
    """The events of a range of time, again."""

    @operation("redeliverEvents")
    @requires(Scope.WEBHOOKS_WRITE)
    @idempotent
    @bp.arguments(RangeInput(), example=examples.RANGE)
    @bp.response(200, Redelivered(), example=examples.REDELIVERED)
    def post(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """Send the events of a range of time again, oldest first.

        An endpoint that was made later hears of what it missed in this way. Endpoints get the same ids and the same
        bytes as ever, and those that they took already, too.
        """
        return history.redeliver_range(caller().owner, clock.now(), **body)
