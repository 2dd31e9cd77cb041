"""The simulator of pawaPay refuses what its card (1.12) says, and does what pawaPay does."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.pawapay.wallets import WALLETS
from tests.simulators.pawapay_account import NUMBERS, URLS, Caller, deposit
from tests.simulators.talking import Receiver, eventually, talk

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
REDIRECT_WALLETS = ("WAVE_SEN", "WAVE_CIV")


@pytest.fixture
def caller(receiver: Receiver) -> Iterator[Caller]:
    with talk(PawaPay(callback_url=receiver.url)) as talking:
        yield Caller(talking)


def test_the_wallets_are_the_fifteen_of_the_card() -> None:
    assert set(WALLETS) == set(NUMBERS)


# ---------------------------------------------------------------- what it refuses


def test_a_call_without_a_token_is_401(caller: Caller) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        answer = requests.post(f"{caller.talk.base_url}/v2/deposits", json=deposit(), headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (401, "NO_AUTHENTICATION")


def test_a_call_with_another_token_is_403(caller: Caller) -> None:
    caller.headers = {"Authorization": "Bearer made-up-token"}
    assert caller.refused(deposit()) == (403, "AUTHENTICATION_ERROR")
    assert caller.get(f"/v2/deposits/{ID}").status_code == 403
    assert caller.talk.charges() == []


@pytest.mark.parametrize(
    "deposit_id",
    [
        "8f3c1d20-5b1e-1c7a-9d55-0a4f6f7b2c11",
        "8f3c1d20-5b1e-4c7a-1d55-0a4f6f7b2c11",
        "{8F3C1D20-5B1E-4C7A-9D55-0A4F6F7B2C11}",
        ID.upper(),
        ID.replace("-", ""),
        "pa_0001",
        "",
        5,
    ],
)
def test_an_id_must_be_a_uuid_of_version_4_in_canonical_form(caller: Caller, deposit_id: Any) -> None:
    assert caller.refused(deposit(depositId=deposit_id)) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    "amount", [1000, 10.5, True, "1000.00", "1000.0", "1000.", "01000", "-1000", "+5", "1e3", "", " 1000", "1,000"]
)
def test_an_amount_must_have_the_documented_form(caller: Caller, amount: Any) -> None:
    assert caller.refused(deposit(amount=amount)) == (200, "INVALID_AMOUNT")


@pytest.mark.parametrize(
    ("wallet", "currency", "amount"),
    [
        ("ORANGE_SEN", "XOF", "1000.5"),
        ("MTN_MOMO_CMR", "XAF", "1000.25"),
        ("VODACOM_MPESA_COD", "CDF", "1000.5"),
        ("ORANGE_COD", "CDF", "1000.125"),
        ("VODACOM_MPESA_COD", "USD", "12.125"),
    ],
)
def test_a_wallet_takes_only_its_own_decimals(caller: Caller, wallet: str, currency: str, amount: str) -> None:
    assert caller.refused(deposit(wallet, currency=currency, amount=amount)) == (200, "INVALID_AMOUNT")


def test_a_wallet_with_decimals_takes_them(caller: Caller) -> None:
    caller.create(deposit("ORANGE_COD", amount="1000.5"))
    caller.create(deposit("VODACOM_MPESA_COD", currency="USD", amount="12.25"))


@pytest.mark.parametrize("amount", ["0", "99", "2000001", "999999999999999999"])
def test_an_amount_outside_the_limits_is_refused(caller: Caller, amount: str) -> None:
    assert caller.refused(deposit(amount=amount)) == (200, "AMOUNT_OUT_OF_BOUNDS")


@pytest.mark.parametrize("number", ["+221773456789", "221 77 345 67 89", "22177345678a", "1"])
def test_a_number_must_be_digits(caller: Caller, number: str) -> None:
    assert caller.refused(deposit(number=number)) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    ("wallet", "number"),
    [
        ("ORANGE_SEN", "2250734567890"),
        ("ORANGE_SEN", "221763456789"),
        ("MTN_MOMO_CIV", "2250734567890"),
        ("MOOV_BFA", "22607345678"),
        ("ORANGE_SEN", "22177345678"),
        ("WAVE_SEN", "2250734567890"),
        ("AIRTEL_COD", "243813456789"),
    ],
)
def test_a_number_of_another_country_or_operator_is_refused(caller: Caller, wallet: str, number: str) -> None:
    assert caller.refused(deposit(wallet, number)) == (200, "INVALID_PHONE_NUMBER")


@pytest.mark.parametrize(
    ("wallet", "currency"), [("ORANGE_SEN", "XAF"), ("ORANGE_SEN", "EUR"), ("ORANGE_SEN", "xof"), ("ORANGE_COD", "XAF")]
)
def test_a_currency_that_the_wallet_lacks_is_refused(caller: Caller, wallet: str, currency: str) -> None:
    assert caller.refused(deposit(wallet, currency=currency)) == (200, "INVALID_CURRENCY")


def test_a_wallet_that_does_not_exist_is_refused(caller: Caller) -> None:
    assert caller.refused(deposit("ORANGE_MLI")) == (200, "INVALID_PROVIDER")


@pytest.mark.parametrize("message", ["abc", "a" * 23, "Boutique Awé", "Boutique-Awa", "Boutique_Awa", ""])
def test_a_message_must_be_4_to_22_letters_digits_and_spaces(caller: Caller, message: str) -> None:
    assert caller.refused(deposit(customerMessage=message)) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("message", ["abcd", "a" * 22, "Boutique 12"])
def test_a_message_within_these_bounds_is_taken(caller: Caller, message: str) -> None:
    assert caller.data(caller.create(deposit(customerMessage=message)))["customerMessage"] == message


def test_orange_in_burkina_faso_needs_a_code(caller: Caller) -> None:
    assert caller.refused(deposit("ORANGE_BFA", preAuthorisationCode=None)) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1" * 37])
def test_a_code_that_is_none_is_refused_by_name(caller: Caller, code: str) -> None:
    answer = caller.post("/v2/deposits", deposit("ORANGE_BFA", preAuthorisationCode=code))
    reason = answer.json()["failureReason"]
    assert (answer.status_code, reason["failureCode"]) == (400, "INVALID_PARAMETER")
    assert "preAuthorisationCode" in reason["failureMessage"]


def test_a_push_wallet_takes_no_code(caller: Caller) -> None:
    assert caller.refused(deposit(preAuthorisationCode="123456")) == (400, "UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize("name", ["successfulUrl", "failedUrl"])
def test_wave_needs_both_addresses(caller: Caller, name: str) -> None:
    given = deposit("WAVE_SEN")
    del given[name]
    assert caller.refused(given) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize("url", ["http://pay.example.com/r/ok", "pay.example.com", "javascript:alert(1)"])
def test_wave_needs_addresses_of_https(caller: Caller, url: str) -> None:
    assert caller.refused(deposit("WAVE_CIV", successfulUrl=url)) == (400, "INVALID_PARAMETER")


def test_a_push_wallet_takes_no_addresses(caller: Caller) -> None:
    assert caller.refused(deposit(**URLS)) == (400, "UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([{f"name{number}": "x"} for number in range(11)], "INVALID_PARAMETER"),
        ([{"a": "1", "b": "2"}], "INVALID_PARAMETER"),
        ([{"a": 1}], "INVALID_PARAMETER"),
        ([{"isPII": True}], "INVALID_PARAMETER"),
        ([{"a": "1", "isPII": "yes"}], "INVALID_PARAMETER"),
        ({"a": "1"}, "INVALID_PARAMETER"),
        ([{"a": "1"}, {"b": "2"}, {"a": "3"}], "DUPLICATE_METADATA_FIELD"),
    ],
    ids=["eleven", "two keys", "number", "no key", "isPII", "object", "repeated"],
)
def test_metadata_must_be_ten_objects_of_one_field(caller: Caller, metadata: Any, code: str) -> None:
    assert caller.refused(deposit(metadata=metadata)) == (400, code)


def test_metadata_is_shown_flat(caller: Caller) -> None:
    metadata = [{"attempt": "pa_0001"}, {"customer": "a@b.example", "isPII": True}]
    shown = caller.data(caller.create(deposit(metadata=metadata)))["metadata"]
    assert shown == {"attempt": "pa_0001", "customer": "a@b.example"}


@pytest.mark.parametrize("name", ["callbackUrl", "country", "depositid"])
def test_a_field_that_does_not_exist_is_refused(caller: Caller, name: str) -> None:
    assert caller.refused(deposit(**{name: "x"})) == (400, "UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize("name", ["depositId", "amount", "currency", "payer"])
def test_a_field_that_is_missing_is_refused(caller: Caller, name: str) -> None:
    given = deposit()
    del given[name]
    assert caller.refused(given) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize(
    ("payer", "code"),
    [
        ({"type": "MMO"}, "MISSING_PARAMETER"),
        ({"type": "CARD", "accountDetails": {}}, "INVALID_PARAMETER"),
        ({"type": "MMO", "accountDetails": {"phoneNumber": "221773456789"}}, "MISSING_PARAMETER"),
        ({"type": "MMO", "accountDetails": {}, "name": "Awa"}, "UNSUPPORTED_PARAMETER"),
        ("221773456789", "INVALID_PARAMETER"),
    ],
)
def test_a_payer_must_be_whole(caller: Caller, payer: Any, code: str) -> None:
    assert caller.refused(deposit(payer=payer)) == (400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_must_be_a_json_object(caller: Caller, body: bytes) -> None:
    answer = requests.post(f"{caller.talk.base_url}/v2/deposits", data=body, headers=caller.headers, timeout=5)
    assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (400, "INVALID_INPUT")


@pytest.mark.parametrize("state", ["DELAYED", "CLOSED"])
def test_a_wallet_that_is_not_operational_takes_no_deposit(caller: Caller, state: str) -> None:
    caller.talk.set(availability={"ORANGE_SEN": state})
    assert caller.refused(deposit()) == (200, "PROVIDER_TEMPORARILY_UNAVAILABLE")
    caller.create(deposit("FREE_SEN"))


def test_an_account_without_deposits_takes_none(caller: Caller) -> None:
    caller.talk.set(deposits_allowed=False)
    assert caller.refused(deposit()) == (403, "DEPOSITS_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("code", "status"),
    [("HTTP_SIGNATURE_ERROR", 403), ("AUTHORISATION_ERROR", 403), ("INVALID_INPUT", 400), ("INVALID_CURRENCY", 200)],
)
def test_any_refusal_can_be_ordered(caller: Caller, code: str, status: int) -> None:
    caller.talk.next("refuse", code=code)
    given = deposit()
    assert caller.refused(given) == (status, code)
    caller.create(given)


def test_what_was_refused_does_not_exist_and_its_id_is_free(caller: Caller) -> None:
    given = deposit(amount="1")
    answer = caller.post("/v2/deposits", given).json()
    assert (answer["depositId"], answer["status"]) == (given["depositId"], "REJECTED")
    assert caller.get(f"/v2/deposits/{given['depositId']}").json() == {"status": "NOT_FOUND"}
    caller.create(given | {"amount": "1000"})


# ---------------------------------------------------------------- what it does


def test_a_deposit_is_accepted_processed_and_completed(caller: Caller, receiver: Receiver) -> None:
    given = deposit(customerMessage="Boutique Awa", clientReferenceId="pi_0001", metadata=[{"attempt": "pa_0001"}])
    answer = caller.post("/v2/deposits", given).json()
    assert {name: answer[name] for name in ("depositId", "status", "nextStep")} == {
        "depositId": given["depositId"],
        "status": "ACCEPTED",
        "nextStep": "FINAL_STATUS",
    }
    states = [caller.data(given["depositId"])["status"]]
    for _ in range(2):
        caller.talk.advance(3)
        states.append(caller.data(given["depositId"])["status"])
    assert states == ["ACCEPTED", "PROCESSING", "COMPLETED"]
    data = caller.data(given["depositId"])
    shown = {"amount": "1000.00", "country": "SEN", "metadata": {"attempt": "pa_0001"}, "payer": given["payer"]}
    assert data | shown == data
    assert data["clientReferenceId"] == "pi_0001"
    assert data["providerTransactionId"]
    [callback] = receiver.wait(1)
    assert (callback.method, callback.path) == ("POST", "/callbacks/acc_test")
    assert json.loads(callback.body) == {name: data[name] for name in data if name != "clientReferenceId"}


@pytest.mark.parametrize("wallet", [name for name in NUMBERS if name not in REDIRECT_WALLETS])
def test_every_wallet_s_good_number_pays(caller: Caller, wallet: str) -> None:
    deposit_id = caller.pay(wallet)
    assert caller.data(deposit_id)["status"] == "COMPLETED"
    [charge] = caller.talk.charges()
    shown = {"id": deposit_id, "amount": "1000", "operator": wallet, "payer": NUMBERS[wallet], "state": "succeeded"}
    assert charge | shown == charge


@pytest.mark.parametrize(
    ("wallet", "number", "code"),
    [
        ("MTN_MOMO_CMR", "237653456019", "PAYER_LIMIT_REACHED"),
        ("ORANGE_SEN", "221773456029", "PAYER_NOT_FOUND"),
        ("ORANGE_CMR", "237693456039", "PAYMENT_NOT_APPROVED"),
        ("FREE_SEN", "221763456049", "INSUFFICIENT_BALANCE"),
        ("MTN_MOMO_BEN", "22951345069", "UNSPECIFIED_FAILURE"),
        ("ORANGE_CIV", "2250734567030", "UNSPECIFIED_FAILURE"),
        ("MOOV_BFA", "22602345048", "INSUFFICIENT_BALANCE"),
        ("MOOV_BFA", "22602345068", "UNSPECIFIED_FAILURE"),
        ("ORANGE_BFA", "22607345148", "PAYMENT_NOT_APPROVED"),
        ("MOOV_BEN", "22995345679", "UNSPECIFIED_FAILURE"),
    ],
)
def test_the_documented_numbers_fail_as_documented(
    caller: Caller, receiver: Receiver, wallet: str, number: str, code: str
) -> None:
    deposit_id = caller.pay(wallet, number)
    data = caller.data(deposit_id)
    assert (data["status"], data["failureReason"]["failureCode"]) == ("FAILED", code)
    assert json.loads(receiver.wait(1)[0].body)["failureReason"] == data["failureReason"]
    assert caller.talk.charges()[0]["state"] == "failed"


@pytest.mark.parametrize(
    ("wallet", "number"),
    [
        ("ORANGE_SEN", "221773456129"),
        ("ORANGE_CIV", "2250734567130"),
        ("MOOV_BFA", "22602345138"),
        ("ORANGE_BFA", "22607345128"),
        ("MOOV_BEN", "22995345639"),
    ],
)
def test_the_documented_numbers_never_end_and_are_never_told(
    caller: Caller, receiver: Receiver, wallet: str, number: str
) -> None:
    deposit_id = caller.pay(wallet, number)
    caller.talk.advance(30 * 86_400)
    assert caller.data(deposit_id)["status"] == "PROCESSING"
    assert (receiver.received, caller.talk.deliveries()) == ([], [])


def test_a_repeated_id_is_a_duplicate_whatever_else_it_says_and_asks_nobody_again(
    caller: Caller, receiver: Receiver
) -> None:
    given = deposit()
    created = caller.post("/v2/deposits", given).json()["created"]
    for changes in ({}, {"amount": "2000"}, {"payer": deposit("FREE_SEN")["payer"]}, {"amount": 5}):
        answer = caller.post("/v2/deposits", given | changes)
        known = {"depositId": given["depositId"], "status": "DUPLICATE_IGNORED", "created": created}
        assert (answer.status_code, answer.json()) == (200, known)
    caller.talk.advance(10)
    assert caller.post("/v2/deposits", given).json()["status"] == "DUPLICATE_IGNORED"
    [charge] = caller.talk.charges()
    assert (charge["amount"], charge["operator"], charge["calls"]) == ("1000", "ORANGE_SEN", 6)
    eventually(lambda: len(receiver.received) == 1)


def test_a_hundred_creates_at_once_with_one_id_make_one_deposit(caller: Caller) -> None:
    given = deposit()
    with ThreadPoolExecutor(100) as pool:
        answers = pool.map(lambda _: caller.post("/v2/deposits", given, timeout=30).json()["status"], range(100))
    assert sorted(answers) == ["ACCEPTED"] + ["DUPLICATE_IGNORED"] * 99
    assert [charge["calls"] for charge in caller.talk.charges()] == [100]


@pytest.mark.parametrize(("decimals", "shown"), [(2, "1000.00"), (4, "1000.0000")])
def test_amounts_are_shown_with_two_decimals_and_sometimes_four(caller: Caller, decimals: int, shown: str) -> None:
    caller.talk.set(echo_decimals=decimals)
    assert caller.data(caller.pay())["amount"] == shown
    assert caller.talk.charges()[0]["amount"] == "1000"


def test_an_unknown_deposit_is_not_found_with_200(caller: Caller) -> None:
    answer = caller.get(f"/v2/deposits/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()) == (200, {"status": "NOT_FOUND"})


def test_a_500_has_no_status_although_the_deposit_was_accepted(caller: Caller) -> None:
    caller.talk.next("accepted_then_500")
    given = deposit()
    answer = caller.post("/v2/deposits", given)
    assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (500, "UNKNOWN_ERROR")
    assert "status" not in answer.json()
    assert caller.data(given["depositId"])["status"] == "ACCEPTED"


def test_a_callback_may_come_before_the_answer(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("early_callback")
    assert caller.post("/v2/deposits", deposit()).json()["status"] == "ACCEPTED"
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["COMPLETED"]


def test_a_callback_may_be_doubled_or_dropped(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("double_callback")
    caller.talk.next("drop_callback")
    doubled, _, last = caller.pay(), caller.pay(), caller.pay()
    assert [json.loads(request.body)["depositId"] for request in receiver.wait(3)] == [doubled, doubled, last]


def test_a_callback_is_repeated_for_15_minutes_until_it_is_answered_200(caller: Caller, receiver: Receiver) -> None:
    receiver.statuses = [201, 202, 302, 404, 500, 503, 204, 500]
    caller.pay()
    for count in range(1, 9):
        eventually(lambda count=count: len(caller.talk.deliveries()) == count)  # type: ignore[misc]
        caller.talk.advance(300)
    last = caller.pay()
    eventually(lambda: caller.talk.deliveries()[-1]["id"] == last)
    assert [note["answered"] for note in caller.talk.deliveries()] == [201, 202, 302, 404, 500, 503, 204, 500, 200]


def test_a_failure_may_become_a_success_later(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("fail_then_complete", code="PAYMENT_NOT_APPROVED", seconds=3600)
    deposit_id = caller.pay()
    assert caller.data(deposit_id)["status"] == "FAILED"
    caller.talk.advance(3600)
    data = caller.data(deposit_id)
    assert (data["status"], "failureReason" in data) == ("COMPLETED", False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["FAILED", "COMPLETED"]
    assert caller.talk.charges()[0]["state"] == "succeeded"


def test_a_deposit_may_be_in_reconciliation_for_long(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("in_reconciliation", seconds=7200)
    deposit_id = caller.pay()
    caller.talk.advance(7000)
    assert caller.data(deposit_id)["status"] == "IN_RECONCILIATION"
    assert receiver.received == []
    caller.talk.advance(300)
    assert caller.data(deposit_id)["status"] == "COMPLETED"


def test_a_customer_may_pay_another_amount(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("other_amount", amount="900")
    deposit_id = caller.pay()
    assert caller.data(deposit_id)["amount"] == "900.00"
    assert receiver.wait(1)[0].json()["amount"] == "900.00"
    assert caller.talk.charges()[0]["amount"] == "900"


@pytest.mark.parametrize("code", ["WALLET_LIMIT_REACHED", "TRANSACTION_ALREADY_IN_PROCESS", "UNKNOWN_ERROR", "NEW"])
def test_any_failure_can_be_ordered(caller: Caller, code: str) -> None:
    caller.talk.next("fail", code=code)
    assert caller.data(caller.pay())["failureReason"]["failureCode"] == code


def test_a_second_prompt_on_a_busy_wallet_fails(caller: Caller) -> None:
    caller.talk.set(one_prompt_per_wallet=True)
    first = caller.create(deposit(number="221773456129"))
    second = caller.pay(number="221773456129")
    other = caller.pay(number="221773456789")
    assert caller.data(second)["failureReason"]["failureCode"] == "PAYMENT_IN_PROGRESS"
    assert [caller.data(one)["status"] for one in (first, other)] == ["PROCESSING", "COMPLETED"]
    caller.talk.advance(600)
    assert caller.data(caller.pay(number="221773456129"))["status"] == "PROCESSING"


# ---------------------------------------------------------------- callbacks again


def test_a_callback_can_be_sent_again(caller: Caller, receiver: Receiver) -> None:
    deposit_id = caller.pay()
    answer = caller.post(f"/v2/deposits/resend-callback/{deposit_id}")
    assert (answer.status_code, answer.json()) == (200, {"depositId": deposit_id, "status": "ACCEPTED"})
    first, second = receiver.wait(2)
    assert first.body == second.body


def test_there_is_no_callback_of_what_has_not_ended_or_does_not_exist(caller: Caller) -> None:
    running, unknown = caller.create(deposit()), str(uuid.uuid4())
    assert caller.refused(None, f"/v2/deposits/resend-callback/{running}") == (200, "INVALID_STATE")
    assert caller.refused(None, f"/v2/deposits/resend-callback/{unknown}") == (200, "NOT_FOUND")


# ---------------------------------------------------------------- redirect wallets


def test_the_wallet_s_page_is_known_at_the_second_look_up_only(caller: Caller, receiver: Receiver) -> None:
    given = deposit("WAVE_SEN")
    assert caller.post("/v2/deposits", given).json()["nextStep"] == "GET_AUTH_URL"
    first, second = caller.data(given["depositId"]), caller.data(given["depositId"])
    assert (first["status"], "authorizationUrl" in first) == ("ACCEPTED", False)
    assert (second["status"], second["nextStep"]) == ("PROCESSING", "REDIRECT_TO_AUTH_URL")
    told = json.loads(receiver.wait(1)[0].body)
    assert (told["nextStep"], told["authorizationUrl"]) == (second["nextStep"], second["authorizationUrl"])


def test_the_wallet_s_page_may_be_known_at_once(caller: Caller) -> None:
    caller.talk.set(auth_url_at_once=True)
    answer = caller.post("/v2/deposits", deposit("WAVE_CIV")).json()
    assert answer["nextStep"] == "REDIRECT_TO_AUTH_URL"
    assert requests.get(answer["authorizationUrl"], timeout=5).status_code == 200


def test_who_does_not_ask_is_told_the_page_by_callback(caller: Caller, receiver: Receiver) -> None:
    caller.pay("WAVE_SEN")
    assert json.loads(receiver.wait(1)[0].body)["nextStep"] == "REDIRECT_TO_AUTH_URL"


@pytest.mark.parametrize(
    ("decision", "status", "place"), [("pay", "COMPLETED", "successfulUrl"), ("decline", "FAILED", "failedUrl")]
)
def test_the_customer_decides_on_the_wallet_s_page(
    caller: Caller, receiver: Receiver, decision: str, status: str, place: str
) -> None:
    deposit_id = caller.pay("WAVE_SEN")
    url = caller.data(deposit_id)["authorizationUrl"]
    assert "1000 XOF" in requests.get(url, timeout=5).text
    for _ in range(2):  # a reload pays nothing
        answer = requests.post(url, data={"decision": decision}, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, URLS[place])
    data = caller.data(deposit_id)
    assert (data["status"], "authorizationUrl" in data) == (status, False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["PROCESSING", status]
    assert requests.get(url, timeout=5).status_code == 404


def test_a_customer_who_never_comes_has_not_approved(caller: Caller) -> None:
    deposit_id = caller.pay("WAVE_SEN")
    caller.talk.advance(1800)
    assert caller.data(deposit_id)["failureReason"]["failureCode"] == "PAYMENT_NOT_APPROVED"


def test_an_early_callback_of_a_redirect_wallet_brings_its_page(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("early_callback")
    caller.create(deposit("WAVE_SEN"))
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["PROCESSING"]


def test_pawapay_has_no_account_for_a_country() -> None:
    with pytest.raises(ValueError, match="all countries"):
        PawaPay(country="SN")
