"""Whole payments at the simulated CinetPay: push, code, page, callbacks, and what comes late."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.operators import OPERATORS
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Refunds, Renewals
from ikawaari.providers.cinetpay import CinetPay, wallets
from ikawaari.providers.outcomes import ActionKind, FailureCode, Outcome, Result
from ikawaari.providers.provider import Verb
from ikawaari.providers.values import Charge, Flow
from ikawaari.simulators.cinetpay import CinetPay as Simulated
from ikawaari.simulators.cinetpay.rules import COUNTRIES
from tests.providers.bench_cinetpay import CinetPayBench
from tests.providers.cinetpay_said import ended
from tests.simulators.talking import Receiver, talk


@contextmanager
def bench_of(country: str) -> Iterator[CinetPayBench]:
    """The account of a country at a simulator."""
    with Receiver().listening() as receiver, talk(Simulated(country=country)) as sim:
        bench = CinetPayBench(Config(), sim, receiver)
        bench.account = replace(bench.account, country=country)
        yield bench


@pytest.fixture
def bench() -> Iterator[CinetPayBench]:
    """Senegal's."""
    with bench_of("SN") as bench:
        yield bench


def started(bench: CinetPayBench, charge: Charge) -> tuple[Charge, Outcome]:
    """A charge that was created, as the next call gets it, and what it was answered."""
    outcome = bench.provider.charge(bench.account, charge, bench.now())
    return bench.known(charge, outcome), outcome


def found(bench: CinetPayBench, charge: Charge) -> Outcome:
    return bench.provider.lookup(bench.account, charge, bench.now())


def received(bench: CinetPayBench, number: int = 0) -> CallbackRequest:
    """A callback that the simulator has sent."""
    return bench.callback(bench.receiver.wait(number + 1)[number])


def pressed(outcome: Outcome, **form: str) -> None:
    """The payer presses a button on the page."""
    assert outcome.action
    assert outcome.action.kind is ActionKind.REDIRECT
    answer = requests.post(str(outcome.action.url), data=form, timeout=5, allow_redirects=False)
    assert answer.headers["Location"].startswith("http://127.0.0.1:8000/cs_test")


# ---------------------------------------------------------------- whom it reaches


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_wallet_is_taken_by_its_account(country: str) -> None:
    with bench_of(country) as bench:
        reached = {name: reach for name, reach in wallets.REACHED.items() if OPERATORS[name].country == country}
        assert {wallets.method(name) for name in reached} == set(COUNTRIES[country].methods)
        for name, reach in reached.items():
            for flow in reach.flows:
                charge = replace(
                    bench.charge(),
                    operator=name,
                    country=country,
                    money=Money(500_000, next(iter(reach.currencies))),
                    phone=f"+{COUNTRIES[country].calling_code}770001234",
                    flow=flow,
                    otp="123456" if flow is Flow.OTP else None,
                )
                _, outcome = started(bench, charge)
                assert outcome.result in {Result.REQUIRES_ACTION, Result.PROCESSING}, outcome
                is_page = outcome.action is not None and outcome.action.kind is ActionKind.REDIRECT
                assert is_page is (flow is Flow.REDIRECT)


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_its_limits_are_those_of_cinetpay_and_a_wallets_own_are_told_by_its_refusal(country: str) -> None:
    (currency, limits), simulated = wallets.ACCOUNTS[country], COUNTRIES[country]
    assert currency == simulated.currency
    assert [int(Money(amount, currency).major) for amount in (limits.minimum, limits.maximum)] == [100, 2_500_000]
    assert limits.step == 10 ** Money(1, currency).exponent  # whole francs
    if simulated.step == 1 and simulated.most == 2_500_000:
        return
    with bench_of(country) as bench:
        name = next(name for name in wallets.REACHED if OPERATORS[name].country == country)
        too_odd = replace(
            bench.charge(),
            operator=name,
            country=country,
            money=Money(limits.minimum + 1, currency),
            phone=f"+{COUNTRIES[country].calling_code}770001234",
        )
        outcome = bench.provider.charge(bench.account, too_odd, bench.now())
        assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.INVALID_AMOUNT)


def test_nothing_is_refunded_and_no_code_is_asked_for_behind_the_payers_back() -> None:
    provider = CinetPay(Config())
    assert provider.verbs.isdisjoint({Verb.REFUND, Verb.CANCEL, Verb.SETUP})
    for name, reach in provider.capabilities.operators.items():
        assert reach.refunds is Refunds.NONE
        assert (reach.renewals is Renewals.PROMPT) is (reach.flows[0] is Flow.USSD_PUSH), name
        assert (reach.code_from is not None) is (Flow.OTP in reach.flows)
    assert provider.capabilities.operators["orange_bf"].asks_code_first(None)
    for name in ("orange_sn", "orange_ci"):  # nobody has written down what their payers dial
        assert not provider.capabilities.operators[name].asks_code_first(Flow.OTP)


# ---------------------------------------------------------------- codes and pages


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("123456", (Result.SUCCEEDED, None)),
        ("0000", (Result.FAILED, FailureCode.OTP_INVALID)),
        ("1111", (Result.FAILED, FailureCode.OTP_EXPIRED)),
    ],
)
def test_a_code_is_right_wrong_or_too_old(
    bench: CinetPayBench, code: str, end: tuple[Result, FailureCode | None]
) -> None:
    charge, _ = started(bench, replace(bench.charge(), operator="orange_sn", flow=Flow.OTP, otp=code))
    bench.settle(charge)
    assert ended(found(bench, charge)) == end
    assert bench.taken(charge.id) == (5_000 if end[0] is Result.SUCCEEDED else 0)


def test_a_page_is_paid(bench: CinetPayBench) -> None:
    charge, outcome = started(bench, replace(bench.charge(), operator="wave_sn"))
    assert found(bench, charge).action == outcome.action
    pressed(outcome, decision="pay")
    assert found(bench, charge).result is Result.PROCESSING
    bench.settle(charge)
    assert found(bench, charge).money == charge.money


def test_a_page_is_declined_or_left(bench: CinetPayBench) -> None:
    charge, outcome = started(bench, replace(bench.charge(), operator="wave_sn"))
    pressed(outcome, decision="cancel")
    assert found(bench, charge).action == outcome.action
    pressed(outcome, decision="decline", code="2005")
    assert ended(found(bench, charge)) == (Result.FAILED, FailureCode.INSUFFICIENT_FUNDS)


def test_a_wallet_that_pushes_today_may_lead_to_the_page_tomorrow(bench: CinetPayBench) -> None:
    bench.talk.next("redirect")
    charge, outcome = started(bench, bench.charge())
    pressed(outcome, decision="pay")
    bench.settle(charge)
    assert found(bench, charge).result is Result.SUCCEEDED


def test_tokens_and_addresses_may_be_null(bench: CinetPayBench) -> None:
    bench.talk.next("null_tokens")
    _, pushed = started(bench, bench.charge())
    assert pushed.action
    bench.talk.next("null_tokens")
    _, led = started(bench, replace(bench.charge(), operator="wave_sn"))
    assert led.result is Result.PROCESSING
    assert led.action is None


# ---------------------------------------------------------------- what goes wrong


def test_an_error_although_it_was_started_is_unknown_and_a_look_up_finds_it(bench: CinetPayBench) -> None:
    bench.talk.next("operation_error")
    charge, outcome = started(bench, bench.charge())
    assert outcome.result is Result.UNKNOWN
    bench.settle(charge)
    assert found(bench, charge).result is Result.SUCCEEDED


def test_nobody_who_answers_lets_it_expire_and_it_may_be_paid_after_all(bench: CinetPayBench) -> None:
    bench.talk.next("fail_then_succeed", seconds=600)
    charge, _ = started(bench, bench.charge())
    bench.settle(charge)
    assert ended(found(bench, charge)) == (Result.FAILED, FailureCode.EXPIRED)
    bench.talk.advance(600)
    assert found(bench, charge).money == charge.money


def test_a_page_that_nobody_opens_expires(bench: CinetPayBench) -> None:
    charge, _ = started(bench, replace(bench.charge(), operator="wave_sn"))
    bench.talk.advance(1_801)
    assert ended(found(bench, charge)) == (Result.FAILED, FailureCode.EXPIRED)


def test_one_payment_that_is_not_found_says_nothing_of_others(bench: CinetPayBench) -> None:
    hidden, _ = started(bench, bench.charge())
    other, _ = started(bench, bench.charge())
    bench.talk.set(hidden_ids=[bench.provider.sent_id(hidden.id)])
    assert found(bench, hidden).result is Result.NOT_FOUND
    assert found(bench, other).result is Result.REQUIRES_ACTION
    again = bench.provider.charge(bench.account, hidden, bench.now())
    assert again.result is Result.UNKNOWN


def test_another_account_does_not_find_it(bench: CinetPayBench) -> None:
    charge, _ = started(bench, bench.charge())
    keys = {"api_key": "sk_test_made_up_ci", "api_password": "made-up-ci", "base_url": bench.talk.base_url}
    ivorian = replace(bench.account, id="acc_ivorian", country="CI", settings=keys)
    assert bench.provider.lookup(ivorian, charge, bench.now()).result is Result.NOT_FOUND


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("is_nested", [True, False])
def test_tokens_end_and_answers_are_nested(bench: CinetPayBench, *, is_told: bool, is_nested: bool) -> None:
    bench.talk.set(tells_token_life=is_told, nests_data=is_nested, shows_amounts=True)
    charge, _ = started(bench, bench.charge())
    bench.talk.advance(4_000)  # the token ends there, and not here: the answer says so
    assert found(bench, charge).money == charge.money


def test_another_amount_is_reported(bench: CinetPayBench) -> None:
    bench.talk.set(shows_amounts=True)
    bench.talk.next("other_amount", amount=4_500)
    charge, _ = started(bench, bench.charge())
    bench.settle(charge)
    assert found(bench, charge).money == Money(4_500, "XOF")


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize("order", ["forged_token", "premature_callback", None])
def test_a_callback_is_a_hint_whatever_it_says(bench: CinetPayBench, order: str | None) -> None:
    if order:
        bench.talk.next(order)
    charge, _ = started(bench, bench.charge())
    bench.settle(charge)
    news = bench.provider.parse_callback(bench.account, received(bench), bench.now())
    assert news == [Hint(charge_id=charge.id)]


def test_a_callback_is_refused_without_the_tag_of_its_payment(bench: CinetPayBench) -> None:
    one, _ = started(bench, bench.charge())
    started(bench, bench.charge())
    bench.settle(one)
    first, second = received(bench, 0), received(bench, 1)
    tags = [None, "", second.tag, str(first.tag).upper(), f"{first.tag}0", "é" * 32]
    wrong = [(bench.account, replace(first, tag=tag)) for tag in tags]
    wrong.append((replace(bench.account, callback_key=b"another"), first))
    wrong.append((bench.account, replace(first, body=second.body)))
    for account, sent in wrong:
        with pytest.raises(CallbackRefused):
            bench.provider.parse_callback(account, sent, bench.now())


@pytest.mark.parametrize(
    "given", ['"\\ud800"', '"r46b2ic3dzghvhkvbjhw66zmc"', "null", "7", '["r46b2ic3dzghvhkvbjhw66zmce"]']
)
def test_a_callback_that_names_no_payment_of_ours_is_refused(bench: CinetPayBench, given: str) -> None:
    sent = CallbackRequest(
        method="POST",
        path="/callbacks/acc_test",
        authority="pay.example.com",
        headers=[],
        body=f'{{"merchant_transaction_id": {given}}}'.encode(),
        tag=bench.account.tag("r46b2ic3dzghvhkvbjhw66zmc"),
    )
    with pytest.raises(CallbackRefused):
        bench.provider.parse_callback(bench.account, sent, bench.now())


# ---------------------------------------------------------------- times


def test_it_is_asked_by_the_plan_of_the_card() -> None:
    times = CinetPay(Config()).capabilities.times
    assert (times.first_poll, times.longest_poll) == (timedelta(seconds=5), timedelta(hours=1))
    assert (times.forgets_after, times.settles_within) == (timedelta(minutes=30), timedelta(hours=24))
