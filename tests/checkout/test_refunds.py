"""Refunds, by rule and on request: promised first, sent by the worker, asked again until they are settled."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ikawaari.checkout import accounts, attempts, refund_checks
from ikawaari.checkout import refunds as domain
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Outcome, RefundOrder, Result, unknown
from ikawaari.providers.capabilities import Refunds
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import CheckoutSession, DueWork, Refund
from tests import factories
from tests.world import LONG_AFTER, World, audit, fresh, intent, latest, names, refunds, together


class Reluctant(Sandbox):
    """The sandbox, whose refunds end as told; None: as ever."""

    says: Outcome | None = None

    def refund(self, account: Account, request: RefundOrder, now: datetime) -> Outcome:
        """What was told."""
        return self.says or super().refund(account, request, now)


FAILED = Outcome(result=Result.FAILED, failure=FailureCode.WALLET_LIMIT)
GIVEN = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))


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
    world.wait(3599)
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


def test_a_refund_that_succeeded_is_not_asked_for_again(world: World, provider: Reluctant) -> None:
    session = late(world)
    world.work()
    (refund,) = refunds()
    domain.apply(refund.id, GIVEN, world.now)
    assert refund_checks.send(refund.id, world.now) is None
    assert (refunds()[0].status, fresh(session).payment_status) == ("succeeded", "refunded")
    assert world.told().count("refund.succeeded") == 1
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


# ---------------------------------------------------------------- on the merchant's word


def paid(world: World, ending: str = "500", **overrides: Any) -> CheckoutSession:
    """A paid session over 5,000 XOF."""
    session = world.session(**overrides)
    world.pay(session, ending)
    world.wait(5)
    assert fresh(session).payment_status == "paid"
    return session


def ask(world: World, session: CheckoutSession, amount: int | None = None, **fields: Any) -> Refund:
    """Have the merchant ask for a refund."""
    new = NewRefund(payment_intent=intent(session).id, amount=amount, **fields)
    return domain.create(world.owner, new, world.now)


def left(session: CheckoutSession) -> int:
    """What may still be refunded."""
    row = intent(session)
    return row.amount_received - row.amount_refunded


def given() -> int:
    """What the sandbox gave back, or has on its way."""
    return sum(entry["refunded"] for entry in ledger.entries())


def test_without_an_amount_all_that_is_left_goes_back(world: World) -> None:
    session = paid(world)
    refund = ask(world, session, reason="Rupture", metadata={"order": 7})
    assert (refund.status, refund.amount, refund.automatic) == ("pending", 5_000, False)
    assert (left(session), fresh(session).payment_status) == (0, "paid")
    world.work()
    assert (refunds()[0].status, fresh(session).payment_status, given()) == ("succeeded", "refunded", 5_000)
    assert world.told()[-2:] == ["refund.created", "refund.succeeded"]
    audit()


def test_parts_add_up_to_what_was_paid_and_no_further(world: World) -> None:
    session = paid(world)
    for amount, after in ((2_000, "partially_refunded"), (2_500, "partially_refunded"), (500, "refunded")):
        with pytest.raises(ValidationFailed, match="at most"):
            ask(world, session, left(session) + 1)
        ask(world, session, amount)
        world.work()
        assert fresh(session).payment_status == after
    with pytest.raises(Conflict, match="nothing to refund"):
        ask(world, session)
    assert (left(session), given(), len(refunds())) == (0, 5_000, 3)
    assert world.told()[-6:] == ["refund.created", "refund.succeeded"] * 3
    audit()


@pytest.mark.on_postgres
def test_fifty_who_ask_at_once_never_get_more_than_was_paid(world: World) -> None:
    session = paid(world)
    results = together(50, lambda _: ask(world, session, 300).amount)
    assert names(results) == {"300": 16, "ValidationFailed": 34}
    world.work()
    assert (left(session), given()) == (200, 4_800)
    ask(world, session)
    world.work()
    assert (given(), fresh(session).payment_status) == (5_000, "refunded")
    audit()


@pytest.mark.on_postgres
def test_fifty_who_ask_for_all_of_it_get_it_once(world: World) -> None:
    session = paid(world)
    results = together(50, lambda _: ask(world, session).amount)
    assert names(results) == {"5000": 1, "Conflict": 49}
    world.work()
    assert given() == 5_000
    audit()


def test_a_slow_refund_is_pending_until_the_payer_has_it(world: World) -> None:
    session = paid(world, "013")
    ask(world, session, 2_000)
    world.work()
    assert (refunds()[0].status, fresh(session).payment_status) == ("pending", "paid")
    with pytest.raises(ValidationFailed):
        ask(world, session, 3_001)
    world.wait(5)
    assert (refunds()[0].status, fresh(session).payment_status) == ("succeeded", "partially_refunded")
    assert world.told()[-2:] == ["refund.created", "refund.succeeded"]
    audit()


def test_a_promise_does_not_count_as_given_back(world: World, provider: Reluctant) -> None:
    session = paid(world)
    provider.says = Outcome(result=Result.PROCESSING)
    first = ask(world, session, 3_000)
    second = ask(world, session, 2_000)
    world.work()
    succeeded = Outcome(result=Result.SUCCEEDED, money=Money(2_000, "XOF"))
    domain.apply(second.id, succeeded, world.now)
    assert (left(session), fresh(session).payment_status) == (0, "partially_refunded")
    domain.apply(first.id, FAILED, world.now)
    assert (left(session), fresh(session).payment_status) == (3_000, "partially_refunded")


def test_a_refund_that_fails_may_be_asked_again(world: World) -> None:
    session = paid(world, "014")
    ask(world, session)
    world.work()
    assert [(refund.status, refund.failure_code) for refund in refunds()] == [("failed", "not_allowed")]
    assert (left(session), fresh(session).payment_status, given()) == (5_000, "paid", 0)
    assert world.told()[-2:] == ["refund.created", "refund.failed"]
    ask(world, session, 1_000)
    world.work()
    assert [refund.status for refund in refunds()] == ["failed", "failed"]
    audit()


def test_who_cannot_be_paid_back_is_refused_before_anything_is_promised(world: World) -> None:
    session = world.session()
    attempts.pay(session.id, factories.pay_request("+221701234500", "expresso_sn"), world.now)
    world.wait(5)
    before = world.told()
    with pytest.raises(Conflict) as refusal:
        ask(world, session)
    assert refusal.value.code == "IKW-RES-005"
    assert (refunds(), left(session), world.told()) == ([], 5_000, before)
    audit()


def test_a_provider_without_refunds_for_cards_refuses_them(world: World, provider: Reluctant) -> None:
    session = world.session()
    world.pay_by_card(session)
    cards = replace(present(provider.capabilities.cards, "it takes cards"), refunds=Refunds.NONE)
    provider.capabilities = replace(provider.capabilities, cards=cards)
    with pytest.raises(Conflict):
        ask(world, session)
    by_wallet = paid(world)
    ask(world, by_wallet)
    world.work()
    assert (len(refunds()), fresh(by_wallet).payment_status) == (1, "refunded")


@pytest.mark.parametrize("ending", ["001", "011", None])
def test_what_was_not_paid_is_not_refunded(world: World, ending: str | None) -> None:
    session = world.session()
    if ending:
        world.pay(session, ending)
        world.wait(5)
    with pytest.raises(Conflict, match="nothing to refund"):
        ask(world, session)


def test_another_merchant_s_payment_is_not_found(world: World) -> None:
    new = NewRefund(payment_intent=intent(paid(world)).id)
    with pytest.raises(NotFound):
        domain.create(factories.owner(factories.merchant()), new, world.now)
    with pytest.raises(NotFound):
        domain.create(factories.owner(world.merchant, livemode=True), new, world.now)


def test_accepted_late_money_may_be_given_back_on_request(world: World) -> None:
    session = world.session()
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5, 60, 3600)
    assert (fresh(session).late, fresh(session).payment_status) == (True, "paid")
    ask(world, session, 1_000)
    world.work()
    assert fresh(session).payment_status == "partially_refunded"
    audit()


def test_a_duplicate_goes_back_by_itself_and_the_payment_by_request(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5.5)
    world.pay_by_card(session)
    world.wait(*LONG_AFTER[:6])
    assert [(refund.reason, refund.automatic, refund.status) for refund in refunds()] == [
        ("duplicate", True, "succeeded")
    ]
    assert left(session) == 5_000
    ask(world, session)
    world.work()
    assert (given(), fresh(session).payment_status) == (10_000, "refunded")
    audit()


@pytest.mark.on_postgres
def test_two_workers_who_send_one_refund_give_it_once(world: World) -> None:
    session = paid(world)
    refund = ask(world, session, 2_000)
    together(8, lambda _: refund_checks.send(refund.id, world.now))
    assert given() == 2_000
    assert world.told().count("refund.succeeded") == 1


@pytest.mark.on_postgres
def test_the_sandbox_gives_back_no_more_than_it_took(world: World) -> None:
    session = paid(world)
    channel = accounts.channel("sandbox")
    assert channel is not None
    charge = latest(session)

    def request(number: int) -> Result:
        money = Money(2_000, "XOF")
        told = RefundOrder(id=f"re_{number}", charge_id=charge.id, charge_reference=None, money=money)
        return channel.refund(told, world.now).result

    assert sorted(map(str, together(8, request))) == ["failed"] * 6 + ["succeeded"] * 2
    assert given() == 4_000
