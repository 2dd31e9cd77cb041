"""Renewals and what becomes of them: each period invoiced once, charged until it is paid or given up."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from ikawaari.checkout import (
    attempts,
    cancellations,
    merchant_view,
    renewals,
    sessions,
    snapshots,
    subscriptions,
    test_mode,
)
from ikawaari.errors import Conflict, Gone
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import Event, Invoice, Subscription
from tests.checkout.subscribing import (
    DAILY,
    DAY,
    MONTHLY,
    as_told,
    days,
    invoices,
    keep_phone,
    keep_token,
    now,
    page,
    pay_page,
    states,
    subscribed,
    taken,
    told,
    tries,
)
from tests.world import World, audit, intent, refunds

TRIAL = MONTHLY | {"trial_period_days": 14}


def failing(world: World, how: str = "tok_test_renewal_declined") -> tuple[Subscription, Invoice]:
    """A subscription whose first renewal has just been tried, in vain."""
    subscription = subscribed(world, how)
    days(world, 30)
    world.wait(66)
    return now(subscription), invoices(subscription)[-1]


# ---------------------------------------------------------------- periods that are paid


def test_the_first_payment_pays_the_first_invoice(world: World) -> None:
    subscription = subscribed(world)
    (invoice,) = invoices(subscription)
    assert (invoice.period, invoice.status, invoice.session_id) == (1, "paid", subscription.session_id)
    assert (invoice.period_start, invoice.paid_at) == (subscription.created_at, subscription.created_at)
    assert invoice.period_end == subscription.current_period_end
    assert told(invoice) == ["created", "paid"]
    assert merchant_view.subscription(snapshots.of_subscription(subscription))["latest_invoice"] == invoice.id


@pytest.mark.parametrize("how", ["tok_test_card", "500"])
def test_a_period_that_ends_is_followed_by_one_that_is_invoiced_and_paid(world: World, how: str) -> None:
    subscription = subscribed(world, how)
    days(world, 30)
    renewed = now(subscription)
    first, second = invoices(subscription)
    assert states(subscription) == ["active", "paid", "paid"]
    assert (renewed.period, renewed.current_period_start) == (2, first.period_end)
    assert (second.period_start, second.period_end) == (first.period_end, renewed.current_period_end)
    assert taken(subscription) == {1: 5_000, 2: 5_000}
    assert told(second) == ["created", "paid"]
    assert told(renewed) == ["created", "updated"]
    audit()


def test_a_subscription_of_the_31st_is_renewed_on_the_last_of_each_month(world: World) -> None:
    world.later((datetime(2026, 1, 31, tzinfo=UTC) - world.now).total_seconds())
    subscription = subscribed(world)
    for _ in range(100):
        days(world, 1)
    ends = [invoice.period_end.date() for invoice in invoices(subscription)]
    assert ends == [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]


@pytest.mark.parametrize("recurring", [MONTHLY, TRIAL])
def test_a_renewal_takes_the_fee_that_was_agreed_to_whatever_it_is_by_then(
    world: World, recurring: dict[str, Any]
) -> None:
    world.merchant.change(fees={"card": {"basis_points": 290, "fixed": 100}})
    session = world.session(mode="subscription", recurring=recurring, fee_mode="customer_pays")
    world.pay_by_card(session)
    world.merchant.change(fees={"card": {"basis_points": 900, "fixed": 500}})
    days(world, 31)
    subscription = Subscription.get(Subscription.session == session.id)
    renewal = as_told(invoices(subscription)[-1])
    assert (renewal["status"], renewal["amount"], renewal["fee_amount"]) == ("paid", 5_000, 245)
    assert set(taken(subscription).values()) == {5_245}
    audit()


def test_nothing_is_taken_before_the_period_ends(world: World) -> None:
    subscription = subscribed(world)
    world.wait(29 * DAY + DAY - 7)
    assert states(subscription) == ["active", "paid"]
    world.wait(1)
    assert states(subscription) == ["active", "paid", "paid"]


def test_a_renewal_s_page_is_told_of_by_its_invoice_alone(world: World) -> None:
    subscription = subscribed(world)
    days(world, 30)
    renewal = page(invoices(subscription)[-1])
    assert (renewal.status, renewal.payment_status, renewal.mode) == ("complete", "paid", "payment")
    assert not Event.select().where(Event.object_id == renewal.id).exists()
    assert "payment_intent.succeeded" in world.told()


def test_a_renewal_s_page_has_what_was_agreed(world: World) -> None:
    agreed = {"customer_email": "awa@example.com", "metadata": {"plan": 3}, "client_reference_id": "42", "locale": "fr"}
    session = world.session(mode="subscription", recurring=MONTHLY, payment_method_types=["card"], **agreed)
    world.pay_by_card(session)
    days(world, 30)
    renewal = page(invoices(Subscription.get())[-1])
    assert {name: getattr(renewal, name) for name in agreed} == agreed
    assert (renewal.amount, renewal.currency, renewal.payment_method_types) == (5_000, "XOF", ["card"])
    assert renewal.success_url is None


def test_periods_missed_in_an_outage_are_each_invoiced_and_charged_once(world: World) -> None:
    subscription = subscribed(world, recurring=DAILY)
    days(world, 7)
    assert states(subscription) == ["active"] + ["paid"] * 8
    assert taken(subscription) == dict.fromkeys(range(1, 9), 5_000)
    rows = invoices(subscription)
    assert all(one.period_end == two.period_start for one, two in pairwise(rows))
    audit()


@pytest.mark.parametrize("how", ["004", "005", "007"])
def test_a_renewal_without_an_answer_is_neither_charged_again_nor_given_up(world: World, how: str) -> None:
    subscription = subscribed(world, how)
    days(world, 30)
    world.wait(10, 60, 600)
    assert states(subscription) == ["active", "paid", "paid"]
    assert len(tries(invoices(subscription)[-1])) == 1
    audit()


# ---------------------------------------------------------------- periods that nobody pays


def test_a_renewal_that_fails_is_told_and_the_subscription_falls_behind(world: World) -> None:
    subscription, invoice = failing(world)
    assert states(subscription) == ["past_due", "paid", "open"]
    assert told(invoice) == ["created", "payment_failed"]
    assert told(subscription)[-1] == "past_due"
    shown = as_told(invoice)
    assert shown["attempt_count"] == 1
    assert shown["last_payment_error"]["code"] == "card_declined"
    assert shown["hosted_invoice_url"].endswith(invoice.session_id)


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ("tok_test_renewal_declined", "card_declined"),
        ("tok_test_3ds", "authentication_required"),
        ("015", "payment_timeout"),
    ],
)
def test_the_sandbox_fails_renewals_as_scripted_and_takes_the_money_on_the_page(
    world: World, how: str, failure: str
) -> None:
    session = world.session(mode="subscription", recurring=MONTHLY)
    pay_page(world, session, "tok_test_card" if how == "tok_test_3ds" else how)
    world.wait(6)
    subscription = Subscription.get()
    if how == "tok_test_3ds":
        keep_token(subscription, how)
    days(world, 30)
    world.wait(66)
    (failed,) = tries(invoices(subscription)[-1])
    assert (failed.failure_code, now(subscription).status) == (failure, "past_due")
    pay_page(world, page(invoices(subscription)[-1]), "500" if how == "tok_test_3ds" else how)
    world.wait(6)
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_failed_renewal_is_tried_again_on_days_3_5_and_7(world: World) -> None:
    _, invoice = failing(world)
    counted = []
    for _ in range(9):
        days(world, 1)
        counted.append(len(tries(invoice)))
    assert counted == [1, 1, 2, 2, 3, 3, 4, 4, 4]


@pytest.mark.parametrize(("policy", "end"), [("unpaid", "unpaid"), ("canceled", "canceled")])
def test_on_day_10_the_subscription_ends_as_the_merchant_wants(world: World, policy: str, end: str) -> None:
    world.merchant.change(unpaid_subscriptions=policy)
    subscription, invoice = failing(world)
    for _ in range(9):
        days(world, 1)
    assert states(subscription) == ["past_due", "paid", "open"]
    days(world, 1)
    assert states(subscription) == [end, "paid", "uncollectible"]
    assert page(invoice).status == "expired"
    assert told(subscription)[-2:] == ["past_due", end]
    days(world, 60)
    assert states(subscription) == [end, "paid", "uncollectible"]
    audit()


@pytest.mark.parametrize("day", [3, 5, 7])
def test_a_try_that_succeeds_on_a_day_of_dunning_brings_the_subscription_back(world: World, day: int) -> None:
    subscription, invoice = failing(world)
    for _ in range(day - 1):
        days(world, 1)
    keep_token(subscription, "tok_test_card")
    days(world, 1)
    assert states(subscription) == ["active", "paid", "paid"]
    assert told(invoice)[-1] == "paid"
    assert told(subscription)[-1] == "updated"
    assert taken(subscription) == {1: 5_000, 2: 5_000}
    audit()


def test_an_outage_of_ours_does_not_make_three_tries_in_a_row(world: World) -> None:
    _, invoice = failing(world)
    days(world, 6)
    assert len(tries(invoice)) == 2
    days(world, 1)
    assert len(tries(invoice)) == 3
    days(world, 2)
    assert len(tries(invoice)) == 3


def test_an_outage_until_after_the_end_gives_up_without_another_try(world: World) -> None:
    subscription, invoice = failing(world)
    days(world, 20)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert len(tries(invoice)) == 1


def test_the_days_of_dunning_count_from_the_first_try_not_from_the_invoice(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined")
    world.later(30 * DAY)
    renewals.renew(subscription.id, world.now)  # and then nobody works for twelve days
    days(world, 12)
    assert states(subscription) == ["past_due", "paid", "open"]
    days(world, 3)
    assert len(tries(invoices(subscription)[-1])) == 2


def test_the_saved_method_is_what_paid_last(world: World) -> None:
    subscription, invoice = failing(world)
    world.pay(page(invoice), "500")
    world.wait(6)
    assert now(subscription).payment_method["phone"].endswith("500")
    days(world, 31)
    assert states(subscription) == ["active", "paid", "paid", "paid"]
    assert tries(invoices(subscription)[-1])[0].type == "mobile_money"


def test_a_failure_by_hand_does_not_move_the_days_of_dunning(world: World) -> None:
    _, invoice = failing(world)
    days(world, 1)
    world.pay(page(invoice), "001")
    world.wait(6)
    assert len(tries(invoice)) == 2
    days(world, 2)
    assert len(tries(invoice)) == 3


def test_a_subscription_with_two_open_invoices_is_behind_until_both_are_paid(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined", DAILY)
    days(world, 1)
    days(world, 1)
    assert states(subscription) == ["past_due", "paid", "open", "open"]
    world.pay_by_card(page(invoices(subscription)[2]))
    assert states(subscription) == ["past_due", "paid", "open", "paid"]
    world.pay_by_card(page(invoices(subscription)[1]))
    assert states(subscription) == ["active", "paid", "paid", "paid"]
    audit()


def test_the_end_of_one_invoice_voids_the_others_and_no_more_are_opened(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined", DAILY)
    for _ in range(12):
        days(world, 1)
    assert states(subscription)[:3] == ["unpaid", "paid", "uncollectible"]
    assert set(states(subscription)[3:]) == {"void"}
    assert {page(invoice).status for invoice in invoices(subscription)[1:]} == {"expired"}
    count = len(invoices(subscription))
    days(world, 30)
    assert len(invoices(subscription)) == count
    audit()


def test_a_payment_that_began_in_time_is_waited_for(world: World) -> None:
    subscription, invoice = failing(world)
    world.later(10 * DAY - 72 - 30)
    world.pay(page(invoice), "010")
    world.wait(50)
    assert states(subscription) == ["past_due", "paid", "open"]
    world.wait(60, 60)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]


def test_a_renewal_without_an_end_falls_unpaid_too(world: World) -> None:
    subscription = subscribed(world)
    keep_phone(subscription, "011")
    days(world, 30)
    assert states(subscription) == ["active", "paid", "open"]
    days(world, 11)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert told(subscription)[-2:] == ["past_due", "unpaid"]


# ---------------------------------------------------------------- money after the end


def late(world: World, policy: str) -> Subscription:
    """An unpaid subscription whose payer, asked in time, approves after the end."""
    world.merchant.change(late_payments=policy)
    subscription = subscribed(world)
    keep_phone(subscription, "011")
    days(world, 30)
    days(world, 11)
    assert now(subscription).status == "unpaid"
    return subscription


def approve(world: World, invoice: Invoice) -> None:
    """The payer approves at last."""
    test_mode.decide(intent(page(invoice)).id, succeeded=True, failure_reason=None, now=world.now)
    world.wait(6)


def test_late_money_pays_the_invoice_and_brings_the_subscription_back(world: World) -> None:
    subscription = late(world, "accept")
    approve(world, invoices(subscription)[1])
    assert states(subscription) == ["active", "paid", "paid"]
    keep_token(subscription, "tok_test_card")
    days(world, 21)
    assert states(subscription) == ["active", "paid", "paid", "paid"]
    audit()


def test_late_money_goes_back_when_the_merchant_wants_that(world: World) -> None:
    subscription = late(world, "refund")
    approve(world, invoices(subscription)[1])
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert [refund.reason for refund in refunds()] == ["late"]
    assert taken(subscription)[2] == 0
    audit()


@pytest.mark.on_postgres
def test_periods_in_which_it_stood_still_are_not_charged_afterwards(world: World) -> None:
    subscription = late(world, "accept")
    world.later(100 * DAY)
    approve(world, invoices(subscription)[1])
    rows = invoices(subscription)
    assert [row.period for row in rows] == [1, 2, 5]
    assert rows[-1].period_start <= world.now < rows[-1].period_end
    assert now(subscription).current_period_end == rows[-1].period_end


# ---------------------------------------------------------------- canceling


def test_a_cancellation_ends_it_at_once_and_voids_what_is_open(world: World) -> None:
    subscription, invoice = failing(world)
    subscriptions.cancel(subscription, world.now)
    assert states(subscription) == ["canceled", "paid", "void"]
    assert page(invoice).status == "expired"
    with pytest.raises(Gone):
        attempts.pay_saved(invoice, world.now)
    days(world, 60)
    assert states(subscription) == ["canceled", "paid", "void"]
    assert told(subscription)[-1] == "canceled"
    assert len(tries(invoice)) == 1


def test_a_cancellation_at_the_period_s_end_is_done_by_the_renewal(world: World) -> None:
    subscription = subscribed(world)
    subscriptions.cancel(subscription, world.now, at_period_end=True)
    subscriptions.cancel(subscription, world.now, at_period_end=True)
    assert (now(subscription).status, now(subscription).cancel_at_period_end) == ("active", True)
    days(world, 30)
    assert states(subscription) == ["canceled", "paid"]
    assert told(subscription) == ["created", "updated", "canceled"]
    assert now(subscription).canceled_at == world.now - timedelta(seconds=6)


def test_a_subscription_is_canceled_once(world: World) -> None:
    subscription = subscribed(world)
    subscriptions.cancel(subscription, world.now)
    with pytest.raises(Conflict):
        subscriptions.cancel(subscription, world.now)
    with pytest.raises(Conflict):
        subscriptions.cancel(subscription, world.now, at_period_end=True)
    assert told(subscription) == ["created", "canceled"]


def test_an_unpaid_subscription_has_no_period_to_wait_for(world: World) -> None:
    subscription, _ = failing(world)
    days(world, 10)
    subscriptions.cancel(subscription, world.now, at_period_end=True)
    assert now(subscription).status == "canceled"


def test_a_merchant_ends_no_renewal_by_its_page_or_its_intent(world: World) -> None:
    subscription, invoice = failing(world)
    with pytest.raises(Conflict):
        sessions.expire(page(invoice), world.now)
    with pytest.raises(Conflict):
        cancellations.cancel(intent(page(invoice)).id, world.now)
    assert intent(page(invoice)).status == "failed"
    days(world, 3)
    assert states(subscription) == ["past_due", "paid", "open"]


# ---------------------------------------------------------------- trials


def test_a_trial_ends_with_the_first_invoice_and_its_payment(world: World) -> None:
    subscription = subscribed(world, recurring=TRIAL)
    assert states(subscription) == ["trialing"]
    days(world, 13)
    assert states(subscription) == ["trialing"]
    days(world, 1)
    assert states(subscription) == ["active", "paid"]
    (invoice,) = invoices(subscription)
    assert (invoice.period, invoice.period_start) == (1, subscription.trial_end)
    assert now(subscription).current_period_end == subscriptions.period_end(subscription.trial_end, "month", 1)
    assert taken(subscription) == {1: 5_000}
    assert told(subscription) == ["created", "trial_will_end", "updated", "updated"]
    audit()


def test_the_end_of_a_trial_is_told_three_days_before_once(world: World) -> None:
    subscription = subscribed(world, recurring=TRIAL)
    days(world, 10.9)
    assert told(subscription) == ["created"]
    days(world, 0.2)
    renewals.remind(subscription.id, world.now)
    assert told(subscription) == ["created", "trial_will_end"]


def test_the_end_of_a_short_trial_is_told_at_once(world: World) -> None:
    subscription = subscribed(world, recurring=MONTHLY | {"trial_period_days": 2})
    assert told(subscription) == ["created", "trial_will_end"]


def test_a_trial_that_is_canceled_takes_nothing(world: World) -> None:
    at_once, later = subscribed(world, recurring=TRIAL), subscribed(world, recurring=TRIAL)
    subscriptions.cancel(at_once, world.now)
    subscriptions.cancel(later, world.now, at_period_end=True)
    days(world, 20)
    assert states(at_once) == states(later) == ["canceled"]
    assert told(at_once) == ["created", "canceled"]
    assert not list(ledger.entries())


def test_a_trial_whose_first_charge_fails_falls_behind(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined", TRIAL)
    days(world, 14)
    assert states(subscription) == ["past_due", "open"]
    world.pay_by_card(page(invoices(subscription)[0]))
    assert states(subscription) == ["active", "paid"]
