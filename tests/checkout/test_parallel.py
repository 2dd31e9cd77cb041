"""Many at once: threads that all want the same money."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ikawaari import store
from ikawaari.checkout import attempts, enquiry, refund_checks, sessions
from ikawaari.errors import Conflict, Declined
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Outcome
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import CheckoutSession, PaymentIntent, Subscription
from tests import factories
from tests import world as worlds
from tests.world import PAID, WAITING, World, audit, fresh, intent, latest, names, statuses, together, tries

pytestmark = [pytest.mark.on_both, pytest.mark.long(engine="sqlite")]


class Watched(Sandbox):
    """The sandbox, with a note of every call."""

    def __init__(self, world: World) -> None:
        super().__init__(world.config)
        self.calls: list[str] = []
        registry.configure([self])

    def charge(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Note it."""
        self.calls.append("charge")
        return super().charge(account, request, now)

    def lookup(self, account: Account, request: Charge, now: datetime) -> Outcome:
        """Note it."""
        self.calls.append("lookup")
        return super().lookup(account, request, now)

    def refund(self, account: Account, request: Any, now: datetime) -> Outcome:
        """Note it."""
        self.calls.append("refund")
        return super().refund(account, request, now)


@pytest.mark.parametrize("fields", [{}, {"defer_payment_intent_creation": True}, {"amount": None}], ids=str)
def test_of_32_payers_at_once_one_pays(world: World, fields: dict[str, Any]) -> None:
    provider, session = Watched(world), world.session(**fields)
    amounts = [1_000 + number if "amount" in fields else None for number in range(32)]
    results = together(
        32, lambda number: attempts.pay(session.id, factories.pay_request(amount=amounts[number]), world.now)
    )
    winner = results.index(None)
    assert [result.code for result in results if isinstance(result, Conflict)] == ["IKW-RES-003"] * 31
    assert statuses(session) == WAITING
    assert (len(tries(session)), provider.calls, PaymentIntent.select().count()) == (1, ["charge"], 1)
    world.wait(6)
    assert statuses(session) == PAID
    assert [entry["amount"] for entry in ledger.entries()] == [amounts[winner] or 5_000]
    audit()


def test_of_eight_payers_at_once_one_pays_by_card_and_the_others_hear_so(world: World) -> None:
    session = world.session()
    results = together(8, lambda _: world.pay_by_card(session))
    codes = {result.code for result in results if isinstance(result, Conflict)}
    assert names(results) == {"None": 1, "Conflict": 7}
    assert codes <= {"IKW-RES-003", "IKW-RES-004"}
    assert statuses(session) == PAID
    audit()


def test_a_declined_card_sent_many_times_at_once_is_charged_one_after_the_other(world: World) -> None:
    session = world.session()
    results = together(8, lambda _: world.pay_by_card(session, "tok_test_declined"))
    assert all(isinstance(result, Conflict | Declined) for result in results), results
    assert len(tries(session)) == names(results)["Declined"] >= 1
    assert fresh(session).payment_status == "unpaid"
    audit()


def test_a_code_typed_twice_at_once_is_sent_once(world: World) -> None:
    provider, session = Watched(world), world.session()
    world.pay(session, "009")
    results = together(8, lambda _: attempts.submit_otp(session.id, "123456", world.now))
    assert names(results) == {"None": 1, "Conflict": 7}
    assert provider.calls == ["charge", "charge"]
    assert statuses(session) == PAID
    audit()


def test_a_code_that_comes_with_many_pay_calls_at_once_is_sent_once(world: World) -> None:
    provider, session = Watched(world), world.session()
    world.pay(session, "009")
    results = together(8, lambda _: world.pay(session, "009", otp="123456"))
    assert names(results) == {"None": 1, "Conflict": 7}
    assert provider.calls == ["charge", "charge"]
    audit()


def test_ten_taps_on_check_make_one_enquiry(world: World) -> None:
    provider, session = Watched(world), world.session()
    world.pay(session)
    world.later(4)
    assert together(10, lambda _: enquiry.check(session.id, world.now)) == [None] * 10
    assert provider.calls == ["charge", "lookup"]
    assert statuses(session) == PAID


def test_a_tap_on_check_is_heard_again_after_three_seconds(world: World) -> None:
    provider, session = Watched(world), world.session()
    world.pay(session, "011")
    for seconds in (1, 1, 1, 1, 1, 1):
        world.later(seconds)
        enquiry.check(session.id, world.now)
    assert provider.calls == ["charge", "lookup", "lookup"]


def test_a_merchant_who_expires_and_a_customer_who_pays_never_both_win(world: World) -> None:
    for number in range(8):
        session = world.session()
        expire, pay = partial(_expire, world, session), partial(world.pay, session)
        results = race(number, expire, pay)
        assert len([result for result in results if isinstance(result, Exception)]) == 1
        stored = fresh(session)
        assert (stored.status == "expired") == (stored.payment_status == "unpaid") == (not tries(session))


def race(turn: int, *runners: Callable[[], object]) -> list[object]:
    """Let them all run at the same moment, each time another one a little ahead."""
    return list(together(len(runners), lambda number: runners[(number + turn) % len(runners)]()))


def _expire(world: World, session: CheckoutSession) -> None:
    sessions.expire(fresh(session), world.now)


def test_a_payment_at_the_last_moment_is_in_time_or_too_late_but_not_both(world: World) -> None:
    for number in range(8):
        session = world.session()
        just_before = session.expires_at - timedelta(microseconds=1)
        expire = partial(sessions.expire_when_due, session.id, session.expires_at)
        race(number, expire, partial(attempts.pay, session.id, factories.pay_request(), just_before))
        assert (fresh(session).status == "expired") == (not tries(session))


def test_of_eight_trials_begun_at_once_one_subscribes(world: World) -> None:
    recurring = {"interval": "month", "interval_count": 1, "trial_period_days": 14}
    session = world.session(mode="subscription", recurring=recurring)
    results = together(8, lambda _: world.pay_by_card(session))
    assert names(results) == {"None": 1, "Conflict": 7}
    assert Subscription.select().count() == 1
    assert not tries(session)
    assert world.told().count("checkout.session.completed") == 1


def test_workers_side_by_side_refund_once(world: World) -> None:
    provider, session = Watched(world), world.session()
    world.pay(session, "012")
    world.later(6)
    for _ in range(3):
        results = together(4, lambda _: world.work())
        assert not [result for result in results if isinstance(result, Exception)]
    assert provider.calls.count("refund") == 1
    audit()


def test_a_refund_sent_by_two_workers_at_once_gives_back_once(world: World) -> None:
    session = world.session()
    world.pay(session, "012")
    world.later(6)
    enquiry.check(session.id, world.now)
    (refund,) = worlds.refunds()
    results = together(4, lambda _: refund_checks.send(refund.id, world.now))
    assert not [result for result in results if isinstance(result, Exception)]
    assert world.told().count("refund.succeeded") == 1
    audit()


def test_many_sessions_paid_at_once_by_many_workers_all_add_up(world: World) -> None:
    endings = ["500", "001", "004", "005", "007", "012", "500", "006"]
    opened = [world.session() for _ in endings]
    together(8, lambda number: world.pay(opened[number], endings[number]))
    world.later(6)
    for seconds in (1, 5, 60, 3600):
        results = together(3, lambda _: world.work())
        assert not [result for result in results if isinstance(result, Exception)], results
        world.later(seconds)
    world.work()
    assert [intent(session).status for session in opened].count("succeeded") == 6
    audit()


def test_a_slow_provider_holds_no_transaction_of_ours(world: World) -> None:
    class Curious(Sandbox):
        def charge(self, account: Account, request: Charge, now: datetime) -> Outcome:
            assert not store.in_transaction()
            assert latest(session).status == "submitting"
            together(1, lambda _: factories.merchant())
            return super().charge(account, request, now)

    registry.configure([Curious(replace(world.config, sandbox_delay_seconds=0.0))])
    session = world.session()
    world.pay(session)
    assert statuses(session) == PAID
