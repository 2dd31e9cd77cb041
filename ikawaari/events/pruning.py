"""The end of an event: it is deleted with its deliveries and their tries, when it is old and nobody waits for it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from peewee import SQL, fn

from ikawaari import store
from ikawaari.events.types import TEST
from ikawaari.states import DeliveryStatus
from ikawaari.store import pruned
from ikawaari.store.models import Event, WebhookDelivery

_WALK = "events"
_COLUMNS = (Event.sequence, Event.created_at)


def forget(before: datetime) -> bool:
    """Delete the next old events. True: there may be more.

    An event stays while a delivery of it is pending, and while it is the newest of its owner's list: a consumer that
    has read everything asks for what is newer than that one. At its end, the walk begins again.
    """
    with store.atomic():
        # If an event is sent again while it is deleted, its delivery could be lost. To avoid this, both lock the event.
        rows = pruned.next_of(Event, _COLUMNS, Event.sequence, pruned.place_of(_WALK))
        old = [row.sequence for row in rows if row.created_at < before]
        _delete(old)
        has_more = bool(old) and len(rows) == pruned.MOST
        pruned.move_place(_WALK, *([rows[-1].sequence] if has_more else []))
    return has_more


def _delete(old: Sequence[int]) -> None:
    gone = [row[0] for row in _unneeded(old).tuples()] if old else []
    pruned.delete(WebhookDelivery, WebhookDelivery.event, gone)
    pruned.delete(Event, Event.sequence, gone)


def _unneeded(old: Collection[int]) -> Any:
    """Those of the events that nobody waits for. Read after they were locked, by a statement of its own."""
    newer = Event.alias()
    follows = (newer.commit_order > Event.commit_order) | (newer.sequence > Event.sequence)
    of_owner = (newer.merchant == Event.merchant) & (newer.livemode == Event.livemode) & (newer.type != TEST)
    is_followed = newer.select(SQL("1")).where(of_owner, newer.commit_order >= Event.commit_order, follows)
    is_awaited = WebhookDelivery.select(SQL("1")).where(
        WebhookDelivery.event == Event.sequence, WebhookDelivery.status == DeliveryStatus.PENDING
    )
    unneeded = Event.select(Event.sequence).where(Event.sequence.in_(old), ~fn.EXISTS(is_awaited))
    return unneeded.where((Event.type == TEST) | fn.EXISTS(is_followed))
