"""Refunds at pawaPay: the request, and each row of its card's tables of statuses and codes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import Report
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.web import Answer, in_json
from tests.providers.bench_pawapay import PawaPayBench, charge_of
from tests.providers.pawapay_said import CHARGE_ID, HTML, ORDER, REFUND_ID, Said, reason, rejected
from tests.simulators.talking import Receiver, talk

F = FailureCode
NOT_FOUND = in_json({"status": "NOT_FOUND"})
REFUSED = {
    "NOT_FOUND": F.NOT_ALLOWED,
    "INVALID_STATE": F.NOT_ALLOWED,
    "AMOUNT_TOO_LARGE": F.NOT_ALLOWED,
    "DEPOSIT_ALREADY_REFUNDED": F.NOT_ALLOWED,
    "REFUND_IN_PROGRESS": F.DUPLICATE_IN_PROGRESS,
    "PAWAPAY_WALLET_OUT_OF_FUNDS": F.INSUFFICIENT_FUNDS,
    "PROVIDER_TEMPORARILY_UNAVAILABLE": F.PROVIDER_UNAVAILABLE,
}
FAILED = {
    "RECIPIENT_NOT_FOUND": F.PAYER_NOT_FOUND,
    "RECIPIENT_LIMIT_REACHED": F.PAYER_LIMIT,
    "WALLET_LIMIT_REACHED": F.WALLET_LIMIT,
    "MANUALLY_CANCELLED": F.CANCELED,
    "UNSPECIFIED_FAILURE": F.UNKNOWN,
    "NEWLY_INVENTED": F.UNKNOWN,
}


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def said() -> Iterator[Said]:
    """A pawaPay that says what a test wants."""
    with Said().listening() as said:
        yield said


@pytest.fixture
def bench(config: Config) -> Iterator[PawaPayBench]:
    """An account at the simulator."""
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        yield PawaPayBench(config, sim, receiver)


def _answered(status: str, **more: object) -> Answer:
    return in_json({"refundId": REFUND_ID, "status": status, "created": "2026-11-25T10:00:00Z", **more})


def _found(status: str, **more: object) -> Answer:
    data = {"refundId": REFUND_ID, "status": status, "amount": "400.00", "currency": "XOF", **more}
    return in_json({"status": "FOUND", "data": data})


def _is(outcome: Outcome, result: Result, failure: FailureCode | None = None) -> bool:
    return (outcome.result, outcome.failure) == (result, failure)


def test_the_request_names_the_refund_the_deposit_and_the_amount_with_its_currency(said: Said) -> None:
    said.refunds(_answered("ACCEPTED"))
    (asked,) = said.asked
    assert (asked.method, asked.target) == ("POST", "/v2/refunds")
    assert asked.json() == {"refundId": REFUND_ID, "depositId": CHARGE_ID, "amount": "400", "currency": "XOF"}


@pytest.mark.parametrize("status", ["ACCEPTED", "ENQUEUED", "PROCESSING", "IN_RECONCILIATION"])
def test_an_accepted_refund_is_waited_for(said: Said, status: str) -> None:
    assert _is(said.refunds(_answered(status)), Result.PROCESSING)
    assert _is(said.finds_refund(_found(status)), Result.PROCESSING)


@pytest.mark.parametrize("amount", ["400", "400.00", "400.0000"])
def test_a_completed_refund_has_its_money(said: Said, amount: str) -> None:
    assert said.finds_refund(_found("COMPLETED", amount=amount)).money == ORDER.money


@pytest.mark.parametrize(("code", "failure"), REFUSED.items())
def test_a_refusal_at_the_door_has_started_nothing(said: Said, code: str, failure: FailureCode) -> None:
    assert _is(said.refunds(_rejected(code)), Result.REFUSED, failure)


@pytest.mark.parametrize(("code", "failure"), FAILED.items())
def test_any_other_refusal_is_a_failure(said: Said, code: str, failure: FailureCode) -> None:
    assert _is(said.refunds(_rejected(code)), Result.FAILED, failure)


@pytest.mark.parametrize("status", ["FAILED", "REJECTED"])
@pytest.mark.parametrize(("code", "failure"), (REFUSED | FAILED).items())
def test_a_refund_that_failed_has_its_code_and_is_never_refused(
    said: Said, status: str, code: str, failure: FailureCode
) -> None:
    assert _is(said.finds_refund(_found(status, **reason(code))), Result.FAILED, failure)


@pytest.mark.parametrize("code", [*REFUSED, "RECIPIENT_NOT_FOUND"])
def test_the_words_of_version_1_are_read_too(said: Said, code: str) -> None:
    old = {"rejectionReason": {"rejectionCode": code, "rejectionMessage": "Why."}}
    assert said.refunds(_answered("REJECTED", **old)).raw_code == code
    assert said.finds_refund(_found("FAILED", **old)).raw_code == code


@pytest.mark.parametrize(
    ("code", "status", "failure"),
    [
        ("REFUNDS_NOT_ALLOWED", 403, F.NOT_ALLOWED),
        ("NO_AUTHENTICATION", 401, F.CONFIGURATION_ERROR),
        ("AUTHENTICATION_ERROR", 403, F.CONFIGURATION_ERROR),
        ("INVALID_PARAMETER", 400, F.CONFIGURATION_ERROR),
    ],
)
def test_what_the_account_may_not_is_refused(said: Said, code: str, status: int, failure: FailureCode) -> None:
    assert _is(said.refunds(rejected(code, status)), Result.REFUSED, failure)


def test_an_empty_balance_is_an_error_in_the_log(said: Said) -> None:
    code = "PAWAPAY_WALLET_OUT_OF_FUNDS"
    with capture_logs() as logged:
        said.refunds(_rejected(code))
        said.finds_refund(_found("FAILED", **reason(code)))
    assert [one["log_level"] for one in logged if one["event"] == "provider_balance_empty"] == ["error", "error"]


def test_a_refund_that_exists_is_looked_up(said: Said) -> None:
    duplicate = _answered("DUPLICATE_IGNORED")
    assert said.refunds(duplicate, lookup=_found("COMPLETED")).money == ORDER.money
    assert said.asked[-1].target == f"/v2/refunds/{REFUND_ID}"
    in_progress = _found("FAILED", **reason("REFUND_IN_PROGRESS"))
    assert _is(said.refunds(duplicate, lookup=in_progress), Result.FAILED, F.DUPLICATE_IN_PROGRESS)
    for nothing in (HTML, NOT_FOUND, Answer(500)):
        assert _is(said.refunds(duplicate, lookup=nothing), Result.UNKNOWN)


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        replace(HTML, status=403),
        Answer(500),
        Answer(429),
        _answered("SURPRISED"),
        _answered("COMPLETED"),
        in_json({"refundId": REFUND_ID, "status": ["ACCEPTED"]}),
        in_json({"refundId": CHARGE_ID, "status": "ACCEPTED"}),
        in_json({"status": "REJECTED", **reason("INVALID_STATE")}),
        replace(_answered("REJECTED", **reason("REFUND_IN_PROGRESS")), status=500),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:60]!r}",
)
def test_any_other_answer_says_nothing(said: Said, answer: Answer) -> None:
    assert _is(said.refunds(answer), Result.UNKNOWN)


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        Answer(500),
        _found("COMPLETED", refundId=CHARGE_ID),
        _found("COMPLETED", amount="400.5"),
        in_json({"status": "FOUND"}),
        rejected("NO_AUTHENTICATION", 401),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:60]!r}",
)
def test_a_look_up_that_says_nothing_of_this_refund_is_unknown(said: Said, answer: Answer) -> None:
    assert _is(said.finds_refund(answer), Result.UNKNOWN)


def test_a_refund_that_pawapay_never_saw_is_not_found(said: Said) -> None:
    assert _is(said.finds_refund(NOT_FOUND), Result.NOT_FOUND)


def test_a_status_that_nobody_knows_is_waited_for_and_logged(said: Said) -> None:
    with capture_logs() as logged:
        assert _is(said.finds_refund(_found("DREAMING")), Result.PROCESSING)
    assert [one["word"] for one in logged if one["event"] == "provider_word_unknown"] == ["DREAMING"]


def _rejected(code: str) -> Answer:
    return rejected(code, refundId=REFUND_ID)


# ---------------------------------------------------------------- at the simulator


def test_parts_are_returned_one_at_a_time_until_nothing_is_left(bench: PawaPayBench) -> None:
    charge, _ = bench.paid()
    first, second = (bench.refund_of(charge, amount) for amount in (2_000, 3_000))
    assert _is(bench.provider.refund(bench.account, first, bench.now()), Result.PROCESSING)
    both = bench.provider.refund(bench.account, second, bench.now())
    assert _is(both, Result.REFUSED, F.DUPLICATE_IN_PROGRESS)
    bench.settle_refunds()
    # Refused, so nothing was started: the same id is sent again.
    assert _is(bench.provider.refund(bench.account, second, bench.now()), Result.PROCESSING)
    bench.settle_refunds()
    assert [bench.returned(one.id) for one in (first, second)] == [2_000, 3_000]
    third = bench.refund_of(charge, 1)
    assert _is(bench.provider.refund(bench.account, third, bench.now()), Result.REFUSED, F.NOT_ALLOWED)


def test_a_part_in_dollars_is_exact(bench: PawaPayBench) -> None:
    charge = charge_of("airtel_cd", "AIRTEL_COD", Money(2_050, "USD"))
    bench.provider.charge(bench.account, charge, bench.now())
    bench.settle(charge)
    order = replace(bench.refund_of(charge), money=Money(1_005, "USD"))
    bench.provider.refund(bench.account, order, bench.now())
    bench.settle_refunds()
    assert bench.provider.lookup_refund(bench.account, order, bench.now()).money == Money(1_005, "USD")


def test_a_refunds_callback_is_a_report_about_it(bench: PawaPayBench) -> None:
    charge, _ = bench.paid()
    order = bench.refund_of(charge, 2_000)
    bench.provider.refund(bench.account, order, bench.now())
    bench.settle_refunds()
    (report,) = bench.provider.parse_callback(bench.account, bench.callback(bench.receiver.wait(2)[1]), bench.now())
    assert isinstance(report, Report)
    assert (report.refund_id, report.outcome.money) == (order.id, Money(2_000, "XOF"))


def test_a_new_try_has_a_new_id(bench: PawaPayBench) -> None:
    charge, _ = bench.paid()
    bench.talk.next("fail", code="WALLET_LIMIT_REACHED", on="refund")
    order = bench.refund_of(charge)
    bench.provider.refund(bench.account, order, bench.now())
    bench.settle_refunds()
    failed = bench.provider.lookup_refund(bench.account, order, bench.now())
    assert _is(failed, Result.FAILED, F.WALLET_LIMIT)
    again = replace(order, id=ids.new_attempt())
    bench.provider.refund(bench.account, again, bench.now())
    bench.settle_refunds()
    assert bench.provider.lookup_refund(bench.account, again, bench.now()).money == charge.money
