"""Deposits at pawaPay: the request, and each row of its card's tables of answers, statuses and failure codes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.money import EXPONENTS, Money
from ikawaari.providers.outcomes import ActionKind, FailureCode, Outcome, Result
from ikawaari.providers.pawapay import operations
from ikawaari.providers.pawapay.wallets import WALLETS
from ikawaari.providers.values import Flow
from ikawaari.simulators.web import Answer, in_json
from tests.providers.bench_pawapay import charge_of
from tests.providers.pawapay_said import (
    CHARGE,
    CHARGE_ID,
    HTML,
    NOW,
    TOKEN,
    WAVE,
    Said,
    accepted,
    found,
    reason,
    rejected,
)

F = FailureCode
URL = "https://pay.wave.com/c/cos-1"
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})([.][0-9]{0,3}[1-9])?")
NOT_FOUND = in_json({"status": "NOT_FOUND"})
REFUSED = {
    "PROVIDER_TEMPORARILY_UNAVAILABLE": F.PROVIDER_UNAVAILABLE,
    "AMOUNT_OUT_OF_BOUNDS": F.INVALID_AMOUNT,
    "INVALID_AMOUNT": F.INVALID_AMOUNT,
    "INVALID_CURRENCY": F.CONFIGURATION_ERROR,
    "INVALID_PROVIDER": F.CONFIGURATION_ERROR,
}
BAD_REQUESTS = ["INVALID_INPUT", "MISSING_PARAMETER", "UNSUPPORTED_PARAMETER", "INVALID_PARAMETER"]
FORBIDDEN = ["AUTHENTICATION_ERROR", "AUTHORISATION_ERROR", "HTTP_SIGNATURE_ERROR"]
FAILED = {
    "PAYMENT_NOT_APPROVED": F.PAYER_DECLINED,
    "INSUFFICIENT_BALANCE": F.INSUFFICIENT_FUNDS,
    "PAYER_NOT_FOUND": F.PAYER_NOT_FOUND,
    "PAYER_LIMIT_REACHED": F.PAYER_LIMIT,
    "WALLET_LIMIT_REACHED": F.WALLET_LIMIT,
    "PAYMENT_IN_PROGRESS": F.DUPLICATE_IN_PROGRESS,
    "TRANSACTION_ALREADY_IN_PROCESS": F.DUPLICATE_IN_PROGRESS,
    "UNSPECIFIED_FAILURE": F.UNKNOWN,
    "UNKNOWN_ERROR": F.UNKNOWN,
    "INVALID_PHONE_NUMBER": F.INVALID_PHONE,
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


def _is(outcome: Outcome, result: Result, failure: FailureCode | None = None) -> bool:
    return (outcome.result, outcome.failure) == (result, failure)


# ---------------------------------------------------------------- the request


def test_the_request_is_the_one_of_the_card(said: Said) -> None:
    said.creates(accepted())
    (asked,) = said.asked
    assert (asked.method, asked.target) == ("POST", "/v2/deposits")
    assert asked.header("Authorization") == f"Bearer {TOKEN}"
    assert asked.header("Content-Type") == "application/json; charset=UTF-8"
    assert asked.json() == {
        "depositId": CHARGE_ID,
        "amount": "1000",
        "currency": "XOF",
        "payer": {"type": "MMO", "accountDetails": {"phoneNumber": "221773456789", "provider": "ORANGE_SEN"}},
        "customerMessage": "Boutique Awa",
        "clientReferenceId": "pi_test",
    }


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        *[(1, "XOF", "1"), (1_000, "XOF", "1000"), (999_999_999_999_999_999, "XOF", "999999999999999999")],
        *[
            (1_000, "USD", "10"),
            (1_050, "USD", "10.5"),
            (1_005, "USD", "10.05"),
            (5, "USD", "0.05"),
            (10, "USD", "0.1"),
        ],
        *[(100_000, "CDF", "1000"), (123_456_789, "CDF", "1234567.89")],
    ],
)
def test_an_amount_has_no_zeros_at_its_end(amount: int, currency: str, text: str) -> None:
    assert operations.amount_text(Money(amount, currency)) == text


@pytest.mark.parametrize("currency", ["XOF", "XAF", "CDF", "USD"])
def test_every_amount_has_the_form_that_pawapay_wants_and_is_exact(currency: str) -> None:
    for amount in (*range(1, 1_200), 10**6 - 1, 10**6, 10**17 + 10):
        text = operations.amount_text(Money(amount, currency))
        assert AMOUNT.fullmatch(text)
        assert Decimal(text) * 10 ** EXPONENTS[currency] == amount


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("Boutique Awa", "Boutique Awa"),
        ("Épicerie d'Aïssatou & fils", "Epicerie d Aissatou fi"),
        ("Les Délices de Cocody-2", "Les Delices de Cocody"),  # cut after 22, and no space at the end
        ("ABC", None),
        ("a-b", None),
        ("متجر", None),
        ("", None),
        ("Awa 2026", "Awa 2026"),
    ],
)
def test_the_payers_message_has_4_to_22_letters_digits_and_spaces_or_is_left_out(
    said: Said, statement: str, message: str | None
) -> None:
    said.creates(accepted(), charge=replace(CHARGE, statement=statement))
    assert said.asked[0].json().get("customerMessage") == message


def test_only_a_wallet_with_a_page_gets_addresses_and_only_orange_in_burkina_faso_a_code(said: Said) -> None:
    orange = charge_of("orange_bf", "ORANGE_BFA", Money(1_000, "XOF"), charge_id=CHARGE_ID, otp="123456")
    for charge in (WAVE, orange, replace(CHARGE, otp="123456")):
        said.creates(accepted(), charge=charge)
    wave, code, push = (request.json() for request in said.asked)
    assert wave["successfulUrl"] == wave["failedUrl"] == WAVE.return_url
    assert code["preAuthorisationCode"] == "123456"
    assert "preAuthorisationCode" not in wave | push
    assert "successfulUrl" not in code | push


@pytest.mark.parametrize("change", [{"operator": "orange_ml"}, {"operator": None}, {"phone": None}])
def test_what_pawapay_cannot_be_asked_for_is_refused_unasked(said: Said, change: dict[str, Any]) -> None:
    outcome = said.creates(accepted(), charge=replace(CHARGE, **change))
    assert _is(outcome, Result.REFUSED, F.CONFIGURATION_ERROR)
    assert said.asked == []


# ---------------------------------------------------------------- the answer to the create


def test_an_accepted_push_asks_for_approval_within_ten_minutes(said: Said) -> None:
    outcome = said.creates(accepted())
    assert outcome.result is Result.REQUIRES_ACTION
    assert outcome.action is not None
    assert (outcome.action.kind, outcome.deadline) == (ActionKind.USSD, NOW + timedelta(minutes=10))


def test_an_accepted_code_leaves_its_payer_nothing_to_do(said: Said) -> None:
    charge = charge_of("orange_bf", "ORANGE_BFA", Money(1_000, "XOF"), charge_id=CHARGE_ID, otp="123456")
    assert _is(said.creates(accepted(), charge=charge), Result.PROCESSING)


@pytest.mark.parametrize(("flow", "kind"), [(None, ActionKind.REDIRECT), (Flow.QR, ActionKind.QR)])
def test_the_address_of_a_wallets_page_may_come_at_once(said: Said, flow: Flow | None, kind: ActionKind) -> None:
    answer = accepted("REDIRECT_TO_AUTH_URL", authorizationUrl=URL)
    action = said.creates(answer, charge=replace(WAVE, flow=flow)).action
    assert action is not None
    assert (action.kind, action.url or action.data) == (kind, URL)


def test_the_address_of_a_wallets_page_usually_comes_with_a_look_up(said: Said) -> None:
    assert _is(said.creates(accepted("GET_AUTH_URL"), charge=WAVE), Result.PROCESSING)
    assert _is(said.finds(found("ACCEPTED", nextStep="GET_AUTH_URL"), WAVE), Result.PROCESSING)
    outcome = said.finds(found("PROCESSING", nextStep="REDIRECT_TO_AUTH_URL", authorizationUrl=URL), WAVE)
    assert outcome.result is Result.REQUIRES_ACTION
    assert outcome.action is not None
    assert outcome.action.url == URL
    assert len(said.asked) == 3  # nothing was asked but for each verb once: nobody slept in between


def test_look_ups_for_the_address_come_early_by_the_plan() -> None:
    early = {name: [poll.total_seconds() for poll in wallet.reach.early_polls] for name, wallet in WALLETS.items()}
    assert {name: polls for name, polls in early.items() if polls} == {
        "wave_sn": [1, 2, 3, 5],
        "wave_ci": [1, 2, 3, 5],
    }


@pytest.mark.parametrize(("code", "failure"), REFUSED.items())
def test_a_refusal_at_the_door_may_be_passed_on(said: Said, code: str, failure: FailureCode) -> None:
    assert _is(said.creates(rejected(code)), Result.REFUSED, failure)


@pytest.mark.parametrize(("code", "failure"), FAILED.items())
def test_a_refusal_that_is_about_the_payer_may_not(said: Said, code: str, failure: FailureCode) -> None:
    assert _is(said.creates(rejected(code)), Result.FAILED, failure)


@pytest.mark.parametrize(
    ("code", "status"),
    [*((code, 400) for code in [*BAD_REQUESTS, "DUPLICATE_METADATA_FIELD"]), *((code, 403) for code in FORBIDDEN)],
)
def test_a_bad_request_or_token_is_our_mistake_and_may_be_passed_on(said: Said, code: str, status: int) -> None:
    assert _is(said.creates(rejected(code, status)), Result.REFUSED, F.CONFIGURATION_ERROR)


def test_an_account_without_deposits_is_not_allowed_any(said: Said) -> None:
    assert _is(said.creates(rejected("DEPOSITS_NOT_ALLOWED", 403)), Result.REFUSED, F.NOT_ALLOWED)


@pytest.mark.parametrize("code", ["INVALID_PARAMETER", "MISSING_PARAMETER"])
def test_a_wrong_code_is_the_payers_and_ends_the_try(said: Said, code: str) -> None:
    message = "The request contains an invalid parameter: preAuthorisationCode."
    assert _is(said.creates(rejected(code, 400, message)), Result.FAILED, F.OTP_INVALID)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_any_other_object_with_such_a_status_is_a_refusal(said: Said, status: int) -> None:
    assert _is(said.creates(in_json({"message": "Unauthorized"}, status)), Result.REFUSED, F.CONFIGURATION_ERROR)


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        replace(HTML, status=403),
        replace(HTML, status=400),
        Answer(401),
        Answer(200, b'{"depositId": "8f3c'),
        Answer(200),
        in_json([]),
        in_json({}),
        in_json({"status": "ACCEPTED"}),
        in_json({"status": "REJECTED"}),
        in_json({"depositId": [CHARGE_ID], "status": "ACCEPTED"}),
        in_json({"depositId": CHARGE_ID}),
        in_json({"depositId": CHARGE_ID, "status": ["ACCEPTED"]}),
        in_json({"depositId": CHARGE_ID, "status": "SURPRISED"}),
        in_json({"depositId": CHARGE_ID, "status": "ACCEPTED"}, 201),
        in_json({"failureReason": {"failureCode": "UNKNOWN_ERROR"}}, 500),
        rejected("PROVIDER_TEMPORARILY_UNAVAILABLE", 500),
        rejected("PROVIDER_TEMPORARILY_UNAVAILABLE", 503),
        rejected("TOO_MANY_REQUESTS", 429),
        rejected("NOT_FOUND", 404),
        rejected("INVALID_AMOUNT", 302),
        rejected("INVALID_AMOUNT", depositId="11111111-1111-4111-8111-111111111111"),
        rejected("INVALID_INPUT", 400, depositId="11111111-1111-4111-8111-111111111111"),
        accepted(depositId="11111111-1111-4111-8111-111111111111"),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:60]!r}",
)
def test_any_other_answer_says_nothing(said: Said, answer: Answer) -> None:
    assert _is(said.creates(answer), Result.UNKNOWN)


def test_a_deposit_that_exists_is_looked_up(said: Said) -> None:
    duplicate = accepted(status="DUPLICATE_IGNORED")
    paid = said.creates(duplicate, lookup=found("COMPLETED"))
    assert (paid.result, paid.money) == (Result.SUCCEEDED, CHARGE.money)
    assert said.asked[-1].target == f"/v2/deposits/{CHARGE_ID}"
    refusing = said.creates(duplicate, lookup=found("FAILED", **reason("PROVIDER_TEMPORARILY_UNAVAILABLE")))
    assert _is(refusing, Result.FAILED, F.PROVIDER_UNAVAILABLE)
    for nothing in (HTML, NOT_FOUND, Answer(500), rejected("AUTHENTICATION_ERROR", 403)):
        assert _is(said.creates(duplicate, lookup=nothing), Result.UNKNOWN)


def test_a_next_step_that_nobody_knows_is_waited_for_and_logged(said: Said) -> None:
    with capture_logs() as logged:
        assert _is(said.creates(accepted("SING_A_SONG")), Result.PROCESSING)
    assert [one["word"] for one in logged if one["event"] == "provider_word_unknown"] == ["SING_A_SONG"]


# ---------------------------------------------------------------- look-ups


@pytest.mark.parametrize("amount", ["1000", "1000.00", "1000.0000", 1000])
def test_a_success_has_the_money_as_pawapay_says_it(said: Said, amount: object) -> None:
    outcome = said.finds(found("COMPLETED", amount=amount))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, Money(1_000, "XOF"))
    assert outcome.reference == "MP261125.1000.A00001"


@pytest.mark.parametrize(
    ("amount", "currency", "money"),
    [
        ("10.50", "USD", Money(1_050, "USD")),
        ("10.5000", "USD", Money(1_050, "USD")),
        ("1234567.89", "CDF", Money(123_456_789, "CDF")),
        ("999.00", "XOF", Money(999, "XOF")),
        ("1000.00", "XAF", Money(1_000, "XAF")),
    ],
)
def test_another_amount_or_currency_is_told_as_it_is(said: Said, amount: str, currency: str, money: Money) -> None:
    assert said.finds(found("COMPLETED", amount=amount, currency=currency)).money == money


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *[("1000.5", "XOF"), ("10.505", "USD"), ("", "XOF"), (None, "XOF"), ("-1", "XOF"), ("1e3", "XOF")],
        *[(1000.5, "XOF"), (True, "XOF"), ("1000", "xof"), ("1000", None), ("1000", "XXX"), ("1,000", "XOF")],
    ],
)
def test_an_amount_that_cannot_be_read_exactly_is_unknown_and_logged(
    said: Said, amount: object, currency: object
) -> None:
    with capture_logs() as logged:
        assert _is(said.finds(found("COMPLETED", amount=amount, currency=currency)), Result.UNKNOWN)
    assert [one["log_level"] for one in logged if one["event"] == "provider_amount_unreadable"] == ["error"]


@pytest.mark.parametrize(("code", "failure"), (FAILED | REFUSED).items())
def test_a_failure_has_its_code_and_is_never_refused(said: Said, code: str, failure: FailureCode) -> None:
    outcome = said.finds(found("FAILED", **reason(code)))
    assert _is(outcome, Result.FAILED, failure)
    # It says the same of a prompt that nobody answered.
    assert outcome.last_error == (F.PAYMENT_TIMEOUT if code == "PAYMENT_NOT_APPROVED" else None)
    assert (outcome.raw_code, outcome.reference) == (code, "MP261125.1000.A00001")


@pytest.mark.parametrize("more", [{}, {"failureReason": None}, {"failureReason": {"failureCode": 7}}, reason("NEW")])
def test_a_failure_without_a_code_that_we_know_is_logged(said: Said, more: dict[str, Any]) -> None:
    with capture_logs() as logged:
        assert _is(said.finds(found("FAILED", **more)), Result.FAILED, F.UNKNOWN)
    assert [one["log_level"] for one in logged if one["event"] == "provider_code_unknown"] == ["error"]


@pytest.mark.parametrize("status", ["ACCEPTED", "PROCESSING"])
def test_a_prompt_is_shown_for_ten_minutes(said: Said, status: str) -> None:
    shown = said.finds(found(status), now=NOW + timedelta(minutes=9))
    assert shown.action is not None
    assert (shown.action.kind, shown.deadline) == (ActionKind.USSD, NOW + timedelta(minutes=10))
    assert _is(said.finds(found(status), now=NOW + timedelta(minutes=10)), Result.PROCESSING)


@pytest.mark.parametrize("hours", [0, 3, 30])
def test_what_is_in_reconciliation_is_waited_for(said: Said, hours: int) -> None:
    outcome = said.finds(found("IN_RECONCILIATION"), now=NOW + timedelta(hours=hours))
    assert _is(outcome, Result.PROCESSING)
    assert outcome.action is None


def test_a_status_that_nobody_knows_is_waited_for_and_logged(said: Said) -> None:
    with capture_logs() as logged:
        assert _is(said.finds(found("DREAMING")), Result.PROCESSING)
    alarms = [(one["log_level"], one["word"]) for one in logged if one["event"] == "provider_word_unknown"]
    assert alarms == [("error", "DREAMING")]


def test_a_page_without_a_usable_address_is_waited_for(said: Said) -> None:
    for url in (None, "", 7, "https://pay.wave.com/\n"):
        answer = found("PROCESSING", nextStep="REDIRECT_TO_AUTH_URL", authorizationUrl=url)
        assert _is(said.finds(answer, WAVE), Result.PROCESSING)


def test_what_pawapay_never_saw_is_not_found_and_forgotten_after_a_quarter_of_an_hour(said: Said) -> None:
    assert _is(said.finds(NOT_FOUND), Result.NOT_FOUND)
    assert said.provider.capabilities.times.forgets_after == timedelta(minutes=15)


@pytest.mark.parametrize(
    "answer",
    [
        found("COMPLETED", depositId="11111111-1111-4111-8111-111111111111"),
        found("FAILED", depositId=None, **reason("INSUFFICIENT_BALANCE")),
        found("COMPLETED", depositId=CHARGE_ID.upper()),
        in_json({"status": "FOUND"}),
        in_json({"status": "FOUND", "data": []}),
        in_json({"status": "FOUND", "data": [{"depositId": CHARGE_ID, "status": "COMPLETED"}]}),
        in_json({"status": ["NOT_FOUND"]}),
        replace(found("COMPLETED"), status=203),
        replace(NOT_FOUND, status=404),
        replace(NOT_FOUND, status=500),
        rejected("NO_AUTHENTICATION", 401),
        rejected("AUTHENTICATION_ERROR", 403),
        HTML,
        Answer(429),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:60]!r}",
)
def test_a_look_up_that_says_nothing_of_this_deposit_is_unknown(said: Said, answer: Answer) -> None:
    assert _is(said.finds(answer), Result.UNKNOWN)
