"""A provider that is closed takes no new charges and finishes what it has; one that is gone strands nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from peewee import PeeweeException

from ikawaari.checkout import accounts, attempts, intents, provider_states, public_view, refunds, snapshots
from ikawaari.checkout.intents import NewIntent
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import UnsafeConfiguration
from ikawaari.errors import NotFound, Unavailable
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox
from ikawaari.states import ProviderState
from ikawaari.store.database import database
from ikawaari.store.models import (
    CheckoutSession,
    DueWork,
    Event,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    ProviderSwitch,
    Refund,
    Subscription,
)
from tests import factories
from tests.world import PAID, WAITING, World, audit, statuses, together

DAY = 86_400


class Other(Sandbox):
    """A second provider, that is asked when the first takes nothing."""

    name = "other"


def close(world: World, name: str = "sandbox") -> None:
    """From now on it takes no new charges."""
    provider_states.switch(name, ProviderState.CLOSED, world.now)


def reopen(world: World, name: str = "sandbox") -> None:
    """It does again."""
    provider_states.switch(name, ProviderState.OPEN, world.now)


def methods(session: CheckoutSession, world: World) -> list[str]:
    """The kinds of methods that the page shows."""
    return [method["type"] for method in public_view.public(snapshots.of(session), world.now)["payment_methods"]]


@pytest.mark.parametrize("request_", [factories.pay_request(), factories.card_request()], ids=["mobile_money", "card"])
def test_nothing_is_stored_when_no_provider_takes_the_payment(world: World, request_: PayRequest) -> None:
    session = world.session()
    close(world)
    before = [model.select().count() for model in (PaymentAttempt, Event, DueWork)]
    with pytest.raises(Unavailable) as refusal:
        attempts.pay(session.id, request_, world.now)
    assert (refusal.value.code, refusal.value.http_status, refusal.value.retryable) == ("IKW-SYS-003", 503, False)
    assert list(refusal.value.details) == ["payment_method"]
    assert [model.select().count() for model in (PaymentAttempt, Event, DueWork)] == before
    assert methods(session, world) == []
    reopen(world)
    assert methods(session, world) == ["mobile_money", "card"]
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID


def test_a_provider_that_is_closed_is_passed_over_for_the_next(world: World) -> None:
    registry.configure([Sandbox(world.config), Other(world.config)])
    close(world)
    session = world.session()
    assert methods(session, world) == ["mobile_money", "card"]
    world.pay(session)
    assert PaymentAttempt.get().provider == "other"


def test_what_has_begun_goes_on_to_its_end_and_may_be_refunded(world: World) -> None:
    session, waiting = world.session(), world.session()
    world.pay(session)
    attempts.pay(waiting.id, factories.pay_request(factories.phone("500"), preferred_flow="otp"), world.now)
    assert statuses(session) == statuses(waiting) == WAITING
    close(world)
    attempts.submit_otp(waiting.id, "123456", world.now)
    world.callbacks_arrive()
    world.wait(6)
    assert statuses(session) == statuses(waiting) == PAID
    intent = PaymentIntent.get(PaymentIntent.session == session.id)
    refunds.create(world.owner, NewRefund(payment_intent=intent.id), world.now)
    world.work()
    assert Refund.get().status == "succeeded"
    audit()


def test_an_intent_may_be_made_and_is_refused_when_it_is_confirmed(world: World) -> None:
    close(world)
    payment = {"type": "card", "card_token": "tok_test_card"}
    new = NewIntent(amount=5_000, currency="XOF", payment=payment)
    intent = intents.create(world.owner, new, world.now)
    with pytest.raises(Unavailable):
        attempts.confirm(intent, factories.card_request(), world.now)
    assert PaymentIntent.get().status == "requires_confirmation"
    assert not PaymentAttempt.select().exists()


@pytest.mark.on_postgres
def test_all_machines_agree(world: World) -> None:
    states = [ProviderState.CLOSED, ProviderState.OPEN] * 4
    results = together(8, lambda number: provider_states.switch("sandbox", states[number], world.now))
    assert results == [None] * 8
    close(world)
    assert ProviderSwitch.select().count() == 1
    assert together(2, lambda _: accounts.known().closed) == [frozenset({"sandbox"})] * 2


def test_a_name_that_nobody_has_is_no_provider(world: World) -> None:
    with pytest.raises(NotFound):
        close(world, "gone")
    assert not ProviderSwitch.select().exists()


# ---------------------------------------------------------------- renewals


def subscribed(world: World) -> Subscription:
    """A monthly subscription, paid by card."""
    session = world.session(mode="subscription", recurring={"interval": "month", "interval_count": 1})
    world.pay_by_card(session)
    world.work()
    return Subscription.get()


def gone(world: World) -> None:
    """The provider is switched off without a word."""
    registry.configure([Other(world.config)])


def back(world: World) -> None:
    """It is there again."""
    registry.configure([Sandbox(world.config)])


@pytest.mark.parametrize(("away", "home"), [(close, reopen), (gone, back)], ids=["closed", "unknown"])
def test_a_renewal_waits_in_silence_for_its_provider(
    world: World, away: Callable[[World], None], home: Callable[[World], None]
) -> None:
    subscription = subscribed(world)
    away(world)
    world.wait((subscription.current_period_end - world.now).total_seconds())
    told = Event.select().count()
    waits: list[timedelta] = []
    while len(waits) < 12:
        row = DueWork.get(DueWork.kind == "invoice.collect")
        waits.append(row.due_at - world.now)
        world.wait(waits[-1].total_seconds())
    assert waits == sorted(waits), "they grow"
    assert (waits[0], waits[-1]) == (timedelta(minutes=15), timedelta(hours=6))
    invoice = Invoice.get(Invoice.period == 2)
    assert (invoice.status, invoice.first_tried_at) == ("open", None)
    assert PaymentAttempt.select().count() == 1
    assert Event.select().count() == told
    home(world)
    world.wait(6 * 3600)
    assert Invoice.get_by_id(invoice.id).status == "paid"
    assert Subscription.get().status == "active"
    audit()


@pytest.mark.on_postgres
def test_the_days_of_dunning_wait_with_it(world: World) -> None:
    subscription = subscribed(world)
    Subscription.update(payment_method={**subscription.payment_method, "card_token": "tok_test_no_funds"}).execute()
    world.wait((subscription.current_period_end - world.now).total_seconds())
    invoice = Invoice.get(Invoice.period == 2)
    assert invoice.first_tried_at is not None
    world.wait((invoice.next_try_at - world.now).total_seconds() - 1)
    close(world)
    for _ in range(80):
        world.wait(6 * 3600)
    waiting = Invoice.get_by_id(invoice.id)
    assert (waiting.status, Subscription.get().status) == ("open", "past_due")
    assert CheckoutSession.get_by_id(invoice.session_id).expires_at > world.now
    reopen(world)
    world.wait(*[6 * 3600] * 60)
    assert Invoice.get_by_id(invoice.id).status == "uncollectible"


# ---------------------------------------------------------------- gone with money at it


@pytest.mark.on_postgres
def test_a_process_refuses_to_begin_without_a_provider_where_money_may_still_move(world: World) -> None:
    provider_states.refuse_unknown()
    settled, running, returning = world.session(), world.session(), world.session()
    for session in (settled, returning):
        world.pay_by_card(session)
    world.work()
    world.pay(running, "011")
    intent = PaymentIntent.get(PaymentIntent.session == returning.id)
    refund = refunds.create(world.owner, NewRefund(payment_intent=intent.id), world.now)
    attempt = PaymentAttempt.get(PaymentAttempt.status.not_in(["succeeded"]))
    provider_states.refuse_unknown()
    gone(world)
    with pytest.raises(UnsafeConfiguration) as refusal:
        provider_states.refuse_unknown()
    words = str(refusal.value)
    assert all(name in words for name in ("sandbox", attempt.id, refund.id))
    assert PaymentAttempt.select().count() == 3
    assert PaymentAttempt.get(PaymentAttempt.id != attempt.id).id not in words


def test_many_are_named_in_part(world: World) -> None:
    for number in range(12):
        attempts.pay(world.session().id, factories.pay_request(f"+2217712{number:02}011"), world.now)
    gone(world)
    with pytest.raises(UnsafeConfiguration, match="and 2 more"):
        provider_states.refuse_unknown()


def test_a_code_for_a_provider_that_is_gone_changes_nothing(world: World) -> None:
    session = world.session()
    attempts.pay(session.id, factories.pay_request(factories.phone("500"), preferred_flow="otp"), world.now)
    gone(world)
    with pytest.raises(Unavailable):
        attempts.submit_otp(session.id, "123456", world.now)
    assert statuses(session) == WAITING


def test_money_without_a_provider_is_found_before_the_migration_of_a_newer_version_too(world: World) -> None:
    attempts.pay(world.session().id, factories.pay_request("+221771200011"), world.now)
    gone(world)
    newest = max(name for (name,) in database.execute_sql("SELECT name FROM schema_migration").fetchall())
    database.execute_sql(f"UPDATE schema_migration SET name = 'another' WHERE name = '{newest}'")
    with pytest.raises(UnsafeConfiguration, match="sandbox"):
        provider_states.refuse_unknown()


def test_what_cannot_be_read_yet_prevents_no_start(world: World) -> None:
    database.execute_sql("ALTER TABLE refunds RENAME TO renamed")  # as if a migration made it that has not run
    with pytest.raises(PeeweeException):
        provider_states.refuse_unknown()  # of a database that should be whole, an error is told
    database.execute_sql("UPDATE schema_migration SET name = 'another' WHERE name LIKE '0042%'")
    provider_states.refuse_unknown()
