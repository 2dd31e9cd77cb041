"""An endpoint that is slow, or has much waiting, is its own trouble: workers do not stand and wait with it."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from peewee import chunked

from ikawaari.events import delivery, outgoing
from ikawaari.store.database import database as stored_in
from ikawaari.store.models import Event, WebhookDelivery, WebhookEndpoint
from tests.events.receiver import Receiver, listening
from tests.events.telling import endpoint, tell
from tests.world import World, together

OBJECTS = [f"o{number}" for number in range(12)]


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, whoever hangs goes on; we wait little more than half a second for anybody."""
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.6)
    monkeypatch.setattr(delivery, "_SLOW_MS", 200)
    ended = threading.Event()
    yield ended
    ended.set()


def hang(receiver: Receiver, over: threading.Event, *, seconds: float = 5, status: int = 200) -> None:
    """Think long before each answer."""

    def think(*_: Any) -> int:
        over.wait(seconds)
        return status

    receiver.answer = think


def carry_all(made: WebhookEndpoint, world: World) -> None:
    """Have a worker of its own carry each lane at the same moment."""
    results = together(delivery.LANES, lambda lane: delivery.carry(f"{made.id}:{lane}", world.now))
    assert not [one for one in results if isinstance(one, Exception)]


def test_an_endpoint_that_hangs_rests_for_a_minute_and_only_it(
    over: threading.Event, world: World, receiver: Receiver
) -> None:
    with listening() as slow:
        hang(slow, over)
        endpoint(world, slow.url)
        endpoint(world, receiver.url)
        for name in OBJECTS:
            tell(world, name)
        world.work()
        assert len(receiver.heard) == 12
        assert len(slow.heard) == 1, "nobody waits for it again for a while"
        over.set()
        world.wait(60)
        assert len(slow.heard) == 12
        world.wait(300)
        assert {heard.object_id for heard in slow.heard} == set(OBJECTS)


def test_an_endpoint_that_thinks_long_and_refuses_rests_too(
    over: threading.Event, world: World, receiver: Receiver
) -> None:
    hang(receiver, over, seconds=0.3, status=500)
    endpoint(world, receiver.url)
    for name in OBJECTS:
        tell(world, name)
    world.work()
    assert len(receiver.heard) == 1


def test_an_endpoint_that_takes_its_time_and_accepts_does_not_rest(
    over: threading.Event, world: World, receiver: Receiver
) -> None:
    hang(receiver, over, seconds=0.3)
    endpoint(world, receiver.url)
    for name in OBJECTS[:3]:
        tell(world, name)
    world.work()
    assert {heard.object_id for heard in receiver.heard} == set(OBJECTS[:3])


def test_after_its_rest_one_worker_alone_asks_an_endpoint_that_hangs(
    over: threading.Event, world: World, receiver: Receiver
) -> None:
    hang(receiver, over)
    made = endpoint(world, receiver.url)
    for name in OBJECTS:
        tell(world, name)
    world.work()
    for times in (2, 3):
        world.later(60)
        carry_all(made, world)
        assert len(receiver.heard) == times


def test_all_lanes_go_on_as_soon_as_it_answers_again(over: threading.Event, world: World, receiver: Receiver) -> None:
    hang(receiver, over)
    made = endpoint(world, receiver.url)
    for name in OBJECTS:
        tell(world, name)
    world.work()
    over.set()
    world.later(60)
    carry_all(made, world)
    world.work()
    assert len({heard.object_id for heard in receiver.heard}) == 12, "and the first of them in its time"


@pytest.mark.usefixtures("workers")
def test_three_endpoints_that_hang_leave_workers_for_the_one_that_is_well(
    over: threading.Event, monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver
) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 3)
    with listening() as slow:
        hang(slow, over)
        for number in range(3):
            endpoint(world, f"{slow.url}/{number}").change(rests_until=world.now)
        for name in OBJECTS:
            tell(world, name)
        wait_until(lambda: len({heard.path for heard in slow.heard}) == 3)
        endpoint(world, receiver.url)
        tell(world, "o")
        wait_until(lambda: len(receiver.heard) == 1)
        assert len(slow.heard) == 3


def wait_until(holds: Callable[[], bool], seconds: float = 1.5) -> None:
    """Look again and again. Fails after that time."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)


@pytest.mark.parametrize(
    "is_analyzed", [True, pytest.param(False, marks=pytest.mark.long)], ids=["with statistics", "without statistics"]
)
def test_thousands_of_events_that_wait_for_a_retry_are_passed_over_at_once(world: World, is_analyzed: bool) -> None:
    made = endpoint(world, "http://127.0.0.1:9/")
    retry_at = world.now + timedelta(minutes=5)
    for number, part in enumerate(chunked(range(4_000), 500)):
        fill_a_lane(world, made, list(part), world.now if number >= 4 else retry_at)
    if is_analyzed:
        stored_in.execute_sql("ANALYZE")
    before = time.perf_counter()
    assert delivery.carry(f"{made.id}:0", world.now) == retry_at
    assert time.perf_counter() - before < 0.2


def fill_a_lane(world: World, made: WebhookEndpoint, numbers: list[int], next_try_at: Any) -> None:
    """Events of two thousand objects, one after the other and round again, on their way to an endpoint."""
    told = {"merchant": world.merchant.id, "livemode": False, "type": "x", "body": "{}", "created_at": world.now}
    Event.insert_many(
        [told | {"sequence": one + 1, "id": f"evt_{one}", "object_id": f"o{one % 2_000}"} for one in numbers]
    ).execute()
    waiting = {"endpoint": made.id, "lane": 0, "status": "pending", "tries": 0, "created_at": world.now}
    WebhookDelivery.insert_many(
        [
            waiting | {"id": f"wd_{one}", "event": one + 1, "object_id": f"o{one % 2_000}", "next_try_at": next_try_at}
            for one in numbers
        ]
    ).execute()
