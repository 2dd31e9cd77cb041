"""MTN's adapter at its simulator, where the promises to all do not look: both platforms, the sandbox, times."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import Hint
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.providers.values import Charge
from ikawaari.simulators.mtn import Mtn
from tests.providers.bench_mtn import MtnBench
from tests.simulators.talking import Receiver, talk


class SandboxBench(MtnBench):
    """An account at the sandbox, which pretends to be Cameroon."""

    livemode = False


Open = Callable[[str], MtnBench]


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def opened(config: Config) -> Iterator[Open]:
    """Opens a bench for a country, or for the sandbox."""
    with ExitStack() as stack:

        def open_(country: str) -> MtnBench:
            receiver = stack.enter_context(Receiver().listening())
            sim = stack.enter_context(talk(Mtn(receiver.url, country)))
            return (SandboxBench if country == "sandbox" else MtnBench)(config, sim, receiver)

        yield open_


@pytest.fixture
def cameroon(opened: Open) -> MtnBench:
    """An account in Cameroon."""
    return opened("CM")


def charged(bench: MtnBench, charge: Charge) -> Outcome:
    """Create it."""
    return bench.provider.charge(bench.account, charge, bench.now())


def looked_up(bench: MtnBench, charge: Charge) -> Outcome:
    """Look it up."""
    return bench.provider.lookup(bench.account, charge, bench.now())


@pytest.mark.parametrize(("country", "currency"), [("CM", "XAF"), ("CI", "XOF"), ("BJ", "XOF")])
@pytest.mark.parametrize("platform", ["old", "new"])
def test_each_country_on_each_platform(opened: Open, country: str, currency: str, platform: str) -> None:
    bench = opened(country)
    bench.talk.set(platform=platform)
    bench.account = replace(bench.account_at(bench.talk.base_url), country=country)
    charge = replace(bench.charge(), money=Money(5_000, currency))
    assert charged(bench, charge).result is Result.REQUIRES_ACTION
    bench.settle(charge)
    assert looked_up(bench, charge).money == charge.money
    order = bench.refund_of(charge, 2_000)
    assert bench.provider.refund(bench.account, order, bench.now()).result is Result.PROCESSING
    bench.settle_refunds()
    assert bench.provider.lookup_refund(bench.account, order, bench.now()).money == Money(2_000, currency)
    assert bench.returned(order.id) == 2_000
    assert bench.provider.check(bench.account, bench.now()).is_usable


def test_another_currency_than_the_country_s_is_refused(cameroon: MtnBench) -> None:
    for status in (500, 400):
        cameroon.talk.set(invalid_currency_status=status)
        outcome = charged(cameroon, replace(cameroon.charge(), money=Money(5_000, "XOF")))
        assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    assert cameroon.talk.charges() == []


@pytest.mark.parametrize(
    ("number", "failure"),
    [
        ("450", FailureCode.UNKNOWN),
        ("451", FailureCode.PAYER_DECLINED),
        ("452", FailureCode.PAYMENT_TIMEOUT),
        ("455", FailureCode.PAYER_NOT_FOUND),
        ("456", FailureCode.CONFIGURATION_ERROR),
        ("457", FailureCode.CONFIGURATION_ERROR),
        ("458", FailureCode.CONFIGURATION_ERROR),
        ("459", FailureCode.CONFIGURATION_ERROR),
        ("460", FailureCode.CONFIGURATION_ERROR),
        ("461", FailureCode.UNKNOWN),
        ("462", FailureCode.PROVIDER_UNAVAILABLE),
        ("463", FailureCode.PAYMENT_TIMEOUT),
        ("499", None),
    ],
)
def test_the_sandbox_and_its_numbers(opened: Open, number: str, failure: FailureCode | None) -> None:
    bench = opened("sandbox")
    charge = replace(bench.charge(), phone=f"+46733123{number}", money=Money(1_050, "EUR"))
    assert charged(bench, charge).result is Result.REQUIRES_ACTION
    outcome = looked_up(bench, charge)
    assert (outcome.result, outcome.failure) == (Result.FAILED if failure else Result.SUCCEEDED, failure)
    assert outcome.money == (None if failure else charge.money)
    assert bench.provider.parse_callback(
        bench.account, bench.callback(bench.receiver.wait(1)[0]), bench.now()
    ) == [Hint(charge_id=charge.id), Hint(refund_id=charge.id)]  # fmt: skip


def test_a_sandbox_payment_that_waits(opened: Open) -> None:
    bench = opened("sandbox")
    never, slow = (replace(bench.charge(), phone=f"+4673312345{n}", money=Money(100, "EUR")) for n in (3, 4))
    for charge in (never, slow):
        charged(bench, charge)
        assert looked_up(bench, charge).result is Result.REQUIRES_ACTION
    bench.talk.advance(30)
    assert looked_up(bench, never).result is Result.REQUIRES_ACTION
    assert looked_up(bench, slow).result is Result.SUCCEEDED


def test_a_payment_that_cannot_be_read_yet_is_not_lost(cameroon: MtnBench) -> None:
    cameroon.talk.next("unreadable")
    charge = cameroon.charge()
    assert charged(cameroon, charge).result is Result.REQUIRES_ACTION
    assert looked_up(cameroon, charge).result is Result.NOT_FOUND  # far from `forgets_after`: the domain waits
    assert charged(cameroon, charge).result is Result.UNKNOWN  # 409, and nothing to read
    cameroon.settle(charge)
    assert looked_up(cameroon, charge).result is Result.SUCCEEDED
    assert cameroon.started(charge.id) == 1


@pytest.mark.parametrize("exists", ["RESOURCE_ALREADY_EXIST", "RESOURCE_ALREADY_EXISTS"])
@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_forms_about_which_documents_disagree(cameroon: MtnBench, exists: str, as_text: bool, method: str) -> None:
    cameroon.talk.set(exists_code=exists, reason_as_string=as_text, callback_method=method, echo_decimals=2)
    charge, _ = cameroon.paid()
    assert charged(cameroon, charge).money == charge.money
    cameroon.order_decline()
    declined = cameroon.charge()
    charged(cameroon, declined)
    cameroon.settle(declined)
    assert looked_up(cameroon, declined).failure is FailureCode.INSUFFICIENT_FUNDS
    assert {request.method for request in cameroon.receiver.wait(2)} == {method}


def test_a_failure_may_be_corrected(cameroon: MtnBench) -> None:
    cameroon.talk.next("fail_then_succeed", code="EXPIRED", seconds=300)
    charge = cameroon.charge()
    charged(cameroon, charge)
    cameroon.settle(charge)
    assert looked_up(cameroon, charge).failure is FailureCode.PAYMENT_TIMEOUT
    cameroon.talk.advance(300)
    assert looked_up(cameroon, charge).money == charge.money


def test_a_forged_callback_is_only_a_question(cameroon: MtnBench) -> None:
    cameroon.talk.next("forged_callback")
    charge = cameroon.charge()
    charged(cameroon, charge)
    forged = cameroon.callback(cameroon.receiver.wait(1)[0])
    assert b"SUCCESSFUL" in forged.body
    news = cameroon.provider.parse_callback(cameroon.account, forged, cameroon.now())
    assert all(isinstance(one, Hint) for one in news)
    assert looked_up(cameroon, charge).result is Result.REQUIRES_ACTION


def test_what_the_payer_changed_is_what_is_reported(cameroon: MtnBench) -> None:
    cameroon.talk.next("other_amount", amount="4000")
    charge = cameroon.charge()
    charged(cameroon, charge)
    cameroon.settle(charge)
    assert looked_up(cameroon, charge).money == Money(4_000, "XAF")


@pytest.mark.parametrize(("status", "code"), [(500, "INTERNAL_PROCESSING_ERROR"), (503, "SERVICE_UNAVAILABLE")])
@pytest.mark.parametrize("accepted", [True, False])
def test_an_error_may_have_been_carried_out(cameroon: MtnBench, status: int, code: str, accepted: bool) -> None:
    cameroon.talk.next("refuse", status=status, code=code, accepted=accepted)
    charge = cameroon.charge()
    assert charged(cameroon, charge).result is Result.UNKNOWN
    cameroon.settle(charge)
    assert looked_up(cameroon, charge).result is (Result.SUCCEEDED if accepted else Result.NOT_FOUND)


def test_tokens_that_have_expired_there_are_renewed(cameroon: MtnBench) -> None:
    charge, _ = cameroon.paid()
    cameroon.talk.advance(3_601)  # MTN's clock alone: here the token still looks good
    assert looked_up(cameroon, charge).result is Result.SUCCEEDED
    assert charged(cameroon, cameroon.charge()).result is Result.REQUIRES_ACTION


def test_refunds_fail_where_the_product_is_not_enabled_or_nothing_is_left(cameroon: MtnBench) -> None:
    charge, _ = cameroon.paid()
    cameroon.talk.set(disbursements_enabled=False)
    outcome = cameroon.provider.refund(cameroon.account, cameroon.refund_of(charge), cameroon.now())
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.NOT_ALLOWED)
    cameroon.talk.set(disbursements_enabled=True)
    first, second = cameroon.refund_of(charge, 3_000), cameroon.refund_of(charge, 3_000)
    for order in (first, second):
        assert cameroon.provider.refund(cameroon.account, order, cameroon.now()).result is Result.PROCESSING
    cameroon.settle_refunds()
    ends = [cameroon.provider.lookup_refund(cameroon.account, one, cameroon.now()).result for one in (first, second)]
    assert ends == [Result.SUCCEEDED, Result.FAILED]
    assert cameroon.returned(first.id) == 3_000
    assert cameroon.returned(second.id) == 0


def test_the_callback_of_a_refund_names_it(cameroon: MtnBench) -> None:
    charge, _ = cameroon.paid()
    order = cameroon.refund_of(charge)
    cameroon.provider.refund(cameroon.account, order, cameroon.now())
    cameroon.settle_refunds()
    request = cameroon.callback(cameroon.receiver.wait(2)[1])
    assert Hint(refund_id=order.id) in cameroon.provider.parse_callback(cameroon.account, request, cameroon.now())


def test_a_callback_that_is_there_before_the_answer(cameroon: MtnBench) -> None:
    cameroon.talk.next("early_callback")
    charge = cameroon.charge()
    assert charged(cameroon, charge).result is Result.REQUIRES_ACTION
    cameroon.receiver.wait(1)
    assert looked_up(cameroon, charge).result is Result.SUCCEEDED


def test_a_prompt_that_nobody_answered_has_an_end(cameroon: MtnBench) -> None:
    cameroon.talk.next("fail", code="COULD_NOT_PERFORM_TRANSACTION", seconds=300)
    charge = cameroon.charge()
    charged(cameroon, charge)
    late = charge.submitted_at and charge.submitted_at + timedelta(seconds=330)
    assert late
    assert cameroon.provider.lookup(cameroon.account, charge, late).result is Result.PROCESSING
    cameroon.talk.advance(330)
    found = cameroon.provider.lookup(cameroon.account, charge, late)
    assert (found.result, found.failure) == (Result.FAILED, FailureCode.PAYMENT_TIMEOUT)
