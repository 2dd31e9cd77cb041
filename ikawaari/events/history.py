"""What was told: events, and how their deliveries went."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ikawaari import clock, store
from ikawaari.errors import ValidationFailed
from ikawaari.events import delivery, endpoints, events
from ikawaari.events.types import TEST
from ikawaari.paging import Place
from ikawaari.states import DeliveryStatus
from ikawaari.store import listing
from ikawaari.store.models import DeliveryTry, Event, Merchant, WebhookDelivery, WebhookEndpoint

MOST_AT_ONCE = 1_000
_KEPT = timedelta(days=30)

_FILTERS: Mapping[str, Callable[[Any], Any]] = {
    "type": lambda value: Event.type == value,
    "object_id": lambda value: Event.object_id == value,
    **listing.made(Event),
}


def owned(event_id: str, merchant: Merchant, livemode: bool) -> Event:
    """The merchant's own event of that mode. Raises NotFound, also for another merchant's."""
    found: Event = listing.owned(_all(merchant, livemode), event_id, "event")
    return found


def listed(merchant: Merchant, livemode: bool, filters: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """A page of the merchant's events, newest first. `filters`: those of `_FILTERS`; instants in Unix seconds."""
    wanted = [_FILTERS[name](value) for name, value in filters.items()]
    return listing.page(Event, _all(merchant, livemode), wanted, place, resource, key=[Event.sequence])


def redeliver(chosen: list[Event], now: datetime) -> Mapping[str, Any]:
    """Send events again to every endpoint that wants them; at most `MOST_AT_ONCE` of them, and say how many."""
    sent = chosen[:MOST_AT_ONCE]
    has_more = len(chosen) > len(sent)
    return {
        "object": "redelivery",
        "events": len(sent),
        "deliveries": delivery.send_again(sent, now),
        "has_more": has_more,
        "next_cursor": sent[-1].id if has_more else None,
    }


def send_test(endpoint: WebhookEndpoint, now: datetime) -> dict[str, Any]:
    """Send a test event to one endpoint alone. Returns its delivery."""
    with store.atomic():
        event = events.write(
            TEST, endpoints.resource(endpoint), merchant_id=endpoint.merchant_id, livemode=endpoint.livemode, now=now
        )
        delivery.send_to(endpoint, event, now)
    sent = WebhookDelivery.get(WebhookDelivery.endpoint == endpoint.id, WebhookDelivery.event == event.sequence)
    return _delivery(sent)


def between(
    merchant: Merchant, livemode: bool, *, created_gte: int, created_lte: int, cursor: str | None = None
) -> list[Event]:
    """The merchant's events of [created_gte, created_lte], Unix seconds, oldest first, and one too many.

    `cursor` is the id of the last event of the part before. Raises ValidationFailed when it is none of the merchant's.
    """
    own = _all(merchant, livemode)
    query = own.where(_FILTERS["created_gte"](created_gte), _FILTERS["created_lte"](created_lte))
    if cursor:
        last = own.where(Event.id == cursor).get_or_none()
        if last is None:
            raise ValidationFailed({"cursor": ["is not in this list"]})
        query = query.where(Event.sequence > last.sequence)
    return list(query.order_by(Event.sequence).limit(MOST_AT_ONCE + 1))


def deliveries(endpoint: WebhookEndpoint, place: Place) -> Mapping[str, Any]:
    """A page of an endpoint's deliveries, newest event first, each with all its tries."""
    query = WebhookDelivery.select(WebhookDelivery, Event).join(Event).where(WebhookDelivery.endpoint == endpoint.id)
    return listing.page(WebhookDelivery, query, [], place, _delivery, key=[WebhookDelivery.event])


def forget(now: datetime) -> None:
    """Drop the deliveries that succeeded 30 days ago, with their tries. Events stay, and may be sent again."""
    done = WebhookDelivery.status == DeliveryStatus.SUCCEEDED
    WebhookDelivery.delete().where(done, WebhookDelivery.next_try_at < now - _KEPT).execute()


def resource(event: Event) -> dict[str, Any]:
    """The event as its webhook carries it."""
    told: dict[str, Any] = json.loads(event.body)
    return told


def _all(merchant: Merchant, livemode: bool) -> Any:
    return Event.select().where(Event.merchant == merchant, Event.livemode == livemode, Event.type != TEST)


def _delivery(row: WebhookDelivery) -> dict[str, Any]:
    tries = DeliveryTry.select().where(DeliveryTry.delivery == row.id).order_by(DeliveryTry.id)
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
