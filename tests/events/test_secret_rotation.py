"""Secrets of webhook endpoints change with an overlap or at once; an event that is always refused stands alone."""

from typing import Any

import pytest

from ikawaari import clock, sealing
from ikawaari.events import endpoints, history
from ikawaari.states import DeliveryStatus
from ikawaari.store.models import WebhookDelivery, WebhookEndpoint
from tests.events.receiver import Receiver
from tests.events.telling import SCHEDULE, endpoint, fail, signed_at, stored, tell
from tests.world import World


def newest(one: WebhookEndpoint) -> str:
    """The secret that the merchant was told last."""
    return str(endpoints.resource(stored(one), with_secret=True)["secret"])


def signer(receiver: Receiver, **secrets: str) -> str:
    """Whose signature the latest delivery carries."""
    heard = receiver.heard[-1]
    return next(name for name, secret in secrets.items() if _fits(heard, secret))


def _fits(heard: Any, secret: str) -> bool:
    try:
        signed_at(heard, secret)
    except AssertionError:
        return False
    return True


def hear(world: World) -> None:
    """Something happens, and is delivered."""
    tell(world, f"o{clock.now().timestamp()}")
    world.work()


def test_the_runbook_of_a_webhook_secret_s_rotation(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    old = newest(made)
    endpoints.rotate_secret(made, world.now, overlap_seconds=3_600)
    new = newest(made)
    assert endpoints.resource(stored(made))["secret_changes_at"] == clock.unix(world.now) + 3_600
    hear(world)
    assert signer(receiver, old=old, new=new) == "old"
    world.later(3_599)
    hear(world)
    assert signer(receiver, old=old, new=new) == "old"
    world.later(1)
    hear(world)
    assert signer(receiver, old=old, new=new) == "new"
    endpoints.end_overlaps(world.now)
    assert endpoints.resource(stored(made))["secret_changes_at"] is None
    assert stored(made).next_secret is None
    assert newest(made) == new
    hear(world)
    assert signer(receiver, old=old, new=new) == "new"


def test_without_an_overlap_the_new_secret_signs_at_once(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    old = newest(made)
    endpoints.rotate_secret(made, world.now)
    hear(world)
    assert signer(receiver, old=old, new=newest(made)) == "new"


@pytest.mark.parametrize(("overlap_seconds", "signs"), [(0, "third"), (3_600, "second")])
def test_a_second_rotation_ends_the_overlap_of_the_first(
    world: World, receiver: Receiver, overlap_seconds: int, signs: str
) -> None:
    made = endpoint(world, receiver.url)
    first = newest(made)
    endpoints.rotate_secret(made, world.now, overlap_seconds=3_600)
    second = newest(made)
    endpoints.rotate_secret(made, world.now, overlap_seconds=overlap_seconds)
    third = newest(made)
    hear(world)
    assert signer(receiver, first=first, second=second, third=third) == signs
    world.later(3_600)
    hear(world)
    assert signer(receiver, first=first, second=second, third=third) == "third"


def test_a_retry_is_signed_with_the_secret_of_its_own_time(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    old = newest(made)
    endpoints.rotate_secret(made, world.now, overlap_seconds=60)
    fail(receiver)
    hear(world)
    assert signer(receiver, old=old, new=newest(made)) == "old"
    world.wait(300)
    assert signer(receiver, old=old, new=newest(made)) == "new"


# ---------------------------------------------------------------- an event that is always refused


def test_an_event_that_is_always_refused_sets_only_itself_aside(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    fail(receiver, "poison")
    tell(world, "poison", number=1)
    world.work()
    for seconds in SCHEDULE:
        tell(world, f"good{seconds}")
        world.wait(seconds)
    assert stored(made).failing_since is None
    assert [row.status for row in WebhookDelivery.select().where(WebhookDelivery.object_id == "poison")] == ["failed"]
    fail(receiver, "nobody")
    tell(world, "poison", number=2)
    tell(world, "good")
    world.work()
    assert [heard.object_id for heard in receiver.heard[-2:]] == ["poison", "good"] or {
        heard.object_id for heard in receiver.heard[-2:]
    } == {"poison", "good"}


def test_what_was_set_aside_is_listed_and_can_be_sent_again(world: World, receiver: Receiver) -> None:
    from ikawaari.paging import PageRequest
    from ikawaari.store.models import Event

    made = endpoint(world, receiver.url)
    fail(receiver, "poison")
    tell(world, "poison")
    tell(world, "good")
    world.wait(0, *SCHEDULE)
    failed = history.deliveries(stored(made), PageRequest(filters={"status": DeliveryStatus.FAILED}))["data"]
    assert [row["event"] for row in failed] == [Event.get(Event.object_id == "poison").id]
    fail(receiver, "nobody")
    history.redeliver(Event.get(Event.object_id == "poison"), world.now)
    world.work()
    assert receiver.heard[-1].object_id == "poison"
    assert not history.deliveries(stored(made), PageRequest(filters={"status": DeliveryStatus.FAILED}))["data"]


def test_an_endpoint_that_took_nothing_since_is_failing(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    tell(world, "before")
    world.work()
    world.later(1)
    fail(receiver)
    tell(world, "o")
    world.wait(0, *SCHEDULE)
    assert stored(made).failing_since == world.now


def test_enabling_sends_what_was_missed_and_failed_ones_last(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    fail(receiver)
    tell(world, "o", number=1)
    world.wait(0, *SCHEDULE)
    assert stored(made).failing_since
    for number in (2, 3):
        tell(world, "o", number=number)
    world.work()
    fail(receiver, "nobody")
    receiver.heard.clear()
    endpoints.update(stored(made), world.now, enabled=True)
    world.work()
    assert [heard.event["data"]["number"] for heard in receiver.heard] == [2, 3, 1]


def test_no_secret_is_kept_in_clear(world: World, receiver: Receiver) -> None:
    made = endpoint(world, receiver.url)
    assert "whsec_" not in str(stored(made).__data__)
    assert sealing.open_sealed(stored(made).secret).startswith("whsec_")
