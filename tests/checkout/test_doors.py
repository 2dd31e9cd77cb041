"""The three doors in every order: whatever a provider says, however often and however late, money counts once."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ikawaari import store
from ikawaari.checkout import (
    callbacks,
    enquiry,
    merchant_view,
    public_view,
    sessions,
    settlement,
    snapshots,
    test_mode,
)
from ikawaari.errors import Conflict, Gone, NotFound, ValidationFailed
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Action, ActionKind, FailureCode, Outcome, Result
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.database import database, flush
from ikawaari.store.models import Callback, CheckoutSession, Event, PaymentAttempt, Refund
from tests import factories
from tests import world as worlds
from tests.world import FAILED, PAID, Killed, World, audit, fresh, intent, latest, refunds, statuses, together, tries

AMOUNT = 5_000
NEWS = {
    "succeeded": Outcome(result=Result.SUCCEEDED, money=Money(AMOUNT, "XOF"), reference="theirs"),
    "failed": Outcome(result=Result.FAILED, failure=FailureCode.PAYER_DECLINED),
    "processing": Outcome(result=Result.PROCESSING),
    "requires_action": Outcome(
        result=Result.REQUIRES_ACTION, action=Action(kind=ActionKind.REDIRECT, url="https://wallet.example/x")
    ),
    "unknown": Outcome(result=Result.UNKNOWN),
    "not_found": Outcome(result=Result.NOT_FOUND),
}
STEP = timedelta(seconds=16)  # the sandbox forgets after 40: from the third piece of news on, not_found is believed
DEPTH = 4


def submitted(world: World, session: CheckoutSession) -> PaymentAttempt:
    """An attempt whose process died before the provider was called."""
    world.later(1)
    worlds.dying(world.config, "before")
    with suppress(Killed):
        world.pay(session)
    return latest(session)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever the block writes is gone after it."""
    with database.obj.savepoint() as savepoint:
        yield
        savepoint.rollback(begin=False)


def expected(status: str, news: str, elapsed: timedelta) -> str:
    """What one attempt becomes by one piece of news: the rule, said a second time and without the tables."""
    early, settled = status in {"submitting", "unknown"}, status in {"succeeded", "failed"}
    if news == "succeeded" or status == "succeeded":
        return "succeeded"
    if news == "failed" or (news == "not_found" and early and elapsed >= timedelta(seconds=40)):
        return "failed"
    if settled or news == "not_found" or (news == "unknown" and not early):
        return status
    return news


def check(attempt: PaymentAttempt, session: CheckoutSession, status: str, situation: str) -> None:
    """Whatever led here, session, intent, events and refunds fit what the attempt is."""
    flush()
    will, stored = intent(session), fresh(session)
    paid = status == "succeeded"
    assert PaymentAttempt.get_by_id(attempt.id).status == status
    assert will.status == {"submitting": "processing", "unknown": "processing"}.get(status, status)
    assert will.amount_received == (AMOUNT if paid else 0)
    assert stored.payment_status == {"succeeded": "paid", "failed": "unpaid"}.get(status, "processing")
    assert stored.status == ("expired" if situation != "open" else "complete" if paid else "open")
    assert stored.late == (paid and situation != "open")
    counted = Counter(event.type for event in Event.select(Event.type))
    assert counted["payment_intent.succeeded"] == int(paid)
    assert counted["checkout.session.completed"] == int(paid and situation == "open")
    assert counted["checkout.session.late_payment"] == int(paid and situation != "open")
    assert counted["refund.created"] == Refund.select().count() == int(paid and situation == "refunding")


@pytest.mark.long(engine="postgres")  # thousands of sequences; what follows runs on both engines
@pytest.mark.parametrize("first", list(NEWS))
@pytest.mark.parametrize("situation", ["open", "accepting", "refunding"])
def test_every_sequence_of_news_ends_by_the_rule(
    world: World, situation: str, first: str, engine: str, pytestconfig: pytest.Config
) -> None:
    owner = factories.merchant(late_payments="refund" if situation == "refunding" else "accept")
    session = factories.session(owner)
    attempt = submitted(world, session)
    if situation != "open":
        sessions.expire_when_due(session.id, session.expires_at + timedelta(hours=1))
    whole = situation == "open" and (engine == "sqlite" or pytestconfig.getoption("long"))  # the rule knows no engine
    depth = DEPTH if whole else DEPTH - 1

    def follow(status: str, sequence: tuple[str, ...]) -> None:
        for news in NEWS if sequence else [first]:
            elapsed = STEP * (len(sequence) + 1)
            with undone():
                at = attempt.submitted_at + elapsed
                settlement.apply(attempt.id, NEWS[news], at, asked_at=at)
                after = expected(status, news, elapsed)
                check(attempt, session, after, situation)
                if len(sequence) + 1 < depth:
                    follow(after, (*sequence, news))

    with store.atomic():
        follow("submitting", ())


@pytest.mark.long(engine="postgres")
@pytest.mark.parametrize("first", ["A succeeded", "A failed", "B succeeded", "B failed", "B processing"])
def test_news_of_two_attempts_in_every_order_pay_the_intent_once(world: World, first: str) -> None:
    session = world.session()
    one = submitted(world, session)
    settlement.apply(one.id, NEWS["failed"], world.now)
    world.later(1)
    two = submitted(world, session)
    both = {"A": one, "B": two}
    letters = ["A succeeded", "A failed", "B succeeded", "B failed", "B processing"]

    def follow(sequence: tuple[str, ...]) -> None:
        for letter in letters if sequence else [first]:
            with undone():
                settlement.apply(both[letter[0]].id, NEWS[letter[2:]], world.now)
                _check_two(session, (*sequence, letter))
                if len(sequence) < 3:
                    follow((*sequence, letter))

    with store.atomic():
        follow(())


def _check_two(session: CheckoutSession, sequence: tuple[str, ...]) -> None:
    flush()
    paid = {letter[0] for letter in sequence if letter.endswith("succeeded")}
    will, stored = intent(session), fresh(session)
    assert will.amount_received == (AMOUNT if paid else 0)
    assert (will.status == "succeeded") == (stored.status == "complete") == (stored.payment_status == "paid")
    assert (stored.status == "complete") == bool(paid)
    if not paid:
        assert will.status == ("failed" if "B failed" in sequence else "processing")
    assert sum(attempt.surplus for attempt in tries(session)) == Refund.select().count() == max(0, len(paid) - 1)
    counted = Counter(event.type for event in Event.select(Event.type))
    assert counted["payment_intent.succeeded"] == counted["checkout.session.completed"] == int(bool(paid))


@pytest.mark.parametrize("status", ["succeeded", "failed"])
@pytest.mark.on_postgres
def test_the_same_end_told_by_eight_threads_at_once_counts_once(world: World, status: str) -> None:
    session = world.session()
    attempt = submitted(world, session)
    results = together(8, lambda _: settlement.apply(attempt.id, NEWS[status], world.now))
    assert not [error for error in results if isinstance(error, Exception)]
    assert statuses(session) == (PAID if status == "succeeded" else FAILED)
    assert world.told().count("payment_intent.succeeded") + world.told().count("payment_intent.payment_failed") == 1


@pytest.mark.on_postgres
def test_opposite_ends_told_at_once_end_paid(world: World) -> None:
    session = world.session()
    attempt = submitted(world, session)
    order = ["succeeded", "failed", "processing", "requires_action", "unknown", "not_found"]
    results = together(6, lambda number: settlement.apply(attempt.id, NEWS[order[number]], world.now))
    assert not [error for error in results if isinstance(error, Exception)]
    assert statuses(session) == PAID
    assert world.told().count("payment_intent.succeeded") == 1


@pytest.mark.on_postgres
def test_two_attempts_that_both_succeed_at_once_leave_one_surplus(world: World) -> None:
    session = world.session()
    one = submitted(world, session)
    settlement.apply(one.id, NEWS["failed"], world.now)
    two = submitted(world, session)
    ids = [one.id, two.id]
    together(8, lambda number: settlement.apply(ids[number % 2], NEWS["succeeded"], world.now))
    assert sorted(attempt.surplus for attempt in tries(session)) == [False, True]
    assert world.told().count("refund.created") == len(refunds()) == 1


@pytest.mark.on_postgres
def test_all_three_doors_at_once_count_once(world: World) -> None:
    world.callbacks_arrive()
    session = world.session()
    world.pay(session, "006")
    world.later(6)
    doors: list[Callable[[], object]] = [
        world.work,
        lambda: enquiry.check(session.id, world.now),
        lambda: enquiry.enquire(latest(session).id, world.now),
    ]
    results = together(6, lambda number: doors[number % 3]())
    assert not [result for result in results if isinstance(result, Exception)]
    world.wait(5, 60)
    assert statuses(session) == PAID
    audit()


# ---------------------------------------------------------------- callbacks


def _told(world: World, session: CheckoutSession, *, succeeded: bool) -> callbacks.Message:
    provider = registry.named("sandbox")
    assert isinstance(provider, Sandbox)
    return provider.decide(latest(session).id, succeeded=succeeded, failure=None, now=world.now)


@pytest.mark.on_postgres
def test_the_same_callback_at_many_machines_at_once_counts_once(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    message = _told(world, session, succeeded=True)
    assert together(8, lambda _: callbacks.receive("sandbox", message, world.now)) == [None] * 8
    assert Callback.select().count() == 1
    assert statuses(session) == PAID
    audit()


def test_a_callback_about_a_stranger_is_remembered_and_changes_nothing(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    message = _told(world, session, succeeded=True)
    PaymentAttempt.update(provider="another").execute()
    callbacks.receive("sandbox", message, world.now)
    assert latest(session).status == "requires_action"


def test_a_callback_of_nobody_we_know_is_not_found(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    with pytest.raises(NotFound):
        callbacks.receive("stranger", _told(world, session, succeeded=True), world.now)


def test_a_forged_callback_is_refused_and_leaves_no_trace(world: World) -> None:
    session = world.session()
    world.pay(session, "011")
    message = _told(world, session, succeeded=True)
    forged = worlds.message_of(message.body)
    with pytest.raises(ValidationFailed):
        callbacks.receive("sandbox", forged, world.now)
    assert not Callback.select().exists()
    assert latest(session).status == "requires_action"


# ---------------------------------------------------------------- money that comes late, twice or wrong


def _expired(world: World, owner: Any = None, ending: str = "007") -> CheckoutSession:
    """A session that expired after its only attempt was told to have failed."""
    session = factories.session(owner or world.merchant)
    slow_payers(world)
    world.pay(session, ending)
    world.wait(4 * 3600)
    assert statuses(session) == FAILED
    sessions.expire(fresh(session), world.now)
    return session


def slow_payers(world: World) -> None:
    """From now on payers take four hours: a correction comes four hours after the failure."""
    registry.configure([Sandbox(replace(world.config, sandbox_delay_seconds=4 * 3600.0))])


def test_money_after_expiry_is_accepted_by_policy_and_told_as_such(world: World) -> None:
    session = _expired(world)
    world.wait(25 * 3600)
    assert statuses(session) == ("succeeded", "succeeded", "expired", "paid")
    assert fresh(session).late
    assert world.told()[-3:] == [
        "checkout.session.expired",
        "payment_intent.succeeded",
        "checkout.session.late_payment",
    ]
    assert not refunds()
    audit()


def test_money_after_expiry_goes_back_by_policy(world: World) -> None:
    session = _expired(world, factories.merchant(late_payments="refund"))
    world.wait(25 * 3600, 60)
    assert statuses(session) == ("succeeded", "succeeded", "expired", "refunded")
    assert world.told()[-3:] == ["checkout.session.late_payment", "refund.created", "refund.succeeded"]
    assert [refund.reason for refund in refunds()] == ["late"]
    assert intent(session).amount_refunded == AMOUNT
    audit()


def test_nobody_can_pay_an_expired_session(world: World) -> None:
    session = _expired(world)
    with pytest.raises(Gone):
        world.pay(session)


@pytest.mark.parametrize("amount", [1, 2_500, 4_999, 5_001, 10_000])
def test_any_other_amount_is_no_payment_and_goes_back_whole(world: World, amount: int) -> None:
    session = world.session()
    attempt = submitted(world, session)
    wrong = Outcome(result=Result.SUCCEEDED, money=Money(amount, "XOF"))
    for _ in range(2):
        settlement.apply(attempt.id, wrong, world.now)
    assert statuses(session) == FAILED
    assert [refund.amount for refund in refunds()] == [amount]
    assert (latest(session).amount_received, latest(session).surplus) == (amount, True)
    assert intent(session).amount_received == 0


def test_another_currency_is_no_payment(world: World) -> None:
    session = world.session()
    attempt = submitted(world, session)
    settlement.apply(attempt.id, Outcome(result=Result.SUCCEEDED, money=Money(AMOUNT, "XAF")), world.now)
    assert statuses(session) == FAILED
    assert [(refund.amount, refund.currency) for refund in refunds()] == [(AMOUNT, "XAF")]


def test_a_success_over_nothing_is_a_failure_without_a_refund(world: World) -> None:
    session = world.session()
    attempt = submitted(world, session)
    settlement.apply(attempt.id, Outcome(result=Result.SUCCEEDED, money=Money(0, "XOF")), world.now)
    assert statuses(session) == FAILED
    assert not refunds()


def test_a_correction_to_a_wrong_amount_goes_back_too(world: World) -> None:
    session = world.session()
    attempt = submitted(world, session)
    settlement.apply(attempt.id, NEWS["failed"], world.now)
    settlement.apply(attempt.id, Outcome(result=Result.SUCCEEDED, money=Money(1, "XOF")), world.now)
    assert statuses(session) == FAILED
    assert [refund.amount for refund in refunds()] == [1]


def test_a_surplus_refund_leaves_the_session_paid(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    world.pay(session)
    world.wait(5, 60)
    assert [refund.status for refund in refunds()] == ["succeeded"]
    assert fresh(session).payment_status == "paid"
    assert intent(session).amount_refunded == 0
    audit()


def test_a_paid_session_asks_for_nothing_while_a_surplus_attempt_still_waits(world: World) -> None:
    world.callbacks_arrive()
    session = world.session()
    world.pay(session, "007")
    world.wait(3)
    world.pay(session, "010")
    world.wait(4)
    assert [attempt.status for attempt in tries(session)] == ["succeeded", "requires_action"]
    view, told = (
        public_view.public(snapshots.of(fresh(session)), world.now),
        merchant_view.payment_intent(snapshots.of_intent(intent(session))),
    )
    assert (view["payment_status"], view["next_action"], told["next_action"]) == ("paid", None, None)


def test_a_paid_intent_has_no_payment_error_though_its_latest_attempt_failed(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    world.pay(session, "002")
    world.wait(60)
    assert [attempt.status for attempt in tries(session)] == ["succeeded", "failed"]
    assert merchant_view.payment_intent(snapshots.of_intent(intent(session)))["last_payment_error"] is None
    assert merchant_view.checkout_session(snapshots.of(fresh(session)))["last_payment_error"] is None


# ---------------------------------------------------------------- not found, and too late


def test_not_found_is_believed_only_after_the_providers_time(world: World) -> None:
    session = world.session()
    attempt = submitted(world, session)
    at = attempt.submitted_at + timedelta(seconds=40)
    settlement.apply(attempt.id, NEWS["not_found"], at, asked_at=at - timedelta(microseconds=1))
    assert latest(session).status == "submitting"
    settlement.apply(attempt.id, NEWS["not_found"], at, asked_at=at)
    assert latest(session).failure_code == "provider_unavailable"


def test_a_charge_that_never_left_is_given_up_by_enquiry_and_can_be_tried_again(world: World) -> None:
    session = world.session()
    submitted(world, session)
    world.wait(5, 5)
    with pytest.raises(Conflict):
        world.pay(session)
    world.wait(5, 5, 10, 15)
    assert statuses(session) == FAILED
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID
    audit()


def test_the_test_callback_of_a_charge_that_never_left_is_a_conflict(world: World) -> None:
    session = world.session()
    submitted(world, session)
    with pytest.raises(Conflict):
        test_mode.decide(intent(session).id, succeeded=True, failure_reason=None, now=world.now)
