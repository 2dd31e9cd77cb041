"""A year of subscriptions: outages, kills, declines and hands on the page. In the end every book tells the same."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from random import Random

import pytest

from ikawaari.checkout import subscriptions
from ikawaari.errors import IkawaariError
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.states import UNSETTLED, InvoiceStatus, RefundStatus
from ikawaari.store.models import Event, Invoice, PaymentAttempt, PaymentIntent, Refund, Subscription
from tests import world as worlds
from tests.checkout.subscribing import DAY, invoices, keep_phone, keep_token, now, page, pay_page, subscribed, told
from tests.checkout.test_crashes import survives
from tests.world import LONG_AFTER, Killed, World, audit, together

LAST_OF_JANUARY = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
MOST_MINUTES = 60
Chance = Callable[[World, Random], object]
RECURRING = {
    "daily": {"interval": "day", "interval_count": 1},
    "weekly": {"interval": "week", "interval_count": 1},
    "monthly": {"interval": "month", "interval_count": 1},
    "after a trial": {"interval": "month", "interval_count": 1, "trial_period_days": 20},
}
CUSTOMERS = [
    ("weekly", "500"),
    ("monthly", "004"),
    ("monthly", "005"),
    ("monthly", "007"),
    ("monthly", "015"),
    ("monthly", "tok_test_card"),
    ("monthly", "tok_test_renewal_declined"),
    ("after a trial", "500"),
    ("after a trial", "tok_test_renewal_declined"),
]


def a_worker_comes(world: World, _: Random) -> None:
    """Everything is done that is due."""
    world.work()


def two_workers_come(world: World, _: Random) -> None:
    """At the same moment."""
    results = together(2, lambda _: world.work())
    assert not [result for result in results if isinstance(result, Exception)], results


def nobody_comes_for_a_week(world: World, _: Random) -> None:
    """Our servers are down."""
    world.later(7 * DAY)


def a_worker_dies(world: World, chance: Random) -> None:
    """At any statement."""
    survives(chance.randint(1, 150), world.work)
    world.later(61)


def a_worker_dies_around_a_charge(world: World, chance: Random) -> None:
    """Before or after the money moves, with the attempt stored."""
    worlds.dying(world.config, chance.choice(["before", "after"]))
    with suppress(Killed):
        world.work()
    registry.configure([Sandbox(world.config)])
    world.later(61)


def somebody_pays_by_hand(world: World, chance: Random) -> None:
    """On the page of an invoice, with whatever is at hand."""
    waiting = list(
        Invoice.select().where(Invoice.status == InvoiceStatus.OPEN).order_by(Invoice.created_at, Invoice.id)
    )
    if waiting:
        with suppress(IkawaariError):
            pay_page(world, page(chance.choice(waiting)), chance.choice(["tok_test_card", "500", "001", "004", "010"]))


def somebody_s_method_changes(world: World, chance: Random) -> None:
    """A card is declined from now on, wants its owner, or is good again; a phone is lost, or its operator is down."""
    one = any_subscription(chance)
    change = chance.choice([partial(keep_token, one, token) for token in ("tok_test_3ds", "tok_test_card")])
    chance.choice([change, partial(keep_phone, one, chance.choice(["500", "001", "003", "008"]))])()


def somebody_cancels(world: World, chance: Random) -> None:
    """Now, or at the period's end; seldom, or nobody would be left."""
    if chance.random() < 0.15:
        with suppress(IkawaariError):
            subscriptions.cancel(any_subscription(chance), world.now, at_period_end=chance.random() < 0.5)


def somebody_stops_or_resumes(world: World, chance: Random) -> None:
    """On the page."""
    if chance.random() < 0.3:
        with suppress(IkawaariError):
            subscriptions.cancel(any_subscription(chance), world.now, at_period_end=True, by_payer=True)
    for one in Subscription.select().where(Subscription.stopped_by_payer):
        if chance.random() < 0.7:
            with suppress(IkawaariError):
                subscriptions.resume(one, world.now)


def somebody_subscribes_by_the_day(world: World, chance: Random) -> None:
    """For eleven days at most, for time is dear."""
    if chance.random() < 0.15:
        one = subscribed(world, chance.choice(["tok_test_card", "tok_test_renewal_declined"]), RECURRING["daily"])
        world.wait(DAY, DAY, DAY)
        world.later(7 * DAY)
        world.work()
        subscriptions.cancel(now(one), world.now, at_period_end=True)


CHANCES: list[tuple[Chance, int]] = [
    (a_worker_comes, 30),
    (two_workers_come, 20),
    (nobody_comes_for_a_week, 3),
    (a_worker_dies, 15),
    (a_worker_dies_around_a_charge, 12),
    (somebody_pays_by_hand, 20),
    (somebody_s_method_changes, 6),
    (somebody_cancels, 5),
    (somebody_stops_or_resumes, 5),
    (somebody_subscribes_by_the_day, 5),
]


def any_subscription(chance: Random) -> Subscription:
    """One of them."""
    return chance.choice(list(Subscription.select().order_by(Subscription.created_at)))


@pytest.mark.long(engine="postgres")
def test_after_a_year_every_period_was_invoiced_once_and_paid_at_most_once(world: World) -> None:
    chance = Random(20_260_131)
    world.later((LAST_OF_JANUARY - world.now).total_seconds())
    end = world.now.replace(year=world.now.year + 1)
    for often, how in CUSTOMERS:
        subscribed(world, how, RECURRING[often])
    keep_token(Subscription.get(), "tok_test_3ds")
    chances, weights = zip(*CHANCES, strict=True)
    while world.now < end:
        world.later(chance.choice([6, 70, DAY / 2, DAY, 2 * DAY, 3 * DAY]))
        chance.choices(chances, weights)[0](world, chance)
    subscriptions.cancel(subscribed(world), world.now)  # chance alone may have left nobody canceled
    world.wait(*LONG_AFTER)
    what_is_on_its_way_arrives(world)
    audit()
    for subscription in Subscription.select():
        the_periods_follow_each_other(world, subscription)
        its_status_is_that_of_its_invoices(subscription)
        it_was_told_in_order(subscription)
    what_was_taken_is_what_was_invoiced()
    something_happened()


def what_is_on_its_way_arrives(world: World) -> None:
    """A renewal that falls due at the last moment has only been sent; its payer needs some seconds."""
    for _ in range(MOST_MINUTES):
        unsettled = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED)).exists()
        if not unsettled and not Refund.select().where(Refund.status == RefundStatus.PENDING).exists():
            return
        world.wait(60)
    raise AssertionError(f"after {MOST_MINUTES} minutes something is still on its way")


def the_periods_follow_each_other(world: World, subscription: Subscription) -> None:
    """No gap, no overlap, none skipped up to now or the end, each found from the anchor alone."""
    rows = invoices(subscription)
    stood_still = "unpaid" in told(subscription)
    assert stood_still or [row.period for row in rows] == list(range(1, subscription.period + 1))
    for row in rows:
        assert row.period_end == subscriptions.end_of_period(subscription, row.period)
        assert row.period_start == subscriptions.end_of_period(subscription, row.period - 1)
    assert stood_still or all(one.period_end == two.period_start for one, two in pairwise(rows))
    if subscription.status in {"active", "past_due", "trialing"}:
        assert subscription.current_period_start <= world.now < subscription.current_period_end


def its_status_is_that_of_its_invoices(subscription: Subscription) -> None:
    """Behind exactly while an open invoice has failed; nothing open once it ended."""
    waiting = [row for row in invoices(subscription) if row.status == "open"]
    failed = [row for row in waiting if "payment_failed" in told(row)]
    assert (subscription.status == "past_due") == bool(failed), (subscription.status, failed)
    if subscription.status in {"canceled", "unpaid"}:
        assert not waiting
    for row in invoices(subscription):
        assert (row.status == "paid") == (page(row).payment_status == "paid")


def it_was_told_in_order(subscription: Subscription) -> None:
    """From `created` to the last word, which is what is stored now."""
    story = told(subscription)
    assert story[0] == "created"
    assert story.count("created") == 1
    assert story.count("trial_will_end") <= 1
    assert "canceled" not in story[:-1]
    assert last(subscription)["status"] == subscription.status
    for row in invoices(subscription):
        ends = {"open": [], "paid": ["paid"], "void": ["voided"], "uncollectible": ["uncollectible"]}[row.status]
        given_up = [name for name in told(row) if name in {"voided", "uncollectible"} and row.status == "paid"]
        failed = ["payment_failed"] * told(row).count("payment_failed")
        assert len(given_up) <= 1
        assert told(row) == ["created", *failed, *given_up, *ends]


def last(subscription: Subscription) -> dict[str, object]:
    """The subscription as it was told of last."""
    events = Event.select().where(Event.object_id == subscription.id).order_by(Event.sequence.desc())
    return dict(json.loads(events.first().body)["data"])


def what_was_taken_is_what_was_invoiced() -> None:
    """One charge at the provider for each paid invoice, of its amount; none for any other."""
    taken = [(one["payment_intent"], one["amount"] - one["refunded"]) for one in ledger.entries()]
    paid = Invoice.select().where(Invoice.status == InvoiceStatus.PAID)
    due = [(PaymentIntent.get(PaymentIntent.session == row.session).id, row.amount) for row in paid]
    assert sorted(one for one in taken if one[1]) == sorted(due)


def something_happened() -> None:
    """A quiet year proves nothing."""
    assert {row.status for row in Invoice.select()} >= {"paid", "void", "uncollectible"}
    assert {row.status for row in Subscription.select()} >= {"active", "unpaid", "canceled"}
    failures = {row.failure_code for row in PaymentAttempt.select()}
    assert failures >= {"authentication_required", "card_declined", "payment_timeout", "provider_unavailable"}
    assert Invoice.select().count() > 80
