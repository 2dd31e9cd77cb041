"""A provider is not asked more often than it takes, by all machines together, and not before it wants to be."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from ikawaari import clock, store, worker
from ikawaari.checkout import account_setup, accounts, attempts, enquiry
from ikawaari.checkout.routing import Wanted, explained
from ikawaari.errors import Unavailable
from ikawaari.providers.base import Account, Charge, Outcome
from ikawaari.providers.http import Answer
from ikawaari.store import due
from ikawaari.store.models import CheckoutSession, DueWork, PaymentAttempt
from tests import accounts as providers
from tests import factories
from tests.accounts import Direct
from tests.world import World, latest

MOST = 3
_numbers = count(1_000)


class Slow(Direct):
    """It answers a few look-ups a second."""

    name = "slow"
    most: int | None = MOST
    looked_up: Counter[str] = Counter()

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        times = replace(self.capabilities.times, lookups_per_second=self.most)
        self.capabilities = replace(self.capabilities, times=times)

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Whether it is paid."""
        self.looked_up[account.id] += 1
        return super().lookup(account, request, now)


class Fast(Slow):
    """It answers any number."""

    name = "fast"
    most = None


class Busy(Direct):
    """It is asked over HTTP whether something is paid, and how it answers is not its business here."""

    name = "busy"

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Nothing usable."""
        answer = self.call(account).send("GET", "/lookup", what="lookup")
        return answer.unknown() if isinstance(answer, Answer) else super().lookup(account, request, now)


@pytest.fixture
def machines(world: World, monkeypatch: pytest.MonkeyPatch) -> list[worker.Callers]:
    """Two of them, whose shared clock stands still, too."""
    monkeypatch.setattr(store.shared_clock, "_given", clock.now)
    Slow.looked_up.clear()
    providers.install(world.config, Slow, Fast, Busy)
    return [worker.Callers(world.config), worker.Callers(world.config)]


def start(world: World) -> CheckoutSession:
    """A payment that never ends, to be asked about now."""
    session = factories.session(world.merchant, livemode=True)
    attempts.pay(session.id, factories.pay_request(f"+22177{next(_numbers)}011"), world.now)
    due.schedule(enquiry.ENQUIRE, latest(session).id, world.now, lane=latest(session).provider)
    return session


def work(machines: list[worker.Callers]) -> None:
    """The machines start what they may, and finish it."""
    while sum(machine.start_due() for machine in machines):  # each of them, also when the first one has
        for machine in machines:
            with machine._changed:
                assert machine._changed.wait_for(lambda own=machine: not own._running.total(), 10)  # type: ignore[misc]


def due_now(world: World, account_id: str) -> int:
    """How many look-ups of an account are due."""
    its = DueWork.select().where(DueWork.kind == enquiry.ENQUIRE, DueWork.lane == account_id)
    return int(its.where(DueWork.due_at <= world.now).count())


def test_two_machines_together_look_up_no_more_a_second_than_a_provider_takes(
    world: World, machines: list[worker.Callers]
) -> None:
    slow = providers.add(world.config, "slow").id
    sessions = [start(world) for _ in range(2 * MOST)]
    fast = providers.add(world.config, "fast").id
    account_setup.order(None, "SN", "orange", [fast])
    for _ in range(MOST + 2):
        start(world)
    work(machines)
    assert (Slow.looked_up[slow], due_now(world, slow)) == (MOST, MOST)
    assert (Slow.looked_up[fast], due_now(world, fast)) == (MOST + 2, 0)
    enquiry.check(sessions[-1].id, world.now)  # a payer does not come before the others
    assert Slow.looked_up[slow] == MOST
    world.later(1)
    work(machines)
    assert (Slow.looked_up[slow], due_now(world, slow)) == (2 * MOST, 0)


@pytest.mark.on_postgres
def test_a_provider_that_was_asked_too_often_is_left_alone_for_as_long_as_it_says(
    world: World, machines: list[worker.Callers], httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/lookup").respond_with_data("{}", 429, {"Retry-After": "30"})
    site = {"token": providers.TOKEN, "base_url": httpserver.url_for("")}
    busy = providers.add(world.config, "busy", settings=site).id
    sessions = [start(world) for _ in range(3)]
    work(machines[:1])
    asked = len(httpserver.log)
    assert due_now(world, busy) == 3 - asked < 3
    accounts.distrust()
    for attempt in PaymentAttempt.select():
        assert attempt.status != "failed"
        due.schedule(enquiry.ENQUIRE, attempt.id, world.now, lane=busy)
    world.later(29)
    work(machines)
    enquiry.check(sessions[0].id, world.now)
    assert len(httpserver.log) == asked
    with pytest.raises(Unavailable):  # a charge could only be lost there
        start(world)
    wanted = Wanted(
        merchant_id=None, livemode=True, method_type="mobile_money", operator="orange_sn", currency="XOF", amount=5_000
    )
    assert [words for _, words in explained(wanted)] == [
        "was asked too often: its provider wants to be left alone for a while"
    ]
    assert account_setup.listed()[0]["rests_until"] == clock.iso(world.now + timedelta(seconds=1))
    world.later(1)
    httpserver.clear()
    httpserver.expect_request("/lookup").respond_with_data("{}", 500)
    work(machines)
    assert len(httpserver.log) >= 3
    start(world)


@pytest.mark.on_postgres
def test_a_longer_wait_is_heeded_and_a_shorter_one_changes_nothing(
    world: World, machines: list[worker.Callers]
) -> None:
    slow = providers.add(world.config, "slow").id
    for seconds in (10, 30, 5):
        accounts.leave_alone(slow, timedelta(seconds=seconds))
        accounts.distrust()
    assert accounts.known().health.resting[slow] == world.now + timedelta(seconds=30)
