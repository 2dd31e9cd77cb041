"""What CinetPay's answers mean, form by form: card 2.3 to 2.5."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from ikawaari.money import Money
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Result
from ikawaari.simulators.web import Answer, in_json
from tests.providers.cinetpay_said import (
    CHARGE_ID,
    HTML,
    NOW,
    Scripted,
    account_of,
    charge_of,
    ended,
    of,
    started,
    waits,
)
from tests.simulators.cinetpay_account import ID

PAGE_URL = "https://secure.cinetpay.net/checkout/ptk_made_up"
FAILURES = {
    2003: ("EXPIRED", FailureCode.EXPIRED),
    2004: ("OTP_ERROR", FailureCode.OTP_INVALID),
    2005: ("INSUFFICIENT_BALANCE", FailureCode.INSUFFICIENT_FUNDS),
    2006: ("USER_NOT_FOUND", FailureCode.PAYER_NOT_FOUND),
    2007: ("USER_IS_BLOCKED", FailureCode.PAYER_BLOCKED),
    2008: ("OTP_EXPIRED", FailureCode.OTP_EXPIRED),
    2010: ("FAILED", FailureCode.UNKNOWN),
    2011: ("NOT_ALLOWED", FailureCode.NOT_ALLOWED),
}
NOTHING_USABLE = [
    of(-1, "OPERATION_ERROR", 400),
    of(-1, "OPERATION_ERROR"),
    of(None, "OPERATION_ERROR"),
    of(100, "SUCCESS", 500),
    of(1004, "INVALID_PARAMS", 503),
    of(2010, "FAILED", 429),
    of(None, None, 403),
    of(1004, "INVALID_PARAMS", 200, data={"code": -1}),
    HTML,
    in_json([]),
    in_json({}),
    Answer(200, b'{"code": 1', "application/json"),
]


# ---------------------------------------------------------------- the answer to a create


def test_a_push_shows_its_prompt(said: Scripted) -> None:
    outcome = said.creates(started())
    assert waits(outcome) == (Result.REQUIRES_ACTION, Action(kind=ActionKind.USSD))
    assert (outcome.reference, outcome.raw_code) == ("CP0001", "2002 PENDING")
    assert outcome.deadline == NOW + timedelta(minutes=15)


def test_the_answer_may_lead_to_the_page_although_the_wallet_was_to_be_asked(said: Scripted) -> None:
    outcome = said.creates(started(2001, "INITIATED", redirected=True, payment_url=PAGE_URL))
    assert waits(outcome) == (Result.REQUIRES_ACTION, Action(kind=ActionKind.REDIRECT, url=PAGE_URL))
    assert outcome.deadline == NOW + timedelta(minutes=30)


@pytest.mark.parametrize("answer", [started(2001, "INITIATED", redirected=True), started(9999, "WHO_KNOWS")])
def test_who_has_nowhere_to_go_waits(said: Scripted, answer: Answer) -> None:
    assert waits(said.creates(answer)) == (Result.PROCESSING, None)


def test_a_success_at_once_is_one(said: Scripted) -> None:
    outcome = said.creates(started(100, "SUCCESS"))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, Money(1_000, "XOF"))


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("is_inside", [True, False], ids=["details", "top"])
def test_a_failure_at_once_is_one(said: Scripted, code: int, *, is_inside: bool) -> None:
    word, failure = FAILURES[code]
    answer = started(code, word) if is_inside else of(code, word, 400, merchant_transaction_id=None)
    result = Result.REFUSED if code == 2011 else Result.FAILED
    outcome = said.creates(answer)
    assert ended(outcome) == (result, failure)
    assert outcome.raw_code == f"{code} {word}"


@pytest.mark.parametrize(
    ("description", "failure"),
    [
        ("client_phone_number must begin with +221", FailureCode.INVALID_PHONE),
        ("Amount must be a multiple of 5", FailureCode.INVALID_AMOUNT),
        ("notify_url is required", FailureCode.CONFIGURATION_ERROR),
    ],
)
@pytest.mark.parametrize("form", [{"code": 1004}, {"status": "INVALID_PARAMS"}, {}], ids=str)
def test_what_is_wrong_with_a_request_is_read_from_its_words(
    said: Scripted, form: dict[str, object], description: str, failure: FailureCode
) -> None:
    for words in ({"description": description}, {"message": [description]}):
        assert ended(said.creates(in_json({**form, **words}, 422))) == (Result.REFUSED, failure)


@pytest.mark.parametrize("answer", [*NOTHING_USABLE, of(404, "NOT_FOUND", 404)], ids=str)
def test_an_answer_that_says_nothing_of_a_create_is_unknown(said: Scripted, answer: Answer) -> None:
    assert said.creates(answer).result is Result.UNKNOWN
    assert said.kinds() == ["login", "create"]


@pytest.mark.parametrize("sent_id", ["aaaaaaaaaaaaaaaaaaaaaaaaaa", None, 7, ID.upper()])
@pytest.mark.parametrize("code", [2002, 100, 9999])
def test_an_answer_about_another_payment_is_unknown(said: Scripted, sent_id: object, code: int) -> None:
    assert said.creates(started(code, merchant_transaction_id=sent_id)).result is Result.UNKNOWN
    assert said.finds(of(code, merchant_transaction_id=sent_id)).result is Result.UNKNOWN


@pytest.mark.parametrize("code", [1004, 1005, 2003, 2005, 2010, 2011])
def test_a_refusal_or_failure_of_another_payment_is_unknown(said: Scripted, code: int) -> None:
    other = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
    assert said.creates(of(code, merchant_transaction_id=other)).result is Result.UNKNOWN
    assert said.creates(started(code, merchant_transaction_id=other)).result is Result.UNKNOWN
    assert said.creates(of(code)).result in {Result.FAILED, Result.REFUSED}


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (of(2002, "PENDING"), Result.PROCESSING),
        (of(100, "SUCCESS"), Result.SUCCEEDED),
        (of(2011, "NOT_ALLOWED"), Result.FAILED),
        (of(404, "NOT_FOUND", 404), Result.UNKNOWN),
        (of(-1, "OPERATION_ERROR", 400), Result.UNKNOWN),
        (of(1003, "EXPIRED_TOKEN", 401), Result.UNKNOWN),
        (HTML, Result.UNKNOWN),
    ],
)
def test_an_id_that_exists_is_looked_up_and_never_refused(said: Scripted, found: Answer, result: Result) -> None:
    said.answers["lookup"] = [found]
    assert said.creates(of(1200, "TRANSACTION_EXIST", 409)).result is result


# ---------------------------------------------------------------- the status


@pytest.mark.parametrize("code", FAILURES)
def test_each_failure_has_its_code_and_is_no_refusal(said: Scripted, code: int) -> None:
    word, failure = FAILURES[code]
    for answer in (of(code, word), of(str(code)), of(None, word), of(200, "OK", data={"code": code, "status": word})):
        outcome = said.finds(answer)
        assert ended(outcome) == (Result.FAILED, failure)
        assert (outcome.reference, outcome.raw_code) == ("CP0001", f"{code} {word}")


def test_the_code_is_read_before_the_word_and_before_the_http_status(said: Scripted) -> None:
    assert said.finds(of(2005, "SUCCESS")).result is Result.FAILED
    assert said.finds(of(100, "FAILED", 404)).result is Result.SUCCEEDED
    assert said.finds(of(200, "OK", 404, data={"code": 2002})).result is Result.PROCESSING
    assert said.finds(of(100, "SUCCESS", data={"transaction_id": "CP0001"})).result is Result.SUCCEEDED


@pytest.mark.parametrize("code", [2001, 2002])
def test_what_is_open_is_processing(said: Scripted, code: int) -> None:
    assert waits(said.finds(of(code))) == (Result.PROCESSING, None)


@pytest.mark.parametrize("answer", [of(2099), of(None, "ON_HOLD"), of(2099, "SUCCESS")], ids=["code", "word", "both"])
def test_a_status_that_is_not_in_the_card_is_processing_and_an_error_in_the_log(said: Scripted, answer: Answer) -> None:
    with capture_logs() as logged:
        assert said.finds(answer).result is Result.PROCESSING
    assert [entry["attempt"] for entry in logged if entry["log_level"] == "error"] == [CHARGE_ID]


@pytest.mark.parametrize(
    "answer", [*NOTHING_USABLE, of(200, "OK"), of(1005, "INVALID_CREDENTIALS"), of(None, None, 400)]
)
def test_an_answer_that_says_nothing_of_a_status_is_unknown(said: Scripted, answer: Answer) -> None:
    assert said.finds(answer).result is Result.UNKNOWN


@pytest.mark.parametrize("answer", [of(404, "NOT_FOUND", 404), of(404), of(None, "NOT_FOUND"), in_json({}, 404)])
def test_not_found_is_said_of_one_payment(said: Scripted, answer: Answer) -> None:
    assert said.finds(answer, of(100)).result is Result.NOT_FOUND
    assert said.finds(of(100)).result is Result.SUCCEEDED


def test_a_page_of_another_server_is_no_word_about_a_payment(said: Scripted) -> None:
    assert said.finds(replace(HTML, status=404)).result is Result.UNKNOWN


# ---------------------------------------------------------------- money


@pytest.mark.parametrize("more", [{}, {"amount": 1000}, {"amount": "1000.00", "currency": "XOF"}, {"amount": 1000.0}])
def test_a_success_is_of_what_was_asked_for_or_of_what_the_answer_says(said: Scripted, more: dict[str, object]) -> None:
    with capture_logs() as logged:
        assert said.finds(of(100, "SUCCESS", **more)).money == Money(1_000, "XOF")
    told = {entry["event"]: entry["log_level"] for entry in logged}
    assert ("cinetpay_amount_not_reported" in told) is (not more)
    assert "error" not in told.values()


@pytest.mark.parametrize("amount", [900, "900", 900.0])
def test_another_amount_is_said_as_it_was_taken(said: Scripted, amount: object) -> None:
    with capture_logs() as logged:
        assert said.finds(of(100, "SUCCESS", amount=amount, currency="XOF")).money == Money(900, "XOF")
    assert "error" in {entry["log_level"] for entry in logged}


@pytest.mark.parametrize(
    "more",
    [
        {"amount": 1000.5},
        {"amount": "1 000"},
        {"amount": {"value": 1000}},
        {"amount": True},
        {"currency": "XAX"},
        {"currency": "XAF"},
        {"currency": ["XOF"]},
        {"amount": 1000, "currency": 952},
    ],
    ids=str,
)
def test_an_amount_that_cannot_be_read_is_unknown(said: Scripted, more: dict[str, object]) -> None:
    with capture_logs() as logged:
        assert said.finds(of(100, "SUCCESS", **more)).result is Result.UNKNOWN
    assert "error" in {entry["log_level"] for entry in logged}


# ---------------------------------------------------------------- what the payer has to do, later


def test_the_page_stays_to_be_paid_until_its_payer_has_been_there(said: Scripted) -> None:
    outcome = said.creates(started(2001, "INITIATED", redirected=True, payment_url=PAGE_URL))
    known = charge_of(provider_data=outcome.provider_data)
    found = said.finds(of(2001), charge=known)
    assert (waits(found), found.deadline) == (waits(outcome), outcome.deadline)
    assert waits(said.finds(of(2002), charge=known)) == (Result.PROCESSING, None)
    said.answers["lookup"] = [of(2001)]
    late = said.provider.lookup(account_of(said), known, NOW + timedelta(minutes=30))
    assert waits(late) == (Result.PROCESSING, None)


def test_the_prompt_stays_shown_until_its_time_is_over(said: Scripted) -> None:
    known = charge_of(provider_data=said.creates(started()).provider_data)
    for code in (2001, 2002):
        assert waits(said.finds(of(code), charge=known)) == (Result.REQUIRES_ACTION, Action(kind=ActionKind.USSD))
    late = said.provider.lookup(account_of(said), known, NOW + timedelta(minutes=15))
    assert waits(late) == (Result.PROCESSING, None)
