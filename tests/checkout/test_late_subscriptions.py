"""Late money of a subscription starts it, pays its invoice, or goes back; and what nobody paid is canceled, told."""

from datetime import timedelta
from functools import partial

import pytest

from ikawaari.checkout import cancellations, links, sessions, subscriptions, test_mode, visits
from ikawaari.errors import Conflict
from ikawaari.store.models import CheckoutSession, Customer, Event, Subscription
from tests import factories
from tests.checkout.subscribing import MONTHLY, days, invoices, now, page, states, subscribed, taken, told
from tests.world import World, audit, fresh, intent, refunds, together


def opened(world: World) -> CheckoutSession:
    """An open session in subscription mode."""
    return world.session(mode="subscription", recurring=MONTHLY)


def approved_after_the_end(world: World, session: CheckoutSession) -> None:
    """Its payer gets a prompt, the session ends, and only then the prompt is approved."""
    world.pay(session, "011")
    world.wait(2 * 86_400)
    assert fresh(session).status == "expired"
    test_mode.decide(intent(session).id, succeeded=True, failure_reason=None, now=world.now)


def corrected_after_the_end(world: World, session: CheckoutSession) -> None:
    """Its payer's payment fails, the merchant ends the session, and the operator corrects itself."""
    world.pay(session, "007")
    world.wait(5.5)
    sessions.expire(fresh(session), world.now)
    world.wait(60, 3600)


LATE = [approved_after_the_end, corrected_after_the_end]


@pytest.mark.parametrize("how", LATE, ids=["prompt", "correction"])
def test_accepted_it_starts_the_subscription_counted_from_its_arrival(world: World, how: partial[None]) -> None:
    session = opened(world)
    how(world, session)
    subscription = Subscription.get(Subscription.session == session.id)
    (invoice,) = invoices(subscription)
    arrived = invoice.paid_at
    assert arrived - session.created_at > timedelta(seconds=5)
    assert (subscription.anchor_at, subscription.created_at, invoice.period_start) == (arrived,) * 3
    assert subscription.current_period_end == subscriptions.period_end(arrived, "month", 1)
    assert states(subscription) == ["active", "paid"]
    assert subscription.customer_id == Customer.get().id
    assert (fresh(session).status, fresh(session).payment_status, refunds()) == ("expired", "paid", [])
    assert (told(subscription)[0], told(invoice)) == ("created", ["created", "paid"])
    told_late = Event.get(Event.type == "checkout.session.late_payment").body
    assert f'"subscription":"{subscription.id}"' in told_late
    audit()


@pytest.mark.parametrize("how", LATE, ids=["prompt", "correction"])
def test_it_is_renewed_like_any_other(world: World, how: partial[None]) -> None:
    session = opened(world)
    how(world, session)
    subscription = Subscription.get()
    Subscription.update(payment_method=subscription.payment_method | {"phone": factories.phone("500")}).execute()
    days(world, 31)
    assert taken(now(subscription)) == {1: 5_000, 2: 5_000}
    audit()


@pytest.mark.parametrize("how", LATE, ids=["prompt", "correction"])
def test_refused_by_policy_it_starts_nothing(world: World, how: partial[None]) -> None:
    world.merchant.change(late_payments="refund")
    how(world, opened(world))
    world.wait(60)
    assert Subscription.select().count() == 0
    assert [(row.reason, row.status) for row in refunds()] == [("late", "succeeded")]
    audit()


def test_of_one_that_its_merchant_gave_up_it_starts_nothing(world: World) -> None:
    session = opened(world)
    world.pay(session, "007")
    world.wait(5.5)
    cancellations.cancel(intent(session).id, world.now)
    world.wait(60, 3600)
    assert Subscription.select().count() == 0
    assert [(row.reason, row.status) for row in refunds()] == [("late", "succeeded")]
    audit()


def test_beyond_the_uses_of_its_link_it_starts_nothing(world: World) -> None:
    link = factories.link(world.merchant, recurring=MONTHLY, max_uses=1)
    first = visits.open_session(link.slug, None, world.now)
    world.pay(first, "007")
    world.wait(5.5)
    sessions.expire(fresh(first), world.now)
    second = visits.open_session(link.slug, None, world.now)
    world.pay_by_card(second)
    world.wait(60, 3600)
    assert [row.session_id for row in Subscription.select()] == [second.id]
    assert [(row.reason, row.status) for row in refunds()] == [("link_used", "succeeded")]
    assert links.resource(link, world.now)["uses"] == 2  # a use that was given back stays taken
    audit()


# ---------------------------------------------------------------- canceled meanwhile


@pytest.mark.parametrize("policy", ["accept", "refund"])
def test_a_prompt_approved_after_the_cancellation_is_given_back_and_told_as_late(world: World, policy: str) -> None:
    world.merchant.change(late_payments=policy)
    subscription = subscribed(world, "500")
    world.later(31 * 86_400)
    world.work()
    subscriptions.cancel(subscription, world.now)
    world.wait(6, 6)
    invoice = invoices(subscription)[-1]
    assert states(subscription) == ["canceled", "paid", "void"]
    assert taken(subscription) == {1: 5_000, 2: 0}
    assert [(row.reason, row.status) for row in refunds()] == [("late", "succeeded")]
    assert (page(invoice).late, page(invoice).payment_status) == (True, "refunded")
    late = Event.get(Event.type == "checkout.session.late_payment")
    assert late.object_id == invoice.session_id
    assert told(invoice) == ["created", "voided"]
    audit()


def test_money_for_an_invoice_that_nobody_paid_goes_back_when_that_canceled_the_subscription(world: World) -> None:
    world.merchant.change(unpaid_subscriptions="canceled")
    subscription = subscribed(world, "500")
    kept = subscription.payment_method | {"phone": factories.phone("011")}
    subscription.change(payment_method=kept)
    days(world, 30)
    days(world, 11)
    assert states(subscription) == ["canceled", "paid", "uncollectible"]
    test_mode.decide(intent(page(invoices(subscription)[1])).id, succeeded=True, failure_reason=None, now=world.now)
    world.wait(6)
    assert states(subscription) == ["canceled", "paid", "uncollectible"]
    assert taken(subscription) == {1: 5_000, 2: 0}
    audit()


@pytest.mark.on_postgres
def test_a_cancellation_and_an_approval_at_once_leave_no_money_for_a_service_that_has_ended(world: World) -> None:
    for turn in range(4):
        subscription = subscribed(world, "500")
        world.later(31 * 86_400)
        world.work()
        payment = intent(page(invoices(subscription)[1]))
        acts = (
            partial(test_mode.decide, payment.id, succeeded=True, failure_reason=None, now=world.now),
            partial(subscriptions.cancel, subscription, world.now),
        )
        together(2, lambda number, acts=acts, turn=turn: acts[(number + turn) % 2]())  # type: ignore[misc]
        world.wait(6, 6)
        ended, _, invoice = states(subscription)
        assert ended == "canceled"
        assert taken(subscription)[2] == (5_000 if invoice == "paid" else 0)
    audit()


# ---------------------------------------------------------------- intents end with their sessions


def canceled(session: CheckoutSession) -> list[str]:
    """The intent's status, and what was told of it and its session at the end."""
    told_of = Event.select().where(Event.object_id.in_([session.id, intent(session).id])).order_by(Event.sequence)
    return [intent(session).status, *[event.type for event in told_of][-2:]]


ENDED = ["canceled", "payment_intent.canceled", "checkout.session.expired"]


def test_the_intent_of_a_session_that_nobody_paid_is_canceled_with_it(world: World) -> None:
    session = world.session()
    world.wait(90_000)
    assert canceled(session) == ENDED
    assert intent(session).canceled_at == session.expires_at + timedelta(seconds=3_600)


def test_that_of_one_that_its_merchant_ended_too(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(6)
    sessions.expire(fresh(session), world.now)
    assert canceled(session) == ENDED
    with pytest.raises(Conflict):
        cancellations.cancel(intent(session).id, world.now)


def test_that_of_a_payment_which_expiry_did_not_wait_for_ends_when_it_has_failed(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(2 * 86_400)
    assert (fresh(session).status, intent(session).status) == ("expired", "processing")
    test_mode.decide(intent(session).id, succeeded=False, failure_reason="payer_declined", now=world.now)
    world.work()
    assert intent(session).status == "canceled"
    assert world.told()[-2:] == ["payment_intent.payment_failed", "payment_intent.canceled"]
    audit()


def test_that_of_an_invoice_that_was_voided_ends_too(world: World) -> None:
    subscription = subscribed(world, "tok_test_renewal_declined")
    days(world, 30)
    subscriptions.cancel(subscription, world.now)
    assert intent(page(invoices(subscription)[1])).status == "canceled"


@pytest.mark.on_postgres
def test_a_payment_and_an_expiry_at_once_have_one_winner_and_no_deadlock(world: World) -> None:
    rows = [world.session() for _ in range(8)]

    def act(number: int) -> None:
        if number % 2:
            sessions.expire(rows[number // 2], world.now)
        else:
            world.pay_by_card(rows[number // 2])

    results = together(16, act)
    for number, row in enumerate(rows):
        assert {type(result).__name__ for result in results[2 * number : 2 * number + 2]} in (
            {"NoneType", "Conflict"},
            {"NoneType", "Gone"},
        )
        assert intent(row).status == ("succeeded" if fresh(row).status == "complete" else "canceled")
    audit()
