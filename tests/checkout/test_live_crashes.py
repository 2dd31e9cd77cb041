"""On every adapter with its simulator: a process may die between any two statements, and before and after each of its
requests to the provider. Afterwards both ledgers agree, and nobody was charged twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ikawaari.checkout import attempts, breakers, budgets, callbacks, charges, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.config import Config
from ikawaari.errors import Declined
from ikawaari.providers.base import Verb
from ikawaari.providers.http import Call
from ikawaari.states import UNSETTLED
from ikawaari.store.database import database as store_database
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import live as lives
from tests.live import Live
from tests.providers.bench import Bench
from tests.providers.contract import BENCHES, in_the_house
from tests.world import FAILED, PAID, Killed, fresh, intent, latest, statuses, tries
from tests.world import refunds as all_refunds

pytestmark = pytest.mark.long(engine="postgres")  # served processes are killed there: tests/chaos/test_live_kill.py
FAULTS = [
    *(None, "accepted_then_500"),
    *(pytest.param(fault, marks=pytest.mark.long) for fault in ("reset", "500")),  # as if it died a moment sooner
]
_MOST = 200  # a step with more places to die at has no end


@pytest.fixture(params=in_the_house(BENCHES))
def live(request: pytest.FixtureRequest, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Each provider in turn, alone. What guards against strangers and outages is off: every death leaves one behind."""
    made: type[Bench] = request.param
    monkeypatch.setattr(breakers, "IN_A_ROW", _MOST)
    monkeypatch.setattr(breakers, "AT_LEAST", _MOST)
    with lives.opened(config, made) as opened:
        budgets.configure(replace(opened.config, prompts_per_phone=0, declines_per_card=0))
        opened.door.is_open = False
        yield opened


@pytest.fixture
def refunding(live: Live) -> Live:
    """Those that refund."""
    if not live.refunds:
        pytest.skip("it has no refunds")
    return live


class Deaths:
    """Counts the places at which a process can die, and dies at the n-th."""

    def __init__(self, place: int) -> None:
        self.left = place

    def step(self) -> None:
        """One place more."""
        self.left -= 1
        if self.left == 0:
            raise Killed


@contextmanager
def dying_at(place: int) -> Iterator[None]:
    """The process dies at its n-th place; the transaction that it was in is undone."""
    deaths, obj, send = Deaths(place), store_database.obj, Call.send

    def execute(sql: str, params: Any = None, **options: Any) -> Any:
        deaths.step()
        return type(obj).execute_sql(obj, sql, params, **options)

    def ask(*given: Any, **more: Any) -> Any:
        deaths.step()
        answer = send(*given, **more)
        deaths.step()
        return answer

    obj.execute_sql, Call.send = execute, ask  # type: ignore[method-assign]
    try:
        yield
    finally:
        Call.send = send  # type: ignore[method-assign]
        del obj.execute_sql


def survives(place: int, step: Callable[[], object]) -> bool:
    """Do a step in a process that dies at its n-th place; whether it came to its end before."""
    try:
        with dying_at(place), suppress(Declined):
            step()
    except Killed:
        return False
    return True


def repeated(live: Live, step: Callable[[], object]) -> int:
    """Let one process after the other do a step, each dies one place later, until one comes to its end: how many."""
    for place in range(1, _MOST):
        if survives(place, step):
            return place
        live.later(61)  # a dead worker's rows are leased to it for a minute
    raise AssertionError("it never comes to its end")


def finish(live: Live) -> None:
    """Whoever is still asked approves, hours pass, and nothing is left to do."""
    live.wait(5, 30)
    for _ in range(3):
        for attempt in PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED)):
            if live.bench.started(attempt.id):
                live.settle_charge(charges.of(charges.find(attempt.id)))
        live.wait(5, 60, 600)
    live.wait(3600, 3600)


def still_open(opened: Sequence[CheckoutSession]) -> list[CheckoutSession]:
    """Those that are not paid yet."""
    return [session for session in opened if fresh(session).status == "open"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_charge_that_dies_anywhere_is_settled_and_taken_at_most_once(live: Live, fault: str | None) -> None:
    opened: list[CheckoutSession] = []
    for place in count(1):
        session, request = live.begin()
        opened.append(session)
        if fault:
            live.talk.next(fault)
        if survives(place, lambda: attempts.pay(session.id, request, live.now)):  # noqa: B023 - called at once
            break
    assert 12 < place < _MOST
    for _ in range(3):  # who has not paid tries again; orders that no charge had taken may spoil that once more
        finish(live)
        live.audit()
        assert all(one.status in {"succeeded", "failed"} for session in opened for one in tries(session))
        for session in still_open(opened):
            attempts.pay(session.id, live.begin()[1], live.now)
    assert {statuses(session) for session in opened} == {PAID}
    assert all(sum(one.status == "succeeded" for one in tries(session)) == 1 for session in opened)


def test_a_worker_that_dies_anywhere_while_it_asks_is_replaced(live: Live) -> None:
    paid = live.paying()
    live.settle(paid)
    live.bench.order_decline()
    declined = live.paying()
    live.settle(declined)
    live.later(6)
    assert repeated(live, live.work) > 12
    finish(live)
    assert [statuses(paid), statuses(declined)] == [PAID, FAILED]
    assert len(tries(paid)) == len(tries(declined)) == 1
    live.audit()


def test_a_callback_that_dies_anywhere_is_taken_in_when_it_comes_again(live: Live) -> None:
    session = live.paying()
    live.settle(session)
    message = live.bench.callback(live.door.wait(1)[0])
    for place in range(1, _MOST):
        if survives(place, lambda: callbacks.receive(live.account.id, message, live.now)):
            break
        assert latest(session).status != "succeeded"
    assert 2 < place < _MOST
    callbacks.receive(live.account.id, message, live.now)
    live.work()
    assert statuses(session) == PAID
    live.audit()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_refund_that_dies_anywhere_gives_back_once(refunding: Live, fault: str | None) -> None:
    session = refunding.paid()
    refunds.create(refunding.owner, NewRefund(payment_intent=intent(session).id), refunding.now)
    if fault:
        refunding.talk.next(fault, on="refund")
    assert repeated(refunding, refunding.work) > 10
    finish(refunding)
    assert [(one.status, one.amount) for one in all_refunds()] == [("succeeded", latest(session).amount)]
    assert fresh(session).payment_status == "refunded"
    refunding.audit()


def test_a_cancellation_that_dies_anywhere_is_made_again(live: Live) -> None:
    if Verb.CANCEL not in live.provider.verbs:
        pytest.skip("it cannot cancel")
    session = live.paying()
    deadline = latest(session).deadline_at
    assert deadline
    live.later((deadline - live.now).total_seconds() + 1)
    assert repeated(live, live.work) > 10
    live.wait(60, 3600, 3600)
    assert statuses(session)[:2] == ("failed", "failed")
    assert live.bench.taken(latest(session).id) == 0
    live.audit()
