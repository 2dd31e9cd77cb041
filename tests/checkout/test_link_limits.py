"""The limit of a link's uses, under everything that happens at once, late, and corrected."""

from functools import partial

import pytest

from ikawaari import store
from ikawaari.checkout import links, sessions, settlement, snapshots, visits
from ikawaari.errors import Gone
from ikawaari.money import Money
from ikawaari.providers.base import Outcome, Result
from ikawaari.store.models import CheckoutSession, Merchant, PaymentLink
from tests import factories
from tests.checkout.test_links import from_link, status, visit
from tests.checkout.test_parallel import race
from tests.world import FAILED, PAID, World, audit, fresh, latest, names, refunds, statuses, together

pytestmark = pytest.mark.on_both


def opened(world: World, link: PaymentLink, count: int) -> list[CheckoutSession]:
    """Sessions of the link: one by a visit, one by the merchant, and so on."""
    return [from_link(world, link) if turn % 2 else visit(link, world) for turn in range(count)]


def failed_first(world: World, link: PaymentLink) -> tuple[CheckoutSession, CheckoutSession]:
    """Two sessions: the payment of the first has failed, and will be corrected once callbacks arrive."""
    first, second = from_link(world, link), from_link(world, link)
    world.pay(first, "007")
    while latest(first).status != "failed":
        world.wait(1)
    assert statuses(first) == FAILED
    return first, second


def paid(rows: list[CheckoutSession]) -> int:
    """How many of the sessions are paid."""
    return [fresh(row).payment_status for row in rows].count("paid")


def test_of_20_payers_of_a_link_for_three_exactly_three_pay_and_the_others_are_told(world: World) -> None:
    link = factories.link(world.merchant, max_uses=3)
    rows = opened(world, link, 20)
    results = together(20, lambda number: world.pay_by_card(rows[number]))
    assert names(results) == {"None": 3, "Gone": 17}, results
    assert {result.code for result in results if isinstance(result, Gone)} == {"IKW-CHK-005"}
    assert (paid(rows), status(link, world)) == (3, ("used", 3))
    assert {links.unavailable(snapshots.of(fresh(row))) for row in rows if fresh(row).status == "open"} == {"used"}
    audit()


def test_three_prompts_that_fail_give_their_three_uses_back(world: World) -> None:
    link = factories.link(world.merchant, max_uses=3)
    rows = opened(world, link, 20)
    prompted = together(20, lambda number: world.pay(rows[number], "001"))
    assert (names(prompted), status(link, world)) == ({"None": 3, "Gone": 17}, ("used", 3))
    world.wait(6)
    assert (paid(rows), status(link, world)) == (0, ("active", 0))
    again = together(20, lambda number: world.pay_by_card(rows[number]))
    assert (names(again), paid(rows)) == ({"None": 3, "Gone": 17}, 3)
    audit()


def test_a_payer_and_a_merchant_who_deactivates_never_both_win(world: World) -> None:
    for turn in range(6):
        link = factories.link(world.merchant, max_uses=2)
        session = visit(link, world)
        acts = (partial(world.pay_by_card, session), partial(links.deactivate, link, world.now))
        results = race(turn, *acts)
        refused = any(isinstance(result, Gone) for result in results)
        assert refused == (fresh(session).payment_status == "unpaid")
    audit()


def test_visits_and_payments_at_once_wait_for_nobody_for_ever(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    session = visit(link, world)
    acts = (partial(world.pay_by_card, session), partial(visits.open_session, link.slug, None, world.now))
    results = together(12, lambda number: acts[number % 2]())
    assert [fresh(session).payment_status, CheckoutSession.select().count()] == ["paid", 1]
    assert not {type(result).__name__ for result in results if isinstance(result, Exception)} - {"Gone", "Conflict"}


def test_a_correction_beyond_the_limit_is_given_back(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    first, second = failed_first(world, link)
    world.pay_by_card(second)
    world.callbacks_arrive()
    world.wait(30, 60, 600, 3600)
    assert statuses(second) == PAID
    assert [(row.reason, row.attempt_id, row.status) for row in refunds()] == [
        ("link_used", latest(first).id, "succeeded")
    ]
    stored = fresh(first)
    assert (stored.status, stored.payment_status, stored.late) == ("expired", "refunded", True)
    assert world.told().count("checkout.session.completed") == 1
    audit()


def test_a_correction_within_the_limit_is_a_payment(world: World) -> None:
    link = factories.link(world.merchant, max_uses=2)
    first, second = failed_first(world, link)
    world.pay_by_card(second)
    world.callbacks_arrive()
    world.wait(30, 60, 600, 3600)
    assert (statuses(first), statuses(second), refunds()) == (PAID, PAID, [])


@pytest.mark.parametrize("in_time", [True, False])
def test_a_correction_takes_no_money_from_the_one_who_holds_the_use(world: World, in_time: bool) -> None:
    link = factories.link(world.merchant, max_uses=1)
    first, second = failed_first(world, link)
    world.pay(second, "011")
    world.callbacks_arrive()
    world.wait(30, 60)
    assert fresh(first).late
    if not in_time:
        with store.atomic():
            assert sessions.try_expire(fresh(second), world.now, while_settling=True)
    good = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    settlement.apply(latest(second).id, good, world.now)
    assert fresh(second).payment_status == "paid"
    assert [(row.reason, row.attempt_id) for row in refunds()] == [("link_used", latest(first).id)]


@pytest.mark.parametrize("policy", ["accept", "refund"])
def test_money_after_the_end_is_given_back_when_others_have_used_the_link(world: World, policy: str) -> None:
    Merchant.update(late_payments=policy).execute()
    link = factories.link(world.merchant, max_uses=1)
    first, second = failed_first(world, link)
    world.pay_by_card(second)
    CheckoutSession.update(expires_at=world.now).where(CheckoutSession.id == first.id).execute()
    world.callbacks_arrive()
    world.wait(30, 60, 600, 3600)
    assert (fresh(first).status, [row.reason for row in refunds()]) == ("expired", ["link_used"])
    audit()
