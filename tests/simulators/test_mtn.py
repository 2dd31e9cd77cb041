"""The simulator of MTN MoMo does what its card (4.9) says."""

import json
import uuid
from typing import Any

import pytest
import requests

from tests.simulators.mtn_account import Caller, payment, refused
from tests.simulators.talking import Receiver, eventually

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
NUMBER = "46733123400"


def payer(number: str) -> dict[str, Any]:
    return {"partyIdType": "MSISDN", "partyId": number}


def test_a_create_is_202_without_a_body_and_without_a_type(mtn: Caller) -> None:
    answer = mtn.post(payment())
    assert (answer.status_code, answer.content) == (202, b"")
    assert "Content-Type" not in answer.headers


def test_a_payment_is_pending_and_then_successful_and_told_once(mtn: Caller, receiver: Receiver) -> None:
    given = payment()
    reference = mtn.create(given)
    assert mtn.data(reference) == given | {"status": "PENDING"}
    mtn.talk.advance(6)
    data = mtn.data(reference)
    assert data == given | {"status": "SUCCESSFUL", "financialTransactionId": data["financialTransactionId"]}
    [callback] = receiver.wait(1)
    assert (callback.method, callback.path) == ("PUT", "/callbacks/acc_test")
    assert json.loads(callback.body) == data
    assert not [name for name in callback.headers if name.lower() in {"x-reference-id", "signature"}]
    [charge] = mtn.talk.charges()
    shown = {"id": reference, "currency": "XAF", "operator": "mtncameroon", "payer": "237670123456"}
    assert charge | shown | {"amount": "1000", "status": "SUCCESSFUL", "state": "succeeded"} == charge


def test_an_unknown_payment_is_404(mtn: Caller) -> None:
    assert refused(mtn.get(str(uuid.uuid4()))) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.parametrize(
    ("is_string", "reason"),
    [(False, {"code": "APPROVAL_REJECTED", "message": "Approval rejected"}), (True, "APPROVAL_REJECTED")],
)
def test_a_reason_is_an_object_or_a_string(mtn: Caller, is_string: bool, reason: Any) -> None:
    mtn.talk.set(reason_as_string=is_string)
    mtn.talk.next("fail", code="APPROVAL_REJECTED")
    reference = mtn.create()
    mtn.talk.advance(6)
    data = mtn.data(reference)
    assert (data["status"], data["reason"]) == ("FAILED", reason)
    assert mtn.talk.charges()[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("status", "code"), [("REJECTED", "APPROVAL_REJECTED"), ("TIMEOUT", "EXPIRED"), ("FAILED", "SOMETHING_NEW")]
)
def test_any_failure_can_be_ordered(mtn: Caller, status: str, code: str) -> None:
    mtn.talk.next("fail", code=code, status=status)
    reference = mtn.create()
    mtn.talk.advance(6)
    assert (mtn.data(reference)["status"], mtn.data(reference)["reason"]["code"]) == (status, code)


def test_an_unanswered_prompt_ends_after_five_minutes(mtn: Caller) -> None:
    mtn.talk.next("fail", code="COULD_NOT_PERFORM_TRANSACTION", seconds=300)
    reference = mtn.create()
    mtn.talk.advance(290)
    assert mtn.data(reference)["status"] == "PENDING"
    mtn.talk.advance(20)
    assert mtn.data(reference)["reason"]["code"] == "COULD_NOT_PERFORM_TRANSACTION"


@pytest.mark.parametrize(("decimals", "shown"), [(0, "1000"), (2, "1000.00")])
def test_amounts_are_shown_as_they_were_sent_or_with_decimals(mtn: Caller, decimals: int, shown: str) -> None:
    mtn.talk.set(echo_decimals=decimals)
    assert mtn.data(mtn.create())["amount"] == shown
    assert mtn.talk.charges()[0]["amount"] == "1000"


def test_a_payer_may_pay_another_amount(mtn: Caller, receiver: Receiver) -> None:
    mtn.talk.next("other_amount", amount="900")
    reference = mtn.create()
    mtn.talk.advance(6)
    assert mtn.data(reference)["amount"] == "900"
    assert receiver.wait(1)[0].json()["amount"] == "900"
    assert mtn.talk.charges()[0]["amount"] == "900"


def test_a_500_may_come_although_the_payment_was_accepted(mtn: Caller) -> None:
    mtn.talk.next("accepted_then_500")
    assert refused(mtn.post(payment(), reference=ID)) == (500, "INTERNAL_PROCESSING_ERROR")
    assert mtn.data(ID)["status"] == "PENDING"


def test_a_payment_may_be_404_for_the_first_two_seconds(mtn: Caller) -> None:
    mtn.talk.next("unreadable")
    reference = mtn.create()
    assert refused(mtn.get(reference)) == (404, "RESOURCE_NOT_FOUND")
    mtn.talk.advance(2)
    assert mtn.data(reference)["status"] == "PENDING"


def test_a_failure_may_become_a_success_later(mtn: Caller, receiver: Receiver) -> None:
    mtn.talk.next("fail_then_succeed", code="EXPIRED", seconds=1800)
    reference = mtn.create()
    mtn.talk.advance(6)
    assert mtn.data(reference)["status"] == "FAILED"
    mtn.talk.advance(1800)
    data = mtn.data(reference)
    assert (data["status"], "reason" in data) == ("SUCCESSFUL", False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["FAILED", "SUCCESSFUL"]


def test_the_account_of_a_number_can_be_asked_for(mtn_sandbox: Caller) -> None:
    active = "/collection/v1_0/accountholder/msisdn"
    assert mtn_sandbox.get(f"{NUMBER}/active", active).json() == {"result": True}
    assert mtn_sandbox.get("46733123455/active", active).json() == {"result": False}


# ---------------------------------------------------------------- callbacks


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_callback_comes_by_put_or_by_post(mtn: Caller, receiver: Receiver, method: str) -> None:
    mtn.talk.set(callback_method=method)
    mtn.create()
    mtn.talk.advance(6)
    assert receiver.wait(1)[0].method == method


def test_who_names_no_address_gets_no_callback(mtn: Caller) -> None:
    mtn.callback_url = None
    reference = mtn.create()
    mtn.talk.advance(6)
    assert mtn.data(reference)["status"] == "SUCCESSFUL"
    assert mtn.talk.deliveries() == []


def test_a_callback_may_come_twice_or_never(mtn: Caller, receiver: Receiver) -> None:
    mtn.talk.next("double_callback")
    mtn.talk.next("drop_callback")
    given = [payment(), payment(), payment()]
    for one in given:
        mtn.create(one)
        mtn.talk.advance(6)
    told = [json.loads(request.body)["externalId"] for request in receiver.wait(3)]
    assert told == [given[0]["externalId"], given[0]["externalId"], given[2]["externalId"]]


def test_a_callback_may_come_before_the_202(mtn: Caller, receiver: Receiver) -> None:
    mtn.talk.next("early_callback")
    assert mtn.post(payment()).status_code == 202
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["SUCCESSFUL"]


def test_a_callback_may_be_forged(mtn: Caller, receiver: Receiver) -> None:
    mtn.talk.next("forged_callback")
    mtn.talk.next("fail", code="APPROVAL_REJECTED")
    reference = mtn.create()
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"
    assert mtn.data(reference)["status"] == "PENDING"
    mtn.talk.advance(6)
    assert mtn.data(reference)["status"] == "FAILED"
    assert mtn.talk.charges()[0]["state"] == "failed"


def test_a_callback_is_sent_once_unless_it_is_repeated(mtn: Caller, receiver: Receiver) -> None:
    for is_repeated, count in ((False, 1), (True, 3)):
        receiver.statuses = [500, 500]
        before = len(mtn.talk.deliveries())
        mtn.talk.set(repeats_callbacks=is_repeated)
        mtn.create()
        mtn.talk.advance(6)
        for number in range(1, count + 1):
            eventually(lambda so_far=before + number: len(mtn.talk.deliveries()) == so_far)  # type: ignore[misc]
            mtn.talk.advance(10)
        assert len(mtn.talk.deliveries()) == before + count
        receiver.statuses = []


def test_a_callback_cannot_be_signed_badly(mtn: Caller) -> None:
    for kind in ("bad_signature", "unsigned"):
        answer = requests.post(f"{mtn.talk.base_url}/_sim/next", json={"kind": kind}, timeout=5)
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
def test_the_sandbox_s_numbers_fail_at_once(mtn_sandbox: Caller, receiver: Receiver, number: str, reason: str) -> None:
    data = mtn_sandbox.data(mtn_sandbox.create(payment(currency="EUR", payer=payer(number))))
    assert (data["status"], data["reason"]["code"]) == ("FAILED", reason)
    assert json.loads(receiver.wait(1)[0].body) == data


def test_any_other_number_of_the_sandbox_is_successful_at_once(mtn_sandbox: Caller, receiver: Receiver) -> None:
    assert mtn_sandbox.data(mtn_sandbox.create(payment(currency="EUR", payer=payer(NUMBER))))["status"] == "SUCCESSFUL"
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"


def test_a_number_of_the_sandbox_stays_pending(mtn_sandbox: Caller) -> None:
    reference = mtn_sandbox.create(payment(currency="EUR", payer=payer("46733123453")))
    mtn_sandbox.talk.advance(3000)
    assert mtn_sandbox.data(reference)["status"] == "PENDING"
    assert mtn_sandbox.talk.deliveries() == []


def test_a_number_of_the_sandbox_is_slow(mtn_sandbox: Caller, receiver: Receiver) -> None:
    reference = mtn_sandbox.create(payment(currency="EUR", payer=payer("46733123454")))
    states = [mtn_sandbox.data(reference)["status"]]
    for _ in range(2):
        mtn_sandbox.talk.advance(13)
        states.append(mtn_sandbox.data(reference)["status"])
    assert states == ["CREATED", "PENDING", "SUCCESSFUL"]
    assert json.loads(receiver.wait(1)[0].body)["status"] == "SUCCESSFUL"


def test_a_user_of_the_sandbox_is_made_with_its_host_and_its_key(mtn_sandbox: Caller, receiver: Receiver) -> None:
    url, key = f"{mtn_sandbox.talk.base_url}/v1_0/apiuser", {"Ocp-Apim-Subscription-Key": mtn_sandbox.key}
    user = str(uuid.uuid4())
    headers, host = key | {"X-Reference-Id": user}, {"providerCallbackHost": "pay.example.com"}
    assert requests.post(url, json=host, headers=headers, timeout=5).status_code == 201
    assert requests.post(url, json=host, headers=headers, timeout=5).status_code == 409
    shown = requests.get(f"{url}/{user}", headers=key, timeout=5).json()
    assert shown == host | {"targetEnvironment": "sandbox"}
    made = requests.post(f"{url}/{user}/apikey", headers=key, timeout=5)
    assert made.status_code == 201
    login = requests.post(
        f"{mtn_sandbox.talk.base_url}/collection/token/", auth=(user, made.json()["apiKey"]), headers=key, timeout=5
    )
    mtn_sandbox.token = login.json()["access_token"]
    assert refused(mtn_sandbox.post(payment(currency="EUR"))) == (500, "INVALID_CALLBACK_URL_HOST")
    allowed = {"X-Callback-Url": "http://pay.example.com/callbacks/mtn"}
    assert mtn_sandbox.post(payment(currency="EUR"), **allowed).status_code == 202


@pytest.mark.parametrize("host", ["", "https://pay.example.com/x", None])
def test_a_user_s_host_must_be_a_host(mtn_sandbox: Caller, host: Any) -> None:
    headers = {"Ocp-Apim-Subscription-Key": mtn_sandbox.key, "X-Reference-Id": str(uuid.uuid4())}
    url = f"{mtn_sandbox.talk.base_url}/v1_0/apiuser"
    assert requests.post(url, json={"providerCallbackHost": host}, headers=headers, timeout=5).status_code == 400


def test_only_the_sandbox_makes_users(mtn: Caller) -> None:
    headers = {"Ocp-Apim-Subscription-Key": mtn.key, "X-Reference-Id": str(uuid.uuid4())}
    url = f"{mtn.talk.base_url}/v1_0/apiuser"
    assert requests.post(url, json={"providerCallbackHost": "x"}, headers=headers, timeout=5).status_code == 404
