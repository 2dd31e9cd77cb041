"""The outbox: an event is written in the transaction of the change that it reports, or neither is."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ikawaari import clock, compiled, ids, store
from ikawaari.events import delivery
from ikawaari.invariants import ensure
from ikawaari.shapes import JsonObject, JsonValue
from ikawaari.store.models import Event

_EVENTS = "events"
_COLUMNS = (*(Event.id, Event.merchant, Event.livemode, Event.type, Event.object_id, Event.body, Event.created_at),)
_MOST_ATTEMPTS = 10
_SURROGATES = re.compile("[\ud800-\udfff]")

_Row = Mapping[Any, Any]
"""The values of an event by their columns."""


class Owned(Protocol):
    """A row that belongs to a merchant in one mode, who receives its events."""

    @property
    def merchant_id(self) -> str:
        """The merchant's id."""

    @property
    def livemode(self) -> Any:
        """Whether it is of live mode."""


def append(type_: str, data: JsonObject, row: Owned, now: datetime) -> None:
    """Write the event `type_` about `row`, rendered as `data`, and create its deliveries.

    Its text is fixed here. All events of a transaction are written at its end, by one statement.
    """
    ensure(store.in_transaction(), "an event belongs to the transaction of its change")
    store.before_commit(_EVENTS, _row(type_, data, row, now), _write)


def was_recorded(type_: str, object_id: str) -> bool:
    """Whether an event of that type was written about the object, or will be with this transaction."""
    told = (object_id, type_)
    if any((row[Event.object_id], row[Event.type]) == told for row in store.waiting(_EVENTS)):
        return True
    return bool(Event.select().where(Event.object_id == object_id, Event.type == type_).exists())


def write(type_: str, data: JsonObject, row: Owned, now: datetime) -> Event:
    """Write an event, and send it to nobody yet."""
    ensure(store.in_transaction(), "an event belongs to the transaction of its change")
    return Event.create(**{field.name: value for field, value in _row(type_, data, row, now).items()})


def _write(rows: Sequence[_Row]) -> None:
    store.send(_insert, *[[_stored(column, row[column]) for row in rows] for column in _COLUMNS])
    now = max(row[Event.created_at] for row in rows)
    delivery.enqueue({row[Event.id]: row[Event.object_id] for row in rows}, now)


def _stored(column: Any, value: Any) -> Any:
    return column.db_value(value) if column is Event.created_at else value


@compiled.once
def _insert(*columns: Sequence[Any]) -> Any:
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
    return Event.insert_many(rows).returning()


def _row(type_: str, data: JsonObject, row: Owned, now: datetime) -> _Row:
    """An event as it is stored, its body as a webhook will carry it."""
    event_id = ids.new("evt")
    body: JsonObject = {
        "id": event_id,
        "object": "event",
        "type": type_,
        "created": clock.unix(now),
        "livemode": row.livemode,
        "data": _as_published(data),
    }
    return {
        Event.id: event_id,
        Event.merchant: row.merchant_id,
        Event.livemode: row.livemode,
        Event.type: type_,
        Event.object_id: data["id"],
        Event.body: _text(body),
        Event.created_at: now,
    }


def _text(body: JsonObject) -> str:
    """The body as JSON that every engine stores and every receiver can parse: a lone surrogate becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def _as_published(data: JsonObject) -> JsonObject:
    """The object as it appears in events: with its currency in lower case, and the latest ten attempts.

    Otherwise a session with a hundred attempts would repeat all of them in every event of every attempt.
    """
    told: dict[str, JsonValue] = {**data}
    if isinstance(currency := data.get("currency"), str):
        told["currency"] = currency.lower()
    if isinstance(attempts := data.get("attempts"), list):
        told["attempts"] = attempts[-_MOST_ATTEMPTS:]
    return told
