"""Refunds of the house's own: promised with the news, sent by the worker, asked again until they are settled."""

from dataclasses import replace
from datetime import datetime

import pytest

from ikawaari.checkout import refunds as domain
from ikawaari.providers import registry
from ikawaari.providers.base import FailureCode, Outcome, RefundRequest, Result, unknown
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import CheckoutSession, DueWork
from tests import factories
from tests.world import World, audit, fresh, intent, refunds


class Reluctant(Sandbox):
    """The sandbox, whose refunds end as told; None: as ever."""

    says: Outcome | None = None

    def refund(self, request: RefundRequest, now: datetime) -> Outcome:
        """What was told."""
        return self.says or super().refund(request, now)


FAILED = Outcome(result=Result.FAILED, failure=FailureCode.WALLET_LIMIT)


@pytest.fixture
def provider(world: World) -> Reluctant:
    """The provider of every payment here."""
    made = Reluctant(replace(world.config, sandbox_delay_seconds=3.0))
    registry.configure([made])
    return made


def late(world: World) -> CheckoutSession:
    """A session whose money came after its end, at a merchant who gives it back."""
    session = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5)
    assert fresh(session).status == "expired"
    world.later(60)
    return session


def test_a_promised_refund_is_reserved_before_it_is_sent(world: World, provider: Reluctant) -> None:
    provider.says = unknown("no answer")
    session = late(world)
    world.work()
    assert [refund.status for refund in refunds()] == ["pending"]
    assert (intent(session).amount_refunded, fresh(session).payment_status) == (5_000, "paid")


@pytest.mark.parametrize("answer", [unknown("HTTP 500"), Outcome(result=Result.PROCESSING)])
def test_a_refund_without_an_end_is_asked_again_less_and_less_often(
    world: World, provider: Reluctant, answer: Outcome
) -> None:
    provider.says = answer
    session = late(world)
    world.work()
    waits = []
    for _ in range(6):
        work = DueWork.get(DueWork.kind == domain.SEND)
        waits.append((work.due_at - world.now).total_seconds())
        world.wait(waits[-1])
    assert waits == [5, 5, 10, 20, 40, 80]
    provider.says = None
    world.wait(160)
    assert (refunds()[0].status, fresh(session).payment_status) == ("succeeded", "refunded")
    audit()


def test_a_refund_that_fails_gives_its_reserve_back_and_is_told(world: World, provider: Reluctant) -> None:
    provider.says = FAILED
    session = late(world)
    world.work()
    world.wait(3600)
    assert [(refund.status, refund.failure_code) for refund in refunds()] == [("failed", "wallet_limit")]
    assert (intent(session).amount_refunded, fresh(session).payment_status) == (0, "paid")
    assert world.told()[-2:] == ["refund.created", "refund.failed"]
    audit()


def test_a_surplus_refund_that_fails_leaves_the_intent_alone(world: World, provider: Reluctant) -> None:
    provider.says = FAILED
    session = world.session()
    world.pay(session, "012")
    world.wait(6)
    assert refunds()[0].status == "failed"
    assert intent(session).amount_refunded == 0


def test_news_of_a_settled_refund_change_nothing(world: World, provider: Reluctant) -> None:
    session = late(world)
    world.work()
    (refund,) = refunds()
    domain.apply(refund.id, FAILED, world.now)
    assert domain.send(refund.id, world.now) is None
    assert (refunds()[0].status, fresh(session).payment_status) == ("succeeded", "refunded")
    audit()


def test_a_refund_waits_for_a_provider_that_was_taken_out(world: World, provider: Reluctant) -> None:
    session = late(world)
    provider.says = unknown("no answer")
    world.work()
    registry.configure([])
    world.wait(60)
    assert refunds()[0].status == "pending"
    provider.says = None
    registry.configure([provider])
    world.wait(3600)
    assert fresh(session).payment_status == "refunded"
    audit()
