"""What MTN says of a payment or a refund, by a look-up or a callback, and what an operator is told of the settings."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from socket import create_server
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Reach, Refunds, Renewals
from ikawaari.providers.mtn.codes import FAILURES
from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.providers.values import Flow
from ikawaari.shapes import JsonValue
from ikawaari.simulators.web import Answer, in_json
from tests.providers.mtn_said import CHARGE, CREDENTIALS, HTML, ID, NOW, REFUNDING, Said, error, said, shown

# As the card has them, line by line.
REASONS = {
    FailureCode.PAYER_DECLINED: "APPROVAL_REJECTED PAYMENT_NOT_APPROVED",
    FailureCode.PAYMENT_TIMEOUT: "EXPIRED COULD_NOT_PERFORM_TRANSACTION",
    FailureCode.CANCELED: "TRANSACTION_CANCELED",
    FailureCode.INSUFFICIENT_FUNDS: "NOT_ENOUGH_FUNDS LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED",
    FailureCode.UNKNOWN: "INTERNAL_PROCESSING_ERROR SOMETHING_NEW",
    FailureCode.PAYER_NOT_FOUND: "PAYER_NOT_FOUND",
    FailureCode.PAYER_LIMIT: "PAYER_LIMIT_REACHED",
    FailureCode.PAYER_BLOCKED: "SENDER_ACCOUNT_NOT_ACTIVE",
    FailureCode.CONFIGURATION_ERROR: "PAYEE_LIMIT_REACHED PAYEE_NOT_FOUND PAYEE_NOT_ALLOWED_TO_RECEIVE NOT_ALLOWED "
    "NOT_ALLOWED_TARGET_ENVIRONMENT INVALID_CALLBACK_URL_HOST INVALID_CURRENCY VALIDATION_ERROR TRANSACTION_NOT_FOUND",
    FailureCode.PROVIDER_UNAVAILABLE: "SERVICE_UNAVAILABLE",
}
ROWS = [(reason, failure) for failure, line in REASONS.items() for reason in line.split()]


@pytest.fixture
def mtn() -> Iterator[Said]:
    """An MTN that says what a test writes down."""
    with said() as made:
        yield made


# ---------------------------------------------------------------- statuses


def test_a_reason_that_says_nothing_is_often_an_empty_wallet(mtn: Said) -> None:
    said = {reason: mtn.says(lookup=shown(status="FAILED", reason=reason)).lookup().last_error for reason, _ in ROWS}
    assert {reason: often for reason, often in said.items() if often} == {
        "INTERNAL_PROCESSING_ERROR": FailureCode.INSUFFICIENT_FUNDS
    }


@pytest.mark.parametrize("status", ["CREATED", "PENDING"])
def test_a_payment_that_waits_shows_its_prompt_until_its_end(mtn: Said, status: str) -> None:
    mtn.says(lookup=shown(status=status))
    waiting, ended = mtn.lookup(now=NOW + timedelta(seconds=299)), mtn.lookup(now=NOW + timedelta(seconds=300))
    assert (waiting.result, waiting.deadline) == (Result.REQUIRES_ACTION, NOW + timedelta(minutes=5))
    assert (ended.result, ended.action, ended.raw_code) == (Result.PROCESSING, None, status)
    assert mtn.lookup_refund().result is Result.PROCESSING


def test_what_is_about_another_transaction_says_nothing_and_is_logged(mtn: Said) -> None:
    mtn.says(lookup=shown(status="SUCCESSFUL", externalId="7f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"))
    with capture_logs() as logged:
        assert [mtn.lookup().result, mtn.lookup_refund().result] == [Result.UNKNOWN] * 2
    assert [one["event"] for one in logged if one["log_level"] == "error"] == ["provider_answered_about_another"] * 2
    assert mtn.says(lookup=shown(status="SUCCESSFUL", externalId=None)).lookup().result is Result.SUCCEEDED


@pytest.mark.parametrize("amount", ["1000", "1000.00", "1000.0000", 1000])
def test_a_success_says_exactly_what_was_taken(mtn: Said, amount: object) -> None:
    outcome = mtn.says(lookup=shown(status="SUCCESSFUL", amount=amount, financialTransactionId="23503452")).lookup()
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, Money(1_000, "XAF"))
    assert outcome.reference == "23503452"
    assert mtn.lookup_refund().money == Money(1_000, "XAF")


@pytest.mark.parametrize("more", [{}, {"financialTransactionId": 23503452}, {"financialTransactionId": None}])
def test_a_success_may_have_a_number_or_nothing_as_its_reference(mtn: Said, more: dict[str, Any]) -> None:
    outcome = mtn.says(lookup=shown(status="SUCCESSFUL", **more)).lookup()
    assert outcome.result is Result.SUCCEEDED
    assert outcome.reference == ("23503452" if more.get("financialTransactionId") else None)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"amount": amount} for amount in ("1000.50", 1000.5, None, "1,000", True, "-1", ["1000"])),
        *({"currency": currency} for currency in (None, "FCFA")),
    ],
)
def test_an_amount_that_cannot_be_read_is_unknown(mtn: Said, wrong: dict[str, Any]) -> None:
    assert mtn.says(lookup=shown(status="SUCCESSFUL", **wrong)).lookup().result is Result.UNKNOWN


@pytest.mark.parametrize("status", ["FAILED", "REJECTED", "TIMEOUT"])
@pytest.mark.parametrize(("reason", "failure"), ROWS)
def test_a_reason_has_its_failure_whether_it_is_a_text_or_an_object(
    mtn: Said, status: str, reason: str, failure: FailureCode
) -> None:
    for written in (reason, {"code": reason, "message": "Some words."}):
        mtn.says(lookup=shown(status=status, reason=written))
        for outcome in (mtn.lookup(), mtn.lookup_refund()):
            assert (outcome.result, outcome.failure, outcome.raw_code) == (Result.FAILED, failure, reason)


@pytest.mark.parametrize("reason", [{}, {"reason": None}, {"reason": {}}, {"reason": {"code": 7}}, {"reason": []}])
def test_a_failure_without_a_reason_is_one_all_the_same(mtn: Said, reason: dict[str, Any]) -> None:
    ends = {"FAILED": FailureCode.UNKNOWN, "REJECTED": FailureCode.UNKNOWN, "TIMEOUT": FailureCode.PAYMENT_TIMEOUT}
    for status, failure in ends.items():
        outcome = mtn.says(lookup=shown(status=status, **reason)).lookup()
        assert (outcome.result, outcome.failure, outcome.raw_code) == (Result.FAILED, failure, status)


def test_the_table_of_reasons_has_nothing_that_the_card_has_not() -> None:
    assert set(FAILURES) == {reason for reason, failure in ROWS if failure is not FailureCode.UNKNOWN} | {"TIMEOUT"}


def test_a_status_that_is_not_known_is_no_end_and_an_error_in_the_log(mtn: Said) -> None:
    with capture_logs() as lines:
        outcome = mtn.says(lookup=shown(status="ONGOING", reason="NOT_ALLOWED")).lookup()
    assert (outcome.result, outcome.raw_code) == (Result.PROCESSING, "ONGOING")
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert (line["event"], line["status"]) == ("provider_status_unknown", "ONGOING")


def test_only_its_own_word_says_that_it_was_never_seen(mtn: Said) -> None:
    mtn.says(lookup=error(404, "RESOURCE_NOT_FOUND"))
    assert mtn.lookup().result is Result.NOT_FOUND
    assert mtn.lookup_refund().result is Result.NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        in_json({"statusCode": 404, "message": "Resource not found"}, 404),  # of the gateway: a wrong address
        Answer(404),
        Answer(404, HTML, "text/html"),
        error(400, "RESOURCE_NOT_FOUND"),
        error(403, "FORBIDDEN"),
        error(500, "NOT_ALLOWED"),
        error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        error(503, "SERVICE_UNAVAILABLE"),
        Answer(429),
        Answer(202),
        Answer(200, HTML, "text/html"),
        in_json([]),
        in_json({"status": None}),
        in_json({"status": {"code": "SUCCESSFUL"}}),
        in_json({"status": "SUCCESSFUL"}, 500),
        in_json({"status": "FAILED"}, 404),
    ],
)
def test_any_other_answer_to_a_look_up_is_unknown(mtn: Said, answer: Answer) -> None:
    mtn.says(lookup=answer)
    assert mtn.lookup().result is Result.UNKNOWN
    assert mtn.lookup_refund().result is Result.UNKNOWN


# ---------------------------------------------------------------- callbacks


def callback(mtn: Said, *, tag: str | None, method: str = "PUT", **changes: Any) -> CallbackRequest:
    """What MTN sends, unsigned."""
    body = {**json.loads(shown(status="SUCCESSFUL", externalId=ID).body), **changes}
    return CallbackRequest(
        method=method,
        path="/callbacks/acc_1",
        authority="pay.example.com",
        headers=[],
        body=json.dumps(body).encode(),
        tag=tag,
    )


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("is_tagged", [True, False])
def test_a_callback_makes_us_ask_and_nothing_more(mtn: Said, method: str, is_tagged: bool) -> None:
    request = callback(mtn, tag=mtn.account.tag(ID) if is_tagged else None, method=method)
    news = mtn.provider.parse_callback(mtn.account, request, NOW)
    assert news == [Hint(charge_id=ID), Hint(refund_id=ID)]
    assert not mtn.asked


@pytest.mark.parametrize(
    "external_id",
    [None, 7, "", "re_0001", "x" * 36, ID.upper(), ID.replace("-", ""), f"{ID} ", ID.replace("-4c", "-1c")],
)
def test_a_callback_about_nothing_of_ours_is_refused(mtn: Said, external_id: object) -> None:
    with pytest.raises(CallbackRefused):
        mtn.provider.parse_callback(mtn.account, callback(mtn, tag=None, externalId=external_id), NOW)


def test_a_callback_for_another_charge_than_its_address_is_refused(mtn: Said) -> None:
    for tag in ("0" * 32, "", mtn.account.tag("another")):
        with pytest.raises(CallbackRefused):
            mtn.provider.parse_callback(mtn.account, callback(mtn, tag=tag), NOW)


# ---------------------------------------------------------------- whom an account reaches


def reach(mtn: Said, operator: str, **settings: JsonValue) -> Reach | None:
    """What the account can do for that operator."""
    mtn.set(**settings)
    return mtn.provider.reach(mtn.account, operator)


@pytest.mark.parametrize(
    ("environment", "country", "operator", "currency"),
    [
        ("mtncameroon", "CM", "mtn_cm", "XAF"),
        ("mtnivorycoast", "CI", "mtn_ci", "XOF"),
        ("mtnbenin", "BJ", "mtn_bj", "XOF"),
    ],
)
def test_an_account_reaches_the_operator_of_its_environment(
    mtn: Said, environment: str, country: str, operator: str, currency: str
) -> None:
    mtn.account = replace(mtn.account, country=country)
    found = reach(mtn, operator, target_environment=environment)
    assert found is not None
    assert found.currencies == {currency}
    assert found.flows == (Flow.USSD_PUSH,)
    assert found.renewals is Renewals.PROMPT
    others = {"mtn_cm", "mtn_ci", "mtn_bj", "mtn_gn", "mtn_cd", "orange_cm"} - {operator}
    for country_of in (country, None):
        mtn.account = replace(mtn.account, country=country_of)
        assert [one for one in sorted(others) if reach(mtn, one)] == []
    assert mtn.provider.reach(mtn.account, None) is None


def test_an_environment_of_another_country_reaches_nobody(mtn: Said) -> None:
    assert reach(mtn, "mtn_cm", target_environment="mtnbenin") is None
    assert reach(mtn, "mtn_bj") is None
    assert reach(mtn, "mtn_cm", target_environment="mtnghana") is None


def test_the_sandbox_is_paid_in_euros(mtn: Said) -> None:
    found = reach(mtn, "mtn_cm", target_environment="sandbox")
    assert found is not None
    assert found.currencies == {"EUR"}
    assert reach(mtn, "mtn_ci") is None  # the account is one for CM


def test_an_account_refunds_if_it_has_credentials_for_that(mtn: Said) -> None:
    without = reach(mtn, "mtn_cm")
    with_them = reach(mtn, "mtn_cm", disbursement=REFUNDING)
    assert without is not None
    assert with_them is not None
    assert (without.refunds, with_them.refunds) == (Refunds.NONE, Refunds.PARTIAL)


# ---------------------------------------------------------------- checkups

MISSING = error(404, "RESOURCE_NOT_FOUND")
COLLECTION = "MTN's product collection"


def words(mtn: Said, **answers: Answer | list[Answer]) -> str:
    """What a check-up says."""
    return mtn.says(**answers).provider.check(mtn.account, NOW).words


def test_a_checkup_asks_each_product_for_what_does_not_exist(mtn: Said) -> None:
    mtn.says(lookup=MISSING)
    assert words(mtn) == (
        "MTN accepts the credentials for mtncameroon; without settings for disbursement nothing can be refunded."
    )
    mtn.set(disbursement=REFUNDING)
    assert words(mtn) == "MTN accepts the credentials for mtncameroon; refunds are possible."
    assert len({request.path for request in mtn.asked["lookup"]}) == len(mtn.asked["lookup"]) == 3
    assert not mtn.asked["create"]


NO_KEY = in_json({"statusCode": 401, "message": "Access denied due to invalid subscription key."}, 401)


@pytest.mark.parametrize(
    ("login", "said_of_it"),
    [
        (NO_KEY, "does not accept the subscription_key."),
        (error(401, "UNAUTHORIZED"), "does not accept api_user with api_key."),
        (
            Answer(403, HTML),
            "refuses this server: ask MTN to allow its IP address, and compare platform (old or new).",
        ),
        (error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"), "does not let this api_user into the target_environment."),
        (Answer(404), "answers HTTP 404: compare base_url, and try again later."),
        (MISSING, "answers HTTP 404 RESOURCE_NOT_FOUND: compare base_url, and try again later."),
        (error(503, "AWAY"), "answers HTTP 503 AWAY: compare base_url, and try again later."),
    ],
)
def test_a_checkup_says_what_is_wrong_in_words(mtn: Said, login: Answer, said_of_it: str) -> None:
    assert words(mtn, login=login) == f"{COLLECTION} {said_of_it}"
    assert not mtn.provider.check(mtn.account, NOW).is_usable


@pytest.mark.parametrize(
    "answer", [error(401, "UNAUTHORIZED"), error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"), Answer(404)]
)
def test_a_good_log_in_alone_is_not_enough(mtn: Said, answer: Answer) -> None:
    mtn.says(lookup=answer)
    assert not mtn.provider.check(mtn.account, NOW).is_usable


def test_a_checkup_names_the_product_that_is_wrong(mtn: Said) -> None:
    mtn.set(disbursement=REFUNDING)
    said_of_it = words(mtn, lookup=[MISSING, error(401, "UNAUTHORIZED")])
    assert said_of_it == "MTN's product disbursement does not accept api_user with api_key."


def test_a_checkup_says_that_nobody_answers(mtn: Said) -> None:
    with create_server(("127.0.0.1", 0)) as listener:
        mtn.set(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    expected = f"{COLLECTION} does not answer (NewConnectionError): compare base_url, and try again later."
    assert words(mtn) == expected


@pytest.mark.parametrize(
    ("environment", "country", "livemode", "said_of_it"),
    [
        ("sandbox", "CM", True, "target_environment sandbox is not for an account of mode live."),
        ("mtncameroon", "CM", False, "target_environment mtncameroon is not for an account of mode test."),
        ("mtnbenin", "CM", True, "target_environment mtnbenin is that of BJ, and the account is for CM."),
    ],
)
def test_a_checkup_finds_contradictions_without_asking(
    mtn: Said, environment: str, country: str, livemode: bool, said_of_it: str
) -> None:
    mtn.set(target_environment=environment)
    mtn.account = replace(mtn.account, country=country, livemode=livemode)
    assert words(mtn) == said_of_it
    assert not mtn.asked


def test_no_secret_is_in_the_words(mtn: Said) -> None:
    mtn.set(disbursement=REFUNDING)
    told = words(mtn, lookup=error(401, "UNAUTHORIZED")) + repr(mtn.account) + repr(mtn.lookup(CHARGE))
    secrets = (CREDENTIALS["api_key"], CREDENTIALS["subscription_key"], REFUNDING["subscription_key"])
    assert [one for one in secrets if one in told] == []
