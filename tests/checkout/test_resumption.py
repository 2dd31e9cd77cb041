"""A payer takes up a subscription that they had stopped: until its period ends, and never against its merchant."""

from datetime import timedelta
from functools import partial

import pytest

from ikawaari.checkout import renewals, subscriptions
from ikawaari.errors import Conflict
from ikawaari.store.models import Subscription
from tests.checkout.subscribing import DAY, invoices, now, states, subscribed, taken, told
from tests.checkout.test_parallel import race
from tests.world import World, audit, names, together


def stopped(world: World, **how: bool) -> Subscription:
    """A subscription that its payer has stopped."""
    subscription = subscribed(world)
    subscriptions.cancel(subscription, world.now, **{"at_period_end": True, "by_payer": True} | how)
    return subscription


def resume(world: World, subscription: Subscription) -> None:
    """Its payer takes it up again."""
    subscriptions.resume(subscription, world.now)


def test_it_goes_on_as_if_it_had_never_been_stopped(world: World) -> None:
    subscription = stopped(world)
    world.later(10 * DAY)
    resume(world, subscription)
    assert told(subscription) == ["created", "updated", "updated"]
    world.wait(21 * DAY, 6)
    assert states(subscription) == ["active", "paid", "paid"]
    assert taken(subscription) == {1: 5_000, 2: 5_000}
    audit()


def test_a_trial_is_taken_up_too(world: World) -> None:
    subscription = subscribed(world, "500", {"interval": "month", "interval_count": 1, "trial_period_days": 7})
    subscriptions.cancel(subscription, world.now, at_period_end=True, by_payer=True)
    resume(world, subscription)
    world.wait(8 * DAY, 6)
    assert states(subscription) == ["active", "paid"]


@pytest.mark.on_postgres
def test_once_is_enough(world: World) -> None:
    subscription = stopped(world)
    results = together(8, lambda _: resume(world, subscription))
    assert names(results) == {"None": 1, "Conflict": 7}
    assert told(subscription) == ["created", "updated", "updated"]


def test_what_goes_on_is_not_taken_up(world: World) -> None:
    subscription = subscribed(world)
    with pytest.raises(Conflict):
        resume(world, subscription)
    assert told(subscription) == ["created"]


@pytest.mark.on_postgres
def test_what_its_merchant_has_stopped_stays_so(world: World) -> None:
    """Also after its payer had stopped it, or stops it once more."""
    for by_payer in ([False], [True, False], [False, True]):
        subscription = subscribed(world)
        for one in by_payer:
            subscriptions.cancel(subscription, world.now, at_period_end=True, by_payer=one)
        assert not subscriptions.may_be_resumed(now(subscription), world.now)
        with pytest.raises(Conflict):
            resume(world, subscription)
        assert told(subscription) == ["created", "updated"]


@pytest.mark.parametrize("worker", [True, False], ids=["ended", "nobody was at work"])
def test_after_its_period_it_has_ended(world: World, worker: bool) -> None:
    subscription = stopped(world)
    world.later(31 * DAY)
    if worker:
        world.work()
    with pytest.raises(Conflict):
        resume(world, subscription)
    world.work()
    assert states(subscription) == ["canceled", "paid"]
    assert taken(subscription) == {1: 5_000}


def test_what_was_canceled_at_once_has_ended(world: World) -> None:
    subscription = stopped(world)
    subscriptions.cancel(subscription, world.now)
    with pytest.raises(Conflict):
        resume(world, subscription)


def test_at_the_very_end_of_the_period_it_ends_or_goes_on_and_never_both(world: World) -> None:
    """The payer's press was read a moment before the end, and a worker comes at the end."""
    for turn in range(6):
        subscription = stopped(world)
        end = now(subscription).current_period_end
        press = partial(subscriptions.resume, subscription, end - timedelta(seconds=1))
        world.later((end - world.now).total_seconds())
        race(turn, press, partial(renewals.renew, subscription.id, world.now))
        world.wait(0, 6)
        went_on = states(subscription) == ["active", "paid", "paid"]
        assert went_on or states(subscription) == ["canceled", "paid"]
        assert taken(subscription) == ({1: 5_000, 2: 5_000} if went_on else {1: 5_000})
        assert len(invoices(subscription)) == (2 if went_on else 1)
    audit()


def test_stopping_and_taking_up_at_once_is_one_after_the_other(world: World) -> None:
    for turn in range(4):
        subscription = stopped(world)
        stop = partial(subscriptions.cancel, subscription, world.now, at_period_end=True, by_payer=True)
        race(turn, stop, partial(subscriptions.resume, subscription, world.now))
        is_stopped = now(subscription).cancel_at_period_end
        assert now(subscription).stopped_by_payer == is_stopped
        assert told(subscription) == ["created", *["updated"] * (3 if is_stopped else 2)]
