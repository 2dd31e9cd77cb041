"""One provider that hangs holds up no other work: not that of other providers, not its own of another kind."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import ikawaari
from ikawaari import clock, databases, store, worker
from ikawaari.checkout import attempts, enquiry, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Outcome, RefundOrder
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store import due
from ikawaari.store.models import CheckoutSession, DueWork, Merchant, PaymentAttempt, PaymentIntent, Refund
from tests import factories, world

PATIENCE_SECONDS = 30.0
_numbers = itertools.count(1_000)


class Hanging(Sandbox):
    """Whoever enquires here waits until the test is over."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.over = threading.Event()
        self.waiting: list[str] = []

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Wait."""
        self.waiting.append(request.id)
        assert self.over.wait(60)
        return super().lookup(account, request, now)


class Other(Sandbox):
    """Another provider, that works."""

    name = "other"


@pytest.fixture
def hanging(config: Config) -> Iterator[Hanging]:
    """The house with a provider that hangs, and one that does not."""
    ikawaari.start(config)
    provider = Hanging(config)
    registry.configure([provider, Other(config)])
    yield provider
    provider.over.set()
    world.close()


@pytest.fixture
def merchant(hanging: Hanging) -> Merchant:
    """Somebody to pay."""
    return factories.merchant()


@contextmanager
def at_work(config: Config) -> Iterator[None]:
    """A process does due work, as it does in production, for as long as the block lasts."""
    stop = threading.Event()
    threads = worker.start(stop, replace(config, worker_poll_seconds=0.02))
    try:
        yield
    finally:
        stop.set()
        for provider in (registry.named("sandbox"),):
            if isinstance(provider, Hanging):
                provider.over.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> float:
    """How long it took until so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE_SECONDS
        time.sleep(0.01)
    return time.monotonic() - started


def unsettled(merchant: Merchant, provider: str = "sandbox") -> PaymentAttempt:
    """An attempt whose provider did not answer, and whose enquiry is due."""
    session = factories.session(merchant)
    number = f"+22177{next(_numbers):04}004"  # each payer has one: nobody's phone rings too often
    attempts.pay(session.id, factories.pay_request(number), clock.now())
    attempt = PaymentAttempt.get(PaymentAttempt.intent == PaymentIntent.get(PaymentIntent.session == session.id))
    PaymentAttempt.update(provider=provider).where(PaymentAttempt.id == attempt.id).execute()
    due.schedule(enquiry.ENQUIRE, attempt.id, clock.now(), lane=provider)
    return PaymentAttempt.get_by_id(attempt.id)


def paid(merchant: Merchant) -> PaymentIntent:
    """A paid intent."""
    session = factories.session(merchant)
    attempts.pay(session.id, factories.card_request(), clock.now())
    return PaymentIntent.get(PaymentIntent.session == session.id)


def test_a_refund_due_now_goes_out_beside_sixty_enquiries_that_hang(
    hanging: Hanging, merchant: Merchant, config: Config
) -> None:
    intent = paid(merchant)
    for _ in range(60):
        unsettled(merchant)
    with at_work(config):
        until(lambda: len(hanging.waiting) >= 2)
        refunds.create(factories.owner(merchant), NewRefund(payment_intent=intent.id), clock.now())
        seconds = until(lambda: Refund.get().status == "succeeded")
        print(f"a refund beside {len(hanging.waiting)} hanging calls of 60: {seconds:.2f} s")
        assert len(hanging.waiting) <= worker.MOST_CALLS // 4


def test_another_provider_s_enquiries_go_on(hanging: Hanging, merchant: Merchant, config: Config) -> None:
    for _ in range(30):
        unsettled(merchant)
    others = [unsettled(merchant, "other").id for _ in range(5)]
    with at_work(config):
        until(lambda: bool(hanging.waiting))
        until(lambda: {PaymentAttempt.get_by_id(one).status for one in others} == {"succeeded"})
    assert not set(hanging.waiting) & set(others)


def test_expiry_and_the_sandbox_s_world_go_on(hanging: Hanging, merchant: Merchant, config: Config) -> None:
    for _ in range(10):
        unsettled(merchant)
    ended = factories.session(merchant)
    CheckoutSession.update(expires_at=clock.now() - timedelta(seconds=1)).where(
        CheckoutSession.id == ended.id
    ).execute()
    with at_work(config):
        until(lambda: bool(hanging.waiting))
        due.schedule("session.expire", ended.id, clock.now())
        until(lambda: CheckoutSession.get_by_id(ended.id).status == "expired")
        waits = factories.session(merchant)
        attempts.pay(waits.id, factories.pay_request(factories.phone("500")), clock.now())
        of_it = ledger.Charge.intent_id == PaymentIntent.get(PaymentIntent.session == waits.id).id
        until(lambda: ledger.Charge.get(of_it).status == "succeeded")


def test_many_providers_that_hang_leave_a_thread_to_the_next(config: Config, database: None) -> None:
    """Unit by unit: what one lane may take of the threads, and what is left."""
    callers = worker.Callers(config)
    gate, reached = threading.Event(), []

    def block(subject: str, _now: datetime) -> None:
        reached.append(subject)
        assert gate.wait(60)

    with handlers(dict.fromkeys(worker.CALLS, block)):
        for lane in ("a", "b", "c", "d"):
            for number in range(20):
                due.schedule(enquiry.ENQUIRE, f"{lane}{number}", clock.now(), lane=lane)
        while callers.start_due():
            pass
        until(lambda: len(reached) == 8)
        assert {lane: sum(one.startswith(lane) for one in reached) for lane in "abcd"} == dict.fromkeys("abcd", 2)
        due.schedule(refunds.SEND, "a", clock.now(), lane="a")
        due.schedule(enquiry.ENQUIRE, "e", clock.now(), lane="e")
        assert callers.start_due()
        until(lambda: {"a", "e"} <= set(reached))
        gate.set()
        until(lambda: not any(thread.name == "provider-call" for thread in threading.enumerate()))
    assert len(reached) <= worker.MOST_CALLS


def test_what_is_claimed_is_leased_for_its_own_call_alone(config: Config, database: None) -> None:
    config = replace(config, charge_timeout_seconds=10)
    callers, gate, reached = worker.Callers(config), threading.Event(), []

    def block(subject: str, _now: datetime) -> None:
        reached.append(subject)
        assert gate.wait(60)

    with handlers({enquiry.ENQUIRE: block}):
        for number in range(4):
            due.schedule(enquiry.ENQUIRE, str(number), clock.now(), lane="a")
        before = clock.now()
        assert callers.start_due()
        until(lambda: len(reached) == 1)
        leased = [row for row in DueWork.select() if row.leased_until]
        assert len(leased) == 1
        assert leased[0].leased_until - before >= timedelta(seconds=20)
        gate.set()
        until(lambda: not any(thread.name == "provider-call" for thread in threading.enumerate()))
    assert DueWork.select().where(DueWork.kind == enquiry.ENQUIRE).count() == 3


class Watching(Sandbox):
    """Whoever calls here is asked whether the database has a connection left for others."""

    asked = 0

    def _look(self) -> None:
        self.asked += 1
        assert world.together(1, lambda _: store.is_ready()) == [True]

    def charge(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Look, and charge."""
        self._look()
        return super().charge(account, request, now)

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Look, and look up."""
        self._look()
        return super().lookup(account, request, now)

    def refund(self, account: Account, request: RefundOrder, now: datetime) -> Outcome:
        """Look, and refund."""
        self._look()
        return super().refund(account, request, now)


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_who_waits_for_a_provider_keeps_no_connection(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LONGEST_WAIT_SECONDS", 0.2)
    ikawaari.start(replace(config, database_pool=1))
    provider = Watching(config)
    registry.configure([provider])
    merchant = factories.merchant()
    intent = paid(merchant)
    refunds.create(factories.owner(merchant), NewRefund(payment_intent=intent.id), clock.now())
    unsettled(merchant)
    while worker.run_once(clock.now()):
        pass
    assert Refund.get().status == "succeeded"
    assert provider.asked >= 4
    world.close()


@contextmanager
def handlers(chosen: dict[str, Callable[[str, datetime], None]]) -> Iterator[None]:
    """The worker has these handlers for some kinds."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, handler in chosen.items():
            patch.setitem(worker.HANDLERS, kind, handler)
        yield
