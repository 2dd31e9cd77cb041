"""The outbox: an event is told with its change or not at all, and its bytes never change."""

import json
import zlib
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import ids, store
from ikawaari.checkout import merchant_view, snapshots
from ikawaari.events import delivery, endpoints, events
from ikawaari.store import database
from ikawaari.store.models import DueWork, Event, WebhookDelivery
from tests import statements
from tests.events.receiver import listening
from tests.world import Trouble, World, halfway, together


def append(world: World, **data: Any) -> None:
    """An event about an object of these data."""
    with store.atomic():
        events.append("x", {"id": "o", **data}, world.owner, world.now)


def test_an_event_holds_the_object_as_it_was(world: World) -> None:
    session = world.session(description="Été 🌞")
    event = Event.get(Event.type == "checkout.session.created")
    body = json.loads(event.body)
    assert list(body) == ["id", "object", "type", "created", "livemode", "data"]
    told = {**merchant_view.checkout_session(snapshots.of(session)), "currency": "xof"}
    assert body["data"] == json.loads(json.dumps(told))
    assert (body["id"], body["type"], body["object"]) == (event.id, event.type, "event")
    assert (event.object_id, event.merchant_id, event.livemode) == (session.id, world.merchant.id, False)


def test_an_event_is_compact_and_keeps_its_letters_and_its_order(world: World) -> None:
    append(world, z="Été 🌞", a=[1, None, True])
    assert Event.get().body.endswith('"data":{"id":"o","z":"Été 🌞","a":[1,null,true]}}')


def test_the_bytes_of_an_event_never_change(world: World) -> None:
    session = world.session()
    before = Event.get(Event.type == "checkout.session.created").body
    world.pay_by_card(session)
    assert Event.get(Event.type == "checkout.session.created").body == before


def test_an_event_goes_with_its_transaction(world: World) -> None:
    with pytest.raises(Trouble):
        halfway(world.session)
    assert not world.told()


def test_the_events_of_a_transaction_are_written_together_at_its_end_in_their_order(world: World) -> None:
    names = first, second, third = "customer.created", "invoice.created", "refund.created"
    with listening() as receiver:
        endpoints.create(world.owner, url=receiver.url, enabled_events=[first, third], now=world.now)
        endpoints.create(world.owner, url=receiver.url, enabled_events=["*"], now=world.now)
    with store.atomic(), statements.sent() as sent:
        for name in names:
            events.append(name, {"id": f"object {name}"}, world.owner, world.now)
        assert sent == []
        assert events.was_recorded(second, f"object {second}")
        assert not events.was_recorded(second, f"object {first}")
        database.flush()
    assert [event.type for event in Event.select().order_by(Event.sequence)] == list(names)
    assert len(sent) == 4  # what was told of the first; events, deliveries, due rows
    made = [(row.event.type, row.object_id, row.lane, row.status) for row in WebhookDelivery.select()]
    lanes = {name: zlib.crc32(f"object {name}".encode()) % delivery.LANES for name in names}
    wanted = [first, first, second, third, third]
    assert sorted(made) == sorted((name, f"object {name}", lanes[name], "pending") for name in wanted)
    assert len({row.id for row in WebhookDelivery.select()}) == 5
    due_now = {work.subject for work in DueWork.select().where(DueWork.kind == delivery.DELIVER)}
    assert due_now == {f"{row.endpoint_id}:{row.lane}" for row in WebhookDelivery.select()}


def test_an_event_whose_type_is_the_beginning_of_another_is_another(world: World) -> None:
    with listening() as receiver:
        endpoints.create(world.owner, url=receiver.url, enabled_events=["refund.created"], now=world.now)
    with store.atomic():
        for name in ("refund", "refund.create", "refund.created", "refund_created", "und.created"):
            events.append(name, {"id": "o"}, world.owner, world.now)
    assert [row.event.type for row in WebhookDelivery.select()] == ["refund.created"]


def test_an_event_of_a_savepoint_goes_with_it(world: World) -> None:
    with store.atomic():
        events.append("before", {"id": "o"}, world.owner, world.now)
        with suppress(Trouble), store.savepoint():
            events.append("within", {"id": "o"}, world.owner, world.now)
            raise Trouble
        assert not events.was_recorded("within", "o")
        events.append("after", {"id": "o"}, world.owner, world.now)
    assert [event.type for event in Event.select().order_by(Event.sequence)] == ["before", "after"]


def test_an_event_outside_a_transaction_is_a_bug(world: World) -> None:
    with pytest.raises(AssertionError):
        events.append("x", {"id": "o"}, world.owner, world.now)


def test_events_of_one_object_are_in_the_order_of_its_changes(world: World) -> None:
    opened = [world.session() for _ in range(4)]
    together(4, lambda number: world.pay(opened[number], "007"))
    world.wait(5, 60)
    for session in opened:
        rows = Event.select().where(Event.object_id == session.id).order_by(Event.sequence)
        assert [row.type for row in rows] == ["checkout.session.created", "checkout.session.completed"]
        assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)


def test_every_event_has_an_id_of_its_own(world: World) -> None:
    together(4, lambda _: append(world))
    rows = list(Event.select())
    assert len({row.id for row in rows}) == len({row.sequence for row in rows}) == 4
    assert all(row.id.startswith("evt_") and len(row.id) == len(ids.new("evt")) for row in rows)


def test_events_tell_whole_unix_seconds(world: World) -> None:
    world.later(timedelta(milliseconds=999).total_seconds())
    append(world)
    assert json.loads(Event.get().body)["created"] == int(world.now.timestamp())


def test_every_event_names_its_currency_in_lower_case(world: World) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(6)
    told = {event.type: json.loads(event.body)["data"]["currency"] for event in Event.select()}
    assert {type_.partition(".")[0] for type_ in told} == {"checkout", "payment_intent", "refund"}
    assert (session.currency, set(told.values())) == ("XOF", {"xof"})
