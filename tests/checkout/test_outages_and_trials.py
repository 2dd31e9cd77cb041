"""Renewals while an operator is down, which is no failed payment; and trials, which prove nothing of their number."""

from datetime import timedelta
from itertools import pairwise

import pytest

from ikawaari.checkout import attempts, merchant_view, renewals, test_mode
from ikawaari.checkout import invoices as all_invoices
from ikawaari.errors import Declined
from ikawaari.providers import registry
from ikawaari.providers.base import Outcome, Result, unknown
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import Event, Invoice, PaymentAttempt, Subscription
from tests import factories
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
    states,
    subscribed,
    taken,
    told,
    tries,
)
from tests.world import World, audit, intent, together

HOUR = 3600
TRIAL = MONTHLY | {"trial_period_days": 14}
DAILY_TRIAL = DAILY | {"trial_period_days": 3}


class Unreachable(Sandbox):
    """An operator that answers nothing, and later has never seen anything."""

    def charge(self, account, request, now):  # type: ignore[no-untyped-def]
        """Time out."""
        return unknown("timeout")

    def lookup(self, account, request, now):  # type: ignore[no-untyped-def]
        """Never seen."""
        return Outcome(result=Result.NOT_FOUND)


def down(world: World) -> tuple[Subscription, Invoice]:
    """A subscription whose first renewal has just met an operator that is down."""
    subscription = subscribed(world)
    keep_phone(subscription, "008")
    days(world, 30)
    return now(subscription), invoices(subscription)[-1]


def told_of(invoice: Invoice) -> list[str]:
    """What was published of the invoice, its intent and its page, in order."""
    payment = intent(page(invoice))
    rows = Event.select().where(Event.object_id.in_([invoice.id, payment.id, invoice.session_id]))
    return [event.type for event in rows.order_by(Event.sequence)]


SILENT = ["payment_intent.created", "invoice.created"]


# ---------------------------------------------------------------- an operator that is down


def test_an_outage_is_no_failed_payment_and_published_by_nothing(world: World) -> None:
    subscription, invoice = down(world)
    assert states(subscription) == ["active", "paid", "open"]
    assert sorted(told_of(invoice)) == sorted(SILENT)
    assert told(subscription)[-1] == "updated"
    shown = as_told(Invoice.get_by_id(invoice.id))
    assert shown["last_payment_error"]["code"] == "provider_unavailable"
    assert shown["next_payment_attempt"] > world.now.timestamp()
    audit()


def test_it_is_asked_again_within_the_hour(world: World) -> None:
    subscription, invoice = down(world)
    keep_phone(subscription, "500")
    world.wait(HOUR, 6)
    assert states(subscription) == ["active", "paid", "paid"]
    assert told_of(invoice)[-3:] == ["payment_intent.requires_action", "payment_intent.succeeded", "invoice.paid"]
    assert told_of(invoice).count("payment_intent.processing") == 1
    audit()


def test_ten_days_of_outage_make_a_handful_of_tries_and_take_no_day_of_dunning(world: World) -> None:
    subscription, invoice = down(world)
    for _ in range(10 * 24):
        world.wait(HOUR)
    assert len(tries(invoice)) <= 10
    assert sorted(told_of(invoice)) == sorted(SILENT)
    assert states(subscription) == ["active", "paid", "open"]
    keep_token(subscription, "tok_test_renewal_declined")
    days(world, 2)
    assert states(subscription) == ["past_due", "paid", "open"]
    real = len(tries(invoice))
    counted = []
    for _ in range(9):
        days(world, 1)
        counted.append(len(tries(invoice)) - real)
    assert counted == [0, 0, 1, 1, 2, 2, 3, 3, 3]
    days(world, 1)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]
    assert page(invoice).status == "expired"
    audit()


def test_waits_grow_and_never_exceed_two_days(world: World) -> None:
    _, invoice = down(world)
    for _ in range(20 * 24):
        world.wait(HOUR)
    instants = [attempt.created_at for attempt in tries(invoice)]
    waits = [two - one for one, two in pairwise(instants)]
    assert waits == sorted(waits)
    assert timedelta(hours=1) <= waits[0] < timedelta(hours=3)
    assert max(waits) < timedelta(days=2, hours=2)


def test_an_outage_on_a_later_day_moves_what_follows(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined")
    days(world, 30)
    world.wait(66)
    (invoice,) = invoices(subscription)[1:]
    keep_phone(subscription, "008")
    days(world, 3)
    assert [attempt.failure_code for attempt in tries(invoice)] == ["card_declined", "provider_unavailable"]
    assert told(invoice) == ["created", "payment_failed"]
    keep_token(subscription, "tok_test_renewal_declined")
    world.wait(HOUR, HOUR)
    assert told(invoice) == ["created", "payment_failed", "payment_failed"]
    assert all_invoices.end_of(Invoice.get_by_id(invoice.id)) == page(invoice).expires_at
    days(world, 7.1)
    assert states(subscription) == ["unpaid", "paid", "uncollectible"]


def test_calls_without_an_answer_that_never_arrived_are_an_outage_too(world: World) -> None:
    subscription = subscribed(world)
    registry.configure([Unreachable(world.config)])
    days(world, 30)
    world.wait(30, 60, 120)
    invoice = invoices(subscription)[-1]
    assert [attempt.failure_code for attempt in tries(invoice)] == ["provider_unavailable"]
    assert sorted(told_of(invoice)) == sorted(SILENT)
    assert states(subscription) == ["active", "paid", "open"]
    registry.configure([Sandbox(world.config)])
    world.wait(2 * HOUR)
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_a_call_without_an_answer_that_took_the_money_is_published_whole(world: World) -> None:
    subscription = subscribed(world)
    keep_phone(subscription, "004")
    days(world, 30)
    world.wait(10, 60)
    invoice = invoices(subscription)[-1]
    kinds = [name for name in told_of(invoice) if "processing" in name or "succeeded" in name]
    assert kinds == ["payment_intent.processing", "payment_intent.succeeded"]
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


def test_the_payer_s_own_try_in_an_outage_is_told_as_a_payment_but_costs_no_day(world: World) -> None:
    subscription, invoice = down(world)
    planned = Invoice.get_by_id(invoice.id).next_try_at
    with pytest.raises(Declined):
        world.pay(page(invoice), "008")
    assert "payment_intent.payment_failed" in told_of(invoice)
    assert told(invoice) == ["created"]
    assert states(subscription) == ["active", "paid", "open"]
    assert Invoice.get_by_id(invoice.id).next_try_at == planned


def test_the_payer_s_own_failure_in_an_outage_keeps_our_next_try(world: World) -> None:
    subscription, invoice = down(world)
    planned = Invoice.get_by_id(invoice.id).next_try_at
    world.pay(page(invoice), "001")
    world.wait(6)
    assert (Invoice.get_by_id(invoice.id).next_try_at, told(invoice)[-1]) == (planned, "payment_failed")
    keep_phone(subscription, "500")
    world.wait(HOUR, 6)
    assert states(subscription) == ["active", "paid", "paid"]


def test_the_customer_pays_an_outage_s_invoice_on_its_page(world: World) -> None:
    subscription, invoice = down(world)
    world.pay_by_card(page(invoice))
    assert states(subscription) == ["active", "paid", "paid"]
    days(world, 20)
    assert states(subscription) == ["active", "paid", "paid"]
    audit()


# ---------------------------------------------------------------- trials prove nothing of their number


def prompts(subscription: Subscription) -> list[PaymentAttempt]:
    """What the saved number was asked for, without its payer."""
    return [attempt for invoice in invoices(subscription) for attempt in tries(invoice) if attempt.off_session]


def test_an_unknown_number_gets_one_prompt_and_then_the_page_asks(world: World) -> None:
    subscription = subscribed(world, "002", TRIAL)
    days(world, 14)
    (invoice,) = invoices(subscription)
    assert states(subscription) == ["past_due", "open"]
    failed = Event.get(Event.type == "invoice.payment_failed").body
    assert merchant_view.page_url(invoice.session_id) in failed
    assert '"next_payment_attempt":null' in failed
    for _ in range(9):
        days(world, 1)
    assert len(prompts(subscription)) == 1
    assert told(invoice) == ["created", "payment_failed"]
    world.pay_by_card(page(invoice))
    assert states(subscription) == ["active", "paid"]
    audit()


def test_nobody_is_asked_again_and_on_day_10_it_ends(world: World) -> None:
    subscription = subscribed(world, "002", TRIAL)
    for _ in range(26):
        days(world, 1)
    assert states(subscription) == ["unpaid", "uncollectible"]
    assert len(prompts(subscription)) == 1


def test_the_periods_that_follow_do_not_ask_that_number_either(world: World) -> None:
    subscription = subscribed(world, "002", DAILY_TRIAL)
    for _ in range(9):
        days(world, 1)
    assert len(invoices(subscription)) > 4
    assert len(prompts(subscription)) == 1
    assert {invoice.first_tried_at is None for invoice in invoices(subscription)} == {False}


def test_missed_periods_that_are_collected_at_once_ask_once(world: World) -> None:
    subscription = subscribed(world, "002", DAILY_TRIAL)
    days(world, 8)
    assert len(prompts(subscription)) == 1


@pytest.mark.on_postgres
def test_two_workers_at_two_invoices_ask_once(world: World) -> None:
    subscription = subscribed(world, "002", DAILY_TRIAL)
    world.later(5 * DAY)
    for _ in range(3):
        renewals.renew(subscription.id, world.now)
    rows = invoices(subscription)
    together(len(rows), lambda number: attempts.pay_saved(rows[number], world.now))
    assert (len(rows), len(prompts(subscription))) == (3, 1)


def test_a_number_that_has_paid_this_merchant_is_tried_on_days_3_5_and_7(world: World) -> None:
    world.pay(world.session(), "002", amount=None)
    world.wait(6)
    subscription = subscribed(world, "002", TRIAL)
    attempt = PaymentAttempt.get()
    test_mode.decide(attempt.intent_id, succeeded=True, failure_reason=None, now=world.now)
    for _ in range(23):
        days(world, 1)
    assert len(prompts(subscription)) == 4


def test_what_it_paid_another_merchant_proves_nothing(world: World) -> None:
    attempts.pay(factories.session().id, factories.pay_request(factories.phone("015")), world.now)
    world.wait(6)
    subscription = subscribed(world, "015", TRIAL)
    for _ in range(23):
        days(world, 1)
    assert len(prompts(subscription)) == 1


def test_an_outage_is_no_prompt(world: World) -> None:
    subscription = subscribed(world, "008", TRIAL)
    days(world, 14)
    keep_phone(subscription, "500")
    PaymentAttempt.update(phone=factories.phone("500")).execute()
    world.wait(HOUR, 6)
    assert states(subscription) == ["active", "paid"]


def test_a_card_s_trial_is_tried_as_ever(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined", TRIAL)
    for _ in range(23):
        days(world, 1)
    assert len(prompts(subscription)) == 4


def test_advance_ends_a_trial_with_a_good_number_paid(world: World) -> None:
    subscription = subscribed(world, "500", TRIAL)
    for _ in range(2):  # the reminder, then the end
        test_mode.advance(subscription.id, world.owner, world.now)
        world.work()
    world.wait(6)
    assert states(subscription) == ["active", "paid"]
    assert taken(subscription) == {1: 5_000}
    audit()
