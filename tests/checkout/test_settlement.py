"""What is reported of a charge: growing sums, reports that change no status, odd words, trouble after the booking."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari import store
from ikawaari.checkout import callbacks, outbox, refund_checks, refunds, settlement
from ikawaari.events import delivery
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Action, ActionKind, FailureCode, Outcome, Report, Result
from ikawaari.providers.sandbox import Sandbox
from ikawaari.store.models import AttemptReport, Callback, CheckoutSession, Customer, Event, PaymentAttempt, Refund
from tests import factories
from tests.serving import ROOT
from tests.world import FAILED, PAID, World, fresh, intent, latest, message_of, statuses, together
from tests.world import refunds as all_refunds

AMOUNT = 5_000
REFUSED = Outcome(result=Result.FAILED, failure=FailureCode.PAYER_DECLINED)
ODD = ["\x00", "a\x00b", "İ" * 200, "\ud800", "x\udfffy", "\u202eabc", "مرحبا" * 9, "\x1b[31m", "\r\n", "é" * 10_000]
ODD += [
    "x" * 10_000,
    "\u200b" * 300,
    "😀" * 300,
    "'; DROP TABLE x; --",
    "\\u0000",
    "{}",
    "%s %n {0}",
    "ß" * 320,
    "\x7f",
]
ODD += [f"{odd}{number}" for number in range(10) for odd in ODD]


def took(amount: int, reference: str | None = "theirs", currency: str = "XOF") -> Outcome:
    """The provider's word that it has taken so much in all."""
    return Outcome(result=Result.SUCCEEDED, money=Money(amount, currency), reference=reference)


def waiting(world: World) -> tuple[CheckoutSession, PaymentAttempt]:
    """A payment that waits for its payer."""
    session = world.session()
    world.pay(session, "011")
    return session, latest(session)


def told(world: World, *outcomes: Outcome) -> CheckoutSession:
    """A session of whose attempt the provider has reported these, one after the other."""
    session, attempt = waiting(world)
    for outcome in outcomes:
        world.later(1)
        settlement.apply(attempt.id, outcome, world.now)
    return session


def sums(session: CheckoutSession) -> tuple[int | None, int, list[tuple[int, str, bool]]]:
    """What the attempt received, what of it counts, and the refunds: amount, status, and whether of held money."""
    rows = [(row.amount, row.status.value, row.held) for row in all_refunds()]
    return latest(session).amount_received, intent(session).amount_received, rows


# ---------------------------------------------------------------- the greatest sum counts


def test_a_part_and_then_the_whole_pays_when_nothing_has_gone_back(world: World) -> None:
    session = told(world, took(2_000), took(AMOUNT))
    assert statuses(session) == PAID
    assert sums(session) == (AMOUNT, AMOUNT, [(2_000, "failed", True)])
    world.wait(5, 60, 3600)
    assert sums(session) == (AMOUNT, AMOUNT, [(2_000, "failed", True)])
    assert world.told().count("payment_intent.succeeded") == world.told().count("refund.failed") == 1


def test_a_part_that_has_gone_back_before_the_whole_comes_is_followed_by_the_rest(world: World) -> None:
    session, attempt = waiting(world)
    settlement.apply(attempt.id, took(2_000), world.now)
    Refund.update(sent_at=world.now).execute()
    world.later(1)
    settlement.apply(attempt.id, took(AMOUNT), world.now)
    assert statuses(session) == FAILED
    assert sums(session) == (AMOUNT, 0, [(2_000, "pending", True)])
    refunds.apply(all_refunds()[0].id, Outcome(result=Result.SUCCEEDED, money=Money(2_000, "XOF")), world.now)
    assert sums(session)[2] == [(2_000, "succeeded", True), (3_000, "pending", True)]


def test_the_whole_and_then_a_part_is_the_whole(world: World) -> None:
    session = told(world, took(AMOUNT), took(2_000))
    assert statuses(session) == PAID
    assert sums(session) == (AMOUNT, AMOUNT, [])


def test_more_than_was_paid_goes_back_as_the_difference_and_leaves_the_payment_whole(world: World) -> None:
    session = told(world, took(AMOUNT), took(6_000), took(6_000), took(5_500), took(7_500))
    assert statuses(session) == PAID
    assert sums(session) == (7_500, AMOUNT, [(1_000, "pending", True)])
    for amount in (1_000, 1_500):
        world.later(1)
        refunds.apply(all_refunds()[-1].id, Outcome(result=Result.SUCCEEDED, money=Money(amount, "XOF")), world.now)
    assert sums(session)[2] == [(1_000, "succeeded", True), (1_500, "succeeded", True)]
    assert (latest(session).held, latest(session).counted) == (0, AMOUNT)
    assert fresh(session).payment_status == "paid"
    assert intent(session).amount_refunded == 0
    world.later(1)
    refunds.create(world.owner, refunds.NewRefund(payment_intent=intent(session).id), world.now)
    assert all_refunds()[-1].amount == AMOUNT


@pytest.mark.on_postgres
def test_parts_that_grow_go_back_each_once(world: World) -> None:
    session = told(world, took(1_000), took(1_000), took(1_500), took(4_999), took(4_999))
    assert statuses(session) == FAILED
    assert sums(session) == (4_999, 0, [(1_000, "pending", True)])
    world.wait(5, 5)
    assert sums(session)[2] == [(1_000, "failed", True)]  # the sandbox knows of no money; see below for the rest
    assert latest(session).held == 4_999


def test_the_whole_after_another_attempt_has_paid_goes_back(world: World) -> None:
    session, first = waiting(world)
    settlement.apply(first.id, took(2_000), world.now)
    world.later(1)
    world.pay_by_card(session)
    settlement.apply(first.id, took(AMOUNT), world.now)
    assert intent(session).amount_received == AMOUNT
    assert [row.amount for row in all_refunds()] == [2_000]
    refunds.apply(all_refunds()[0].id, Outcome(result=Result.SUCCEEDED, money=Money(2_000, "XOF")), world.now)
    assert sorted(row.amount for row in all_refunds()) == [2_000, 3_000]
    assert fresh(session).payment_status == "paid"


def test_another_currency_told_later_is_neither_added_nor_compared(world: World) -> None:
    session = told(world, took(2_000, currency="XAF"), took(AMOUNT))
    assert statuses(session) == FAILED
    assert [(row.amount, row.currency) for row in all_refunds()] == [(2_000, "XAF")]


@pytest.mark.on_postgres
def test_a_part_and_the_whole_told_by_eight_threads_end_in_one_sum(world: World) -> None:
    session, attempt = waiting(world)
    results = together(8, lambda number: settlement.apply(attempt.id, took([2_000, AMOUNT][number % 2]), world.now))
    assert not [error for error in results if isinstance(error, Exception)]
    assert statuses(session) == PAID
    assert sum(row.amount for row in all_refunds() if row.status != "failed") == 0


@pytest.mark.on_postgres
def test_a_refund_is_either_sent_or_withdrawn(world: World) -> None:
    session, attempt = waiting(world)
    settlement.apply(attempt.id, took(2_000), world.now)
    refund = all_refunds()[0]
    doors: list[Callable[[], object]] = [
        lambda: refund_checks.send(refund.id, world.now),
        lambda: settlement.apply(attempt.id, took(AMOUNT), world.now),
    ]
    together(2, lambda number: doors[number]())
    if Refund.get_by_id(refund.id).sent_at is None:
        assert statuses(session) == PAID
    if statuses(session) == PAID:  # it was not sent, or the provider had refused it before
        books = latest(session)
        assert (books.returned, books.promised, books.amount_received) == (0, 0, AMOUNT)


# ---------------------------------------------------------------- what is kept though the status stays


@pytest.mark.parametrize("outcome", [REFUSED, took(2_000, None), took(AMOUNT, None)], ids=["failed", "part", "paid"])
def test_a_reference_is_kept_whatever_the_status(world: World, outcome: Outcome) -> None:
    session = told(world, Outcome(result=Result.PROCESSING, reference="first"), outcome)
    assert latest(session).provider_reference == "first"


def test_a_wrong_amount_after_a_failure_keeps_the_reference_that_its_refund_needs(world: World) -> None:
    session, attempt = waiting(world)
    PaymentAttempt.update(provider_reference=None).execute()
    for outcome in (REFUSED, took(1, "of the money"), Outcome(**vars(REFUSED) | {"reference": "of nothing"})):
        settlement.apply(attempt.id, outcome, world.now)
    assert latest(session).provider_reference == "of the money"


def test_a_report_that_changes_no_status_still_brings_what_is_new(world: World) -> None:
    until = world.now + timedelta(minutes=9)
    first = Outcome(result=Result.PROCESSING)
    action = Action(kind=ActionKind.USSD, dial_code="#1#")
    second = Outcome(result=Result.PROCESSING, reference="r", deadline=until, action=action, raw_code="PENDING_2")
    session = told(world, first, second, Outcome(result=Result.UNKNOWN, raw_code="HTTP 503"))
    attempt = latest(session)
    assert (attempt.status, attempt.provider_reference, attempt.deadline_at) == ("processing", "r", until)
    assert attempt.next_action["mobile_money_ussd"]["dial_code"] == "#1#"
    assert attempt.provider_code == "HTTP 503"


def test_a_new_address_for_the_payer_replaces_the_old_one(world: World) -> None:
    pages = [
        Outcome(
            result=Result.REQUIRES_ACTION, action=Action(kind=ActionKind.REDIRECT, url=f"https://wallet.example/{page}")
        )
        for page in (1, 2)
    ]
    session = told(world, *pages)
    assert latest(session).next_action["redirect_to_url"]["url"] == "https://wallet.example/2"
    assert latest(session).status == "requires_action"


def test_a_deadline_in_a_far_year_does_not_keep_a_session_open_for_ever(world: World) -> None:
    session = told(world, Outcome(result=Result.PROCESSING, deadline=datetime(9999, 12, 31, tzinfo=UTC)))
    assert latest(session).deadline_at == world.now + timedelta(days=7)


@pytest.mark.on_postgres
def test_two_charges_with_one_reference_are_both_booked(world: World) -> None:
    one, two = told(world, took(AMOUNT, "same")), told(world, took(AMOUNT, "same"))
    assert statuses(one) == statuses(two) == PAID


def test_each_thing_that_was_reported_is_kept_once_in_its_order(world: World) -> None:
    pending = Outcome(result=Result.PROCESSING, reference="r")
    session = told(world, pending, pending, REFUSED, REFUSED, took(AMOUNT))
    kept = [(row.result, row.status) for row in AttemptReport.select().order_by(AttemptReport.id)]
    assert kept == [
        ("requires_action", "requires_action"),
        ("processing", "processing"),
        ("failed", "failed"),
        ("succeeded", "succeeded"),
    ]
    assert statuses(session) == PAID


# ---------------------------------------------------------------- odd words


@pytest.mark.parametrize("odd", ODD[:19], ids=ascii)
def test_an_outcome_cleans_its_own_words(odd: str) -> None:
    outcome = Outcome(
        result=Result.PROCESSING,
        reference=odd,
        raw_code=odd,
        action=Action(kind=ActionKind.REDIRECT, url=f"https://x.example/{odd}", dial_code=odd),
    )
    for word in (outcome.reference, outcome.raw_code):
        assert word
        assert len(word) <= 255
        assert "\x00" not in word
        word.encode()
    assert outcome.action is None or len(str(outcome.action.url).encode()) < 20_000


def test_an_address_that_cannot_be_kept_whole_is_no_action() -> None:
    for url in ("https://x.example/" + "y" * 5_000, "https://x.example/\x00", ""):
        outcome = Outcome(result=Result.REQUIRES_ACTION, action=Action(kind=ActionKind.REDIRECT, url=url))
        assert outcome.action is None


def test_long_ids_of_two_callbacks_stay_two() -> None:
    reports = [Report(event_id="x" * 300 + end, charge_id="c", outcome=REFUSED) for end in "ab"]
    assert len({report.event_id for report in reports}) == 2
    assert all(len(report.event_id) <= 255 for report in reports)
    assert Report(event_id="evt\x00", charge_id="\ud800", outcome=REFUSED).charge_id == "\ufffd"


@pytest.mark.parametrize("odd", ["a\x00b", "x" * 10_000, "\ud800"], ids=ascii)
def test_odd_words_of_a_refund_do_not_stop_it(world: World, odd: str) -> None:
    told(world, took(2_000))
    refund = all_refunds()[0]
    refunds.apply(refund.id, Outcome(result=Result.PROCESSING, reference=odd, raw_code=odd), world.now)
    assert all_refunds()[0].provider_reference
    refunds.apply(refund.id, Outcome(result=Result.SUCCEEDED, money=Money(2_000, "XOF"), reference=odd), world.now)
    assert all_refunds()[0].status == "succeeded"


class Babbling(Sandbox):
    """A provider whose callbacks are full of odd words."""

    def parse_callback(self, account: Account, request: Any, now: Any) -> list[Report]:
        """Money, and the body's odd word wherever one fits."""
        charge_id, odd = request.body.decode("utf-8", "surrogatepass").split(" ", 1)
        outcome = Outcome(result=Result.SUCCEEDED, money=Money(AMOUNT, "XOF"), reference=odd, raw_code=odd)
        return [Report(event_id=odd + charge_id, charge_id=charge_id, outcome=outcome)]


@pytest.mark.long(engine="sqlite")  # PostgreSQL is the one that refuses texts
def test_money_is_booked_whatever_odd_text_stands_anywhere(world: World) -> None:
    registry.configure([Babbling(world.config)])
    unbooked = []
    for number, odd in enumerate(ODD):
        session, attempt = waiting(world)
        _spoil(session, odd)
        outcome = took(AMOUNT, reference=odd)
        if number % 3 == 0:
            body = f"{attempt.id} {odd}".encode("utf-8", "surrogatepass")
            message = message_of(body)
            callbacks.receive("sandbox", message, world.now)
        else:
            settlement.apply(attempt.id, outcome, world.now)
        if statuses(session) != PAID or not _was_told(intent(session).id):
            unbooked.append(odd)
    assert len(ODD) >= 200
    assert unbooked == []
    assert Callback.select().count() == len(ODD[::3])


def _spoil(session: CheckoutSession, odd: str) -> None:
    """Write `odd` into every text of the session, its intent and its customer-to-be, as far as the engine keeps it."""
    column = odd.encode("utf-8", "replace").decode()
    column = column.replace("\x00", "") if store.is_postgres() else column
    CheckoutSession.update(
        customer_email=f"{column[:300]}@y.co",
        description=column[:500],
        client_reference_id=column[:200],
        thank_you=column[:500],
        metadata={"odd": odd},
        customer_details={"name": odd, "email": f"{odd}@y.co", "phone": odd, "address": odd},
        custom_fields=[factories.custom_field("size", label=odd)],
        custom_field_values={"size": odd},
        line_items=[{"name": odd, "amount": AMOUNT, "quantity": 1}],
    ).where(CheckoutSession.id == session.id).execute()
    typed = {"name": odd, "email": f"{odd}@y.co", "phone": odd, "address": odd}
    latest(session).change(customer_details=typed, custom_field_values={"size": odd})
    stored = intent(session)
    stored.change(description=column[:500], metadata={"odd": odd}, customer_email=f"{column[:300]}@y.co")


def _was_told(intent_id: str) -> bool:
    told = Event.select().where(Event.object_id == intent_id, Event.type == "payment_intent.succeeded")
    return bool(told.count() == 1)


@pytest.mark.on_postgres
def test_a_customer_who_cannot_be_written_down_costs_nothing_but_himself(world: World) -> None:
    session, attempt = waiting(world)
    PaymentAttempt.update(customer_details={"name": "İ" * 20_000, "email": "İ" * 320}).execute()
    settlement.apply(attempt.id, took(AMOUNT), world.now)
    assert statuses(session) == PAID
    if store.is_postgres():
        assert Customer.select().count() == 0
    assert "checkout.session.completed" in world.told()


@pytest.mark.parametrize("outcome", [took(AMOUNT), REFUSED, took(2_000)], ids=["paid", "failed", "part"])
def test_what_cannot_be_told_now_is_told_by_a_worker_later(world: World, outcome: Outcome) -> None:
    """The session cannot be shown at all: the money is booked, and the rest follows when the session is mended."""
    session, attempt = waiting(world)
    PaymentAttempt.update(phone="not a number").execute()  # whoever shows the attempt fails
    with capture_logs() as logged:
        settlement.apply(attempt.id, outcome, world.now)
        world.wait(31, 31)
    after = latest(session)
    assert after.amount_received == (outcome.money.amount if outcome.money else None)
    assert intent(session).status == ("succeeded" if outcome == took(AMOUNT) else "failed")
    assert world.told()[-1] == "payment_intent.requires_action"
    assert {entry["event"] for entry in logged} == {"settlement_follow_up_failed", "due_work_failed"}
    PaymentAttempt.update(phone=factories.phone("011")).execute()
    world.wait(31, 31, 60)
    assert statuses(session) == (PAID if outcome == took(AMOUNT) else FAILED)
    expected = {
        "paid": ["payment_intent.succeeded", "checkout.session.completed"],
        "failed": ["payment_intent.payment_failed"],
    }["paid" if outcome == took(AMOUNT) else "failed"]
    assert [name for name in world.told() if name in expected] == expected
    assert [row.amount for row in all_refunds()] == ([2_000] if outcome == took(2_000) else [])


# ---------------------------------------------------------------- invariants


def test_invariants_of_money_hold_under_python_o() -> None:
    program = """
from ikawaari.invariants import InvariantBroken
from ikawaari.providers.base import Outcome, Result
from ikawaari.store.models import PaymentAttempt
assert False, "asserts are off here"
for broken in (
    lambda: Outcome(result=Result.SUCCEEDED),
    lambda: Outcome(result=Result.FAILED),
    lambda: PaymentAttempt().change(status="succeeded"),
    lambda: PaymentAttempt.lock("x"),
):
    try:
        broken()
    except InvariantBroken:
        continue
    raise SystemExit("an invariant is gone")
"""
    environment = os.environ | {"IKAWAARI_SECRET_KEY": "test-secret-key-0123456789abcdef"}
    program = "from ikawaari import store\nstore.connect('sqlite:////tmp/none.sqlite3')\n" + program
    ran = subprocess.run([sys.executable, "-O", "-c", program], cwd=ROOT, env=environment, check=False)
    assert ran.returncode == 0


@pytest.mark.on_postgres
def test_an_event_that_our_code_forgot_does_not_undo_the_booking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session, attempt = waiting(world)
    with monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr(outbox, "publish_session", lambda *_: None)
        settlement.apply(attempt.id, took(AMOUNT), world.now)
    assert [entry["event"] for entry in logged] == ["settlement_follow_up_failed"]
    assert (latest(session).status, intent(session).status) == ("succeeded", "succeeded")
    assert statuses(session) != PAID
    world.wait(31)
    assert statuses(session) == PAID
    assert world.told()[-2:] == ["payment_intent.succeeded", "checkout.session.completed"]


def test_an_event_that_cannot_be_written_does_not_undo_the_booking(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, attempt = waiting(world)

    def fail(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patch, capture_logs() as logged:
        patch.setattr(delivery, "enqueue", fail)  # events are written before the commit, long after they were appended
        settlement.apply(attempt.id, took(AMOUNT), world.now)
    assert [entry["event"] for entry in logged] == ["settlement_follow_up_failed"]
    assert (latest(session).status, intent(session).status) == ("succeeded", "succeeded")
    world.wait(31)
    assert statuses(session) == PAID
    assert world.told()[-2:] == ["payment_intent.succeeded", "checkout.session.completed"]
