"""Slow providers, waits for locks, frozen processes and clocks that differ: what is sent, and what is said of it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest
import time_machine

from ikawaari import clock, store, worker
from ikawaari.checkout import attempts, enquiry, settlement
from ikawaari.errors import Gone, Unavailable
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, FailureCode, Outcome, Result
from ikawaari.providers.capabilities import Times
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import Event, Invoice, PaymentAttempt, PaymentIntent
from tests import factories
from tests import world as worlds
from tests.checkout.subscribing import MONTHLY, subscribed
from tests.world import FAILED, PAID, Killed, World, audit, intent, latest, statuses, tries


class Slow(Sandbox):
    """A provider whose charge takes long by the clock of all."""

    seconds = 0.0
    world: World

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """Let time go by, and charge."""
        self.world.later(self.seconds)
        return super().charge(account, request, now)


class Raising(Sandbox):
    """An adapter that breaks after the money was taken, and again when it is asked."""

    def charge(self, account: Account, request: Any, now: datetime) -> Outcome:
        """Take the money, and break."""
        super().charge(account, request, now)
        raise ValueError("an odd word")

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Break."""
        raise ValueError("an odd word")


def slow(world: World, seconds: float) -> None:
    """From now on charges take so long."""
    provider = Slow(world.config)
    provider.seconds, provider.world = seconds, world
    registry.configure([provider])


def frozen(monkeypatch: pytest.MonkeyPatch, world: World, seconds: float) -> None:
    """Whoever stores an attempt is frozen right after that, once."""
    begin = enquiry.begin

    def freeze(*args: Any) -> None:
        begin(*args)
        world.later(seconds)
        monkeypatch.setattr(enquiry, "begin", begin)

    monkeypatch.setattr(enquiry, "begin", freeze)


# ---------------------------------------------------------------- slow providers, and waits for locks


@pytest.mark.parametrize("seconds", [5, 15])
def test_ten_renewals_due_at_once_are_all_charged_however_slow_the_provider_is(world: World, seconds: float) -> None:
    for _ in range(10):
        subscribed(world, recurring=MONTHLY)
    slow(world, seconds)
    world.later(31 * 86_400)
    for _ in range(20):
        worker.run_once(world.now, lease=timedelta(seconds=100))
    renewals = Invoice.select().where(Invoice.period == 2)
    assert [invoice.status for invoice in renewals] == ["paid"] * 10
    assert PaymentAttempt.select().where(PaymentAttempt.status == "failed").count() == 0
    assert PaymentAttempt.select().count() == len(list(ledger.entries())) == 20
    audit()


@pytest.mark.parametrize("seconds", [0, 9, 10, 13, 25])
def test_whoever_waited_for_the_writers_turn_is_charged_all_the_same(world: World, seconds: float) -> None:
    session = world.session()
    pressed_at: datetime = world.now
    world.later(seconds)
    attempts.pay(session.id, factories.pay_request(), pressed_at)
    assert len(list(ledger.entries())) == 1
    world.wait(6, 30)
    assert statuses(session) == PAID
    audit()


def test_eight_payers_who_wait_for_locks_are_all_charged(world: World) -> None:
    """On SQLite the writer is busy, on PostgreSQL each one's row is locked, for 13 seconds."""
    sessions = [world.session() for _ in range(8)]
    pressed_at, held, results = world.now, Signal(), list[object]()

    def pay(number: int) -> None:
        try:
            held.wait(10)
            request = factories.pay_request(factories.phone(f"{500 + number}"))
            attempts.pay(sessions[number].id, request, pressed_at)
            results.append("paid")
        except Exception as error:
            results.append(error)
        finally:
            worlds.release()

    payers = [Thread(target=pay, args=(number,)) for number in range(8)]
    with store.atomic():
        for session in sessions:
            PaymentIntent.lock(intent(session).id)
        for payer in payers:
            payer.start()
        held.set()
        world.later(13)
    for payer in payers:
        payer.join(30)
    assert results == ["paid"] * 8
    world.wait(6, 30)
    assert [statuses(session) for session in sessions] == [PAID] * 8
    audit()


# ---------------------------------------------------------------- what is certainly not sent


@pytest.mark.parametrize(("seconds", "charges"), [(19, 1), (20, 0), (60, 0), (86_400, 0)])
def test_a_process_that_was_frozen_after_the_claim_fails_the_charge_at_once_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: float, charges: int
) -> None:
    session = world.session()
    frozen(monkeypatch, world, seconds)
    if charges:
        world.pay(session)
    else:
        with pytest.raises(Unavailable) as said:
            world.pay(session)
        assert said.value.retryable
        assert "not sent" in said.value.message
        assert (latest(session).status, latest(session).provider_code) == ("failed", "not sent")
        assert intent(session).status == "failed"
    assert len(list(ledger.entries())) == charges
    if seconds < 3600:
        if not charges:
            world.pay(session)  # at once: nothing is awaited
        world.wait(6, 30)
        assert statuses(session) == PAID
    audit()


def test_a_renewal_that_was_not_sent_is_put_off_and_charged_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribed(world)
    frozen(monkeypatch, world, 60)
    world.later(31 * 86_400)
    world.work()
    invoice = Invoice.get(Invoice.subscription == subscription.id, Invoice.period == 2)
    assert invoice.status == "open"
    assert invoice.next_try_at
    assert len(list(ledger.entries())) == 1
    world.wait(*[3700] * 6)
    assert Invoice.get_by_id(invoice.id).status == "paid"
    assert len(list(ledger.entries())) == 2
    audit()


def test_a_code_that_was_not_sent_is_awaited_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = world.session()
    world.pay(session, "009")
    shown = latest(session).next_action
    monkeypatch.setattr(
        attempts, "_submit", _after(lambda: world.later(30), attempts._submit)
    )  # frozen before the call
    with pytest.raises(Unavailable):
        attempts.submit_otp(session.id, "123456", world.now)
    monkeypatch.undo()
    assert (latest(session).status, latest(session).next_action) == ("requires_action", shown)
    attempts.submit_otp(session.id, "123456", world.now)
    world.wait(6)
    assert statuses(session) == PAID
    audit()


def _after(first: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any, **options: Any) -> Any:
        first()
        return then(*args, **options)

    return both


def test_what_enquiry_has_concluded_is_not_changed_by_the_process_that_was_frozen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()

    def while_it_sleeps() -> None:
        world.later(41)
        enquiry.enquire(latest(session).id, world.now)

    monkeypatch.setattr(attempts, "_submit", _after(while_it_sleeps, attempts._submit))
    with pytest.raises(Unavailable):
        world.pay(session)
    assert latest(session).provider_code == "never seen"
    assert world.told().count("payment_intent.payment_failed") == 1


def test_an_adapter_that_breaks_has_said_nothing(world: World) -> None:
    registry.configure([Raising(world.config)])
    session = world.session()
    world.pay_by_card(session)
    assert statuses(session) == worlds.UNKNOWN
    world.wait(5, 60, 3600)
    assert statuses(session) == worlds.UNKNOWN
    registry.configure([Sandbox(world.config)])
    world.wait(3600, 3600)
    assert statuses(session) == PAID
    audit()


# ---------------------------------------------------------------- clocks that differ


@pytest.mark.parametrize("ahead", [20, 45, 3600])
def test_a_worker_whose_clock_is_ahead_calls_no_charge_failed_that_is_on_its_way(world: World, ahead: float) -> None:
    session, attempt = _on_its_way(world)
    world.later(10)
    enquiry.enquire(attempt.id, world.now + timedelta(seconds=ahead))
    assert latest(session).status == "submitting"
    world.later(30)
    enquiry.enquire(attempt.id, world.now - timedelta(seconds=ahead))
    assert statuses(session) == FAILED


@pytest.mark.on_postgres
def test_the_shared_clock_is_the_databases(world: World) -> None:
    """A machine whose clock differs measures by how much, and concludes by the database's clock alone."""
    session, attempt = _on_its_way(world)
    store.shared_clock.use(None)
    try:
        if not store.is_postgres():
            assert store.shared_clock.now() == clock.now()
            assert store.shared_clock.skew() == timedelta()
            return
        really = store.shared_clock.now()
        attempt.change(submitted_at=really)
        with time_machine.travel(really + timedelta(seconds=50)):
            assert 49 < store.shared_clock.skew().total_seconds() < 51
            enquiry.enquire(attempt.id, clock.now())
            assert latest(session).status == "submitting"
        attempt.change(submitted_at=really - timedelta(seconds=41))
        with time_machine.travel(really - timedelta(seconds=50)):
            enquiry.enquire(attempt.id, clock.now())
            assert latest(session).status == "failed"
    finally:
        store.shared_clock.use(clock.now)


def test_what_was_asked_too_early_is_not_believed_however_late_it_is_applied(world: World) -> None:
    session, attempt = _on_its_way(world)
    asked_at = world.later(39)
    world.later(60)
    settlement.apply(attempt.id, Outcome(result=Result.NOT_FOUND), world.now, asked_at=asked_at)
    assert latest(session).status == "submitting"


def _on_its_way(world: World) -> tuple[Any, PaymentAttempt]:
    session = world.session()
    worlds.dying(world.config, "before")
    with suppress(Killed):
        world.pay(session)
    return session, latest(session)


# ---------------------------------------------------------------- what is never settled


def test_an_attempt_that_the_provider_does_not_settle_is_told_once_and_asked_about_daily(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(*[1800] * 47, 1700)
    assert "payment_intent.unresolved" not in world.told()
    world.wait(100, 3600, *[86_400] * 4)
    assert world.told().count("payment_intent.unresolved") == 1
    told = Event.get(Event.type == "payment_intent.unresolved")
    assert told.object_id == intent(session).id
    assert latest(session).unresolved_at == told.created_at
    assert (told.created_at - latest(session).submitted_at) == timedelta(days=1)
    with pytest.raises(Gone):
        world.pay(session)


def test_the_end_of_an_unresolved_attempt_is_still_learned(world: World) -> None:
    world.config = replace(world.config, sandbox_delay_seconds=3 * 86_400.0)
    registry.configure([Sandbox(world.config)])
    session = world.session()
    world.pay(session)
    world.wait(*[3600] * 24, 86_400, 86_400, 86_400)
    assert world.told().count("payment_intent.unresolved") == 1
    assert tries(session)[0].status == "succeeded"
    audit()


def test_a_failure_that_a_callback_brings_is_asked_about_again_after_a_minute(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(*[1800] * 8)  # the next enquiry is an hour away
    provider = registry.named("sandbox")
    assert isinstance(provider, Sandbox)
    settlement.apply(
        latest(session).id,
        Outcome(result=Result.FAILED, failure=FailureCode.PAYER_DECLINED),
        world.now,
        settlement.Source.CALLBACK,
    )
    provider.decide(latest(session).id, succeeded=True, failure=None, now=world.now)
    world.wait(61)
    assert statuses(session) == PAID


@pytest.mark.parametrize("times", [(20, 20, 40), (40, 20, 80), (0, 40, 80), (20, 40, 39)])
def test_a_provider_must_have_times_in_their_order(times: tuple[int, int, int]) -> None:
    call, forgets, settles = (timedelta(seconds=seconds) for seconds in times)
    with pytest.raises(AssertionError):
        Times(call_timeout=call, forgets_after=forgets, settles_within=settles)
