"""Refunds that have ended are asked about once more: the news that one came back, or went, may never arrive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ikawaari.checkout import refunds as domain
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Outcome, RefundOrder, Result, unknown
from ikawaari.providers.capabilities import Reach
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import CheckoutSession, DueWork
from tests import factories
from tests.world import World, fresh, intent, latest, refunds

DAY = 86_400
GIVEN = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
SENT_BACK = Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN, raw_code="lost_or_stolen_card")
FULL = Outcome(result=Result.FAILED, failure=FailureCode.WALLET_LIMIT)


class Changing(Sandbox):
    """The sandbox, whose refunds end as told, and whose look-ups tell of them as told; they may fail for ten days."""

    says: Outcome = GIVEN
    tells: Sequence[Outcome] = (GIVEN,)
    asked = 0

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        return self.says

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        told = self.tells[min(self.asked, len(self.tells) - 1)]
        self.asked += 1
        return told

    def reach(self, account: Account, operator: str | None) -> Reach | None:
        reach = super().reach(account, operator)
        return reach and replace(reach, refunds_fail_within=timedelta(days=10))


@pytest.fixture
def provider(world: World) -> Changing:
    """The provider of every payment here."""
    made = Changing(replace(world.config, sandbox_delay_seconds=3.0))
    registry.configure([made])
    return made


def given_back(world: World) -> CheckoutSession:
    """A session whose payment was refunded by rule, because it came late."""
    session = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5)
    world.later(60)
    world.work()
    return session


def rechecks() -> list[DueWork]:
    return list(DueWork.select().where(DueWork.kind == domain.RECHECK))


def test_a_refund_that_came_back_is_found_though_no_news_of_it_arrived(world: World, provider: Changing) -> None:
    session = given_back(world)
    assert (refunds()[0].status, intent(session).amount_refunded) == ("succeeded", 5_000)
    provider.tells = (GIVEN, SENT_BACK)
    world.wait(DAY)
    assert refunds()[0].status == "succeeded"
    world.wait(DAY)
    assert (refunds()[0].status, refunds()[0].failure_code) == ("failed", "unknown")
    assert (intent(session).amount_refunded, fresh(session).payment_status) == (0, "paid")
    assert latest(session).returned == 0
    assert world.told()[-1] == "refund.failed"
    assert [work.due_at - world.now for work in rechecks()] == [domain.RECHECKS_OF_FAILED[0]]  # of one that failed


def test_it_is_asked_less_and_less_often_while_it_may_fail(world: World, provider: Changing) -> None:
    given_back(world)
    assert [work.lane for work in rechecks()] == ["sandbox"]
    days = []
    while work := rechecks():
        days.append(round((work[0].due_at - world.now) / timedelta(days=1)))
        world.wait(days[-1] * DAY)
    assert days == [1, 1, 2, 4, 8]
    assert refunds()[0].status == "succeeded"


@pytest.mark.parametrize("answer", [unknown("HTTP 500"), Outcome(result=Result.NOT_FOUND), GIVEN])
def test_a_look_up_that_says_nothing_new_changes_nothing(world: World, provider: Changing, answer: Outcome) -> None:
    session = given_back(world)
    provider.tells = (answer,)
    world.wait(DAY)
    assert (refunds()[0].status, fresh(session).payment_status) == ("succeeded", "refunded")
    assert len(rechecks()) == 1


def test_the_sandbox_is_not_asked_again(world: World) -> None:
    given_back(world)
    assert refunds()[0].status == "succeeded"
    assert rechecks() == []


def test_a_refund_that_went_after_all_is_not_paid_twice(world: World, provider: Changing) -> None:
    provider.says, provider.tells = FULL, (GIVEN,)
    session = given_back(world)
    assert [one.status for one in refunds()] == ["failed"]
    DueWork.delete().where(DueWork.kind == domain.RECHECK).execute()  # as if these had been too early
    world.wait(3_600)
    assert [one.status for one in refunds()] == ["succeeded"]
    assert (latest(session).promised, latest(session).returned) == (0, 5_000)
    assert not DueWork.select().where(DueWork.kind == domain.RETRY).exists()


@pytest.mark.parametrize("answer", [unknown("HTTP 500"), Outcome(result=Result.PROCESSING)])
def test_while_nobody_knows_it_is_not_tried_again(world: World, provider: Changing, answer: Outcome) -> None:
    provider.says, provider.tells = FULL, (answer, FULL)
    given_back(world)
    provider.says = GIVEN
    assert DueWork.get(DueWork.kind == domain.RETRY).lane == "sandbox"
    DueWork.delete().where(DueWork.kind == domain.RECHECK).execute()  # the try asks by itself
    world.wait(3_600)
    assert [one.status for one in refunds()] == ["failed"]
    world.wait(3_600)
    assert [one.status for one in refunds()] == ["failed", "succeeded"]
