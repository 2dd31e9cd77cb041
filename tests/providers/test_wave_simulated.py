"""Wave's adapter at the simulated Wave: what only this provider does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused, Hint, Report
from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.simulators import wave as simulated
from tests.providers.bench_wave import WaveBench
from tests.simulators.talking import Receiver, talk
from tests.simulators.wave_wallet import press


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def bench(config: Config) -> Iterator[WaveBench]:
    """The adapter at the simulator."""
    with Receiver().listening() as receiver, talk(simulated.Wave(receiver.url, "SN")) as sim:
        yield WaveBench(config, sim, receiver)


# ---------------------------------------------------------------- against the simulator


def test_a_payer_may_try_again_in_the_app(bench: WaveBench) -> None:
    charge = bench.charge()
    first = bench.provider.charge(bench.account, charge, bench.now())
    assert first.action is not None
    press({"wave_launch_url": first.action.url}, "decline", code="kyb-limits-exceeded")
    charge = bench.known(charge, first)
    again = bench.provider.lookup(bench.account, charge, bench.now())
    assert (again.result, again.action) == (Result.REQUIRES_ACTION, first.action)
    assert again.last_error is FailureCode.WALLET_LIMIT
    [hint] = bench.provider.parse_callback(bench.account, bench.callback(bench.receiver.wait(1)[0]), bench.now())
    assert hint == Hint(charge_id=charge.id, reference=first.reference)
    bench.settle(charge)
    paid = bench.provider.lookup(bench.account, charge, bench.now())
    assert (paid.result, paid.last_error) == (Result.SUCCEEDED, None)


def test_a_bare_failure_names_the_session(bench: WaveBench) -> None:
    bench.talk.set(bare_failures=True)
    charge = bench.charge()
    first = bench.provider.charge(bench.account, charge, bench.now())
    bench.order_decline()
    bench.settle(charge)
    news = bench.provider.parse_callback(bench.account, bench.callback(bench.receiver.wait(1)[0]), bench.now())
    assert news == [Hint(reference=first.reference)]


def test_a_shared_secret_is_how_some_portals_are_set(bench: WaveBench) -> None:
    bench.talk.set(webhook_mode="shared")
    charge, _ = bench.paid()
    request = bench.callback(bench.receiver.wait(1)[0])
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(bench.account, request, bench.now())
    shared = replace(bench.account, settings={**bench.account.settings, "webhook_shared_secret": True})
    [news] = bench.provider.parse_callback(shared, request, bench.now())
    assert isinstance(news, Report)
    assert news.charge_id == charge.id


def test_two_signatures_while_the_secret_is_replaced(bench: WaveBench) -> None:
    bench.talk.set(sends_two_signatures=True)
    bench.paid()
    request = bench.callback(bench.receiver.wait(1)[0])
    assert len(bench.provider.parse_callback(bench.account, request, bench.now())) == 1


@pytest.mark.parametrize("seconds", [600, 86_400])
def test_the_deadline_is_the_one_that_wave_says(bench: WaveBench, seconds: int) -> None:
    bench.talk.set(session_seconds=seconds)
    before = bench.now()
    outcome = bench.provider.charge(bench.account, bench.charge(), before)
    assert outcome.deadline is not None
    assert abs(outcome.deadline - before - timedelta(seconds=seconds)) < timedelta(seconds=5)


def test_a_payer_who_is_faster_than_the_end_has_paid(bench: WaveBench) -> None:
    charge = bench.charge()
    charge = bench.known(charge, bench.provider.charge(bench.account, charge, bench.now()))
    bench.talk.next("paid_before_expire")
    outcome = bench.provider.cancel(bench.account, charge, bench.now())
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, charge.money)


def test_money_that_comes_late_is_found(bench: WaveBench) -> None:
    bench.talk.next("late_success", seconds=60)
    charge = bench.charge()
    charge = bench.known(charge, bench.provider.charge(bench.account, charge, bench.now()))
    assert bench.provider.cancel(bench.account, charge, bench.now()).result is Result.FAILED
    bench.talk.advance(61)
    assert bench.provider.lookup(bench.account, charge, bench.now()).result is Result.SUCCEEDED


def test_another_amount_is_told_as_it_is(bench: WaveBench) -> None:
    bench.talk.next("other_amount", amount="900")
    _, outcome = bench.paid()
    assert outcome.money == Money(900, "XOF")


@pytest.mark.parametrize(("code", "http"), [("checkout-refund-failed", 400), ("checkout-refund-failed", 409)])
def test_wave_may_not_give_back(bench: WaveBench, code: str, http: int) -> None:
    charge, _ = bench.paid()
    bench.talk.next("refuse", code=code, http=http, on="refund")
    outcome = bench.provider.refund(bench.account, bench.refund_of(charge), bench.now())
    assert (outcome.result, outcome.failure) == (Result.FAILED, FailureCode.NOT_ALLOWED)
    assert bench.talk.refunds() == []


def test_a_refund_that_takes_its_time_is_processing(bench: WaveBench) -> None:
    bench.talk.set(refunds_after=600)
    charge, _ = bench.paid()
    order = bench.refund_of(charge)
    outcome = bench.provider.refund(bench.account, order, bench.now())
    asked = replace(order, provider_data=outcome.provider_data or {})
    assert bench.provider.lookup_refund(bench.account, asked, bench.now()).result is Result.PROCESSING
    bench.talk.advance(601)
    assert bench.provider.lookup_refund(bench.account, asked, bench.now()).result is Result.SUCCEEDED


def test_a_refund_that_was_not_carried_out_is_sent_again_and_given_once(bench: WaveBench) -> None:
    charge, _ = bench.paid()
    order = bench.refund_of(charge)
    bench.talk.next("500", on="refund")
    assert bench.provider.refund(bench.account, order, bench.now()).result is Result.UNKNOWN
    assert bench.provider.lookup_refund(bench.account, order, bench.now()).result is Result.NOT_FOUND
    for _ in range(2):
        assert bench.provider.refund(bench.account, order, bench.now()).result is Result.PROCESSING
    assert bench.provider.lookup_refund(bench.account, order, bench.now()).result is Result.SUCCEEDED
    assert len(bench.talk.refunds()) == 1
