"""A process may die between any two statements: afterwards a worker settles everything, and all books agree."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ikawaari.checkout import accounts, attempts, budgets, callbacks, enquiry
from ikawaari.errors import Declined
from ikawaari.events import events
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Outcome
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.database import database
from ikawaari.store.models import CheckoutSession
from tests import world as worlds
from tests.world import FAILED, PAID, UNKNOWN, Killed, World, audit, fresh, latest, statuses, tries

pytestmark = pytest.mark.on_postgres


@pytest.fixture(autouse=True)
def _one_number_for_all(world: World) -> None:
    """Every death leaves a payment behind that waits, and one number has them all: strangers are not at stake here."""
    budgets.configure(replace(world.config, prompts_per_phone=0))


@contextmanager
def power_fails_at(statement: int) -> Iterator[None]:
    """The process dies at its n-th statement on the house's database; the transaction that it was in is undone."""
    obj, left = database.obj, [statement]

    def execute(sql: str, params: Any = None, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Killed(sql)
        return type(obj).execute_sql(obj, sql, params, **options)

    obj.execute_sql = execute
    try:
        yield
    finally:
        del obj.execute_sql


def survives(statement: int, step: Any) -> bool:
    """Run `step` until the power fails at its n-th statement; whether it came to its end before."""
    try:
        with power_fails_at(statement), suppress(Declined):
            step()
    except Killed:
        return False
    return True


def recover(world: World) -> None:
    """Two hours later."""
    world.wait(5, 5, 5, 10, 30, 60, 600, 3600, 3600)
    audit()


def _pay(world: World, session: CheckoutSession, how: str) -> None:
    if how.startswith("tok_"):
        world.pay_by_card(session, how)
    else:
        world.pay(session, how)


@pytest.mark.long(engine="postgres")  # served processes are killed there, too: tests/chaos/test_kill.py
@pytest.mark.parametrize(
    ("how", "arrive"),
    [(how, False) for how in ("500", "004", "008", "010", "tok_test_card")] + [("500", True), ("005", True)],
)
def test_a_payment_that_dies_at_any_statement_is_settled_and_adds_up(world: World, how: str, arrive: bool) -> None:
    if arrive:
        world.callbacks_arrive()
    opened = []
    for statement in count(1):
        opened.append(world.session(defer_payment_intent_creation=bool(statement % 2)))
        if survives(statement, lambda: _pay(world, opened[-1], how)):
            break
    assert len(opened) > 10, "the power failed at nearly no statement"
    recover(world)
    for session in opened:
        assert not tries(session) or latest(session).status in {"succeeded", "failed"}
        if fresh(session).status == "open":
            world.later(1)
            world.pay_by_card(session)
        assert statuses(session) == PAID
        assert sum(attempt.status == "succeeded" for attempt in tries(session)) == 1
    audit()


@pytest.mark.long(engine="postgres")
def test_a_code_that_dies_at_any_statement_is_settled_and_adds_up(world: World) -> None:
    opened = []
    for statement in count(1):
        session = world.session()
        opened.append(session)
        world.pay(session, "009")
        if survives(statement, lambda: attempts.submit_otp(opened[-1].id, "123456", world.now)):
            break
    assert len(opened) > 15
    recover(world)
    assert {statuses(session) for session in opened} <= {PAID, FAILED}


@pytest.mark.long(engine="postgres")
@pytest.mark.parametrize("how", ["500", "001", "004", "007", "012"])
def test_a_worker_that_dies_at_any_statement_is_replaced_and_adds_up(world: World, how: str) -> None:
    opened = [world.session() for _ in range(3)]
    for session in opened:
        world.pay(session, how)
    world.later(6)
    for statement in count(1):
        if survives(statement, world.work):
            break
        world.later(61)
    assert statement > 10
    recover(world)
    assert {statuses(session) for session in opened} == {FAILED if how in {"001", "012"} else PAID}


def test_a_worker_that_dies_while_it_refunds_is_replaced_and_refunds_once(world: World) -> None:
    session = world.session()
    world.pay(session, "012")
    world.later(4)
    enquiry.check(session.id, world.now)
    for statement in count(1):
        if survives(statement, world.work):
            break
        world.later(61)
    assert world.told().count("refund.created") == world.told().count("refund.succeeded") == 1
    audit()


@pytest.mark.parametrize(("when", "end"), [("before", FAILED), ("after", PAID)])
@pytest.mark.parametrize("ending", ["500", "004", "005"])
def test_a_process_killed_around_the_charge_is_settled_by_enquiry(
    world: World, ending: str, when: str, end: tuple[str, ...]
) -> None:
    worlds.dying(world.config, when)
    session = world.session()
    with pytest.raises(Killed):
        world.pay(session, ending)
    assert latest(session).status == "submitting"
    recover(world)
    assert statuses(session) == end
    assert sum(entry["amount"] for entry in ledger.entries()) == (5_000 if when == "after" else 0)


def test_a_process_killed_while_it_writes_the_events_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()
    append = events.append

    def die_once(type_: str, *args: Any, **kwargs: Any) -> None:
        if type_ == "checkout.session.completed":
            monkeypatch.undo()
            raise Killed
        append(type_, *args, **kwargs)

    monkeypatch.setattr(events, "append", die_once)
    with pytest.raises(Killed):
        world.pay_by_card(session)
    assert latest(session).status == "submitting"
    assert "payment_intent.succeeded" not in world.told()
    recover(world)
    assert statuses(session) == PAID
    assert world.told().count("payment_intent.succeeded") == 1


def test_an_adapter_that_raises_is_a_bug_and_leaves_the_truth_unknown(world: World) -> None:
    class Broken(Sandbox):
        def charge(self, account: Account, request: Any, now: Any) -> Outcome:
            super().charge(account, request, now)
            raise RuntimeError

    registry.configure([Broken(world.config)])
    session = world.session()
    world.pay(session)
    assert statuses(session) == UNKNOWN
    recover(world)
    assert statuses(session) == PAID


def test_a_callback_that_dies_at_any_statement_is_taken_in_when_it_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "KEPT_SECONDS", 3_600)  # else a slow run asks for them again when all is done
    provider = registry.named("sandbox")
    assert isinstance(provider, Sandbox)
    session = world.session()
    world.pay(session, "011")
    message = provider.decide(latest(session).id, succeeded=True, failure=None, now=world.now)
    for statement in count(1):
        if survives(statement, lambda: callbacks.receive("sandbox", message, world.now)):
            break
        assert latest(session).status == "requires_action"
    assert statement > 10
    assert statuses(session) == PAID
    audit()


def test_sessions_that_die_while_they_are_opened_leave_nothing(world: World) -> None:
    for statement in count(1):
        if survives(statement, world.session):
            break
        assert not CheckoutSession.select().exists()
        assert not world.told()
    assert world.told() == ["payment_intent.created", "checkout.session.created"]
