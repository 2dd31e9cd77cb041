"""What MTN is sent, with which token, and what its answer to a create means: the rows of its card."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from ikawaari.money import Money
from ikawaari.providers.mtn import Mtn
from ikawaari.providers.outcomes import ActionKind, FailureCode, Result
from ikawaari.providers.values import Account
from ikawaari.simulators.web import Answer, Request, in_json
from tests.providers.mtn_said import CHARGE, HTML, ID, NOW, ORDER, REFUND_ID, Said, error, said, shown

CONFIGURATION, AWAY = FailureCode.CONFIGURATION_ERROR, FailureCode.PROVIDER_UNAVAILABLE


@pytest.fixture
def mtn() -> Iterator[Said]:
    """An MTN that takes everything unless it says otherwise."""
    with said() as made:
        yield made


def sent(request: Request) -> dict[str, str]:
    """The headers, but those of every HTTP client."""
    plain = {"host", "accept", "content-length", "user-agent", "connection", "accept-encoding"}
    return {name: value for name, value in request.headers.items() if name.lower() not in plain}


# ---------------------------------------------------------------- the wire


def test_a_log_in_has_no_body_and_says_who_and_where(mtn: Said) -> None:
    mtn.charge()
    (request,) = mtn.asked["login"]
    assert (request.method, request.target, request.body) == ("POST", "/collection/token/", b"")
    assert request.header("Content-Length") == "0"
    assert sent(request) == {
        "Authorization": "Basic MTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1"
        "OjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm",
        "Ocp-Apim-Subscription-Key": "made-up",
        "X-Target-Environment": "mtncameroon",
    }


def test_a_payment_is_sent_as_documented(mtn: Said) -> None:
    outcome = mtn.charge()
    (request,) = mtn.asked["create"]
    assert (request.method, request.target) == ("POST", "/collection/v1_0/requesttopay")
    assert sent(request) == {
        "Authorization": "Bearer token1",
        "Ocp-Apim-Subscription-Key": "made-up",
        "X-Target-Environment": "mtncameroon",
        "X-Reference-Id": ID,
        "X-Callback-Url": mtn.account.tagged_url(ID),
        "Content-Type": "application/json",
    }
    assert json.loads(request.body) == {
        "amount": "1000",
        "currency": "XAF",
        "externalId": ID,
        "payer": {"partyIdType": "MSISDN", "partyId": "237670123456"},
        "payerMessage": "Boutique Awa",
        "payeeNote": "Boutique Awa",
    }
    assert "python-requests" not in str(request.header("User-Agent"))
    assert (outcome.result, outcome.deadline) == (Result.REQUIRES_ACTION, NOW + timedelta(minutes=5))
    assert outcome.action
    assert outcome.action.kind is ActionKind.USSD


def test_a_refund_is_sent_as_documented_with_credentials_of_its_own(mtn: Said) -> None:
    assert mtn.refund().result is Result.PROCESSING
    (login,), (request,) = mtn.asked["login"], mtn.asked["create"]
    assert (login.target, login.header("Ocp-Apim-Subscription-Key")) == ("/disbursement/token/", "for-refunds")
    assert (request.method, request.target) == ("POST", "/disbursement/v1_0/refund")
    assert request.header("Ocp-Apim-Subscription-Key") == "for-refunds"
    assert (request.header("X-Reference-Id"), request.header("Authorization")) == (REFUND_ID, "Bearer token1")
    assert request.header("X-Callback-Url") == mtn.account.tagged_url(REFUND_ID)
    assert json.loads(request.body) == {
        "amount": "400",
        "currency": "XAF",
        "externalId": REFUND_ID,
        "payerMessage": "Remboursement",
        "payeeNote": "Remboursement",
        "referenceIdToRefund": ID,
    }


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("L'Épicerie d'Awa", "L Epicerie d Awa"),
        ("A" * 200, "A" * 160),
        ("متجر", None),  # better no message than an empty one
        ("", None),
    ],
)
def test_messages_are_ascii_without_apostrophes_and_never_empty(mtn: Said, statement: str, message: str | None) -> None:
    mtn.charge(replace(CHARGE, statement=statement))
    body = mtn.asked["create"][0].json()
    assert [body.get("payerMessage"), body.get("payeeNote")] == [message, message]
    assert ("payerMessage" in body) == (message is not None)


@pytest.mark.parametrize(("amount", "written"), [(1_050, "10.50"), (1_000, "10.00"), (5, "0.05")])
def test_euros_of_the_sandbox_have_cents(mtn: Said, amount: int, written: str) -> None:
    mtn.charge(replace(CHARGE, money=Money(amount, "EUR")))
    assert mtn.asked["create"][0].json()["amount"] == written


@pytest.mark.parametrize(
    ("environment", "callback_url", "is_sent"),
    [
        ("mtncameroon", "https://pay.example.com/callbacks/acc_1", True),
        ("sandbox", "http://pay.example.com/callbacks/acc_1", True),
        ("sandbox", "https://pay.example.com/callbacks/acc_1", False),  # it would refuse the payment
    ],
)
def test_the_callback_address_is_left_out_rather_than_refused(
    mtn: Said, environment: str, callback_url: str, is_sent: bool
) -> None:
    mtn.set(target_environment=environment)
    mtn.account = replace(mtn.account, callback_url=callback_url)
    mtn.charge()
    url = mtn.asked["create"][0].header("X-Callback-Url")
    assert url == (mtn.account.tagged_url(ID) if is_sent else None)


@pytest.mark.parametrize(
    ("livemode", "platform", "url"),
    [
        (True, None, "https://proxy.momoapi.mtn.com"),
        (True, "old", "https://proxy.momoapi.mtn.com"),
        (True, "new", "https://momoapi.momo.africa"),
        (False, "new", "https://sandbox.momodeveloper.mtn.com"),
    ],
)
def test_each_platform_has_its_address(mtn: Said, livemode: bool, platform: str | None, url: str) -> None:
    settings = {"platform": platform} if platform else {}
    account = Account(id="acc_1", provider="mtn", settings=settings, livemode=livemode, callback_url="")
    assert mtn.provider.own_url(account) == url


# ---------------------------------------------------------------- tokens


def test_many_payments_and_look_ups_use_one_token(mtn: Said) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: mtn.charge(), range(20)))
    mtn.lookup()
    assert len(mtn.asked["login"]) == 1
    assert {request.header("Authorization") for request in mtn.asked["create"]} == {"Bearer token1"}


def test_a_token_is_renewed_ten_minutes_before_its_end(mtn: Said) -> None:
    for minutes in (0, 49, 51):
        mtn.lookup(now=NOW + timedelta(minutes=minutes))
    assert [request.header("Authorization") for request in mtn.asked["lookup"]] == [
        "Bearer token1",
        "Bearer token1",
        "Bearer token2",
    ]


@pytest.mark.parametrize(
    ("expires_in", "kept_for", "ended_after"), [(60, 25, 35), ("3600", 2_900, 3_100), (None, 2_900, 3_100), (0, -1, 1)]
)
def test_a_short_or_unknown_life_is_used_by_half_or_as_documented(
    mtn: Said, expires_in: object, kept_for: int, ended_after: int
) -> None:
    mtn.says(login=in_json({"access_token": "t", "expires_in": expires_in}))
    mtn.lookup()
    mtn.lookup(now=NOW + timedelta(seconds=kept_for))
    assert len(mtn.asked["login"]) == 1
    mtn.lookup(now=NOW + timedelta(seconds=ended_after))
    assert len(mtn.asked["login"]) == 2


def test_a_token_ends_with_the_settings_that_got_it(mtn: Said) -> None:
    mtn.charge()
    leaked = mtn.account
    mtn.set(api_key="fedcba9876543210fedcba9876543210")
    mtn.charge()
    mtn.charge()
    logins = [request.header("Authorization") for request in mtn.asked["login"]]
    assert len(set(logins)) == len(logins) == 2
    used = [request.header("Authorization") for request in mtn.asked["create"]]
    assert used == ["Bearer token1", "Bearer token2", "Bearer token2"]
    mtn.account = leaked  # nor does it come back
    mtn.charge()
    assert mtn.asked["create"][-1].header("Authorization") == "Bearer token3"


def test_a_token_that_ends_early_is_renewed_once_at_once(mtn: Said) -> None:
    mtn.says(create=[error(401, "UNAUTHORIZED"), Answer(202)])
    assert mtn.charge().result is Result.REQUIRES_ACTION
    assert [request.header("Authorization") for request in mtn.asked["create"]] == ["Bearer token1", "Bearer token2"]
    assert len({request.header("X-Reference-Id") for request in mtn.asked["create"]}) == 1


def test_a_second_401_ends_it(mtn: Said) -> None:
    mtn.says(create=error(401, "UNAUTHORIZED"), lookup=error(401, "UNAUTHORIZED"))
    outcome = mtn.charge()
    assert (outcome.result, outcome.failure) == (Result.REFUSED, CONFIGURATION)
    assert len(mtn.asked["create"]) == 2
    assert mtn.lookup().result is Result.UNKNOWN
    assert len(mtn.asked["lookup"]) == 2


def test_the_two_products_do_not_share_tokens(mtn: Said) -> None:
    mtn.charge()
    mtn.refund()
    assert [request.path for request in mtn.asked["login"]] == ["/collection/token/", "/disbursement/token/"]
    assert [request.header("Authorization") for request in mtn.asked["create"]] == ["Bearer token1", "Bearer token2"]


@pytest.mark.parametrize(
    ("login", "failure"),
    [
        (error(401, "UNAUTHORIZED"), CONFIGURATION),
        (Answer(403, HTML, "text/html"), CONFIGURATION),
        (error(400, "BAD_REQUEST"), CONFIGURATION),
        (error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"), CONFIGURATION),
        (error(500, "INTERNAL_PROCESSING_ERROR"), AWAY),
        (error(503, "SERVICE_UNAVAILABLE"), AWAY),
        (Answer(429), AWAY),
        (Answer(200, HTML, "text/html"), AWAY),
        (in_json({"access_token": ""}), AWAY),
        (in_json(["access_token"]), AWAY),
    ],
)
def test_without_a_token_nothing_was_started(mtn: Said, login: Answer, failure: FailureCode) -> None:
    mtn.says(login=login)
    outcome = mtn.charge()
    assert (outcome.result, outcome.failure) == (Result.REFUSED, failure)
    assert str(outcome.raw_code).startswith("log-in: HTTP ")
    assert mtn.lookup().result is Result.UNKNOWN
    assert mtn.refund().result is Result.REFUSED
    assert mtn.lookup_refund().result is Result.UNKNOWN
    assert not mtn.asked["create"]
    assert not mtn.asked["lookup"]


# ---------------------------------------------------------------- answers to a create

NO_DOUBT = [
    (error(400, "BAD_REQUEST", "partyId is not a valid msisdn"), FailureCode.INVALID_PHONE),
    (error(400, "BAD_REQUEST", "Invalid MSISDN"), FailureCode.INVALID_PHONE),
    (error(400, "BAD_REQUEST", "amount is not valid"), FailureCode.INVALID_AMOUNT),
    (error(400, "INVALID_CURRENCY", "Currency not supported for this amount."), CONFIGURATION),
    (error(400, "BAD_REQUEST", "X-Reference-Id must be a UUID"), CONFIGURATION),
    (Answer(400), CONFIGURATION),  # MTN's own document gives it no body
    (error(403, "FORBIDDEN", "FORBIDDEN IP"), CONFIGURATION),
    (Answer(403, HTML, "text/html"), CONFIGURATION),
    (error(500, "NOT_ALLOWED"), CONFIGURATION),
    (error(500, "NOT_ALLOWED_TARGET_ENVIRONMENT"), CONFIGURATION),
    (error(500, "INVALID_CALLBACK_URL_HOST"), CONFIGURATION),
    (error(500, "INVALID_CURRENCY"), CONFIGURATION),
]
DOUBT = [
    error(500, "INTERNAL_PROCESSING_ERROR"),
    error(500, "PAYER_NOT_FOUND"),  # a code, but none that says that nothing was started
    in_json({"statusCode": 500, "message": "NOT_ALLOWED"}, 500),
    Answer(500),
    Answer(500, HTML, "text/html"),
    Answer(502, HTML, "text/html"),
    error(503, "SERVICE_UNAVAILABLE"),
    error(503, "NOT_ALLOWED"),
    Answer(504),
    error(429, "TOO_MANY_REQUESTS"),
    Answer(400, HTML, "text/html"),
    in_json({"statusCode": 404, "message": "Resource not found"}, 404),
    Answer(408),
    Answer(302),
    Answer(200),
    Answer(200, HTML, "text/html"),
    shown(status="SUCCESSFUL"),  # nobody answers a create so
]


@pytest.mark.parametrize(("answer", "failure"), NO_DOUBT)
def test_a_create_is_refused_where_nothing_was_started(mtn: Said, answer: Answer, failure: FailureCode) -> None:
    outcome = mtn.says(create=answer).charge()
    assert (outcome.result, outcome.failure) == (Result.REFUSED, failure)
    assert not mtn.asked["lookup"]


@pytest.mark.parametrize(("answer", "failure"), NO_DOUBT)
def test_so_is_a_refund(mtn: Said, answer: Answer, failure: FailureCode) -> None:
    outcome = mtn.says(create=answer).refund()
    not_enabled = answer.status == 403
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.NOT_ALLOWED if not_enabled else failure)


@pytest.mark.parametrize("answer", DOUBT)
def test_any_other_answer_to_a_create_is_unknown(mtn: Said, answer: Answer) -> None:
    assert mtn.says(create=answer).charge().result is Result.UNKNOWN
    assert mtn.refund().result is Result.UNKNOWN


@pytest.mark.parametrize("code", ["RESOURCE_ALREADY_EXIST", "RESOURCE_ALREADY_EXISTS", "ANY"])
@pytest.mark.parametrize(
    ("lookup", "result"),
    [
        (shown(status="SUCCESSFUL", financialTransactionId="1"), Result.SUCCEEDED),
        (shown(status="FAILED", reason="NOT_ALLOWED"), Result.FAILED),
        (error(404, "RESOURCE_NOT_FOUND"), Result.UNKNOWN),  # it exists, and cannot be read yet
        (error(500, "NOT_ALLOWED"), Result.UNKNOWN),
        (error(401, "UNAUTHORIZED"), Result.UNKNOWN),
    ],
)
def test_what_exists_already_is_looked_up(mtn: Said, code: str, lookup: Answer, result: Result) -> None:
    mtn.says(create=error(409, code), lookup=lookup)
    assert mtn.charge().result is result
    assert mtn.refund().result is result
    paths = [request.path for request in mtn.asked["lookup"]]
    assert f"/collection/v1_0/requesttopay/{ID}" in paths
    assert f"/disbursement/v1_0/refund/{REFUND_ID}" in paths


def test_what_exists_already_and_waits_shows_its_prompt(mtn: Said) -> None:
    outcome = mtn.says(create=error(409, "RESOURCE_ALREADY_EXIST")).charge(now=NOW + timedelta(minutes=1))
    assert (outcome.result, outcome.deadline) == (Result.REQUIRES_ACTION, NOW + timedelta(minutes=5))


def test_without_credentials_for_disbursement_nobody_is_asked_for_a_refund(mtn: Said) -> None:
    outcome = mtn.provider.refund(mtn.account, ORDER, NOW)
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.NOT_ALLOWED)
    assert not mtn.asked["login"]


def test_its_times_are_those_of_the_card() -> None:
    times = Mtn.capabilities.times
    assert times.forgets_after == timedelta(minutes=15)
    assert times.decisive_polls == (timedelta(minutes=5, seconds=30),)
    assert (times.first_poll, times.longest_poll) == (timedelta(seconds=5), timedelta(hours=1))
