"""The simulator of MTN MoMo refuses what its card (4.9) says."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from ikawaari.simulators.mtn import Mtn
from tests.simulators.mtn_account import LEFT_OUT, Caller, payment, refused
from tests.simulators.talking import Receiver, eventually, talk

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
NUMBER = "46733123400"


def payer(number: str) -> dict[str, Any]:
    return {"partyIdType": "MSISDN", "partyId": number}


@pytest.mark.parametrize("key", ["wrong", LEFT_OUT], ids=["wrong", "none"])
def test_a_subscription_key_that_is_wrong_or_missing_is_401(mtn: Caller, key: Any) -> None:
    headers = {"Ocp-Apim-Subscription-Key": key}
    assert mtn.login(**headers).status_code == 401
    assert mtn.post(payment(), **headers).status_code == 401
    assert mtn.get(ID, **headers).status_code == 401
    assert mtn.talk.charges() == []


@pytest.mark.parametrize("basic", ["Basic dzp3", "Bearer x", LEFT_OUT], ids=["wrong", "bearer", "none"])
def test_a_wrong_user_or_key_is_401(mtn: Caller, basic: Any) -> None:
    assert mtn.login(Authorization=basic).status_code == 401


def test_a_token_call_with_a_body_is_400(mtn: Caller) -> None:
    assert mtn.login(b"grant_type=client_credentials").status_code == 400
    assert mtn.login(b"{}").status_code == 400


def test_a_token_call_without_the_slash_is_no_call(mtn: Caller) -> None:
    headers = mtn.headers(Authorization=mtn.basic)
    answer = requests.post(f"{mtn.talk.base_url}/collection/token", headers=headers, timeout=5)
    assert answer.status_code == 404


def test_a_token_lasts_an_hour_and_is_refused_then(mtn: Caller) -> None:
    answer = mtn.login().json()
    assert answer == {"access_token": answer["access_token"], "token_type": "access_token", "expires_in": 3600}
    mtn.talk.advance(3590)
    reference = mtn.create()
    mtn.talk.advance(20)
    assert mtn.get(reference).status_code == 401
    assert mtn.post(payment()).status_code == 401
    mtn.token = mtn.login().json()["access_token"]
    assert mtn.get(reference).status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer made-up", "made-up", LEFT_OUT], ids=["unknown", "bare", "none"])
def test_a_token_that_is_none_is_401(mtn: Caller, authorization: Any) -> None:
    assert mtn.post(payment(), Authorization=authorization).status_code == 401


@pytest.mark.parametrize(
    "reference",
    [LEFT_OUT, "8f3c1d20-5b1e-1c7a-9d55-0a4f6f7b2c11", "pa_0001", ID.replace("-", "")],
    ids=["none", "version 1", "word", "bare"],
)
def test_a_reference_id_that_is_no_uuid_of_version_4_is_400(mtn: Caller, reference: Any) -> None:
    assert mtn.post(payment(), **{"X-Reference-Id": reference}).status_code == 400


def test_a_reference_id_that_was_used_is_409_also_with_other_content(mtn: Caller, receiver: Receiver) -> None:
    given = payment()
    assert mtn.post(given, reference=ID).status_code == 202
    for again in (given, payment(amount="2000"), payment(payer=payer("237699999999")), {}):
        assert refused(mtn.post(again, reference=ID)) == (409, "RESOURCE_ALREADY_EXIST")
    mtn.talk.advance(10)
    assert refused(mtn.post(given, reference=ID)) == (409, "RESOURCE_ALREADY_EXIST")
    [charge] = mtn.talk.charges()
    assert (charge["id"], charge["amount"], charge["calls"]) == (ID, "1000", 6)
    eventually(lambda: len(receiver.received) == 1)


def test_the_code_of_409_has_two_spellings(mtn: Caller) -> None:
    mtn.talk.set(exists_code="RESOURCE_ALREADY_EXISTS")
    mtn.post(payment(), reference=ID)
    assert refused(mtn.post(payment(), reference=ID)) == (409, "RESOURCE_ALREADY_EXISTS")


def test_a_hundred_creates_at_once_with_one_id_make_one_payment(mtn: Caller) -> None:
    given = payment()
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: mtn.post(given, reference=ID).status_code, range(100)))
    assert sorted(statuses) == [202] + [409] * 99
    assert [charge["calls"] for charge in mtn.talk.charges()] == [100]


@pytest.mark.parametrize("environment", [LEFT_OUT, "mtnivorycoast", "sandbox", ""], ids=["none", "CI", "sandbox", "-"])
def test_another_target_environment_is_500(mtn: Caller, environment: Any) -> None:
    answer = mtn.post(payment(), **{"X-Target-Environment": environment})
    assert refused(answer) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")
    assert mtn.get(ID, **{"X-Target-Environment": environment}).status_code == 500


@pytest.mark.parametrize("currency", ["EUR", "XOF", "xaf", None])
def test_another_currency_is_500_and_sometimes_400(mtn: Caller, currency: Any) -> None:
    assert refused(mtn.post(payment(currency=currency))) == (500, "INVALID_CURRENCY")
    mtn.talk.set(invalid_currency_status=400)
    assert refused(mtn.post(payment(currency=currency))) == (400, "INVALID_CURRENCY")


def test_the_sandbox_takes_only_euros(mtn_sandbox: Caller) -> None:
    assert refused(mtn_sandbox.post(payment())) == (500, "INVALID_CURRENCY")
    mtn_sandbox.create(payment(currency="EUR", amount="12.50"))


@pytest.mark.parametrize("country", ["CI", "BJ"])
def test_other_countries_have_their_own_environment_and_currency(country: str) -> None:
    with talk(Mtn(country=country)) as talking:
        mtn = Caller(talking)
        assert mtn.settings["target_environment"] in {"mtnivorycoast", "mtnbenin"}
        assert refused(mtn.post(payment())) == (500, "INVALID_CURRENCY")
        mtn.create(payment(currency="XOF"))


def test_a_country_without_an_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="not for SN"):
        Mtn(country="SN")


def test_a_callback_of_another_host_is_500(mtn: Caller) -> None:
    for url in ("https://pay.example.com/callbacks/mtn", "ftp://127.0.0.1/x", "127.0.0.1"):
        answer = mtn.post(payment(), **{"X-Callback-Url": url})
        assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_a_callback_is_500_where_no_host_is_registered() -> None:
    with talk(Mtn()) as talking:
        answer = Caller(talking, callback_url="http://127.0.0.1:9/x").post(payment())
        assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_a_callback_of_https_is_refused_in_the_sandbox(mtn_sandbox: Caller, receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    answer = mtn_sandbox.post(payment(currency="EUR"), **{"X-Callback-Url": url})
    assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_an_empty_callback_header_is_400(mtn: Caller) -> None:
    assert mtn.post(payment(), **{"X-Callback-Url": ""}).status_code == 400


@pytest.mark.parametrize("number", ["+237670123456", "237 670 123 456", "abc", "", None, 237670123456])
def test_a_number_must_be_digits_and_the_message_says_so(mtn: Caller, number: Any) -> None:
    answer = mtn.post(payment(payer=payer(number)))
    assert answer.status_code == 400
    assert "partyId" in answer.json()["message"]


@pytest.mark.parametrize("party", [None, {}, {"partyIdType": "EMAIL", "partyId": "a@b.example"}, "237670123456"])
def test_a_payer_must_be_a_number(mtn: Caller, party: Any) -> None:
    assert mtn.post(payment(payer=party)).status_code == 400


@pytest.mark.parametrize("amount", [1000, 10.5, "1000.00", "1000.5", "-5", "0", "", "1e3", None])
def test_an_amount_must_be_a_string_without_decimals_and_the_message_says_so(mtn: Caller, amount: Any) -> None:
    answer = mtn.post(payment(amount=amount))
    assert answer.status_code == 400
    assert "amount" in answer.json()["message"]


@pytest.mark.parametrize("message", ["", "a" * 161, "Café", "d'Awa", 5])
@pytest.mark.parametrize("name", ["payerMessage", "payeeNote"])
def test_a_message_must_be_1_to_160_of_ascii_without_apostrophes(mtn: Caller, name: str, message: Any) -> None:
    assert mtn.post(payment(**{name: message})).status_code == 400


def test_a_message_of_160_is_taken(mtn: Caller) -> None:
    assert mtn.data(mtn.create(payment(payerMessage="a" * 160)))["payerMessage"] == "a" * 160


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_a_body_must_be_a_json_object(mtn: Caller, body: bytes) -> None:
    headers = mtn.headers(**{"X-Reference-Id": ID})
    answer = requests.post(f"{mtn.talk.base_url}/collection/v1_0/requesttopay", data=body, headers=headers, timeout=5)
    assert answer.status_code == 400


def test_what_was_refused_does_not_exist_and_its_id_is_free(mtn: Caller) -> None:
    assert mtn.post(payment(amount=5), reference=ID).status_code == 400
    assert refused(mtn.get(ID)) == (404, "RESOURCE_NOT_FOUND")
    assert mtn.post(payment(), reference=ID).status_code == 202


def test_the_new_platform_answers_python_requests_with_403_in_html(mtn: Caller) -> None:
    named = {"User-Agent": "python-requests/2.34.2"}
    assert mtn.post(payment(), **named).status_code == 202
    mtn.talk.set(platform="new")
    for answer in (mtn.login(**named), mtn.post(payment(), **named), mtn.get(ID, **named)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")
    assert mtn.post(payment()).status_code == 202


def test_the_new_platform_wants_the_environment_on_the_token_call(mtn: Caller) -> None:
    mtn.talk.set(platform="new")
    assert refused(mtn.login()) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")
    assert mtn.login(**{"X-Target-Environment": "mtncameroon"}).status_code == 200
    assert mtn.talk.settings()["platform"] == "new"


def test_a_payment_can_be_read_only_on_the_platform_that_took_it(mtn: Caller) -> None:
    reference = mtn.create()
    mtn.talk.set(platform="new")
    assert refused(mtn.get(reference)) == (404, "RESOURCE_NOT_FOUND")
    mtn.talk.set(platform="old")
    assert mtn.data(reference)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "NOT_ALLOWED"), (503, "SERVICE_UNAVAILABLE"), (429, "TOO_MANY_REQUESTS"), (502, "BAD_GATEWAY")],
)
@pytest.mark.parametrize("is_accepted", [False, True])
def test_any_refusal_can_be_ordered(mtn: Caller, status: int, code: str, is_accepted: bool) -> None:
    mtn.talk.next("refuse", status=status, code=code, accepted=is_accepted)
    assert refused(mtn.post(payment(), reference=ID)) == (status, code)
    assert mtn.get(ID).status_code == (200 if is_accepted else 404)
