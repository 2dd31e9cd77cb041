"""Published events, and the results of their deliveries."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

from ikawaari import clock, store
from ikawaari.events import delivery, endpoints, events
from ikawaari.events.types import TEST
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page
from ikawaari.store import listing
from ikawaari.store.listing import Listing
from ikawaari.store.models import DeliveryTry, Event, WebhookDelivery, WebhookEndpoint
from ikawaari.store.owner import Owner

MOST_AT_ONCE = 1_000


class Redelivery(TypedDict):
    """How much is being delivered again."""

    object: str
    events: int
    deliveries: int
    has_more: bool
    next_cursor: str | None


def _of_owner(owner: Owner) -> Any:
    return listing.of_owner(Event, owner).where(Event.type != TEST)


_LISTING = Listing(
    Event,
    "event",
    {"type": Event.type, "object_id": Event.object_id},
    rows=_of_owner,
    order=(Event.commit_order, Event.sequence),
)
_DELIVERIES = Listing(
    WebhookDelivery,
    "webhook delivery",
    {"status": WebhookDelivery.status},
    order=(WebhookDelivery.commit_order, WebhookDelivery.event),
)
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's events, newest first."""
    return _LISTING.page(_of_owner(owner), wanted, lambda rows: [resource(row) for row in rows])


def redeliver(event: Event, now: datetime) -> Redelivery:
    """Send an event again to every endpoint that subscribes to it. Returns how many deliveries."""
    return _redelivered([event], now)


def redeliver_range(
    owner: Owner,
    now: datetime,
    *,
    created_gte: int,
    created_lte: int,
    cursor: str | None = None,
) -> Redelivery:
    """The same for the merchant's events of [created_gte, created_lte], Unix seconds, oldest first; at most
    `MOST_AT_ONCE` of them. `cursor` is the id of the last event of the part before.

    Raises ValidationFailed when it is none of the merchant's.
    """
    within = {"created_gte": created_gte, "created_lte": created_lte}
    sent, has_more = _LISTING.onwards(_of_owner(owner), within, cursor, MOST_AT_ONCE)
    last = sent[-1].id if sent else cursor
    return _redelivered(sent, now, has_more=has_more, next_cursor=last if has_more else None)


def send_test(endpoint: WebhookEndpoint, now: datetime) -> JsonObject:
    """Send a test event to one endpoint only. Returns its delivery."""
    with store.atomic():
        event = events.write(TEST, endpoints.resource(endpoint), endpoint, now)
        delivery.send_to(endpoint, event, now)
    sent = WebhookDelivery.get(WebhookDelivery.endpoint == endpoint.id, WebhookDelivery.event == event.sequence)
    return _deliveries([sent])[0]


def deliveries(endpoint: WebhookEndpoint, wanted: PageRequest) -> Page:
    """A page of an endpoint's deliveries, newest event first, each with all its tries."""
    own = WebhookDelivery.select(WebhookDelivery, Event).join(Event).where(WebhookDelivery.endpoint == endpoint.id)
    return _DELIVERIES.page(own, wanted, _deliveries)


def resource(event: Event) -> JsonObject:
    """The event as its webhook sends it."""
    told: JsonObject = json.loads(event.body)
    return told


def _redelivered(
    sent: Sequence[Event], now: datetime, *, has_more: bool = False, next_cursor: str | None = None
) -> Redelivery:
    return {
        "object": "redelivery",
        "events": len(sent),
        "deliveries": delivery.send_again(sent, now),
        "has_more": has_more,
        "next_cursor": next_cursor,
    }


def _deliveries(rows: Sequence[WebhookDelivery]) -> list[JsonObject]:
    made = DeliveryTry.select().where(DeliveryTry.delivery.in_([row.id for row in rows])).order_by(DeliveryTry.id)
    tries: dict[str, list[DeliveryTry]] = {row.id: [] for row in rows}
    for one in made:
        tries[one.delivery_id].append(one)
    return [_delivery(row, tries[row.id]) for row in rows]


def _delivery(row: WebhookDelivery, tries: Sequence[DeliveryTry]) -> JsonObject:
    return {
        "id": row.id,
        "object": "webhook_delivery",
        "event": row.event.id,
        "event_type": row.event.type,
        "status": row.status,
        "created": clock.unix(row.created_at),
        "next_try_at": clock.unix(row.next_try_at) if row.status == "pending" else None,
        "tries": [
            {
                "at": clock.unix(one.at),
                "duration_ms": one.duration_ms,
                "http_status": one.http_status,
                "body": one.body,
            }
            for one in tries
        ],
    }
