"""Delivery: at least once, in order per object, the same bytes each time, and nobody waits for somebody else."""

import itertools
import threading
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import clock, sealing, store, worker
from ikawaari.events import delivery, endpoints, events, outgoing
from ikawaari.store.models import DeliveryTry, DueWork, Event, WebhookDelivery
from ikawaari.store.owner import Owner
from tests.events.receiver import Receiver, listening
from tests.events.telling import SCHEDULE, elsewhere, endpoint, fail, of_one_lane, other_lane, signed_at, stored, tell
from tests.world import START, Killed, Trouble, World, halfway, together


def test_an_event_arrives_signed_over_its_stored_bytes(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    tell(world, z="Été 🌞")
    world.work()
    (heard,) = receiver.heard
    assert signed_at(heard, sealing.open_sealed(made.secret)) == int(world.now.timestamp())
    assert heard.body == Event.get().body.encode()
    assert heard.headers["Content-Type"] == "application/json"
    assert WebhookDelivery.get().status == "succeeded"
    assert not DueWork.select().where(DueWork.kind == delivery.DELIVER).exists()


def test_the_schedule_is_exact_the_bytes_stay_and_then_the_endpoint_is_failing(
    world: World, receiver: Receiver
) -> None:
    made = endpoint(world, receiver.url)
    fail(receiver)
    tell(world)
    world.work()
    for count, seconds in enumerate(SCHEDULE, 1):
        assert len(receiver.heard) == count
        assert stored(made).failing_since is None
        world.wait(seconds - 1)
        assert len(receiver.heard) == count
        world.wait(1)
    assert len(receiver.heard) == 6
    assert len({heard.body for heard in receiver.heard}) == 1
    began = int(START.timestamp())
    secret = sealing.open_sealed(made.secret)
    assert [signed_at(heard, secret) - began for heard in receiver.heard] == [
        0,
        *itertools.accumulate(SCHEDULE),
    ]
    assert (WebhookDelivery.get().status, stored(made).failing_since) == ("failed", world.now)
    world.wait(*[90_000] * 3)
    assert len(receiver.heard) == 6
    assert [row.http_status for row in DeliveryTry.select()] == [500] * 6


@pytest.mark.parametrize("same", [True, False])
def test_an_object_s_events_wait_for_each_other_and_other_objects_pass(
    world: World, receiver: Receiver, same: bool
) -> None:
    other = other_lane("o", same=same)
    endpoint(world, receiver.url)
    fail(receiver, "o")
    for number in range(3):
        tell(world, n=number)
    tell(world, other)
    world.work()
    assert [heard.object_id for heard in receiver.heard].count("o") == 1
    assert other in [heard.object_id for heard in receiver.heard]
    world.later(10)
    tell(world, other, n=2)
    world.work()
    assert [heard.object_id for heard in receiver.heard].count(other) == 2, "news pass what waits for its retry"
    fail(receiver, "nobody")
    world.wait(289)
    assert [heard.object_id for heard in receiver.heard].count("o") == 1
    world.wait(1)
    told = [heard.event["data"]["n"] for heard in receiver.heard if heard.object_id == "o"]
    assert told == [0, 0, 1, 2]


def test_a_lane_that_waits_does_not_keep_the_worker_busy(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    fail(receiver)
    tell(world)
    tell(world)
    world.work()
    assert DueWork.get(DueWork.kind == delivery.DELIVER).due_at == world.now + timedelta(minutes=5)


def test_an_endpoint_gets_what_it_wants_of_its_merchant_and_mode_alone(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url, "refund.created", "refund.failed")
    tell(world)
    tell(world, type_="refund.failed")
    with store.atomic():
        events.append("refund.failed", {"id": "l"}, Owner(world.merchant, True), world.now)
    world.work()
    assert [heard.event["type"] for heard in receiver.heard] == ["refund.failed"]
    assert not receiver.heard[0].event["livemode"]


def test_a_disabled_endpoint_hears_nothing_and_catches_up_in_order(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    endpoints.update(made, world.now, enabled=False)
    for number in range(5):
        tell(world, n=number)
    world.wait(1, 600)
    assert not receiver.heard
    endpoints.update(made, world.now, enabled=True)
    world.work()
    assert [heard.event["data"]["n"] for heard in receiver.heard] == [0, 1, 2, 3, 4]


def test_a_failing_endpoint_slows_nobody_and_catches_up_when_enabled(world: World, receiver: Receiver) -> None:
    with listening() as bad:
        made = endpoint(world, bad.url)
        endpoint(world, receiver.url)
        fail(bad)
        tell(world, n=0)
        world.wait(1, *SCHEDULE)
        tell(world, n=1)
        world.work()
        assert stored(made).failing_since
        assert len(bad.heard) == 6
        assert [heard.event["data"]["n"] for heard in receiver.heard] == [0, 1]
        fail(bad, "nobody")
        endpoints.update(made, world.now, enabled=True)
        world.work()
        assert [heard.event["data"]["n"] for heard in bad.heard[6:]] == [1, 0], "what was missed, failed ones last"
        assert stored(made).failing_since is None


def test_a_deleted_endpoint_hears_nothing_more(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    tell(world)
    endpoints.delete(made)
    world.work()
    assert not receiver.heard
    assert not WebhookDelivery.select().exists()


@pytest.mark.parametrize("status", [200, 500])
def test_an_endpoint_may_be_deleted_during_a_call(world: World, receiver: Receiver, status: int) -> None:
    made = endpoint(world, receiver.url)

    def answer(*_: Any) -> int:
        elsewhere(lambda: endpoints.delete(made))
        return status

    receiver.answer = answer
    tell(world)
    world.work()
    assert not WebhookDelivery.select().exists()


@pytest.mark.parametrize("status", [200, 500])
def test_an_event_that_is_wanted_again_during_a_call_is_sent_again(
    world: World, receiver: Receiver, status: int
) -> None:
    endpoint(world, receiver.url)
    tell(world)
    world.later(1)

    def answer(*_: Any) -> int:
        receiver.answer = lambda *_: 200
        elsewhere(lambda: delivery.send_again([Event.get()], clock.now()))
        return status

    receiver.answer = answer
    world.work()
    assert len(receiver.heard) == 2
    assert WebhookDelivery.get().status == "succeeded"


def test_what_is_enabled_during_the_last_try_is_not_marked_failing(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    fail(receiver)
    tell(world)
    world.wait(1, *SCHEDULE[:-1])

    def answer(*_: Any) -> int:
        receiver.answer = lambda *_: 200
        elsewhere(lambda: endpoints.update(made, clock.now(), enabled=True))
        return 500

    receiver.answer = answer
    world.wait(SCHEDULE[-1])
    assert (WebhookDelivery.get().status, stored(made).failing_since) == ("succeeded", None)


def test_an_event_of_a_change_that_came_to_nothing_is_never_sent(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    with pytest.raises(Trouble):
        halfway(lambda: tell(world))
    world.work()
    assert not receiver.heard
    assert not WebhookDelivery.select().exists()


def test_a_worker_that_dies_after_the_call_leaves_it_to_the_next_one(
    monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver
) -> None:
    endpoint(world, receiver.url)
    tell(world, n=1)
    tell(world, n=2)
    real = outgoing.Caller.post

    def post(*args: Any, **options: Any) -> outgoing.Answer:
        real(*args, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(outgoing.Caller, "post", post)
        with pytest.raises(Killed):
            worker.run_once(world.now)
    world.work()
    assert len(receiver.heard) == 1, "the dead one's lease is not over"
    world.wait(61)
    assert [heard.event["data"]["n"] for heard in receiver.heard] == [1, 1, 2]
    assert receiver.heard[0].body == receiver.heard[1].body


def test_a_worker_that_dies_leaves_one_event_to_be_sent_again_of_the_many_that_it_has_read(
    monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver
) -> None:
    endpoint(world, receiver.url)
    objects = of_one_lane(4)
    for name in objects:
        tell(world, name)
    real = outgoing.Caller.post

    def post(*args: Any, **options: Any) -> outgoing.Answer:
        answer = real(*args, **options)
        if len(receiver.heard) == 2:
            raise Killed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(outgoing.Caller, "post", post)
        with pytest.raises(Killed):
            worker.run_once(world.now)
    world.wait(61)
    assert [heard.object_id for heard in receiver.heard] == [*objects[:2], *objects[1:]]


def test_what_is_changed_of_an_endpoint_holds_for_the_next_event(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    changes = iter(
        (
            lambda: endpoints.rotate_secret(stored(made), clock.now()),
            lambda: endpoints.update(stored(made), clock.now(), url=receiver.url + "/new"),
            lambda: endpoints.update(stored(made), clock.now(), enabled=False),
        )
    )

    def answer(*_: Any) -> int:
        elsewhere(next(changes))
        return 200

    receiver.answer = answer
    for name in of_one_lane(4):
        tell(world, name)
    world.work()
    assert [heard.path for heard in receiver.heard] == ["/hook", "/hook", "/hook/new"]
    before, after = (sealing.open_sealed(one.secret) for one in (made, stored(made)))
    for heard, secret in zip(receiver.heard, (before, after, after), strict=True):
        signed_at(heard, secret)
    assert WebhookDelivery.select().where(WebhookDelivery.status == "pending").count() == 1


def test_two_workers_with_one_lane_keep_the_order_of_first_arrivals(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    for number in range(4):
        tell(world, n=number)
    lane = WebhookDelivery.get().lane
    results = together(3, lambda _: delivery.carry(f"{made.id}:{lane}", world.now))
    assert results == [None] * 3
    assert list(dict.fromkeys(heard.event["data"]["n"] for heard in receiver.heard)) == [0, 1, 2, 3]


def test_a_worker_that_is_told_to_stop_gives_the_rest_of_its_lane_back(world: World, receiver: Receiver) -> None:
    """Killed after a few seconds, it would hold the lane for a lease: a minute without webhooks at each restart."""
    endpoint(world, receiver.url)
    stop = threading.Event()

    def answer(*_: Any) -> int:
        stop.set()
        return 200

    receiver.answer = answer
    for name in of_one_lane(3):
        tell(world, name)
    for thread in worker.start(stop, world.config):
        thread.join()
    assert len(receiver.heard) == 1
    (lane,) = DueWork.select().where(DueWork.kind == delivery.DELIVER)
    assert (lane.leased_until, lane.due_at <= clock.now()) == (None, True)
    world.work()
    assert len(receiver.heard) == 3


def test_a_redelivery_goes_to_who_wants_it_now(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    tell(world)
    world.work()
    assert delivery.send_again([Event.get()], world.later(1)) == 1
    world.work()
    assert len(receiver.heard) == 2
    assert receiver.heard[0].body == receiver.heard[1].body
    endpoints.update(made, world.now, enabled_events=["refund.created"])
    assert delivery.send_again([Event.get()], world.now) == 0
    world.work()
    assert len(receiver.heard) == 2


def test_endpoints_come_and_go_while_money_moves(world: World, receiver: Receiver) -> None:
    def one(number: int) -> None:
        for turn in range(6):
            if number % 2:
                endpoints.delete(endpoint(world, receiver.url))
            else:
                tell(world, f"o{number}", n=turn)

    results = together(4, one)
    assert results == [None] * 4
    assert Event.select().count() == 12


def test_many_workers_deliver_each_event_once_and_in_order(
    world: World, receiver: Receiver, workers: list[threading.Thread]
) -> None:
    endpoint(world, receiver.url)

    def happen(number: int) -> None:
        for turn in range(10):
            for name in (f"o{number}", f"p{number}") if number % 2 else (f"p{number}", f"o{number}"):
                tell(world, name, n=turn)

    assert together(4, happen) == [None] * 4
    waiter = threading.Event()
    for _ in range(400):
        if not WebhookDelivery.select().where(WebhookDelivery.status == "pending").exists():
            break
        waiter.wait(0.05)
    assert len(workers) == 6
    by_object: dict[str, list[int]] = defaultdict(list)
    for heard in receiver.heard:
        by_object[heard.object_id].append(heard.event["data"]["n"])
    assert by_object == {f"{kind}{number}": list(range(10)) for kind in "op" for number in range(4)}
