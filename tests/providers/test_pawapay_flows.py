"""Each of pawaPay's wallets charged at its simulator, and what may happen to a charge there."""

from collections.abc import Iterator

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.providers.pawapay.wallets import WALLETS
from ikawaari.providers.values import Charge, Flow
from ikawaari.simulators.pawapay import PawaPay
from tests.providers.bench_pawapay import PawaPayBench, charge_of
from tests.simulators.talking import Receiver, talk

F = FailureCode


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def bench(config: Config) -> Iterator[PawaPayBench]:
    """An account at the simulator."""
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        yield PawaPayBench(config, sim, receiver)


def _is(outcome: Outcome, result: Result, failure: FailureCode | None = None) -> bool:
    return (outcome.result, outcome.failure) == (result, failure)


def _charges() -> Iterator[Charge]:
    for operator, wallet in WALLETS.items():
        for currency in sorted(wallet.reach.currencies):
            amount = 100_000 if currency == "CDF" else 2_050 if currency == "USD" else 5_000
            otp = "123456" if wallet.flow is Flow.OTP else None
            yield charge_of(operator, wallet.name, Money(amount, currency), otp=otp)


@pytest.mark.parametrize("charge", list(_charges()), ids=lambda charge: f"{charge.operator} {charge.money.currency}")
def test_every_wallet_can_be_charged(bench: PawaPayBench, charge: Charge) -> None:
    first = bench.provider.charge(bench.account, charge, bench.now())
    wallet = WALLETS[charge.operator or ""]
    expected = Result.REQUIRES_ACTION if wallet.flow is Flow.USSD_PUSH else Result.PROCESSING
    assert first.result is expected, first
    if wallet.flow is Flow.REDIRECT:
        bench.provider.lookup(bench.account, charge, bench.now())
        page = bench.provider.lookup(bench.account, charge, bench.now())
        assert page.action is not None
        bench.talk.session.post(page.action.url or "", data={"decision": "pay"}, allow_redirects=False, timeout=5)
    bench.settle(charge)
    paid = bench.provider.lookup(bench.account, charge, bench.now())
    assert (paid.result, paid.money) == (Result.SUCCEEDED, charge.money)
    assert bench.taken(charge.id) == charge.money.major


def test_a_charge_that_fails_and_is_paid_after_all_says_so_when_it_is_asked_again(bench: PawaPayBench) -> None:
    bench.talk.next("fail_then_complete", code="UNSPECIFIED_FAILURE", seconds=60)
    charge = bench.charge()
    bench.provider.charge(bench.account, charge, bench.now())
    bench.settle(charge)
    assert _is(bench.provider.lookup(bench.account, charge, bench.now()), Result.FAILED, F.UNKNOWN)
    bench.talk.advance(61)
    assert bench.provider.lookup(bench.account, charge, bench.now()).money == charge.money


def test_another_amount_than_was_asked_for_is_told(bench: PawaPayBench) -> None:
    bench.talk.next("other_amount", amount="4000")
    charge = bench.charge()
    bench.provider.charge(bench.account, charge, bench.now())
    bench.settle(charge)
    assert bench.provider.lookup(bench.account, charge, bench.now()).money == Money(4_000, "XOF")


def test_a_wrong_code_of_orange_starts_nothing_and_the_next_try_has_another_id(bench: PawaPayBench) -> None:
    wrong = charge_of("orange_bf", "ORANGE_BFA", Money(5_000, "XOF"), otp="12ab")
    assert _is(bench.provider.charge(bench.account, wrong, bench.now()), Result.FAILED, F.OTP_INVALID)
    right = charge_of("orange_bf", "ORANGE_BFA", Money(5_000, "XOF"), otp="123456")
    assert _is(bench.provider.charge(bench.account, right, bench.now()), Result.PROCESSING)
    assert [bench.started(charge.id) for charge in (wrong, right)] == [0, 1]


def test_a_second_prompt_on_a_busy_wallet_is_a_duplicate(bench: PawaPayBench) -> None:
    bench.talk.set(one_prompt_per_wallet=True)
    bench.provider.charge(bench.account, bench.charge(), bench.now())
    second = bench.charge()
    bench.provider.charge(bench.account, second, bench.now())
    bench.settle(second)
    assert _is(bench.provider.lookup(bench.account, second, bench.now()), Result.FAILED, F.DUPLICATE_IN_PROGRESS)
