"""Delivery: each event reaches each endpoint that subscribes to it, at least once, in order per object, unchanged.

Each endpoint has a few lanes. All events of one object use the same lane, and a lane is one row of due work, so one
worker at a time delivers it: the order is kept, and a slow endpoint only occupies its own lanes.
"""

import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import and_, eq
from typing import Any

from peewee import SQL, Case, DoesNotExist, ModelSelect, Select, fn

from ikawaari import clock, compiled, ids, meters, sealing, store, tracing
from ikawaari.events import outgoing, signature
from ikawaari.invariants import ensure
from ikawaari.states import DeliveryStatus
from ikawaari.store import due
from ikawaari.store.models import DeliveryTry, Event, WebhookDelivery, WebhookEndpoint
from ikawaari.store.rows import as_record, columns_of

DELIVER = "webhook.deliver"
RETRIES = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)
LANES = 4
LEASE = timedelta(seconds=60)
REST = timedelta(minutes=1)
_LONGEST_CARRY_SECONDS = 20  # one more try may take 10: together less than a lease
_SLOW_MS = 5_000
_MOST_READ = 50  # deliveries that are read at once
_READ_AGAIN_SECONDS = 1.0  # after which it is read anew what is due: it may have been requested again
_Waiting = tuple[WebhookDelivery, str]
"""A delivery that is due, and the body of its event."""
_mine = threading.local()


def end_with(stop: threading.Event) -> None:
    """Once `stop` is set, begin no further delivery in this thread: the rest of its lane is another worker's."""
    _mine.stop = stop


def _is_stopped() -> bool:
    return hasattr(_mine, "stop") and bool(_mine.stop.is_set())


def enqueue(new: Mapping[str, str], now: datetime) -> None:
    """Put new events, object ids by event id, on their way to every endpoint that wants them: by one statement, in the
    transaction that writes them. Endpoints are kept from being deleted until it ends.
    """
    ensure(store.in_transaction(), "an event and its deliveries are written together")
    event_ids, object_ids = sorted(new), sorted(set(new.values()))
    lanes = [_lane_of(object_id) for object_id in object_ids]
    for endpoint_id, lane in store.run(_insert_for_all, event_ids, object_ids, lanes):
        due.touch(DELIVER, subject_of(endpoint_id, lane), now)


@compiled.once
def _insert_for_all(event_ids: Sequence[str], object_ids: Sequence[str], lanes: Sequence[int]) -> Any:
    columns, values = zip(*_columns(object_ids, lanes), strict=True)
    of_owner = (Event.merchant == WebhookEndpoint.merchant) & (Event.livemode == WebhookEndpoint.livemode)
    pairs = WebhookEndpoint.select(*values).join(Event, on=of_owner).where(Event.id.in_(event_ids), _wants())
    pairs = pairs.order_by(WebhookEndpoint.id, Event.sequence)
    if store.is_postgres():
        pairs = pairs.for_update("FOR KEY SHARE", of=WebhookEndpoint)  # type: ignore[arg-type]
    return WebhookDelivery.insert_from(pairs, columns).returning(WebhookDelivery.endpoint, WebhookDelivery.lane)


def _columns(object_ids: Sequence[str], lanes: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """What is inserted for each pair of an endpoint and an event."""
    # The id is made of both: the database makes the row, so nobody can make an id for it. The event's time is first, so
    # that new deliveries are neighbors in the index; the endpoint's part begins behind its own time.
    yield (
        WebhookDelivery.id,
        SQL("'wd_'").concat(fn.SUBSTR(Event.id, 5, 20)).concat(fn.SUBSTR(WebhookEndpoint.id, 11, 9)),
    )
    yield WebhookDelivery.endpoint, WebhookEndpoint.id
    yield WebhookDelivery.event, Event.sequence
    yield WebhookDelivery.object_id, Event.object_id
    yield WebhookDelivery.lane, Case(Event.object_id, list(zip(object_ids, lanes, strict=True)))
    yield WebhookDelivery.status, SQL(f"'{DeliveryStatus.PENDING}'")
    yield WebhookDelivery.tries, SQL("0")
    yield WebhookDelivery.set_aside, SQL("false")
    yield WebhookDelivery.next_try_at, Event.created_at
    yield WebhookDelivery.created_at, Event.created_at
    yield from WebhookDelivery.commit_order.of_selected()


def _wants() -> Any:
    """Whether an endpoint wants an event: `enabled_events` is a JSON list of types, or of the one word "*"."""
    place = fn.STRPOS if store.is_postgres() else fn.INSTR
    quote = SQL("'\"'")
    return (place(WebhookEndpoint.enabled_events, '"*"') > 0) | (
        place(WebhookEndpoint.enabled_events, quote.concat(Event.type).concat(quote)) > 0
    )


def _lane_of(object_id: str) -> int:
    return zlib.crc32(object_id.encode()) % LANES


def send_to(endpoint: WebhookEndpoint, event: Event, now: datetime) -> None:
    """Create the delivery of an event to one endpoint, in the caller's transaction, or restart an earlier one."""
    lane = _lane_of(event.object_id)
    WebhookDelivery.insert(
        id=ids.new("wd"),
        endpoint=endpoint.id,
        event=event.sequence,
        object_id=event.object_id,
        lane=lane,
        status=DeliveryStatus.PENDING,
        next_try_at=now,
        created_at=now,
    ).on_conflict_ignore().execute()
    due.touch(DELIVER, subject_of(endpoint.id, lane), now)


def send_again(events: Sequence[Event], now: datetime) -> int:
    """Send events again to the endpoints that subscribe to them, delivered or not. Returns how many deliveries."""
    count = 0
    with store.atomic():
        for event in _kept(events):
            wanting = _wanting(event)
            for endpoint in wanting:
                send_to(endpoint, event, now)
            ids_ = [endpoint.id for endpoint in wanting]
            _renew((WebhookDelivery.event == event.sequence) & WebhookDelivery.endpoint.in_(ids_), now)
            count += len(wanting)
    return count


def _kept(events: Sequence[Event]) -> list[Event]:
    """The events that have not been deleted meanwhile, protected from it until their deliveries are written."""
    query = Event.select(Event.sequence).where(Event.sequence.in_([event.sequence for event in events]))
    if store.is_postgres():
        query = query.order_by(Event.sequence).for_update("FOR KEY SHARE")  # type: ignore[arg-type]
    there = {row.sequence for row in query}
    return [event for event in events if event.sequence in there]


def catch_up(endpoint: WebhookEndpoint, now: datetime) -> None:
    """The endpoint was enabled again: everything that it missed becomes due, in the caller's transaction."""
    _renew(
        (WebhookDelivery.endpoint == endpoint.id) & (WebhookDelivery.status != DeliveryStatus.SUCCEEDED),
        now,
    )
    for lane in range(LANES):
        due.schedule(DELIVER, subject_of(endpoint.id, lane), now)


def _renew(which: Any, now: datetime) -> None:
    """Start the tries over."""
    fresh = {"tries": 0, "next_try_at": now}
    WebhookDelivery.update(**fresh).where(which & (WebhookDelivery.status == DeliveryStatus.PENDING)).execute()
    WebhookDelivery.move_all("status", DeliveryStatus.PENDING, which, **fresh)


def _wanting(event: Event) -> list[WebhookEndpoint]:
    """The endpoints that subscribe to an event, protected from deletion until its deliveries are written."""
    query = WebhookEndpoint.select().where(
        WebhookEndpoint.merchant == event.merchant_id, WebhookEndpoint.livemode == event.livemode
    )
    if store.is_postgres():
        query = query.order_by(WebhookEndpoint.id).for_update("FOR KEY SHARE")  # type: ignore[arg-type]
    return [one for one in query if "*" in one.enabled_events or event.type in one.enabled_events]


def carry(subject: str, now: datetime) -> datetime | None:
    """Deliver one lane for a while. Returns when to run again; None if it is empty, or its endpoint is disabled."""
    endpoint_id, _, lane = subject.rpartition(":")
    with outgoing.Caller() as caller:
        return _carry(endpoint_id, int(lane), _Sender(caller, now), now)


def _carry(endpoint_id: str, lane: int, sender: "_Sender", now: datetime) -> datetime | None:
    ends = time.monotonic() + _LONGEST_CARRY_SECONDS
    waiting, read_at = deque[_Waiting](), 0.0
    while (at := time.monotonic()) < ends and not _is_stopped():
        endpoint = _endpoint(endpoint_id)
        if endpoint is None or not endpoint.enabled or endpoint.failing_since:
            return None
        if endpoint.rests_until and not _may_ask_again(endpoint, now):
            rests_until: datetime = endpoint.rests_until
            return max(rests_until, now + timedelta(seconds=1))  # over already: another lane was admitted
        if not waiting or at - read_at > _READ_AGAIN_SECONDS:
            waiting, read_at = _due(endpoint_id, lane, now), at
        if not waiting:
            return _earliest(endpoint_id, lane)
        if not sender.send(endpoint, *waiting.popleft()):
            waiting.clear()  # somebody else changed the delivery: what we read may be outdated
    return now


def _endpoint(endpoint_id: str) -> WebhookEndpoint | None:
    """The endpoint as it is now: it is read before each delivery."""
    rows = store.run(_select_endpoint, endpoint_id)
    return as_record(WebhookEndpoint, rows[0]) if rows else None


@compiled.once
def _select_endpoint(endpoint_id: str) -> Any:
    return WebhookEndpoint.select().where(WebhookEndpoint.id == endpoint_id)


def _may_ask_again(endpoint: WebhookEndpoint, now: datetime) -> bool:
    """Whether its pause is over. Of its lanes only one is admitted, so that at most one worker waits for a timeout."""
    rested = (WebhookEndpoint.id == endpoint.id) & (WebhookEndpoint.rests_until <= now)
    return bool(WebhookEndpoint.update(rests_until=now + REST).where(rested).execute())


def _end_rest(endpoint: WebhookEndpoint, now: datetime) -> None:
    """The endpoint answers in time again: its other lanes need not wait."""
    with store.atomic():
        endpoint.change(rests_until=None)
        for lane in range(LANES):
            due.touch(DELIVER, subject_of(endpoint.id, lane), now)


def is_acknowledged(object_id: str, event_type: str) -> bool:
    """Whether every active endpoint that subscribes to this event of the object has accepted it."""
    waiting = (
        WebhookDelivery.select()
        .join(WebhookEndpoint)
        .switch(WebhookDelivery)
        .join(Event)
        .where(
            WebhookDelivery.object_id == object_id,
            is_pending(),
            Event.type == event_type,
            WebhookEndpoint.enabled,
            WebhookEndpoint.failing_since.is_null(),
        )
    )
    return not waiting.exists()


def is_pending(table: Any = WebhookDelivery) -> Any:
    """The condition that a delivery is pending. A literal: a parameter would hide the indexes of what is pending."""
    return table.status == SQL(f"'{DeliveryStatus.PENDING}'")


def _due(endpoint_id: str, lane: int, now: datetime) -> deque[_Waiting]:
    """The first deliveries of the lane that are due, oldest first, with the bodies of their events.

    Of each object only the foremost one: it may be refused. Those that were set aside come after all others.
    """
    rows = store.run(_select_due, endpoint_id, lane, now)
    return deque((as_record(WebhookDelivery, row[:-1]), row[-1]) for row in rows)


@compiled.once
def _select_due(endpoint_id: str, lane: int, now: datetime) -> Any:
    columns = [*columns_of(WebhookDelivery).fields, Event.body]
    due_now = _foremost(endpoint_id, lane, *columns).join(Event).where(WebhookDelivery.next_try_at <= now)
    return due_now.order_by(WebhookDelivery.set_aside, WebhookDelivery.event).limit(SQL(str(_MOST_READ)))


def _earliest(endpoint_id: str, lane: int) -> datetime | None:
    earliest: datetime | None = _foremost(endpoint_id, lane, fn.MIN(WebhookDelivery.next_try_at)).scalar()
    return earliest


def _foremost(endpoint_id: str, lane: int, *columns: Any) -> "ModelSelect[WebhookDelivery]":
    """Of each object in the lane, the delivery before which it has none. One that was set aside delays none."""
    one = WebhookDelivery.alias()
    of_object = (one.object_id == WebhookDelivery.object_id) & (one.endpoint == WebhookDelivery.endpoint)
    # A subquery with LIMIT is no join: without statistics PostgreSQL compared every pending row with every other.
    first = one.select(one.event).where(of_object, is_pending(one)).order_by(one.set_aside, one.event).limit(SQL("1"))
    of_lane = (WebhookDelivery.endpoint == endpoint_id) & (WebhookDelivery.lane == lane)
    return WebhookDelivery.select(*columns).where(of_lane, is_pending(), WebhookDelivery.event == first)


class _Sender:
    """Sends one lane's deliveries, one after the other."""

    def __init__(self, caller: outgoing.Caller, now: datetime) -> None:
        self._caller = caller
        self._now = now
        self._opened = cache(sealing.open_sealed)  # opening a secret takes longer than signing with it

    def send(self, endpoint: WebhookEndpoint, delivery: WebhookDelivery, text: str) -> bool:
        """Send once, and record the endpoint's answer. False if the delivery was changed or deleted meanwhile."""
        body = text.encode()
        at = max(self._now, clock.now())  # the signature and the schedule count from each try
        headers = {
            "Content-Type": "application/json",
            signature.HEADER: signature.of_webhook(self._opened(_sealed_at(endpoint, at)), clock.unix(at), body),
        }
        store.leave()
        with tracing.span("webhook", tracing.Kind.CLIENT, endpoint=endpoint.id, delivery=delivery.id):
            answer = self._caller.post(endpoint.url, body, headers, livemode=endpoint.livemode)
            tracing.note(http__response__status_code=answer.http_status or 0)
        moved = _conclude(endpoint, delivery, answer, at)
        _count(endpoint, delivery, answer)
        if answer.duration_ms >= _SLOW_MS and not answer.is_success:
            endpoint.change(rests_until=at + REST)
        elif endpoint.rests_until:
            _end_rest(endpoint, at)
        return moved


def _count(endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: outgoing.Answer) -> None:
    mode = meters.mode(endpoint.livemode)
    result = "accepted" if answer.is_success else "unanswered" if answer.http_status is None else "refused"
    meters.WEBHOOK_TRIES.count(mode, result)
    if answer.is_success:
        meters.WEBHOOK_LAG.observe((clock.now() - delivery.created_at).total_seconds(), mode)


def _sealed_at(endpoint: WebhookEndpoint, at: datetime) -> str:
    """The one secret, sealed, that signs at `at`: during an overlap the old one."""
    if endpoint.next_secret and endpoint.secret_changes_at and endpoint.secret_changes_at <= at:
        return endpoint.next_secret
    return endpoint.secret


def _conclude(endpoint: WebhookEndpoint, sent: WebhookDelivery, answer: outgoing.Answer, at: datetime) -> bool:
    """Record the try, and move the delivery on. False if it was changed or deleted meanwhile."""
    if answer.is_success and store.is_postgres():
        made = [DeliveryTry.at.db_value(at), answer.duration_ms, answer.http_status, answer.body]
        if store.run(_accept, [sent.id, sent.tries, sent.next_try_at], made):
            return True
    moved = False
    with store.atomic(), suppress(DoesNotExist):  # deleted meanwhile: the result does not matter
        moved = _move_on(endpoint, sent, answer, at)
    return moved


@compiled.once
def _accept(sent: Sequence[Any], made: Sequence[Any]) -> Any:
    """The usual end by one statement: for PostgreSQL, since SQLite writes one table at a time.

    `sent` is the delivery's id with its tries and time; `made` are the instant, duration, status and body of the try.
    """
    names = (WebhookDelivery.id, WebhookDelivery.tries, WebhookDelivery.next_try_at)
    still = reduce(and_, map(eq, names, sent))
    moving = WebhookDelivery.moving("status", DeliveryStatus.SUCCEEDED, still, tries=WebhookDelivery.tries + SQL("1"))
    moved = moving.returning(WebhookDelivery.id).cte("moved")
    columns = [DeliveryTry.delivery, DeliveryTry.at, DeliveryTry.duration_ms, DeliveryTry.http_status, DeliveryTry.body]
    rows = Select([moved], [moved.c.id, *made])
    return DeliveryTry.insert_from(rows, columns).with_cte(moved).returning(DeliveryTry.id)


def _move_on(endpoint: WebhookEndpoint, sent: WebhookDelivery, answer: outgoing.Answer, at: datetime) -> bool:
    """Raises DoesNotExist when the endpoint was deleted meanwhile."""
    tries = sent.tries + 1
    is_over = not answer.is_success and tries > len(RETRIES)
    if is_over:
        WebhookEndpoint.lock(endpoint.id)  # before its delivery, as in enabling or deleting the endpoint
    if answer.is_success:
        moved = sent.try_move("status", DeliveryStatus.SUCCEEDED, _is_still(sent), tries=tries)
    elif is_over:
        moved = sent.try_move("status", DeliveryStatus.FAILED, _is_still(sent), tries=tries, set_aside=True)
    else:
        later = {"tries": tries, "next_try_at": at + RETRIES[tries - 1]}
        moved = bool(WebhookDelivery.update(**later).where(WebhookDelivery.id == sent.id, _is_still(sent)).execute())
    if not moved:
        WebhookDelivery.lock(sent.id)  # another try decides, but this one was made and is recorded
    DeliveryTry.add(
        delivery=sent.id, at=at, duration_ms=answer.duration_ms, http_status=answer.http_status, body=answer.body
    )
    if moved and is_over and not _was_anything_accepted(endpoint, sent):
        endpoint.change(failing_since=at)
    return moved


def _is_still(sent: WebhookDelivery) -> Any:
    """During the call the event may be requested again, its endpoint enabled, or the lease lost: then this is false."""
    names = ("status", "tries", "next_try_at")
    return reduce(and_, (getattr(WebhookDelivery, name) == getattr(sent, name) for name in names))


def _was_anything_accepted(endpoint: WebhookEndpoint, refused: WebhookDelivery) -> bool:
    """Whether the endpoint has accepted any event since the first try of one that it always refused: it is not down."""
    first = DeliveryTry.select().where(DeliveryTry.delivery == refused.id).order_by(DeliveryTry.at).get()
    accepted = DeliveryTry.select().join(WebhookDelivery).where(WebhookDelivery.endpoint == endpoint.id)
    return accepted.where(DeliveryTry.at >= first.at, DeliveryTry.http_status.between(200, 299)).exists()


def subject_of(endpoint_id: str, lane: int) -> str:
    return f"{endpoint_id}:{lane}"
