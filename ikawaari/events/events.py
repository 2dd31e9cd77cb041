"""The outbox: an event is written in the transaction of the change that it tells, or neither is."""

import json
import re
from datetime import datetime
from typing import Any, Protocol

from ikawaari import clock, ids, store
from ikawaari.events import delivery
from ikawaari.invariants import ensure
from ikawaari.shapes import JsonObject, JsonValue
from ikawaari.store.models import Event

_MOST_ATTEMPTS = 10
_SURROGATES = re.compile("[\ud800-\udfff]")


class Owned(Protocol):
    """A row that belongs to a merchant in one mode: whom its events are for."""

    @property
    def merchant_id(self) -> str:
        """The merchant's id."""

    @property
    def livemode(self) -> Any:
        """Whether it is of live mode."""


def append(type_: str, data: JsonObject, row: Owned, now: datetime) -> None:
    """Write the event `type_` about `row`, shown as `data`, and put it on its way to everybody who wants it."""
    delivery.enqueue(write(type_, data, row, now), now)


def was_told(type_: str, object_id: str) -> bool:
    """Whether an event of that type was written about the object."""
    return bool(Event.select().where(Event.object_id == object_id, Event.type == type_).exists())


def write(type_: str, data: JsonObject, row: Owned, now: datetime) -> Event:
    """Write an event as a webhook will carry it: the text is fixed here, once."""
    ensure(store.in_transaction(), "an event belongs to the transaction of its change")
    event_id = ids.new("evt")
    body = {
        "id": event_id,
        "object": "event",
        "type": type_,
        "created": clock.unix(now),
        "livemode": row.livemode,
        "data": _as_told(data),
    }
    return Event.create(
        id=event_id,
        merchant=row.merchant_id,
        livemode=row.livemode,
        type=type_,
        object_id=data["id"],
        body=_text(body),
        created_at=now,
    )


def _text(body: JsonObject) -> str:
    """The body as JSON that every engine stores and every receiver reads: a lone surrogate becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def _as_told(data: JsonObject) -> JsonObject:
    """The object as events have it: its currency in lower case, and of its attempts the latest ten.

    A session that was tried a hundred times would else repeat all of them in each event of each try.
    """
    told: dict[str, JsonValue] = {**data}
    if isinstance(currency := data.get("currency"), str):
        told["currency"] = currency.lower()
    if isinstance(attempts := data.get("attempts"), list):
        told["attempts"] = attempts[-_MOST_ATTEMPTS:]
    return told
