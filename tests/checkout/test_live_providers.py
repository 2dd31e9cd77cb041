"""Whole payments at each real provider's simulator: whatever goes wrong, its ledger and our books agree in the end."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from ikawaari.checkout import attempts, refunds
from ikawaari.config import Config
from ikawaari.errors import Conflict, Declined
from ikawaari.providers.base import Account, Charge, Outcome, Provider
from ikawaari.store.models import CheckoutSession
from tests import live as lives
from tests.live import Live
from tests.providers.bench import Bench
from tests.providers.contract import BENCHES, in_the_house
from tests.providers.test_promises import GARBAGE, LOST
from tests.world import FAILED, PAID, Killed, intent, latest, names, statuses, together, tries
from tests.world import refunds as all_refunds

WALLETS = [one for one in BENCHES if one.adapter.capabilities.operators]
REFUNDING = [one for one in BENCHES if one.adapter.refund is not Provider.refund]
SIGNING = [one for one in BENCHES if one.signs_callbacks]
CANCELING = [one for one in BENCHES if one.adapter.cancel is not Provider.cancel]
# How an adapter reads an answer, tests/providers/test_promises.py tries on each.
FAULTS = [
    pytest.param(fault, marks=[pytest.mark.long] if fault in {"reset", "garbage", "html"} else [])
    for fault in [*LOST, "500"]
]
LATE: dict[str, dict[str, Any]] = {
    "pawapay": {"kind": "fail_then_complete", "code": "PAYMENT_NOT_APPROVED"},
    "mtn": {"kind": "fail_then_succeed", "code": "APPROVAL_REJECTED"},
    "cinetpay": {"kind": "fail_then_succeed", "code": 2003},
    "cinetpay-legacy": {"kind": "fail_then_succeed", "code": 627},
    "wave": {"kind": "late_success"},
}

LATE_REFUNDS: dict[str, dict[str, Any]] = {
    "pawapay": {"kind": "fail_then_complete", "code": "UNSPECIFIED_FAILURE"},
    "mtn": {"kind": "fail_then_succeed", "code": "PAYEE_NOT_FOUND"},
}


def only(benches: Sequence[type[Bench]]) -> pytest.MarkDecorator:
    """Some of the providers in place of all."""
    return pytest.mark.parametrize("live", in_the_house(benches), indirect=True)


@pytest.fixture(params=in_the_house(BENCHES))
def live(request: pytest.FixtureRequest, config: Config) -> Iterator[Live]:
    """Each provider in turn, alone."""
    made: type[Bench] = request.param
    with lives.opened(config, made) as opened:
        yield opened


def successes(live: Live) -> int:
    """How many payments were published as paid."""
    return live.told().count("payment_intent.succeeded")


# ---------------------------------------------------------------- charges


@pytest.mark.on_postgres
def test_of_a_hundred_payers_at_once_one_pays(live: Live) -> None:
    session, request = live.begin()
    results = together(100, lambda _: attempts.pay(session.id, request, live.now))
    assert names(results) == {"None": 1, "Conflict": 99}
    assert [one.code for one in results if isinstance(one, Conflict)] == ["IKW-RES-003"] * 99
    assert live.bench.started(latest(session).id) == 1
    live.end(session)
    assert statuses(session) == PAID
    live.audit()


def test_the_three_doors_may_open_in_any_order(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The money has moved before any of them: the answer, which says that it has not yet, may be the last to come."""
    real, live.door.is_open = live.provider.charge, False
    orders = list(permutations(["answer", "callback", "enquiry"]))
    for order in orders:
        doors = iter(order)

        def charge(account: Account, charge: Charge, now: datetime, doors: Iterator[str] = doors) -> Outcome:
            outcome = real(account, charge, now)
            live.settle_charge(live.bench.known(charge, outcome))
            for door in doors:
                if door == "answer":
                    break
                live.elsewhere(lambda door=door: _open(live, door, charge.id))
            return outcome

        monkeypatch.setattr(live.provider, "charge", charge)
        session = live.paying()
        for door in doors:
            _open(live, door, latest(session).id)
        assert statuses(session) == PAID, order
    assert successes(live) == len(orders)
    live.wait(*lives.HOPS)
    live.audit()


def _open(live: Live, door: str, attempt_id: str) -> None:
    if door == "enquiry":
        live.enquire(attempt_id)
    else:
        live.deliver()


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_answer_to_a_charge_is_money_moves_once_or_not_at_all(live: Live, fault: str) -> None:
    live.talk.next(fault)
    session = live.paying()
    assert latest(session).status == "unknown"
    with pytest.raises(Conflict):  # nobody may try again, until somebody knows
        attempts.pay(session.id, live.begin()[1], live.now)
    live.end(session)
    assert statuses(session) == (FAILED if fault == "500" else PAID)
    live.audit()
    if fault == "500":
        attempts.pay(session.id, live.begin()[1], live.now)
        live.end(session)
        assert statuses(session) == PAID
    assert [attempt.status for attempt in tries(session)].count("succeeded") == 1
    live.wait(3_600, 90_000)
    live.audit()


def test_a_decline_takes_nothing_and_the_next_try_pays(live: Live) -> None:
    live.bench.order_decline()
    session = live.paying()
    live.settle(session)
    live.wait(*lives.HOPS)
    assert statuses(session) == FAILED
    assert latest(session).failure_code == live.bench.decline
    live.audit()


@only(WALLETS)  # what Stripe would refuse, the limits of cards refuse before
def test_a_refusal_starts_nothing(live: Live) -> None:
    live.bench.order_refusal()
    session, request = live.begin()
    with pytest.raises(Declined):
        attempts.pay(session.id, request, live.now)
    assert (live.talk.charges(), statuses(session)) == ([], FAILED)
    live.later(1)
    attempts.pay(session.id, request, live.now)
    live.end(session)
    assert statuses(session) == PAID
    live.audit()


@only(CANCELING)
def test_who_goes_away_is_asked_no_longer(live: Live) -> None:
    session = live.paying()
    deadline = latest(session).deadline_at
    live.wait((deadline - live.now).total_seconds() + 1)
    assert statuses(session) == FAILED
    assert "pending" not in [charge["state"] for charge in live.talk.charges()]
    live.audit()


@only([one for one in BENCHES if one.label() in LATE])
def test_money_that_comes_after_a_failure_pays_after_all(live: Live) -> None:
    live.talk.next(**LATE[live.bench.label()], seconds=1_800)
    session = live.paying()
    if live.bench.starts_at_once:
        live.settle(session)
    else:
        live.wait(1_801)
    live.wait(5)
    assert statuses(session) == FAILED
    live.wait(3_600, 3_600)
    assert statuses(session) == PAID
    assert successes(live) == 1
    live.audit()


def test_another_amount_is_no_payment_and_goes_back_where_that_is_possible(live: Live) -> None:
    live.bench.order_other_amount(4_000)
    session = live.paying()
    live.end(session)
    live.bench.settle_refunds()
    live.wait(*lives.HOPS)
    attempt = latest(session)
    assert (attempt.status, attempt.failure_code, attempt.amount_received) == ("failed", "invalid_amount", 4_000)
    assert (attempt.returned, attempt.held) == ((4_000, 0) if live.refunds else (0, 4_000))
    live.audit()


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize("fault", ["drop_callback", "double_callback", "late_callback", "reorder"])
def test_callbacks_may_get_lost_come_twice_late_and_in_another_order(live: Live, fault: str) -> None:
    live.talk.next(fault)
    sessions = [live.paying(), live.paying()]
    for session in sessions:
        live.settle(session)
    live.wait(*lives.HOPS)
    assert [statuses(session) for session in sessions] == [PAID] * 2
    assert successes(live) == 2
    live.talk.advance(4_000)
    live.flush()
    assert set(live.door.answered) == {200}
    live.audit()


@only(SIGNING)
@pytest.mark.parametrize("fault", ["bad_signature", "unsigned"])
def test_a_forged_callback_is_refused_and_changes_nothing(live: Live, fault: str) -> None:
    live.talk.next(fault, times=10)
    session = live.paying()
    before = statuses(session)
    live.settle(session)
    assert set(live.door.answered) == {400}
    assert statuses(session) == before
    live.wait(*lives.HOPS)
    assert statuses(session) == PAID
    live.audit()


def test_garbage_at_the_door_changes_nothing(live: Live) -> None:
    live.door.is_open = False
    session = live.paying()
    live.settle(session)
    (sent, *_) = live.door.received
    before = statuses(session)
    answers = {live.door.pass_on(sent, body=body) for body in [*GARBAGE, b'{"id":"\\ud800"}', b"\x00" * 100]}
    assert answers <= {200, 400}
    assert statuses(session) == before
    live.deliver()
    live.wait(*lives.HOPS)
    assert statuses(session) == PAID
    assert successes(live) == 1
    live.audit()


# ---------------------------------------------------------------- refunds


def returning(live: Live, session: CheckoutSession) -> None:
    """Ask for the whole payment back."""
    refunds.create(live.owner, refunds.NewRefund(payment_intent=intent(session).id), live.now)


@only([one for one in REFUNDING if one.label() in LATE_REFUNDS])
@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_a_refund_that_goes_after_it_failed_is_booked_once(live: Live, is_told: bool) -> None:
    session = live.paid()
    live.talk.next(**LATE_REFUNDS[live.bench.label()], on="refund", seconds=600)
    refunds.create(live.owner, refunds.NewRefund(payment_intent=intent(session).id), live.now)
    live.door.is_open = is_told
    live.wait(5, 60)
    assert ([row.status for row in all_refunds()], intent(session).amount_refunded) == (["failed"], 0)
    live.wait(600, *([] if is_told else [3_600]))
    live.door.is_open = True
    live.deliver()  # all of it once more, also what came first
    live.wait(1)
    assert ([row.status for row in all_refunds()], intent(session).amount_refunded) == (["succeeded"], 5_000)
    assert [one for one in live.told() if one.startswith("refund.")] == [
        *("refund.created", "refund.failed", "refund.succeeded")
    ]
    live.audit()


@only(REFUNDING)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_refund_whose_answer_is_lost_gives_back_once(live: Live, fault: str) -> None:
    session = live.paid()
    live.talk.next(fault, on="refund")
    returning(live, session)
    live.work()
    assert [row.status in {"pending", "succeeded"} for row in all_refunds()] == [True]  # Stripe is asked again at once
    live.bench.settle_refunds()
    live.wait(*lives.HOPS, 3_600)
    live.bench.settle_refunds()
    live.wait(*lives.HOPS, 3_600)
    assert [row.status for row in all_refunds()] == ["succeeded"]
    assert live.told().count("refund.succeeded") == 1
    assert intent(session).amount_refunded == 5_000
    live.audit()


# ---------------------------------------------------------------- processes that die


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_is_killed_around_a_call_has_lost_nothing(live: Live, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    session, request = live.begin()
    live.door.is_open = False  # a callback that came first would leave nothing to ask
    _dies(monkeypatch, live, "charge", when)
    with pytest.raises(Killed):
        attempts.pay(session.id, request, live.now)
    assert latest(session).status == "submitting"
    live.later(10)
    with monkeypatch.context() as once:
        _dies(once, live, "lookup", when)
        with pytest.raises(Killed):
            live.work()
    live.door.is_open = True
    live.end(session)
    assert statuses(session) == (FAILED if when == "before" else PAID)
    live.audit()
    if when == "before":
        attempts.pay(session.id, request, live.now)
        live.end(session)
    if live.refunds:
        returning(live, session)
        with monkeypatch.context() as once:
            _dies(once, live, "refund", when)
            with pytest.raises(Killed):
                live.work()
        _dies(monkeypatch, live, "lookup_refund", when)
        with suppress(Killed):  # at MTN the first look-up comes only after the refund was sent again
            live.wait(*lives.HOPS, 3_600)
        live.bench.settle_refunds()
        with suppress(Killed):
            live.wait(*lives.HOPS, 3_600)
        live.wait(*lives.HOPS, 3_600)
        assert [row.status for row in all_refunds()] == ["succeeded"]
    assert statuses(session)[:3] == PAID[:3]
    live.audit()


def _dies(monkeypatch: pytest.MonkeyPatch, live: Live, verb: str, when: str) -> None:
    """The next call of that verb kills its caller, before it or after it."""
    real = getattr(live.provider, verb)

    def call(*given: Any) -> Any:
        monkeypatch.setattr(live.provider, verb, real)
        if when == "after":
            real(*given)
        raise Killed

    monkeypatch.setattr(live.provider, verb, call)
