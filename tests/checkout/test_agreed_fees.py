"""The fee of a renewal is the one agreed to with the method that is charged: another method has another fee."""

from typing import Any

import pytest

from ikawaari.store.models import Subscription
from tests.checkout.subscribing import MONTHLY, as_told, days, invoices, keep_token, now, page, pay_page, taken, tries
from tests.world import World, audit

FEES = {"card": {"basis_points": 290, "fixed": 100}, "mobile_money": {"basis_points": 100, "fixed": 0}}
CARD, WALLET = 5_245, 5_050  # 5,000 with the fee
TRIAL = MONTHLY | {"trial_period_days": 7}


def begun(world: World, how: str, recurring: dict[str, Any] = MONTHLY, **fields: Any) -> Subscription:
    """A subscription of 5,000 whose customer pays the fee, begun by that card or phone."""
    world.merchant.change(fees=FEES)
    session = world.session(mode="subscription", recurring=recurring, **{"fee_mode": "customer_pays"} | fields)
    pay_page(world, session, how)
    world.wait(6)
    return Subscription.get(Subscription.session == session.id)


def changed_hands(world: World, first: str, second: str) -> Subscription:
    """One whose first renewal failed by the first method, and was then paid on the invoice's page by the second."""
    subscription = begun(world, first)
    days(world, 31)
    world.wait(66)
    pay_page(world, page(invoices(subscription)[1]), second)
    world.wait(6)
    return now(subscription)


@pytest.mark.parametrize(
    ("first", "second", "totals"),
    [("tok_test_renewal_declined", "500", [CARD, WALLET, WALLET]), ("015", "tok_test_card", [WALLET, CARD, CARD])],
    ids=["card-then-wallet", "wallet-then-card"],
)
def test_the_next_charge_takes_the_fee_of_what_paid_last(
    world: World, first: str, second: str, totals: list[int]
) -> None:
    subscription = changed_hands(world, first, second)
    days(world, 31)
    assert list(taken(subscription).values()) == totals
    renewal = as_told(invoices(subscription)[-1])
    assert (renewal["status"], renewal["fee_amount"]) == ("paid", totals[-1] - 5_000)
    audit()


def test_fees_that_change_in_between_are_those_of_the_day_it_was_agreed(world: World) -> None:
    subscription = begun(world, "tok_test_renewal_declined")
    days(world, 31)
    world.merchant.change(
        fees={"card": {"basis_points": 900, "fixed": 0}, "mobile_money": {"basis_points": 200, "fixed": 0}}
    )
    pay_page(world, page(invoices(subscription)[1]), "500")
    world.wait(6)
    world.merchant.change(fees=FEES)
    days(world, 31)
    assert list(taken(subscription).values()) == [CARD, 5_100, 5_100]
    audit()


def test_a_try_on_the_page_that_fails_changes_nothing_of_what_was_agreed(world: World) -> None:
    subscription = begun(world, "tok_test_renewal_declined")
    days(world, 31)
    world.pay(page(invoices(subscription)[1]), "001")
    world.wait(6)
    assert page(invoices(subscription)[1]).fee_amount == 50  # what the one who failed was asked for
    keep_token(subscription, "tok_test_card")
    days(world, 3)
    assert taken(subscription) == {1: CARD, 2: CARD}
    assert [attempt.fee_amount for attempt in tries(invoices(subscription)[1])] == [245, 50, 245]
    audit()


@pytest.mark.parametrize(("how", "total"), [("tok_test_card", CARD), ("500", WALLET)])
def test_a_trial_is_charged_the_fee_of_what_it_was_agreed_with(world: World, how: str, total: int) -> None:
    subscription = begun(world, how, TRIAL)
    world.merchant.change(
        fees={"card": {"basis_points": 900, "fixed": 0}, "mobile_money": {"basis_points": 900, "fixed": 0}}
    )
    days(world, 8)
    assert taken(subscription) == {1: total}
    audit()


def test_a_merchant_who_pays_the_fee_charges_none(world: World) -> None:
    subscription = begun(world, "tok_test_renewal_declined", fee_mode="merchant_pays")
    days(world, 31)
    world.pay(page(invoices(subscription)[1]), "500")
    world.wait(6)
    days(world, 31)
    assert set(taken(subscription).values()) == {5_000}
