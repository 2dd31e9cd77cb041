"""The simulator of MTN MoMo refuses what its card (4.9) says, and does what MTN does."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from ikawaari.simulators.mtn import Mtn
from tests.simulators.mtn_account import LEFT_OUT, Caller, payment, refused
from tests.simulators.talking import Receiver, eventually, talk

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
NUMBER = "46733123400"


@pytest.fixture
def caller(receiver: Receiver) -> Iterator[Caller]:
    with talk(Mtn(callback_url=receiver.url)) as talking:
        yield Caller(talking, callback_url=receiver.url)


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Caller]:
    with talk(Mtn(callback_url=receiver.url, country="sandbox")) as talking:
        yield Caller(talking, callback_url=receiver.url)


def payer(number: str) -> dict[str, Any]:
    return {"partyIdType": "MSISDN", "partyId": number}


# ---------------------------------------------------------------- what it refuses


@pytest.mark.parametrize("key", ["wrong", LEFT_OUT], ids=["wrong", "none"])
def test_a_subscription_key_that_is_wrong_or_missing_is_401(caller: Caller, key: Any) -> None:
    headers = {"Ocp-Apim-Subscription-Key": key}
    assert caller.login(**headers).status_code == 401
    assert caller.post(payment(), **headers).status_code == 401
    assert caller.get(ID, **headers).status_code == 401
    assert caller.talk.charges() == []


@pytest.mark.parametrize("basic", ["Basic dzp3", "Bearer x", LEFT_OUT], ids=["wrong", "bearer", "none"])
def test_a_wrong_user_or_key_is_401(caller: Caller, basic: Any) -> None:
    assert caller.login(Authorization=basic).status_code == 401


def test_a_token_call_with_a_body_is_400(caller: Caller) -> None:
    assert caller.login(b"grant_type=client_credentials").status_code == 400
    assert caller.login(b"{}").status_code == 400


def test_a_token_call_without_the_slash_is_no_call(caller: Caller) -> None:
    headers = caller.headers(Authorization=caller.basic)
    answer = requests.post(f"{caller.talk.base_url}/collection/token", headers=headers, timeout=5)
    assert answer.status_code == 404


def test_a_token_lasts_an_hour_and_is_refused_then(caller: Caller) -> None:
    answer = caller.login().json()
    assert answer == {"access_token": answer["access_token"], "token_type": "access_token", "expires_in": 3600}
    caller.talk.advance(3590)
    reference = caller.create()
    caller.talk.advance(20)
    assert caller.get(reference).status_code == 401
    assert caller.post(payment()).status_code == 401
    caller.token = caller.login().json()["access_token"]
    assert caller.get(reference).status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer made-up", "made-up", LEFT_OUT], ids=["unknown", "bare", "none"])
def test_a_token_that_is_none_is_401(caller: Caller, authorization: Any) -> None:
    assert caller.post(payment(), Authorization=authorization).status_code == 401


@pytest.mark.parametrize(
    "reference",
    [LEFT_OUT, "8f3c1d20-5b1e-1c7a-9d55-0a4f6f7b2c11", "pa_0001", ID.replace("-", "")],
    ids=["none", "version 1", "word", "bare"],
)
def test_a_reference_id_that_is_no_uuid_of_version_4_is_400(caller: Caller, reference: Any) -> None:
    assert caller.post(payment(), **{"X-Reference-Id": reference}).status_code == 400


def test_a_reference_id_that_was_used_is_409_also_with_other_content(caller: Caller, receiver: Receiver) -> None:
    given = payment()
    assert caller.post(given, reference=ID).status_code == 202
    for again in (given, payment(amount="2000"), payment(payer=payer("237699999999")), {}):
        assert refused(caller.post(again, reference=ID)) == (409, "RESOURCE_ALREADY_EXIST")
    caller.talk.advance(10)
    assert refused(caller.post(given, reference=ID)) == (409, "RESOURCE_ALREADY_EXIST")
    [charge] = caller.talk.charges()
    assert (charge["id"], charge["amount"], charge["calls"]) == (ID, "1000", 6)
    eventually(lambda: len(receiver.received) == 1)


def test_the_code_of_409_has_two_spellings(caller: Caller) -> None:
    caller.talk.set(exists_code="RESOURCE_ALREADY_EXISTS")
    caller.post(payment(), reference=ID)
    assert refused(caller.post(payment(), reference=ID)) == (409, "RESOURCE_ALREADY_EXISTS")


def test_a_hundred_creates_at_once_with_one_id_make_one_payment(caller: Caller) -> None:
    given = payment()
    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(lambda _: caller.post(given, reference=ID).status_code, range(100)))
    assert sorted(statuses) == [202] + [409] * 99
    assert [charge["calls"] for charge in caller.talk.charges()] == [100]


@pytest.mark.parametrize("environment", [LEFT_OUT, "mtnivorycoast", "sandbox", ""], ids=["none", "CI", "sandbox", "-"])
def test_another_target_environment_is_500(caller: Caller, environment: Any) -> None:
    answer = caller.post(payment(), **{"X-Target-Environment": environment})
    assert refused(answer) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")
    assert caller.get(ID, **{"X-Target-Environment": environment}).status_code == 500


@pytest.mark.parametrize("currency", ["EUR", "XOF", "xaf", None])
def test_another_currency_is_500_and_sometimes_400(caller: Caller, currency: Any) -> None:
    assert refused(caller.post(payment(currency=currency))) == (500, "INVALID_CURRENCY")
    caller.talk.set(invalid_currency_status=400)
    assert refused(caller.post(payment(currency=currency))) == (400, "INVALID_CURRENCY")


def test_the_sandbox_takes_only_euros(sandbox: Caller) -> None:
    assert refused(sandbox.post(payment())) == (500, "INVALID_CURRENCY")
    sandbox.create(payment(currency="EUR", amount="12.50"))


@pytest.mark.parametrize("country", ["CI", "BJ"])
def test_other_countries_have_their_own_environment_and_currency(country: str) -> None:
    with talk(Mtn(country=country)) as talking:
        caller = Caller(talking)
        assert caller.settings["target_environment"] in {"mtnivorycoast", "mtnbenin"}
        assert refused(caller.post(payment())) == (500, "INVALID_CURRENCY")
        caller.create(payment(currency="XOF"))


def test_a_country_without_an_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="not for SN"):
        Mtn(country="SN")


def test_a_callback_of_another_host_is_500(caller: Caller) -> None:
    for url in ("https://pay.example.com/callbacks/mtn", "ftp://127.0.0.1/x", "127.0.0.1"):
        answer = caller.post(payment(), **{"X-Callback-Url": url})
        assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_a_callback_is_500_where_no_host_is_registered() -> None:
    with talk(Mtn()) as talking:
        answer = Caller(talking, callback_url="http://127.0.0.1:9/x").post(payment())
        assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_a_callback_of_https_is_refused_in_the_sandbox(sandbox: Caller, receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    answer = sandbox.post(payment(currency="EUR"), **{"X-Callback-Url": url})
    assert refused(answer) == (500, "INVALID_CALLBACK_URL_HOST")


def test_an_empty_callback_header_is_400(caller: Caller) -> None:
    assert caller.post(payment(), **{"X-Callback-Url": ""}).status_code == 400


@pytest.mark.parametrize("number", ["+237670123456", "237 670 123 456", "abc", "", None, 237670123456])
def test_a_number_must_be_digits_and_the_message_says_so(caller: Caller, number: Any) -> None:
    answer = caller.post(payment(payer=payer(number)))
    assert answer.status_code == 400
    assert "partyId" in answer.json()["message"]


@pytest.mark.parametrize("party", [None, {}, {"partyIdType": "EMAIL", "partyId": "a@b.example"}, "237670123456"])
def test_a_payer_must_be_a_number(caller: Caller, party: Any) -> None:
    assert caller.post(payment(payer=party)).status_code == 400


@pytest.mark.parametrize("amount", [1000, 10.5, "1000.00", "1000.5", "-5", "0", "", "1e3", None])
def test_an_amount_must_be_a_string_without_decimals_and_the_message_says_so(caller: Caller, amount: Any) -> None:
    answer = caller.post(payment(amount=amount))
    assert answer.status_code == 400
    assert "amount" in answer.json()["message"]


@pytest.mark.parametrize("message", ["", "a" * 161, "Café", "d'Awa", 5])
@pytest.mark.parametrize("name", ["payerMessage", "payeeNote"])
def test_a_message_must_be_1_to_160_of_ascii_without_apostrophes(caller: Caller, name: str, message: Any) -> None:
    assert caller.post(payment(**{name: message})).status_code == 400


def test_a_message_of_160_is_taken(caller: Caller) -> None:
    assert caller.data(caller.create(payment(payerMessage="a" * 160)))["payerMessage"] == "a" * 160


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_a_body_must_be_a_json_object(caller: Caller, body: bytes) -> None:
    headers = caller.headers(**{"X-Reference-Id": ID})
    answer = requests.post(
        f"{caller.talk.base_url}/collection/v1_0/requesttopay", data=body, headers=headers, timeout=5
    )
    assert answer.status_code == 400


def test_what_was_refused_does_not_exist_and_its_id_is_free(caller: Caller) -> None:
    assert caller.post(payment(amount=5), reference=ID).status_code == 400
    assert refused(caller.get(ID)) == (404, "RESOURCE_NOT_FOUND")
    assert caller.post(payment(), reference=ID).status_code == 202


def test_the_new_platform_answers_python_requests_with_403_in_html(caller: Caller) -> None:
    named = {"User-Agent": "python-requests/2.34.2"}
    assert caller.post(payment(), **named).status_code == 202
    caller.talk.set(platform="new")
    for answer in (caller.login(**named), caller.post(payment(), **named), caller.get(ID, **named)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html")
    assert caller.post(payment()).status_code == 202


def test_the_new_platform_wants_the_environment_on_the_token_call(caller: Caller) -> None:
    caller.talk.set(platform="new")
    assert refused(caller.login()) == (500, "NOT_ALLOWED_TARGET_ENVIRONMENT")
    assert caller.login(**{"X-Target-Environment": "mtncameroon"}).status_code == 200
    assert caller.talk.settings()["platform"] == "new"


def test_a_payment_can_be_read_only_on_the_platform_that_took_it(caller: Caller) -> None:
    reference = caller.create()
    caller.talk.set(platform="new")
    assert refused(caller.get(reference)) == (404, "RESOURCE_NOT_FOUND")
    caller.talk.set(platform="old")
    assert caller.data(reference)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "NOT_ALLOWED"), (503, "SERVICE_UNAVAILABLE"), (429, "TOO_MANY_REQUESTS"), (502, "BAD_GATEWAY")],
)
@pytest.mark.parametrize("is_accepted", [False, True])
def test_any_refusal_can_be_ordered(caller: Caller, status: int, code: str, is_accepted: bool) -> None:
    caller.talk.next("refuse", status=status, code=code, accepted=is_accepted)
    assert refused(caller.post(payment(), reference=ID)) == (status, code)
    assert caller.get(ID).status_code == (200 if is_accepted else 404)


# ---------------------------------------------------------------- what it does


def test_a_create_is_202_without_a_body_and_without_a_type(caller: Caller) -> None:
    answer = caller.post(payment())
    assert (answer.status_code, answer.content) == (202, b"")
    assert "Content-Type" not in answer.headers


def test_a_payment_is_pending_and_then_successful_and_told_once(caller: Caller, receiver: Receiver) -> None:
    given = payment()
    reference = caller.create(given)
    assert caller.data(reference) == given | {"status": "PENDING"}
    caller.talk.advance(6)
    data = caller.data(reference)
    assert data == given | {"status": "SUCCESSFUL", "financialTransactionId": data["financialTransactionId"]}
    [callback] = receiver.wait(1)
    assert (callback.method, callback.path) == ("PUT", "/callbacks/acc_test")
    assert json.loads(callback.body) == data
    assert not [name for name in callback.headers if name.lower() in {"x-reference-id", "signature"}]
    [charge] = caller.talk.charges()
    shown = {"id": reference, "currency": "XAF", "operator": "mtncameroon", "payer": "237670123456"}
    assert charge | shown | {"amount": "1000", "status": "SUCCESSFUL", "state": "succeeded"} == charge


def test_an_unknown_payment_is_404(caller: Caller) -> None:
    assert refused(caller.get(str(uuid.uuid4()))) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize(
    ("is_string", "reason"),
    [(False, {"code": "APPROVAL_REJECTED", "message": "Approval rejected"}), (True, "APPROVAL_REJECTED")],
)
def test_a_reason_is_an_object_or_a_string(caller: Caller, is_string: bool, reason: Any) -> None:
    caller.talk.set(reason_as_string=is_string)
    caller.talk.next("fail", code="APPROVAL_REJECTED")
    reference = caller.create()
    caller.talk.advance(6)
    data = caller.data(reference)
    assert (data["status"], data["reason"]) == ("FAILED", reason)
    assert caller.talk.charges()[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("status", "code"), [("REJECTED", "APPROVAL_REJECTED"), ("TIMEOUT", "EXPIRED"), ("FAILED", "SOMETHING_NEW")]
)
def test_any_failure_can_be_ordered(caller: Caller, status: str, code: str) -> None:
    caller.talk.next("fail", code=code, status=status)
    reference = caller.create()
    caller.talk.advance(6)
    assert (caller.data(reference)["status"], caller.data(reference)["reason"]["code"]) == (status, code)


def test_an_unanswered_prompt_ends_after_five_minutes(caller: Caller) -> None:
    caller.talk.next("fail", code="COULD_NOT_PERFORM_TRANSACTION", seconds=300)
    reference = caller.create()
    caller.talk.advance(290)
    assert caller.data(reference)["status"] == "PENDING"
    caller.talk.advance(20)
    assert caller.data(reference)["reason"]["code"] == "COULD_NOT_PERFORM_TRANSACTION"


@pytest.mark.parametrize(("decimals", "shown"), [(0, "1000"), (2, "1000.00")])
def test_amounts_are_shown_as_they_were_sent_or_with_decimals(caller: Caller, decimals: int, shown: str) -> None:
    caller.talk.set(echo_decimals=decimals)
    assert caller.data(caller.create())["amount"] == shown
    assert caller.talk.charges()[0]["amount"] == "1000"


def test_a_payer_may_pay_another_amount(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("other_amount", amount="900")
    reference = caller.create()
    caller.talk.advance(6)
    assert caller.data(reference)["amount"] == "900"
    assert receiver.wait(1)[0].json()["amount"] == "900"
    assert caller.talk.charges()[0]["amount"] == "900"


def test_a_500_may_come_although_the_payment_was_accepted(caller: Caller) -> None:
    caller.talk.next("accepted_then_500")
    assert refused(caller.post(payment(), reference=ID)) == (500, "INTERNAL_PROCESSING_ERROR")
    assert caller.data(ID)["status"] == "PENDING"


def test_a_payment_may_be_404_for_the_first_two_seconds(caller: Caller) -> None:
    caller.talk.next("unreadable")
    reference = caller.create()
    assert refused(caller.get(reference)) == (404, "RESOURCE_NOT_FOUND")
    caller.talk.advance(2)
    assert caller.data(reference)["status"] == "PENDING"


def test_a_failure_may_become_a_success_later(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("fail_then_succeed", code="EXPIRED", seconds=1800)
    reference = caller.create()
    caller.talk.advance(6)
    assert caller.data(reference)["status"] == "FAILED"
    caller.talk.advance(1800)
    data = caller.data(reference)
    assert (data["status"], "reason" in data) == ("SUCCESSFUL", False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["FAILED", "SUCCESSFUL"]


def test_the_account_of_a_number_can_be_asked_for(sandbox: Caller) -> None:
    active = "/collection/v1_0/accountholder/msisdn"
    assert sandbox.get(f"{NUMBER}/active", active).json() == {"result": True}
    assert sandbox.get("46733123455/active", active).json() == {"result": False}


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_callback_comes_by_put_or_by_post(caller: Caller, receiver: Receiver, method: str) -> None:
    caller.talk.set(callback_method=method)
    caller.create()
    caller.talk.advance(6)
    assert receiver.wait(1)[0].method == method


def test_who_names_no_address_gets_no_callback(caller: Caller) -> None:
    caller.callback_url = None
    reference = caller.create()
    caller.talk.advance(6)
    assert caller.data(reference)["status"] == "SUCCESSFUL"
    assert caller.talk.deliveries() == []


def test_a_callback_may_come_twice_or_never(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("double_callback")
    caller.talk.next("drop_callback")
    given = [payment(), payment(), payment()]
    for one in given:
        caller.create(one)
        caller.talk.advance(6)
    told = [json.loads(request.body)["externalId"] for request in receiver.wait(3)]
    assert told == [given[0]["externalId"], given[0]["externalId"], given[2]["externalId"]]


def test_a_callback_may_come_before_the_202(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("early_callback")
    assert caller.post(payment()).status_code == 202
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["SUCCESSFUL"]


def test_a_callback_may_be_forged(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("forged_callback")
    caller.talk.next("fail", code="APPROVAL_REJECTED")
    reference = caller.create()
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"
    assert caller.data(reference)["status"] == "PENDING"
    caller.talk.advance(6)
    assert caller.data(reference)["status"] == "FAILED"
    assert caller.talk.charges()[0]["state"] == "failed"


def test_a_callback_is_sent_once_unless_it_is_repeated(caller: Caller, receiver: Receiver) -> None:
    for is_repeated, count in ((False, 1), (True, 3)):
        receiver.statuses = [500, 500]
        before = len(caller.talk.deliveries())
        caller.talk.set(repeats_callbacks=is_repeated)
        caller.create()
        caller.talk.advance(6)
        for number in range(1, count + 1):
            eventually(lambda so_far=before + number: len(caller.talk.deliveries()) == so_far)  # type: ignore[misc]
            caller.talk.advance(10)
        assert len(caller.talk.deliveries()) == before + count
        receiver.statuses = []


def test_a_callback_cannot_be_signed_badly(caller: Caller) -> None:
    for kind in ("bad_signature", "unsigned"):
        answer = requests.post(f"{caller.talk.base_url}/_sim/next", json={"kind": kind}, timeout=5)
        assert answer.status_code == 400


# ---------------------------------------------------------------- the sandbox


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("46733123450", "INTERNAL_PROCESSING_ERROR"),
        ("46733123451", "APPROVAL_REJECTED"),
        ("46733123452", "EXPIRED"),
        ("46733123455", "PAYER_NOT_FOUND"),
        ("46733123456", "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
        ("46733123457", "NOT_ALLOWED"),
        ("46733123458", "NOT_ALLOWED_TARGET_ENVIRONMENT"),
        ("46733123459", "INVALID_CALLBACK_URL_HOST"),
        ("46733123460", "INVALID_CURRENCY"),
        ("46733123461", "INTERNAL_PROCESSING_ERROR"),
        ("46733123462", "SERVICE_UNAVAILABLE"),
        ("46733123463", "COULD_NOT_PERFORM_TRANSACTION"),
    ],
)
def test_the_sandbox_s_numbers_fail_at_once(sandbox: Caller, receiver: Receiver, number: str, reason: str) -> None:
    data = sandbox.data(sandbox.create(payment(currency="EUR", payer=payer(number))))
    assert (data["status"], data["reason"]["code"]) == ("FAILED", reason)
    assert json.loads(receiver.wait(1)[0].body) == data


def test_any_other_number_of_the_sandbox_is_successful_at_once(sandbox: Caller, receiver: Receiver) -> None:
    assert sandbox.data(sandbox.create(payment(currency="EUR", payer=payer(NUMBER))))["status"] == "SUCCESSFUL"
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"


def test_a_number_of_the_sandbox_stays_pending(sandbox: Caller) -> None:
    reference = sandbox.create(payment(currency="EUR", payer=payer("46733123453")))
    sandbox.talk.advance(3000)
    assert sandbox.data(reference)["status"] == "PENDING"
    assert sandbox.talk.deliveries() == []


def test_a_number_of_the_sandbox_is_slow(sandbox: Caller, receiver: Receiver) -> None:
    reference = sandbox.create(payment(currency="EUR", payer=payer("46733123454")))
    states = [sandbox.data(reference)["status"]]
    for _ in range(2):
        sandbox.talk.advance(13)
        states.append(sandbox.data(reference)["status"])
    assert states == ["CREATED", "PENDING", "SUCCESSFUL"]
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"


def test_a_user_of_the_sandbox_is_made_with_its_host_and_its_key(sandbox: Caller, receiver: Receiver) -> None:
    url, key = f"{sandbox.talk.base_url}/v1_0/apiuser", {"Ocp-Apim-Subscription-Key": sandbox.key}
    user = str(uuid.uuid4())
    headers, host = key | {"X-Reference-Id": user}, {"providerCallbackHost": "pay.example.com"}
    assert requests.post(url, json=host, headers=headers, timeout=5).status_code == 201
    assert requests.post(url, json=host, headers=headers, timeout=5).status_code == 409
    shown = requests.get(f"{url}/{user}", headers=key, timeout=5).json()
    assert shown == host | {"targetEnvironment": "sandbox"}
    made = requests.post(f"{url}/{user}/apikey", headers=key, timeout=5)
    assert made.status_code == 201
    login = requests.post(
        f"{sandbox.talk.base_url}/collection/token/", auth=(user, made.json()["apiKey"]), headers=key, timeout=5
    )
    sandbox.token = login.json()["access_token"]
    assert refused(sandbox.post(payment(currency="EUR"))) == (500, "INVALID_CALLBACK_URL_HOST")
    allowed = {"X-Callback-Url": "http://pay.example.com/callbacks/mtn"}
    assert sandbox.post(payment(currency="EUR"), **allowed).status_code == 202


@pytest.mark.parametrize("host", ["", "https://pay.example.com/x", None])
def test_a_user_s_host_must_be_a_host(sandbox: Caller, host: Any) -> None:
    headers = {"Ocp-Apim-Subscription-Key": sandbox.key, "X-Reference-Id": str(uuid.uuid4())}
    url = f"{sandbox.talk.base_url}/v1_0/apiuser"
    assert requests.post(url, json={"providerCallbackHost": host}, headers=headers, timeout=5).status_code == 400


def test_only_the_sandbox_makes_users(caller: Caller) -> None:
    headers = {"Ocp-Apim-Subscription-Key": caller.key, "X-Reference-Id": str(uuid.uuid4())}
    url = f"{caller.talk.base_url}/v1_0/apiuser"
    assert requests.post(url, json={"providerCallbackHost": "x"}, headers=headers, timeout=5).status_code == 404
