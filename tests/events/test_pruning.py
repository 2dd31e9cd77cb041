"""Old events are deleted with their deliveries, and nobody who reads them, or waits for them, loses one."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from ikawaari.errors import ValidationFailed
from ikawaari.events import delivery, endpoints, history, pruning
from ikawaari.paging import PageRequest
from ikawaari.store import pruned
from ikawaari.store.models import DeliveryTry, Event, PruningPlace, WebhookDelivery
from tests.events.receiver import Receiver
from tests.events.telling import endpoint, fail, tell
from tests.world import World, halfway, together

DAYS = timedelta(days=90)


def ids_of(world: World, newer_than: str | None = None) -> list[str]:
    """The ids of a page of events that a consumer reads."""
    return [str(one["id"]) for one in history.listed(world.owner, PageRequest(ending_before=newer_than))["data"]]


@pytest.mark.on_both
def test_an_event_goes_with_its_deliveries_when_its_days_are_over(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    tell(world, "old")
    world.work()
    world.later(1)
    tell(world, "new")
    world.work()
    assert not pruning.forget(world.now - timedelta(seconds=1))
    assert (Event.select().count(), DeliveryTry.select().count()) == (2, 2)
    pruning.forget(world.now)
    assert [event.object_id for event in Event.select()] == ["new"]
    assert WebhookDelivery.select().count() == DeliveryTry.select().count() == 1


@pytest.mark.on_both
def test_an_event_stays_while_a_delivery_of_it_is_pending(world: World, receiver: Receiver) -> None:
    one = endpoint(world, receiver.url)
    fail(receiver)
    tell(world, "waits")
    world.wait(1, 300, 1_800, 7_200, 28_800, 86_400)
    tell(world, "missed")
    tell(world, "newest")
    world.later(DAYS.total_seconds())
    pruning.forget(world.now)
    assert [event.object_id for event in Event.select().order_by(Event.sequence)] == ["missed", "newest"]
    endpoints.delete(one)
    pruning.forget(world.now)
    assert [event.object_id for event in Event.select()] == ["newest"]


@pytest.mark.on_both
def test_a_consumer_that_has_read_everything_goes_on_after_months_of_silence(world: World) -> None:
    for name in "abc":
        tell(world, name)
    oldest, newest = ids_of(world)[-1], ids_of(world)[0]
    world.later(2 * DAYS.total_seconds())
    pruning.forget(world.now - DAYS)
    assert ids_of(world, newest) == []
    tell(world, "d")
    tell(world, "e")
    assert len(ids_of(world, newest)) == 2
    with pytest.raises(ValidationFailed) as refused:
        history.listed(world.owner, PageRequest(ending_before=oldest))
    assert refused.value.details == {"ending_before": ["is not in this list, or no longer kept"]}


def test_each_merchant_and_mode_keeps_its_newest_event(world: World, receiver: Receiver) -> None:
    tell(world, "listed")
    history.send_test(endpoint(world, receiver.url), world.now)  # is in no list
    world.work()
    pruning.forget(world.later(1))
    assert [event.object_id for event in Event.select()] == ["listed"]


@pytest.mark.on_both
def test_it_goes_on_where_it_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned, "MOST", 2)
    for name in "abcdefg":
        tell(world, name)
    old = world.later(1)
    assert pruning.forget(old)
    together(1, lambda _: halfway(lambda: pruning.forget(old)))
    oldest = Event.select().order_by(Event.sequence).get().sequence
    assert (Event.select().count(), PruningPlace.get().after) == (5, str(oldest - 1))
    assert [pruning.forget(old) for _ in range(3)] == [True, True, False]
    assert ([event.object_id for event in Event.select()], PruningPlace.get().after) == (["g"], "")


@pytest.mark.on_both
def test_an_event_that_is_sent_again_while_it_is_deleted_is_delivered_or_gone(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    for round_ in range(8):
        tell(world, f"old{round_}")
        tell(world, f"new{round_}")
        world.work()
        event = Event.get(Event.object_id == f"old{round_}")
        before = world.later(1)
        steps = partial(delivery.send_again, [event], before), partial(pruning.forget, before)
        sent, _ = together(2, partial(_run, steps))
        stored = WebhookDelivery.get_or_none(WebhookDelivery.event == event.sequence)
        assert (sent, stored and stored.status) in ((1, "pending"), (0, None))
        world.work()


def _run(steps: Sequence[Callable[[], object]], number: int) -> object:
    return steps[number]()
