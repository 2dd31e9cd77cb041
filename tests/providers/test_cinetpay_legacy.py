"""CinetPay's legacy API (card 2.8): what is sent, what each answer means, and which notifications are believed."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import settings
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint
from ikawaari.providers.capabilities import Refunds, Renewals
from ikawaari.providers.cinetpay import CinetPay, legacy
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Outcome, Result
from ikawaari.providers.values import Account, Charge, Flow
from tests.providers.cinetpay_said import CHARGE_ID, NOW, charge_of
from tests.providers.scripted import Scripted, Written, scripted
from tests.simulators.cinetpay_account import ID, TAG
from tests.simulators.cinetpay_legacy_service import C2, C2_SECRET, C2_TOKEN

KEYS = {"apikey": "made_up_key", "site_id": "123456", "secret_key": C2_SECRET}
PAGE_URL = "https://checkout.cinetpay.com/payment/made_up"
FAILURES = {
    "600": ("PAYMENT_FAILED", FailureCode.UNKNOWN),
    "602": ("INSUFFICIENT_BALANCE", FailureCode.INSUFFICIENT_FUNDS),
    "603": ("SERVICE_UNAVAILABLE", FailureCode.PROVIDER_UNAVAILABLE),
    "604": ("OTP_CODE_ERROR", FailureCode.OTP_INVALID),
    "606": ("INCORRECT_SETTINGS", FailureCode.UNKNOWN),
    "625": ("ABONNEMENT_OR_TRANSACTIONS_EXPIRED", FailureCode.EXPIRED),
    "627": ("TRANSACTION_CANCEL", FailureCode.CANCELED),
    "635": ("ERROR_PHONE_NUMBER_NOT_FOUND", FailureCode.PAYER_NOT_FOUND),
    "636": ("ERROR_PHONE_NUMBER_NOT_SUPPORTED", FailureCode.INVALID_PHONE),
    "641": ("ERROR_AMOUNT_TOO_LOW", FailureCode.INVALID_AMOUNT),
    "642": ("ERROR_AMOUNT_TOO_HIGH", FailureCode.INVALID_AMOUNT),
    "804": ("OPERATOR_UNAVAILABLE", FailureCode.PROVIDER_UNAVAILABLE),
    "807": ("DAILY_MAX_NUMBER_TRANSACTION_REACHED", FailureCode.PAYER_LIMIT),
    "812": ("WEEKLY_MAX_NUMBER_TRANSACTION_REACHED", FailureCode.PAYER_LIMIT),
}
REFUSED: Mapping[str, FailureCode] = {
    **dict.fromkeys(("609", "610", "612", "613", "614", "619"), FailureCode.CONFIGURATION_ERROR),
    **dict.fromkeys(("611", "641", "642"), FailureCode.INVALID_AMOUNT),
    **dict.fromkeys(("603", "621", "622", "626", "804"), FailureCode.PROVIDER_UNAVAILABLE),
}
CREATED: Written = 200, {"code": "201", "message": "CREATED", "data": {"payment_token": "t", "payment_url": PAGE_URL}}
# Nobody may take these for the end of anything.
SAYS_NOTHING: list[Written] = [
    (500, {"code": "600", "data": {"status": "REFUSED"}}),
    (502, b"<html>"),
    (429, {"code": "627", "data": {"status": "REFUSED"}}),
    (200, b"<html>"),
    (200, b'{"code": "2'),
    (200, []),
    (200, {}),
    (200, {"message": "SUCCES"}),
    (403, {"message": "Forbidden"}),
    (200, {"code": "624", "message": "UNKNOWN_ERROR"}),
    (200, {"code": "628", "message": "INTERNAL_ERROR"}),
    (200, {"code": "429", "message": "TOO_MANY_REQUEST"}),
]


NO_DATA: list[dict[str, object]] = [{}, {"data": None}, {"data": []}, {"data": {}}]


def account_of(base_url: str = "", **changes: Any) -> Account:
    """The account of Senegal."""
    given: dict[str, Any] = {
        "id": "acc_ABCDEFGH12345678",
        "provider": "cinetpay",
        "settings": KEYS | ({"base_url": base_url} if base_url else {}),
        "country": "SN",
        "livemode": True,
        "callback_url": "https://pay.example.com/callbacks/acc_ABCDEFGH12345678",
        "callback_key": b"made_up_secret",
    }
    return Account(**given | changes)


def created(*answers: Written, charge: Charge | None = None, **changes: Any) -> tuple[Outcome, Scripted]:
    """The outcome of a charge that is answered so, and what was asked."""
    with scripted(*answers) as provider:
        account = account_of(provider.base_url, **changes)
        return CinetPay(Config()).charge(account, charge or charge_of(), NOW), provider


def found(*answers: Written, charge: Charge | None = None, now: datetime = NOW) -> Outcome:
    """The outcome of a look-up that is answered so."""
    with scripted(*answers) as provider:
        return CinetPay(Config()).lookup(account_of(provider.base_url), charge or charge_of(), now)


def of(code: object, message: str = "", status: str | None = None, **data: object) -> Written:
    """The answer to a check."""
    return 200, {"code": code, "message": message, "data": {"payment_method": "OM", "status": status, **data}}


def ended(outcome: Outcome) -> tuple[Result, FailureCode | None]:
    return outcome.result, outcome.failure


# ---------------------------------------------------------------- what is sent


def test_a_page_is_asked_for_as_the_card_has_it() -> None:
    outcome, provider = created(CREATED)
    (request,) = provider.asked
    assert (request.path, request.header("Content-Type")) == ("/v2/payment", "application/json; charset=UTF-8")
    assert request.json() == {
        "apikey": "made_up_key",
        "site_id": "123456",
        "transaction_id": ID,
        "amount": 1000,
        "currency": "XOF",
        "description": "Boutique Awa",
        "notify_url": f"https://pay.example.com/callbacks/acc_ABCDEFGH12345678/{TAG}",
        "return_url": "https://pay.example.com/cs_AbC",
        "channels": "ALL",
        "lang": "fr",
        "metadata": ID,
        "customer_name": "Ndiaye",
        "customer_surname": "Awa",
    }
    assert (outcome.result, outcome.action) == (
        Result.REQUIRES_ACTION,
        Action(kind=ActionKind.REDIRECT, url=PAGE_URL),
    )
    assert outcome.deadline == NOW + timedelta(minutes=30)


def test_a_check_names_the_payment_by_our_id() -> None:
    with scripted(of("662")) as provider:
        CinetPay(Config()).lookup(account_of(provider.base_url), charge_of(), NOW)
    (request,) = provider.asked
    assert request.path == "/v2/payment/check"
    assert request.json() == {"apikey": "made_up_key", "site_id": "123456", "transaction_id": ID}


@pytest.mark.parametrize(
    ("changes", "account", "failure"),
    [
        ({"money": Money(1_003, "XOF")}, {}, FailureCode.INVALID_AMOUNT),
        ({"money": Money(1_000, "XAF")}, {}, FailureCode.CONFIGURATION_ERROR),
        ({"operator": "moov_ci"}, {}, FailureCode.CONFIGURATION_ERROR),
        ({}, {"livemode": False, "settings": KEYS}, FailureCode.CONFIGURATION_ERROR),
        ({}, {"callback_url": f"https://pay.example.com/{'a' * 64}"}, FailureCode.CONFIGURATION_ERROR),
        (
            {"operator": "mpesa_cd", "money": Money(100_200, "CDF")},
            {"country": "CD"},
            FailureCode.INVALID_AMOUNT,
        ),
    ],
    ids=["no multiple of 5", "currency", "operator", "test mode", "long address", "1,002 Congolese francs"],
)
def test_what_could_only_be_refused_is_not_sent(
    changes: dict[str, Any], account: dict[str, Any], failure: FailureCode
) -> None:
    outcome, provider = created(CREATED, charge=charge_of(**changes), **account)
    assert ended(outcome) == (Result.REFUSED, failure)
    assert provider.asked == []


def test_it_asks_on_its_page_alone_refunds_nothing_and_renews_nothing() -> None:
    provider = CinetPay(Config())
    for operator in provider.capabilities.operators:
        always = provider.capabilities.operators[operator]
        reach = provider.reach(account_of(country=None), operator)
        assert reach is not None
        assert (reach.flows, reach.code_from, reach.refunds) == ((Flow.REDIRECT,), None, Refunds.NONE)
        assert (reach.renewals, reach.currencies) == (Renewals.NONE, always.currencies)
    assert provider.reach(account_of(), "moov_ci") is None
    assert provider.own_url(account_of()) == "https://api-checkout.cinetpay.com"


# ---------------------------------------------------------------- the answer to a create


def test_a_refusal_is_read_from_its_code() -> None:
    results = {code: ended(created((403, {"code": code, "message": "NO"}))[0]) for code in REFUSED}
    assert results == {code: (Result.REFUSED, failure) for code, failure in REFUSED.items()}


def test_what_is_wrong_with_a_request_is_read_from_its_words() -> None:
    for description, failure in {
        "amount must be an integer": FailureCode.INVALID_AMOUNT,
        "customer_phone_number is wrong": FailureCode.INVALID_PHONE,
        "notify_url is required": FailureCode.CONFIGURATION_ERROR,
    }.items():
        answer = 400, {"code": 608, "message": "MINIMUM_REQUIRED_FIELDS", "description": description}
        assert ended(created(answer)[0]) == (Result.REFUSED, failure)


def test_whatever_else_answers_a_create_is_unknown_and_asked_once() -> None:
    never_said = [(200, {"code": code, "message": "?"}) for code in (*{*FAILURES} - {*REFUSED}, "662", "00", "999")]
    for answer in [*SAYS_NOTHING, *never_said, (404, {"message": "Not found"})]:
        outcome, provider = created(answer)
        assert (answer, outcome.result) == (answer, Result.UNKNOWN)
        assert len(provider.asked) == 1


@pytest.mark.parametrize("code", ["608", "620"])
def test_an_id_that_was_used_before_is_looked_up_and_never_refused(code: str) -> None:
    exists = 400, {"code": code, "message": "NO", "description": "transaction_id was used before"}
    for answer, result in [
        (of("00", "SUCCES", "ACCEPTED", amount="1000", currency="XOF"), Result.SUCCEEDED),
        (of("662"), Result.PROCESSING),
        (of("602", "", "REFUSED"), Result.FAILED),
        ((404, {"message": "Not found"}), Result.UNKNOWN),
        ((403, {"code": "609"}), Result.UNKNOWN),
    ]:
        outcome, provider = created(exists, answer)
        assert outcome.result is result
        assert provider.calls == ["POST /v2/payment", "POST /v2/payment/check"]


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)"])
def test_a_page_without_an_address_leads_nowhere(url: str | None) -> None:
    outcome, _ = created((200, {"code": "201", "message": "CREATED", "data": {"payment_url": url}}))
    assert outcome.action is None
    assert outcome.result in {Result.PROCESSING, Result.REQUIRES_ACTION}


# ---------------------------------------------------------------- the status


def test_each_failure_has_its_code_in_both_forms_of_a_check() -> None:
    for code, (word, failure) in FAILURES.items():
        for answer in (of(code, word, "REFUSED"), of(int(code), word), of(code, word, None, amount="1000")):
            outcome = found(answer)
            assert (ended(outcome), outcome.raw_code) == ((Result.FAILED, failure), f"{code} {word}")
    assert found(of("606", "INCORRECT_SETTINGS", "REFUSED")).last_error is FailureCode.INSUFFICIENT_FUNDS


def test_a_code_without_a_name_ends_it_only_with_the_word_for_that() -> None:
    assert ended(found(of("629", "GENERAL_FAILURE", "REFUSED"))) == (Result.FAILED, FailureCode.UNKNOWN)
    with capture_logs() as logged:
        assert found(of("629", "GENERAL_FAILURE")).result is Result.PROCESSING
    assert [entry["attempt"] for entry in logged if entry["log_level"] == "error"] == [CHARGE_ID]


def test_a_code_and_a_word_that_contradict_each_other_end_nothing() -> None:
    for answer in (of("00", "SUCCES", "REFUSED"), of("00", "SUCCES", "WAITING_FOR_CUSTOMER"), of("662", "", "REFUSED")):
        assert found(answer).result is Result.UNKNOWN
    for code in FAILURES:
        for status in ("ACCEPTED", "WAITING_FOR_CUSTOMER"):
            assert found(of(code, "", status)).result is Result.UNKNOWN


def test_an_answer_that_is_about_no_payment_ends_nothing() -> None:
    """How it answers for an id that it does not know is not documented: it may be by the code of a failure."""
    led = charge_of(provider_data=created(CREATED)[0].provider_data)
    for data in NO_DATA:
        for code in [*FAILURES, "608", "601"]:
            answer: Written = 200, {"code": code, "message": "", **data}
            assert (code, found(answer).result) == (code, Result.NOT_FOUND)
            assert found(answer, charge=led).result in {Result.UNKNOWN, Result.PROCESSING}
        for code in ["00", "609", "613"]:
            assert found((200, {"code": code, "message": "", **data})).result is Result.UNKNOWN
    for answer in SAYS_NOTHING:
        for charge in (charge_of(), led):
            assert (answer, found(answer, charge=charge).result) == (answer, Result.UNKNOWN)


@pytest.mark.parametrize("metadata", ["aaaaaaaaaaaaaaaaaaaaaaaaaa", ID.upper(), 7, ["x"]])
def test_an_answer_about_another_payment_is_not_believed(metadata: object) -> None:
    for code, status in (("00", "ACCEPTED"), ("602", "REFUSED"), ("662", None)):
        assert found(of(code, "", status, metadata=metadata)).result is Result.UNKNOWN
    assert found(of("00", "SUCCES", "ACCEPTED", metadata=ID)).result is Result.SUCCEEDED


def test_who_was_led_to_the_page_can_act_until_it_ends_and_others_wait() -> None:
    known = charge_of(provider_data=created(CREATED)[0].provider_data)
    for code in ("662", "663"):
        outcome = found(of(code, "", "WAITING_FOR_CUSTOMER"), charge=known)
        assert outcome.action == Action(kind=ActionKind.REDIRECT, url=PAGE_URL)
        late = found(of(code), charge=known, now=NOW + timedelta(minutes=30))
        lost = found(of(code))
        assert {(one.result, one.action) for one in (late, lost)} == {(Result.PROCESSING, None)}
    for code in ("623", "664"):
        assert (found(of(code), charge=known).result, found(of(code)).result) == (Result.PROCESSING,) * 2


def test_only_a_page_that_nobody_was_led_to_may_be_not_found() -> None:
    missing: Written = 404, {"message": "Transaction not found"}
    assert found(missing).result is Result.NOT_FOUND
    known = charge_of(provider_data=created(CREATED)[0].provider_data)
    assert found(missing, charge=known).result is Result.UNKNOWN
    assert found((404, b"<html>")).result is Result.UNKNOWN


# ---------------------------------------------------------------- money


@pytest.mark.parametrize(
    ("data", "money"),
    [
        ({"amount": "1000", "currency": "XOF"}, Money(1_000, "XOF")),
        ({"amount": 1000, "currency": "XOF"}, Money(1_000, "XOF")),
        ({"amount": "1000.00"}, Money(1_000, "XOF")),
        ({"operator_id": "MP1"}, Money(1_000, "XOF")),
        ({"amount": "900", "currency": "XOF"}, Money(900, "XOF")),
        ({"amount": "1000.5"}, None),
        ({"amount": "1 000"}, None),
        ({"currency": "XXX"}, None),
        ({"amount": True}, None),
    ],
    ids=str,
)
def test_a_success_is_of_what_it_says_or_of_what_was_asked_for(data: dict[str, object], money: Money | None) -> None:
    outcome = found(of("00", "SUCCES", "ACCEPTED", **data))
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED if money else Result.UNKNOWN, money)
    assert outcome.reference == data.get("operator_id")


# ---------------------------------------------------------------- notifications


def notification(
    form: Mapping[str, object] | bytes, token: str | None, tag: str | None = None, **headers: str
) -> CallbackRequest:
    """One that was received."""
    return CallbackRequest(
        method="POST",
        path="/callbacks/acc_ABCDEFGH12345678",
        authority="pay.example.com",
        headers=[*headers.items(), *([("X-Token", token)] if token is not None else [])],
        body=form if isinstance(form, bytes) else urlencode(form).encode(),
        tag=tag,
    )


def token_of(form: Mapping[str, str]) -> str:
    """What CinetPay signs a whole form with."""
    return hmac.new(C2_SECRET.encode(), "".join(form.values()).encode(), hashlib.sha256).hexdigest()


def is_believed(request: CallbackRequest, **changes: Any) -> bool:
    """Whether it makes us ask about our payment."""
    try:
        news = CinetPay(Config()).parse_callback(account_of(**changes), request, NOW)
    except CallbackRefused:
        return False
    assert news == [Hint(charge_id=CHARGE_ID)]
    return True


OURS = {**C2, "cpm_trans_id": ID, "cpm_custom": ID}


def test_vector_c2_is_signed_and_names_no_payment_of_ours() -> None:
    assert legacy.token(C2, C2_SECRET) == token_of(C2) == C2_TOKEN
    assert not is_believed(notification(C2, C2_TOKEN))  # pa_0001 is no id that we gave


def test_a_signed_notification_only_makes_us_ask() -> None:
    for word in ("SUCCES", "PAYMENT_FAILED", "WAITING_CUSTOMER_TO_VALIDATE"):
        form = {**OURS, "cpm_error_message": word}
        assert is_believed(notification(form, token_of(form)))
        assert is_believed(notification(form, token_of(form), TAG))


def test_what_is_signed_may_be_cut_into_other_fields_and_is_therefore_not_applied() -> None:
    form = {**OURS, "cpm_trans_date": "2026-09-21 14:13:201", "cpm_amount": "000"}
    assert token_of(form) == token_of(OURS)
    assert is_believed(notification(form, token_of(OURS)))


@pytest.mark.parametrize("name", list(OURS))
def test_a_changed_or_missing_field_is_refused(name: str) -> None:
    good = token_of(OURS)
    assert not is_believed(notification({**OURS, name: f"{OURS[name]}1"}, good))
    assert not is_believed(notification({one: value for one, value in OURS.items() if one != name}, good))


def test_a_changed_amount_or_a_wrong_token_is_refused() -> None:
    good = token_of(OURS)
    assert not is_believed(notification({**OURS, "cpm_amount": "9000"}, good))
    for token in (None, "", good.upper(), good[:-1], f"{good}0", "é" * 64, token_of(C2), f"{good}, {good}"):
        assert not is_believed(notification(OURS, token))
    assert not is_believed(notification(OURS, good), settings={**KEYS, "secret_key": "another"})
    assert not is_believed(notification(OURS, good), settings={**KEYS, "site_id": "123457"})


def test_a_tag_of_another_payment_or_account_is_refused() -> None:
    for tag in ("", TAG.upper(), f"{TAG}0", "0" * 32):
        assert not is_believed(notification(OURS, token_of(OURS), tag))
    assert not is_believed(notification(OURS, token_of(OURS), TAG), callback_key=b"another")


def test_a_field_that_is_empty_may_be_left_out_and_none_may_come_twice() -> None:
    form = {**OURS, "cpm_custom": ""}
    less = {name: value for name, value in form.items() if name != "cpm_custom"}
    assert token_of(less) == token_of(form)
    assert is_believed(notification(less, token_of(form)))
    twice = urlencode([*OURS.items(), ("cpm_amount", "1000")]).encode()
    assert not is_believed(notification(twice, token_of(OURS)))


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"cpm_trans_id=%FF", b"{}", b"&" * 5_000, b"a=1&" * 500, urlencode(C2).encode()[:-5]]
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    assert not is_believed(notification(body, token_of(OURS)))


# ---------------------------------------------------------------- settings and checkups


V1 = {"api_key": "sk_live_made_up", "api_password": "made-up"}


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (V1, []),
        (KEYS, []),
        ({**KEYS, "base_url": "https://a.example"}, []),
        ({"apikey": "k", "site_id": "1"}, ["secret_key"]),
        ({"site_id": "1"}, ["apikey", "secret_key"]),
        ({**KEYS, "site_id": 123456}, ["site_id"]),
        ({**V1, "site_id": "1"}, ["site_id"]),
        ({**KEYS, "api_key": "k"}, ["api_password", "apikey", "secret_key", "site_id"]),
        ({**KEYS, **V1}, ["apikey", "secret_key", "site_id"]),
        ({**KEYS, "secret": "s"}, ["secret"]),
        ({}, ["api_key", "api_password"]),
        ([], ["settings"]),
    ],
    ids=str,
)
def test_an_account_is_of_one_api_and_what_is_wrong_with_it_is_named(given: object, wrong: list[str]) -> None:
    provider = CinetPay(Config())
    assert sorted(settings.problems(provider.settings_of(given), given)) == wrong


@pytest.mark.parametrize(
    ("answer", "is_usable", "words"),
    [
        ((404, {"message": "Not found"}), True, "accepts the apikey and the site_id"),
        ((200, {"code": "627", "message": "TRANSACTION_CANCEL", "data": None}), True, "only a callback shows"),
        ((403, {"code": "609", "message": "AUTH_NOT_FOUND"}), False, "refuses the apikey or the site_id (609 AUTH"),
        ((403, {"code": "613"}), False, "refuses the apikey or the site_id (613"),
        ((200, {"code": "624"}), False, "no usable answer (624 UNKNOWN_ERROR)"),
        ((500, {"code": "600"}), False, "no usable answer (HTTP 500)"),
        ((200, b"<html>"), False, "no usable answer (HTTP 200)"),
    ],
    ids=str,
)
def test_a_checkup_says_what_is_wrong(answer: Written, is_usable: bool, words: str) -> None:
    with scripted(answer) as provider:
        checkup = CinetPay(Config()).check(account_of(provider.base_url), NOW)
    assert (checkup.is_usable, words in checkup.words) == (is_usable, True), checkup.words


def test_a_checkup_of_an_account_that_cannot_work_asks_nobody() -> None:
    checkup = CinetPay(Config()).check(account_of(livemode=False), NOW)
    assert (checkup.is_usable, checkup.words) == (
        False,
        "CinetPay's legacy API has no test mode: an account of it is live.",
    )
