"""Many at once at one subscription: workers, its merchant, its customer. One invoice a period, one charge each."""

from functools import partial
from itertools import count

import pytest

from ikawaari.checkout import attempts, renewals, subscriptions, test_mode
from ikawaari.errors import Conflict, Declined, Gone
from ikawaari.store.models import Invoice, Subscription
from tests import world as worlds
from tests.checkout.subscribing import (
    DAY,
    MONTHLY,
    due,
    invoices,
    keep_phone,
    now,
    page,
    pay_page,
    states,
    subscribed,
    taken,
    told,
    tries,
)
from tests.checkout.test_crashes import survives
from tests.checkout.test_parallel import Watched, race
from tests.world import Killed, World, audit, intent, names, together

pytestmark = [pytest.mark.on_both, pytest.mark.long(engine="sqlite")]


def renewing(world: World, how: str = "tok_test_card") -> tuple[Subscription, Invoice]:
    """A subscription whose renewal was invoiced a moment ago and not charged yet."""
    subscription = subscribed(world, how)
    world.later(31 * DAY)
    renewals.renew(subscription.id, world.now)
    return subscription, invoices(subscription)[-1]


def unharmed(results: object) -> None:
    """Assert that nothing but conflicts was raised."""
    assert isinstance(results, list)
    wrong = [one for one in results if isinstance(one, Exception) and not isinstance(one, Conflict | Declined | Gone)]
    assert not wrong, wrong


def test_of_eight_renewals_at_once_one_opens_the_invoice(world: World) -> None:
    subscription = subscribed(world)
    world.later(31 * DAY)
    unharmed(together(8, lambda _: renewals.renew(subscription.id, world.now)))
    assert states(subscription) == ["active", "paid", "open"]
    assert told(subscription) == ["created", "updated"]


@pytest.mark.parametrize(("how", "end"), [("tok_test_card", "paid"), ("tok_test_renewal_declined", "open")])
def test_of_eight_collections_at_once_one_charges(world: World, how: str, end: str) -> None:
    subscription, invoice = renewing(world, how)
    provider = Watched(world)
    unharmed(together(8, lambda _: renewals.collect(invoice.id, world.now)))
    assert provider.calls == ["charge"]
    assert invoices(subscription)[-1].status == end
    audit()


def test_of_eight_workers_that_saw_the_same_turn_one_takes_it(world: World) -> None:
    _, invoice = renewing(world, "tok_test_renewal_declined")
    results = together(8, lambda _: attempts.pay_saved(invoice, world.now))
    assert names(results) == {"Declined": 1, "Conflict": 7}
    assert len(tries(invoice)) == 1


def test_workers_side_by_side_renew_and_collect_once(world: World) -> None:
    opened = [subscribed(world, how) for how in ("tok_test_card", "500", "tok_test_renewal_declined", "004")]
    world.later(31 * DAY)
    for seconds in (0, 6, 60, 3600):
        world.later(seconds)
        unharmed(together(4, lambda _: world.work()))
    assert [states(one) for one in opened] == [
        ["active", "paid", "paid"],
        ["active", "paid", "paid"],
        ["past_due", "paid", "open"],
        ["active", "paid", "paid"],
    ]
    assert [len(tries(invoices(one)[-1])) for one in opened] == [1, 1, 1, 1]
    audit()


@pytest.mark.parametrize("how", ["tok_test_card", "500"])
def test_a_customer_who_pays_the_page_and_the_charge_behind_it_are_one_payment(world: World, how: str) -> None:
    for turn in range(4):
        subscription, invoice = renewing(world, how)
        by_hand = partial(pay_page, world, page(invoice), "tok_test_card")
        unharmed(race(turn, by_hand, partial(renewals.collect, invoice.id, world.now)))
        world.wait(6)
        assert (len(tries(invoice)), taken(subscription)[2]) == (1, 5_000)
        assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_cancellation_and_a_renewal_at_once_end_in_a_canceled_subscription(world: World) -> None:
    for turn in range(6):
        subscription = subscribed(world)
        world.later(31 * DAY)
        cancel = partial(subscriptions.cancel, subscription, world.now)
        unharmed(race(turn, cancel, partial(renewals.renew, subscription.id, world.now)))
        assert states(subscription) in (["canceled", "paid"], ["canceled", "paid", "void"])
        world.work()
        assert taken(subscription).get(2, 0) == 0
    audit()


def test_a_cancellation_and_a_charge_at_once_leave_no_invoice_open_and_no_money_untold(world: World) -> None:
    for turn in range(6):
        subscription, invoice = renewing(world)
        cancel = partial(subscriptions.cancel, subscription, world.now)
        unharmed(race(turn, cancel, partial(renewals.collect, invoice.id, world.now)))
        world.wait(6, 60)
        assert states(subscription) in (["canceled", "paid", "void"], ["canceled", "paid", "paid"])
        assert taken(subscription)[2] == (5_000 if states(subscription)[-1] == "paid" else 0)
    audit()


def test_the_end_of_dunning_and_late_money_at_once_agree(world: World) -> None:
    for turn in range(4):
        subscription, invoice = renewing(world)
        keep_phone(subscription, "011")
        renewals.collect(invoice.id, world.now)
        world.later(10 * DAY + 61)
        money = partial(test_mode.decide, intent(page(invoice)).id, succeeded=True, failure_reason=None, now=world.now)
        unharmed(race(turn, money, partial(renewals.collect, invoice.id, world.now)))
        assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_of_eight_cancellations_at_once_one_cancels(world: World) -> None:
    subscription, _ = renewing(world)
    results = together(8, lambda _: subscriptions.cancel(subscription, world.now))
    assert names(results)["Conflict"] == 7
    assert told(subscription).count("canceled") == 1


# ---------------------------------------------------------------- processes that die


@pytest.mark.long(engine="postgres")
@pytest.mark.parametrize(("how", "kept"), [("tok_test_card", 5_000), ("500", 5_000), ("tok_test_renewal_declined", 0)])
def test_a_renewal_that_dies_at_any_statement_is_done_once_by_the_next_worker(
    world: World, how: str, kept: int
) -> None:
    for statement in count(1, 7):
        subscription = subscribed(world, how)
        world.later(31 * DAY)
        done = survives(statement, world.work)
        world.wait(61, 6, 61, 3600, 6)
        (_, renewal) = invoices(subscription)
        assert (renewal.status, taken(subscription)[2]) == ("paid" if kept else "open", kept)
        assert told(renewal)[0] == "created"
        assert told(renewal).count("paid") == bool(kept)
        subscriptions.cancel(subscription, world.now)
        if done:
            break
    assert statement > 30
    audit()


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 5_000)])
def test_a_worker_killed_around_the_charge_charges_no_second_time(world: World, when: str, kept: int) -> None:
    subscription, invoice = renewing(world)
    worlds.dying(world.config, when)
    with pytest.raises(Killed):
        renewals.collect(invoice.id, world.now)
    assert [one.status for one in tries(invoice)] == ["submitting"]
    world.wait(61, 61)
    assert (len(tries(invoice)), taken(subscription)[2]) == (1, kept)
    world.wait(3600, 6)
    assert states(subscription) == ["active", "paid", "paid"]
    assert taken(subscription)[2] == 5_000
    audit()


# ---------------------------------------------------------------- time that a developer moves


def test_a_developer_walks_through_the_life_of_a_subscription(world: World) -> None:
    # A number that has paid this merchant before is asked on each day of dunning; 015 then lets its prompts lapse.
    world.pay(world.session(), "015")
    world.wait(6)
    subscription = subscribed(world, recurring=MONTHLY | {"trial_period_days": 30})
    seen = []
    for _ in range(7):
        test_mode.advance(subscription.id, world.owner, world.now)
        world.work()
        seen.append((states(subscription), told(subscription)[-1]))
        if len(seen) == 2:
            assert now(subscription).current_period_start == world.now
            keep_phone(subscription, "015")
        world.wait(6, 60, 6)
    assert [last for _, last in seen][:2] == ["trial_will_end", "updated"]
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert len(tries(invoices(subscription)[-1])) == 4
    with pytest.raises(Conflict):
        test_mode.advance(subscription.id, world.owner, world.now)
    audit()


def test_time_is_not_moved_under_a_payment(world: World) -> None:
    subscription = subscribed(world)
    keep_phone(subscription, "011")
    test_mode.advance(subscription.id, world.owner, world.now)
    world.work()
    with pytest.raises(Conflict, match="IKW-RES-003"):
        test_mode.advance(subscription.id, world.owner, world.now)


def test_what_is_due_already_is_not_moved(world: World) -> None:
    subscription = subscribed(world)
    for _ in range(3):
        test_mode.advance(subscription.id, world.owner, world.now)
    assert now(subscription).current_period_end == world.now
    row = due(subscriptions.RENEW, subscription)
    assert row is not None
    assert row.due_at == world.now
