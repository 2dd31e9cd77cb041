"""What a payment comes to: fees to the unit, quantities in their bounds, and one truth however often it is tried."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.checkout import attempts, merchant_view, quotes, refunds, snapshots
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, Declined, ValidationFailed
from ikawaari.money import MAX_AMOUNT
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, Subscription
from tests import factories
from tests.world import FAILED, PAID, World, audit, fresh, intent, latest, statuses, together, tries

FEES = {"mobile_money": {"basis_points": 150, "fixed": 0}, "card": {"basis_points": 250, "fixed": 100}}
CLOTH = {"name": "Pagne", "amount": 1_500, "quantity": 2, "adjustable_quantity": {"minimum": 1, "maximum": 10}}
SEWING = {"name": "Couture", "amount": 700, "quantity": 0, "adjustable_quantity": {"minimum": 0, "maximum": 5}}
DELIVERY = {"name": "Livraison", "amount": 500, "quantity": 1}
MONTHLY = {"interval": "month", "interval_count": 1}


def priced(world: World, **fields: Any) -> CheckoutSession:
    """A session whose customer pays the fees of the shop."""
    world.merchant.change(fees=FEES)
    return world.session(fee_mode="customer_pays", **fields)


def basket(world: World, **fields: Any) -> CheckoutSession:
    """A session over 3,500 with quantities to choose, and fees."""
    return priced(world, line_items=[CLOTH, SEWING, DELIVERY], **fields)


def refused(session: CheckoutSession, **fields: Any) -> set[str]:
    """What a payment with these fields is told to mend."""
    with pytest.raises(ValidationFailed) as refusal:
        attempts.pay(session.id, factories.pay_request(**fields), session.created_at)
    assert refusal.value.code == "IKW-CHK-002"
    assert not tries(session)
    return set(refusal.value.details)


def assert_agrees(session: CheckoutSession, amount: int, fee: int) -> None:
    """Session, intent, attempt and the provider's ledger tell the same."""
    told = merchant_view.checkout_session(snapshots.of(fresh(session)))
    assert (told["amount"], told["fee_amount"], told["amount_total"]) == (amount, fee, amount + fee)
    assert intent(session).amount == intent(session).amount_received == amount + fee
    kept = [entry["amount"] - entry["refunded"] for entry in ledger.entries()]
    assert [taken for taken in kept if taken] == [amount + fee]


# ---------------------------------------------------------------- the fee


@given(st.integers(1, MAX_AMOUNT), st.integers(0, 10_000), st.integers(0, 1_000_000))
def test_a_fee_is_exact_and_rounded_up(amount: int, basis_points: int, fixed: int) -> None:
    exact = Fraction(amount) * Fraction(basis_points, 10_000)
    assert quotes.fee_on(amount, (basis_points, fixed)) == math.ceil(exact) + fixed


@pytest.mark.parametrize(
    ("amount", "method", "fee"), [(5_000, "mobile_money", 75), (5_001, "mobile_money", 76), (1, "card", 101)]
)
def test_the_fee_is_the_schedules_for_the_method(world: World, amount: int, method: str, fee: int) -> None:
    quote = quotes.of(priced(world, amount=amount), method, None, None)
    assert (quote.amount, quote.fee, quote.total) == (amount, fee, amount + fee)


def test_a_merchant_who_pays_or_charges_nothing_has_no_fee(world: World) -> None:
    world.merchant.change(fees={"card": FEES["card"]})
    assert quotes.of(world.session(), "card", None, None).fee == 0
    assert quotes.of(world.session(fee_mode="customer_pays"), "mobile_money", None, None).fee == 0


def test_a_total_beyond_all_amounts_is_refused(world: World) -> None:
    assert refused(priced(world, amount=MAX_AMOUNT)) == {"amount"}


def test_the_payer_is_charged_the_amount_and_the_fee(world: World) -> None:
    session = priced(world)
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID
    assert_agrees(session, 5_000, 75)
    audit()


def test_a_chosen_amount_has_its_fee_too_and_may_be_chosen_again(world: World) -> None:
    session = priced(world, amount=None)
    with pytest.raises(Declined):
        world.pay(session, "008", amount=2_000)
    assert merchant_view.checkout_session(snapshots.of(fresh(session)))["amount_total"] == 2_030
    world.pay(session, amount=3_001)
    world.wait(6)
    assert_agrees(session, 3_001, 46)
    audit()


def test_a_refund_may_give_back_the_total_with_the_fee(world: World) -> None:
    session = priced(world)
    world.pay_by_card(session)
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=5_000), world.now)
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)
    world.wait(60)
    assert fresh(session).payment_status == "refunded"
    assert intent(session).amount_refunded == 5_225
    audit()


def test_a_wrong_amount_goes_back_whole_though_it_may_be_the_amount_without_the_fee(world: World) -> None:
    session = priced(world)
    world.callbacks_arrive()
    world.pay(session, "012")
    world.wait(5, 10, 60)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == "invalid_amount"
    assert all(entry["amount"] == entry["refunded"] for entry in ledger.entries())
    audit()


# ---------------------------------------------------------------- quantities


def test_chosen_quantities_make_the_amount_and_are_kept(world: World) -> None:
    session = basket(world)
    world.pay(session, quantities=[3, 1, 1])
    world.wait(6)
    assert_agrees(session, 5_700, 86)
    assert [item["quantity"] for item in fresh(session).line_items] == [3, 1, 1]
    audit()


def test_nothing_chosen_means_the_quantities_that_are_shown(world: World) -> None:
    session = basket(world)
    world.pay(session)
    world.wait(6)
    assert_agrees(session, 3_500, 53)


@pytest.mark.parametrize(
    ("quantities", "at"),
    [
        ([0, 0, 1], {".0"}),
        ([11, 6, 1], {".0", ".1"}),
        ([1, -1, 1], {".1"}),
        ([1, 0, 2], {".2"}),
        ([1, 0], {""}),
        ([1, 0, 1, 1], {""}),
        ([], {""}),
    ],
)
def test_quantities_out_of_bounds_are_named(world: World, quantities: list[int], at: set[str]) -> None:
    assert refused(basket(world), quantities=quantities) == {f"quantities{path}" for path in at}


def test_an_order_of_nothing_is_refused(world: World) -> None:
    session = world.session(line_items=[SEWING | {"quantity": 1}])
    assert refused(session, quantities=[0]) == {"quantities"}


def test_quantities_of_a_fixed_order_are_its_own(world: World) -> None:
    session = world.session(line_items=[DELIVERY])
    assert refused(session, quantities=[2]) == {"quantities.0"}
    assert refused(world.session(), quantities=[1]) == {"quantities"}
    world.pay(session, quantities=[1])


def test_an_amount_beside_quantities_must_be_theirs(world: World) -> None:
    session = basket(world)
    assert refused(session, quantities=[1, 0, 1], amount=3_500) == {"amount"}
    world.pay(session, quantities=[1, 0, 1], amount=2_000)
    assert intent(session).amount == 2_030


def test_after_a_decline_other_quantities_are_charged(world: World) -> None:
    session = basket(world)
    with pytest.raises(Declined):
        world.pay(session, "008", quantities=[4, 0, 1])
    assert merchant_view.checkout_session(snapshots.of(fresh(session)))["amount"] == 6_500
    world.pay_by_card(session)
    assert_agrees(session, 6_500, 263)
    audit()


def test_a_correction_pays_for_what_its_own_payer_chose(world: World) -> None:
    session = basket(world)
    world.callbacks_arrive()
    world.pay(session, "007", quantities=[1, 0, 1])
    world.wait(4)
    assert statuses(session) == FAILED
    world.pay(session, "011", quantities=[5, 2, 1])
    assert fresh(session).amount == 9_400
    world.wait(30, 60, 600, 3600)
    assert fresh(session).payment_status == "paid"
    assert_agrees(session, 2_000, 30)
    assert [item["quantity"] for item in fresh(session).line_items] == [1, 0, 1]


@pytest.mark.parametrize("deferred", [True, False])
@pytest.mark.on_postgres
def test_of_parallel_payers_with_other_quantities_one_pays_his_own_total(world: World, deferred: bool) -> None:
    session = basket(world, defer_payment_intent_creation=deferred)
    counts = [[1 + number, 0, 1] for number in range(8)]
    results = together(
        8, lambda number: attempts.pay(session.id, factories.pay_request(quantities=counts[number]), world.now)
    )
    assert sum(isinstance(result, Conflict) for result in results) == 7
    world.wait(6)
    chosen = counts[results.index(None)]
    amount = chosen[0] * 1_500 + 500
    assert_agrees(session, amount, math.ceil(Fraction(amount * 150, 10_000)))
    assert [item["quantity"] for item in fresh(session).line_items] == chosen
    audit()


def test_a_subscription_is_over_what_was_chosen_without_the_fee(world: World) -> None:
    session = basket(world, mode="subscription", recurring=MONTHLY)
    attempts.pay(session.id, factories.card_request(quantities=[3, 0, 1]), world.now)
    assert_agrees(session, 5_000, 225)
    assert Subscription.get(Subscription.session == session.id).amount == 5_000


# ---------------------------------------------------------------- the total that was shown


@pytest.mark.parametrize("shown", [0, 3_500, 3_552, 3_554])
def test_another_total_than_the_one_shown_is_never_charged(world: World, shown: int) -> None:
    assert refused(basket(world), agreed_total=shown) == {"agreed_total"}
    assert not list(ledger.entries())


def test_the_total_that_was_shown_is_charged(world: World) -> None:
    session = basket(world)
    world.pay(session, agreed_total=3_553)
    assert intent(session).amount == 3_553


def test_a_fee_that_rose_since_the_page_was_shown_is_asked_for_again(world: World) -> None:
    session = basket(world)
    world.merchant.change(fees={"mobile_money": {"basis_points": 900, "fixed": 0}})
    assert refused(session, agreed_total=3_553) == {"agreed_total"}


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, False),
        ({"fee_mode": "customer_pays"}, True),
        ({"fee_mode": "customer_pays", "amount": None}, True),
        ({"amount": None}, False),
        ({"line_items": [DELIVERY]}, False),
        ({"line_items": [CLOTH]}, True),
    ],
)
def test_a_total_must_be_agreed_where_it_is_not_plain(world: World, fields: dict[str, Any], asked: bool) -> None:
    world.merchant.change(fees=FEES)
    assert quotes.must_be_agreed(world.session(**fields)) == asked


def test_a_schedule_of_nothing_asks_nothing(world: World) -> None:
    world.merchant.change(fees={"mobile_money": {"basis_points": 0, "fixed": 0}})
    assert not quotes.must_be_agreed(world.session(fee_mode="customer_pays"))
