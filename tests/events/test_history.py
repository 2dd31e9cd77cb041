"""What was told is kept for a while: deliveries that went well are forgotten, and nothing else is."""

from datetime import timedelta

from ikawaari.events import delivery, history
from ikawaari.store.models import DeliveryTry, Event, WebhookDelivery
from tests.events.receiver import Receiver
from tests.events.telling import endpoint, fail, tell
from tests.world import World

KEPT = timedelta(days=30)


def test_a_delivery_is_forgotten_thirty_days_after_it_succeeded(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    tell(world)
    world.work()
    history.forget(world.now + KEPT)
    assert DeliveryTry.select().count() == WebhookDelivery.select().count() == 1
    history.forget(world.now + KEPT + timedelta(seconds=1))
    assert DeliveryTry.select().count() == WebhookDelivery.select().count() == 0
    assert Event.select().count() == 1


def test_what_has_not_arrived_is_never_forgotten(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    fail(receiver)
    tell(world, "waits")
    world.wait(1, 300, 1_800, 7_200, 28_800, 86_400)
    tell(world, "missed")
    history.forget(world.now + 12 * KEPT)
    assert {row.status for row in WebhookDelivery.select()} == {"failed", "pending"}
    assert DeliveryTry.select().count() == 6


def test_what_was_forgotten_may_be_sent_again(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    tell(world)
    world.work()
    history.forget(world.later(31 * 86_400))
    assert delivery.send_again([Event.get()], world.now) == 1
    world.work()
    assert [heard.body for heard in receiver.heard] == [Event.get().body.encode()] * 2


def test_a_delivery_that_was_sent_again_counts_from_then(world: World, receiver: Receiver) -> None:
    endpoint(world, receiver.url)
    tell(world)
    world.work()
    delivery.send_again([Event.get()], world.later(20 * 86_400))
    world.work()
    history.forget(world.later(20 * 86_400))
    assert DeliveryTry.select().count() == 2
