"""Money that pays nothing: it is visible, goes back by itself, by request or by another way, and never twice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import store
from ikawaari.checkout import attempts, merchant_view, refund_checks, refunds, settlement
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, FailureCode, Outcome, RefundOrder, Result
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import CheckoutSession, DueWork, Event, PaymentAttempt, Refund
from tests import factories
from tests import world as worlds
from tests.world import World, audit, fresh, intent, names, together, tries

EXPRESSO = "+221701234"


class Moody(Sandbox):
    """The sandbox, whose next refunds fail for the reasons listed; then it gives back as ever. It keeps the ids."""

    moods: list[FailureCode]
    asked: list[str]

    def refund(self, account: Account, request: RefundOrder, now: Any) -> Outcome:
        """Fail for the next reason, if there is one."""
        self.asked.append(request.id)
        if self.moods:
            return Outcome(result=Result.FAILED, failure=self.moods.pop(0))
        return super().refund(account, request, now)


def moody(world: World, *moods: FailureCode) -> Moody:
    """Make it the provider of every payment here."""
    provider = Moody(replace(world.config, sandbox_delay_seconds=3.0))
    provider.moods, provider.asked = list(moods), []
    registry.configure([provider])
    return provider


def pay_at_expresso(world: World, session: CheckoutSession, ending: str) -> None:
    """Pay at the operator that cannot refund."""
    attempts.pay(session.id, factories.pay_request(EXPRESSO + ending, "expresso_sn"), world.now)


def wrong(world: World, ending: str = "012") -> tuple[CheckoutSession, PaymentAttempt]:
    """A session of which half was taken, and its attempt."""
    session = world.session()
    world.pay(session, ending)
    world.wait(5)
    return session, tries(session)[0]


def paid_twice_at_expresso(world: World) -> tuple[CheckoutSession, PaymentAttempt]:
    """A session that Expresso's correction paid beside the card, and Expresso's attempt."""
    session = world.session()
    pay_at_expresso(world, session, "007")
    world.wait(5)
    world.pay_by_card(session)
    world.wait(60)
    return session, tries(session)[0]


def ask(world: World, amount: int | None = None, **of: Any) -> Refund:
    """Have the merchant ask for a refund."""
    return refunds.create(world.owner, NewRefund(amount=amount, **of), world.now)


def books(attempt: PaymentAttempt) -> tuple[int | None, int, int]:
    """Received, returned and held, as the API tells them."""
    told: Any = merchant_view.attempt(PaymentAttempt.get_by_id(attempt.id))
    return told["amount_received"], told["amount_returned"], told["amount_held"]


def outcomes() -> list[tuple[str, str | None]]:
    """Status and failure code of every refund, oldest first."""
    return [(refund.status, refund.failure_code) for refund in worlds.refunds()]


def waits_before(provider: Moody, world: World) -> list[timedelta]:
    """How long each next try is waited for, until none is to come."""
    waits = []
    while (row := DueWork.get_or_none(DueWork.kind == refunds.RETRY)) is not None:
        waits.append(row.due_at - world.now)
        world.wait(waits[-1].total_seconds())
    return waits


def kept() -> int:
    """What the provider's ledger says we have."""
    return sum(entry["amount"] - entry["refunded"] for entry in ledger.entries())


# ---------------------------------------------------------------- quantities


def test_a_normal_payment_holds_nothing(world: World) -> None:
    session = world.session()
    world.pay(session)
    assert books(tries(session)[0]) == (None, 0, 0)
    world.wait(5)
    assert books(tries(session)[0]) == (5_000, 0, 0)
    ask(world, 2_000, payment_intent=intent(session).id)
    assert books(tries(session)[0]) == (5_000, 0, 0)
    world.work()
    assert books(tries(session)[0]) == (5_000, 2_000, 0)
    audit()


def test_a_wrong_amount_is_held_until_it_is_returned(world: World) -> None:
    session = world.session()
    world.pay(session, "012")
    world.later(5)
    settlement.apply(tries(session)[0].id, Outcome(result=Result.SUCCEEDED, money=Money(2_500, "XOF")), world.now)
    assert books(tries(session)[0]) == (2_500, 0, 2_500)
    world.work()
    assert books(tries(session)[0]) == (2_500, 2_500, 0)
    audit()


def test_what_is_published_of_a_wrong_amount_says_what_is_held(world: World) -> None:
    session = world.session()
    pay_at_expresso(world, session, "012")
    world.wait(5)
    event = Event.get(Event.type == "payment_intent.payment_failed")
    assert '"amount_received": 2500' in event.body.replace('":2500', '": 2500')
    assert '"amount_held": 2500' in event.body.replace('":2500', '": 2500')
    assert intent(session).amount_received == 0


# ---------------------------------------------------------------- an operator that cannot refund


def test_a_duplicate_at_an_operator_without_refunds_is_held_and_published(world: World) -> None:
    session, attempt = paid_twice_at_expresso(world)
    assert kept() == 10_000
    assert books(attempt) == (5_000, 0, 5_000)
    assert outcomes() == [("failed", "not_allowed")]
    assert world.told().count("refund.created") == 0
    assert world.told().count("refund.failed") == 1
    assert DueWork.select().where(DueWork.kind.in_([refunds.SEND, refunds.RETRY])).count() == 0
    assert (fresh(session).payment_status, intent(session).amount_refunded) == ("paid", 0)
    audit()


def test_a_wrong_amount_at_an_operator_without_refunds_is_held(world: World) -> None:
    session = world.session()
    pay_at_expresso(world, session, "012")
    world.wait(5, 3600, 86_400)
    assert books(tries(session)[0]) == (2_500, 0, 2_500)
    assert outcomes() == [("failed", "not_allowed")]
    with pytest.raises(Conflict) as refusal:
        ask(world, attempt=tries(session)[0].id)
    assert refusal.value.code == "IKW-RES-005"
    audit()


# ---------------------------------------------------------------- on the merchant's request


def test_held_money_is_refunded_by_its_attempt_and_leaves_the_payment_alone(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    world.pay_by_card(session)
    world.wait(60)
    duplicate = next(one for one in tries(session) if one.surplus)
    assert (books(duplicate), kept()) == ((5_000, 0, 5_000), 10_000)
    refund = ask(world, 2_000, attempt=duplicate.id, payment_intent=intent(session).id)
    assert (refund.held, refund.automatic) == (True, False)
    with pytest.raises(ValidationFailed, match="at most 3000"):
        ask(world, 3_001, attempt=duplicate.id)
    world.work()
    assert books(duplicate) == (5_000, 2_000, 3_000)
    assert ask(world, attempt=duplicate.id).amount == 3_000
    world.work()
    assert (books(duplicate), kept()) == ((5_000, 5_000, 0), 5_000)
    with pytest.raises(Conflict, match="nothing to refund"):
        ask(world, attempt=duplicate.id)
    assert (intent(session).amount_refunded, fresh(session).payment_status) == (0, "paid")
    audit()


def test_the_attempt_that_paid_is_refunded_like_its_intent(world: World) -> None:
    session = world.session()
    world.pay(session)
    world.wait(5)
    (attempt,) = tries(session)
    ask(world, 2_000, attempt=attempt.id)
    world.work()
    assert (intent(session).amount_refunded, fresh(session).payment_status) == (2_000, "partially_refunded")
    assert ask(world, attempt=attempt.id).amount == 3_000
    world.work()
    assert fresh(session).payment_status == "refunded"
    audit()


def test_an_attempt_of_another_intent_is_named(world: World) -> None:
    _, attempt = wrong(world)
    other = world.session()
    for named in (attempt.id, "unknown"):
        with pytest.raises(ValidationFailed) as refusal:
            ask(world, payment_intent=intent(other).id, attempt=named)
        assert list(refusal.value.details) == ["attempt"]
    with pytest.raises(NotFound):
        ask(world, attempt="unknown")
    with pytest.raises(NotFound):
        refunds.create(factories.owner(factories.merchant()), NewRefund(attempt=attempt.id), world.now)
    with pytest.raises(NotFound):
        refunds.create(factories.owner(world.merchant, livemode=True), NewRefund(attempt=attempt.id), world.now)
    with pytest.raises(ValidationFailed) as refusal:
        ask(world)
    assert list(refusal.value.details) == ["payment_intent"]


@pytest.mark.parametrize("ending", ["001", "011"])
def test_an_attempt_without_money_has_nothing_to_refund(world: World, ending: str) -> None:
    session = world.session()
    world.pay(session, ending)
    world.wait(5)
    with pytest.raises(Conflict, match="nothing to refund"):
        ask(world, attempt=tries(session)[0].id)


# ---------------------------------------------------------------- tried again


@pytest.mark.parametrize("reason", sorted(refunds.MAY_PASS))
def test_a_refund_that_failed_for_a_time_is_tried_again_under_a_new_id(world: World, reason: FailureCode) -> None:
    provider = moody(world, reason, reason)
    _, attempt = wrong(world)
    assert (books(attempt), outcomes()) == ((2_500, 0, 2_500), [("failed", reason)])
    world.wait(3600)
    assert outcomes() == [("failed", reason)] * 2
    world.wait(6 * 3600)
    assert outcomes() == [("failed", reason)] * 2 + [("succeeded", None)]
    assert (len(set(provider.asked)), kept()) == (3, 0)
    assert books(attempt) == (2_500, 2_500, 0)
    assert world.told()[-6:] == [
        *("refund.created", "refund.failed") * 2,
        *("refund.created", "refund.succeeded"),
    ]
    audit()


@pytest.mark.parametrize("reason", sorted(set(FailureCode) - refunds.MAY_PASS))
def test_a_refund_that_failed_for_good_is_not_tried_again(world: World, reason: FailureCode) -> None:
    moody(world, reason)
    _, attempt = wrong(world)
    world.wait(3600, 86_400, 30 * 86_400)
    assert (books(attempt), outcomes()) == ((2_500, 0, 2_500), [("failed", reason)])
    audit()


def test_tries_come_less_and_less_often_and_end(world: World) -> None:
    provider = moody(world, *[FailureCode.WALLET_LIMIT] * 20)
    _, attempt = wrong(world)
    assert tuple(waits_before(provider, world)) == refunds.RETRIES
    assert len(provider.asked) == 1 + len(refunds.RETRIES)
    assert books(attempt) == (2_500, 0, 2_500)
    audit()


def test_late_money_whose_refund_failed_is_returned_later(world: World) -> None:
    moody(world, FailureCode.WALLET_LIMIT)
    session = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5, 60)
    assert (outcomes(), fresh(session).payment_status) == ([("failed", "wallet_limit")], "paid")
    world.wait(3600)
    assert (fresh(session).payment_status, kept()) == ("refunded", 0)
    audit()


def test_what_the_merchant_returned_meanwhile_is_not_returned_again(world: World) -> None:
    moody(world, FailureCode.WALLET_LIMIT)
    _, attempt = wrong(world)
    ask(world, 1_000, attempt=attempt.id)
    world.work()
    world.wait(3600)
    assert sorted(refund.amount for refund in worlds.refunds()) == [1_000, 1_500, 2_500]
    assert (books(attempt), kept()) == ((2_500, 2_500, 0), 0)
    audit()


def test_a_try_waits_for_the_merchants_own_refund_and_goes_on_should_that_fail(world: World) -> None:
    provider = moody(world, FailureCode.WALLET_LIMIT)
    _, attempt = wrong(world)
    world.later(3600)
    own = ask(world, attempt=attempt.id)
    assert refund_checks.retry(attempt.id, world.now) == world.now + refunds.RETRIES[0]
    refunds.apply(own.id, Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN), world.now)
    provider.moods = []
    world.work()
    assert (books(attempt), kept()) == ((2_500, 2_500, 0), 0)
    audit()


@pytest.mark.on_postgres
def test_many_workers_that_try_again_at_once_return_it_once(world: World) -> None:
    moody(world, FailureCode.WALLET_LIMIT)
    _, attempt = wrong(world)
    world.later(3600)
    results = together(8, lambda _: refund_checks.retry(attempt.id, world.now))
    assert not [result for result in results if isinstance(result, Exception)], results
    assert len(worlds.refunds()) == 2
    world.work()
    assert (books(attempt), kept()) == ((2_500, 2_500, 0), 0)
    audit()


@pytest.mark.on_postgres
def test_fifty_who_ask_for_held_money_at_once_never_get_more_than_is_held(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    _, attempt = wrong(world)
    results = together(50, lambda _: ask(world, 300, attempt=attempt.id).amount)
    assert names(results) == {"300": 8, "ValidationFailed": 42}
    world.work()
    assert (books(attempt), kept()) == ((2_500, 2_400, 100), 100)
    audit()


@pytest.mark.on_postgres
def test_money_is_reserved_by_one_statement_even_without_the_lock(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    session, attempt = wrong(world)

    def reserve(_: int) -> Any:
        with store.atomic():
            columns = {"held": True, "automatic": False, "metadata": {}, "reason": None}
            return refunds._promise(attempt, intent(session), 1_000, world.now, **columns).status

    assert names(together(8, reserve)) == {"pending": 2, "Conflict": 6}
    assert PaymentAttempt.get_by_id(attempt.id).promised == 2_000


# ---------------------------------------------------------------- it had succeeded, and failed after all


def test_a_refund_that_comes_back_is_the_merchants_money_again(world: World) -> None:
    session = world.session()
    world.pay(session)
    world.wait(5)
    first, second = (ask(world, amount, payment_intent=intent(session).id) for amount in (2_000, 3_000))
    world.work()
    assert fresh(session).payment_status == "refunded"
    back = Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN)
    expected = [(second, "partially_refunded", 2_000), (first, "paid", 0)]
    for refund, status, returned in expected:
        for _ in range(2):
            refunds.correct(Refund.get_by_id(refund.id), back, world.now)
        assert (fresh(session).payment_status, intent(session).amount_refunded) == (status, returned)
        assert books(tries(session)[0]) == (5_000, returned, 0)
    assert world.told()[-2:] == ["refund.failed"] * 2
    assert ask(world, payment_intent=intent(session).id).amount == 5_000


def test_held_money_that_comes_back_is_held_and_tried_again(world: World) -> None:
    _, attempt = wrong(world)
    (refund,) = worlds.refunds()
    assert (refund.status, books(attempt)) == ("succeeded", (2_500, 2_500, 0))
    refunds.correct(refund, Outcome(result=Result.FAILED, failure=FailureCode.WALLET_LIMIT), world.now)
    assert books(attempt) == (2_500, 0, 2_500)
    assert DueWork.get(DueWork.kind == refunds.RETRY).due_at == world.now + refunds.RETRIES[0]


def test_a_late_answer_to_an_ask_does_not_undo_a_success(world: World) -> None:
    provider = moody(world)
    session = world.session()
    world.pay(session)
    world.wait(5)
    refund = ask(world, payment_intent=intent(session).id)

    def succeed_meanwhile(account: Account, request: RefundOrder, now: Any) -> Outcome:
        refunds.apply(refund.id, Sandbox.refund(provider, account, request, now), now)
        return Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN)

    provider.refund = succeed_meanwhile  # type: ignore[method-assign]
    refund_checks.send(refund.id, world.now)
    assert (outcomes(), fresh(session).payment_status) == ([("succeeded", None)], "refunded")
    audit()
