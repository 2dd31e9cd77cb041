"""When a provider is asked: by its own plan; and what nobody paid in time is canceled there, where that is possible."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from ikawaari.checkout import settlement
from ikawaari.errors import Conflict
from ikawaari.invariants import present
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Outcome, Result, unknown
from ikawaari.providers.outcomes import failed
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import DueWork
from ikawaari.worker import Callers
from tests.world import FAILED, PAID, World, audit, latest, statuses


class Canceling(Sandbox):
    """A provider at which a charge can be canceled, until it is paid."""

    canceled: list[str]

    def cancel(self, account: Account, request: Any, now: datetime) -> Outcome:
        """End it, unless it has ended otherwise."""
        self.canceled.append(request.id)
        return self.lookup(account, request, now)

    def lookup(self, account: Account, request: Any, now: datetime) -> Outcome:
        """What has ended stays so."""
        found = super().lookup(account, request, now)
        is_paid = found.result is Result.SUCCEEDED or request.id not in self.canceled
        return found if is_paid else failed(FailureCode.CANCELED, reference=found.reference)


@pytest.fixture
def canceling(world: World) -> Canceling:
    """The only provider."""
    provider = Canceling(world.config)
    provider.canceled = []
    registry.configure([provider])
    return provider


def asked_at() -> datetime:
    """When the provider is asked next."""
    at: datetime = DueWork.get(DueWork.kind == settlement.ENQUIRE).due_at
    return at


def test_what_nobody_paid_in_time_is_canceled(world: World, canceling: Canceling) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(30)
    assert canceling.canceled == []
    world.wait(31)
    assert canceling.canceled == [latest(session).id]
    assert (statuses(session), latest(session).failure_code) == (FAILED, "canceled")
    audit()


def test_what_was_paid_at_the_last_moment_is_paid(world: World, canceling: Canceling) -> None:
    session = world.session()
    world.pay(session, "011")
    canceling.decide(latest(session).id, succeeded=True, failure=None, now=world.now)
    latest(session).change(deadline_at=world.now + timedelta(seconds=5))
    world.later(6)
    world.work()
    assert statuses(session) == PAID
    audit()


@pytest.mark.parametrize("says", [unknown("no answer"), ConnectionResetError("no answer")])
def test_a_cancellation_without_an_answer_ends_nothing_and_is_asked_for_again(
    world: World, canceling: Canceling, monkeypatch: pytest.MonkeyPatch, says: Outcome | Exception
) -> None:
    def cancel(_account: Account, request: Any, _now: datetime) -> Outcome:
        canceling.canceled.append(request.id)
        if isinstance(says, Exception):
            raise says
        return says

    session = world.session()
    world.pay(session, "011")
    with monkeypatch.context() as silence:
        silence.setattr(canceling, "cancel", cancel)
        world.wait(61)
        assert (len(canceling.canceled), latest(session).status) == (1, "requires_action")
        with pytest.raises(Conflict):
            world.pay(session)
    canceling.decide(latest(session).id, succeeded=True, failure=None, now=world.now)
    world.wait(60)
    assert (statuses(session), [entry["amount"] for entry in ledger.entries()]) == (PAID, [5_000])
    audit()


def test_a_charge_that_cannot_be_canceled_is_asked_about(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    world.wait(61)
    assert latest(session).status == "processing"


def test_a_provider_has_a_plan_of_its_own(world: World) -> None:
    provider = Sandbox(world.config)
    times = replace(
        provider.capabilities.times,
        first_poll=timedelta(seconds=2),
        longest_poll=timedelta(minutes=2),
        decisive_polls=(timedelta(seconds=330),),
    )
    provider.capabilities = replace(provider.capabilities, times=times)
    registry.configure([provider])
    session = world.session()
    world.pay(session, "011")
    began = latest(session).submitted_at
    seen = []
    while world.now < began + timedelta(minutes=10):
        seen.append((asked_at() - began).total_seconds())
        world.wait((asked_at() - world.now).total_seconds())
    assert seen[0] == 2
    assert 330 in seen
    assert max(after - before for before, after in pairwise(seen)) == 120


class Silent(Sandbox):
    """A provider that never says what became of a charge."""

    def lookup(self, account: Account, request: Any, now: datetime) -> Outcome:
        """No answer."""
        return unknown("no answer")


@pytest.mark.parametrize(("kind", "number", "seen"), [(Silent, "004", [1, 2, 3, 5]), (Sandbox, "011", [1])])
def test_an_address_that_comes_by_a_look_up_is_asked_for_early_until_the_payer_can_act(
    world: World, kind: type[Sandbox], number: str, seen: list[float]
) -> None:
    provider = kind(world.config)
    can = provider.capabilities
    early = tuple(timedelta(seconds=after) for after in (1, 2, 3, 5))
    operators = {name: replace(reach, early_polls=early) for name, reach in can.operators.items()}
    provider.capabilities = replace(can, operators=operators, times=replace(can.times, first_poll=timedelta(seconds=9)))
    registry.configure([provider])
    session = world.session()
    world.pay(session, number)
    began, polls = latest(session).submitted_at, []
    while asked_at() < began + timedelta(seconds=6):
        polls.append((asked_at() - began).total_seconds())
        world.wait((asked_at() - world.now).total_seconds())
    assert polls == seen


def test_a_lease_is_longer_than_the_longest_call_of_its_own_provider(world: World) -> None:
    slow, usual = Sandbox(world.config), Sandbox(world.config)
    times = replace(slow.capabilities.times, call_timeout=timedelta(seconds=33))
    slow.capabilities = replace(slow.capabilities, times=times)
    slow.account, slow.name = replace(present(usual.account, "it is built in"), id="acc_slow"), "slow"
    registry.configure([usual, slow])
    callers = Callers(world.config)
    assert [callers._lease_of(one) for one in ("acc_slow", "sandbox", "acc_gone")] == [
        timedelta(seconds=99),
        timedelta(seconds=60),
        timedelta(seconds=60),
    ]
