"""The simulator of pawaPay does what its card (1.12) says."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.pawapay.wallets import WALLETS
from tests.simulators.pawapay_account import NUMBERS, URLS, Caller, deposit
from tests.simulators.talking import Receiver, eventually

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
REDIRECT_WALLETS = ("WAVE_SEN", "WAVE_CIV")


def test_the_wallets_are_the_fifteen_of_the_card() -> None:
    assert set(WALLETS) == set(NUMBERS)


def test_a_deposit_is_accepted_processed_and_completed(pawapay: Caller, receiver: Receiver) -> None:
    given = deposit(customerMessage="Boutique Awa", clientReferenceId="pi_0001", metadata=[{"attempt": "pa_0001"}])
    answer = pawapay.post("/v2/deposits", given).json()
    assert {name: answer[name] for name in ("depositId", "status", "nextStep")} == {
        "depositId": given["depositId"],
        "status": "ACCEPTED",
        "nextStep": "FINAL_STATUS",
    }
    states = [pawapay.data(given["depositId"])["status"]]
    for _ in range(2):
        pawapay.talk.advance(3)
        states.append(pawapay.data(given["depositId"])["status"])
    assert states == ["ACCEPTED", "PROCESSING", "COMPLETED"]
    data = pawapay.data(given["depositId"])
    shown = {"amount": "1000.00", "country": "SEN", "metadata": {"attempt": "pa_0001"}, "payer": given["payer"]}
    assert data | shown == data
    assert data["clientReferenceId"] == "pi_0001"
    assert data["providerTransactionId"]
    [callback] = receiver.wait(1)
    assert (callback.method, callback.path) == ("POST", "/callbacks/acc_test")
    assert json.loads(callback.body) == {name: data[name] for name in data if name != "clientReferenceId"}


@pytest.mark.parametrize("wallet", [name for name in NUMBERS if name not in REDIRECT_WALLETS])
def test_every_wallet_s_good_number_pays(pawapay: Caller, wallet: str) -> None:
    deposit_id = pawapay.pay(wallet)
    assert pawapay.data(deposit_id)["status"] == "COMPLETED"
    [charge] = pawapay.talk.charges()
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
    pawapay: Caller, receiver: Receiver, wallet: str, number: str, code: str
) -> None:
    deposit_id = pawapay.pay(wallet, number)
    data = pawapay.data(deposit_id)
    assert (data["status"], data["failureReason"]["failureCode"]) == ("FAILED", code)
    assert json.loads(receiver.wait(1)[0].body)["failureReason"] == data["failureReason"]
    assert pawapay.talk.charges()[0]["state"] == "failed"


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
    pawapay: Caller, receiver: Receiver, wallet: str, number: str
) -> None:
    deposit_id = pawapay.pay(wallet, number)
    pawapay.talk.advance(30 * 86_400)
    assert pawapay.data(deposit_id)["status"] == "PROCESSING"
    assert (receiver.received, pawapay.talk.deliveries()) == ([], [])


def test_a_repeated_id_is_a_duplicate_whatever_else_it_says_and_asks_nobody_again(
    pawapay: Caller, receiver: Receiver
) -> None:
    given = deposit()
    created = pawapay.post("/v2/deposits", given).json()["created"]
    for changes in ({}, {"amount": "2000"}, {"payer": deposit("FREE_SEN")["payer"]}, {"amount": 5}):
        answer = pawapay.post("/v2/deposits", given | changes)
        known = {"depositId": given["depositId"], "status": "DUPLICATE_IGNORED", "created": created}
        assert (answer.status_code, answer.json()) == (200, known)
    pawapay.talk.advance(10)
    assert pawapay.post("/v2/deposits", given).json()["status"] == "DUPLICATE_IGNORED"
    [charge] = pawapay.talk.charges()
    assert (charge["amount"], charge["operator"], charge["calls"]) == ("1000", "ORANGE_SEN", 6)
    eventually(lambda: len(receiver.received) == 1)


def test_a_hundred_creates_at_once_with_one_id_make_one_deposit(pawapay: Caller) -> None:
    given = deposit()
    with ThreadPoolExecutor(100) as pool:
        answers = pool.map(lambda _: pawapay.post("/v2/deposits", given, timeout=30).json()["status"], range(100))
    assert sorted(answers) == ["ACCEPTED"] + ["DUPLICATE_IGNORED"] * 99
    assert [charge["calls"] for charge in pawapay.talk.charges()] == [100]


@pytest.mark.parametrize(("decimals", "shown"), [(2, "1000.00"), (4, "1000.0000")])
def test_amounts_are_shown_with_two_decimals_and_sometimes_four(pawapay: Caller, decimals: int, shown: str) -> None:
    pawapay.talk.set(echo_decimals=decimals)
    assert pawapay.data(pawapay.pay())["amount"] == shown
    assert pawapay.talk.charges()[0]["amount"] == "1000"


def test_an_unknown_deposit_is_not_found_with_200(pawapay: Caller) -> None:
    answer = pawapay.get(f"/v2/deposits/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()) == (200, {"status": "NOT_FOUND"})


def test_a_500_has_no_status_although_the_deposit_was_accepted(pawapay: Caller) -> None:
    pawapay.talk.next("accepted_then_500")
    given = deposit()
    answer = pawapay.post("/v2/deposits", given)
    assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (500, "UNKNOWN_ERROR")
    assert "status" not in answer.json()
    assert pawapay.data(given["depositId"])["status"] == "ACCEPTED"


def test_a_callback_may_come_before_the_answer(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("early_callback")
    assert pawapay.post("/v2/deposits", deposit()).json()["status"] == "ACCEPTED"
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["COMPLETED"]


def test_a_callback_may_be_doubled_or_dropped(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("double_callback")
    pawapay.talk.next("drop_callback")
    doubled, _, last = pawapay.pay(), pawapay.pay(), pawapay.pay()
    assert [json.loads(request.body)["depositId"] for request in receiver.wait(3)] == [doubled, doubled, last]


def test_a_callback_is_repeated_for_15_minutes_until_it_is_answered_200(pawapay: Caller, receiver: Receiver) -> None:
    receiver.statuses = [201, 202, 302, 404, 500, 503, 204, 500]
    pawapay.pay()
    for count in range(1, 9):
        eventually(lambda count=count: len(pawapay.talk.deliveries()) == count)  # type: ignore[misc]
        pawapay.talk.advance(300)
    last = pawapay.pay()
    eventually(lambda: pawapay.talk.deliveries()[-1]["id"] == last)
    assert [note["answered"] for note in pawapay.talk.deliveries()] == [201, 202, 302, 404, 500, 503, 204, 500, 200]


def test_a_failure_may_become_a_success_later(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("fail_then_complete", code="PAYMENT_NOT_APPROVED", seconds=3600)
    deposit_id = pawapay.pay()
    assert pawapay.data(deposit_id)["status"] == "FAILED"
    pawapay.talk.advance(3600)
    data = pawapay.data(deposit_id)
    assert (data["status"], "failureReason" in data) == ("COMPLETED", False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["FAILED", "COMPLETED"]
    assert pawapay.talk.charges()[0]["state"] == "succeeded"


def test_a_deposit_may_be_in_reconciliation_for_long(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("in_reconciliation", seconds=7200)
    deposit_id = pawapay.pay()
    pawapay.talk.advance(7000)
    assert pawapay.data(deposit_id)["status"] == "IN_RECONCILIATION"
    assert receiver.received == []
    pawapay.talk.advance(300)
    assert pawapay.data(deposit_id)["status"] == "COMPLETED"


def test_a_customer_may_pay_another_amount(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("other_amount", amount="900")
    deposit_id = pawapay.pay()
    assert pawapay.data(deposit_id)["amount"] == "900.00"
    assert receiver.wait(1)[0].json()["amount"] == "900.00"
    assert pawapay.talk.charges()[0]["amount"] == "900"


@pytest.mark.parametrize("code", ["WALLET_LIMIT_REACHED", "TRANSACTION_ALREADY_IN_PROCESS", "UNKNOWN_ERROR", "NEW"])
def test_any_failure_can_be_ordered(pawapay: Caller, code: str) -> None:
    pawapay.talk.next("fail", code=code)
    assert pawapay.data(pawapay.pay())["failureReason"]["failureCode"] == code


def test_a_second_prompt_on_a_busy_wallet_fails(pawapay: Caller) -> None:
    pawapay.talk.set(one_prompt_per_wallet=True)
    first = pawapay.create(deposit(number="221773456129"))
    second = pawapay.pay(number="221773456129")
    other = pawapay.pay(number="221773456789")
    assert pawapay.data(second)["failureReason"]["failureCode"] == "PAYMENT_IN_PROGRESS"
    assert [pawapay.data(one)["status"] for one in (first, other)] == ["PROCESSING", "COMPLETED"]
    pawapay.talk.advance(600)
    assert pawapay.data(pawapay.pay(number="221773456129"))["status"] == "PROCESSING"


# ---------------------------------------------------------------- callbacks again


def test_a_callback_can_be_sent_again(pawapay: Caller, receiver: Receiver) -> None:
    deposit_id = pawapay.pay()
    answer = pawapay.post(f"/v2/deposits/resend-callback/{deposit_id}")
    assert (answer.status_code, answer.json()) == (200, {"depositId": deposit_id, "status": "ACCEPTED"})
    first, second = receiver.wait(2)
    assert first.body == second.body


def test_there_is_no_callback_of_what_has_not_ended_or_does_not_exist(pawapay: Caller) -> None:
    running, unknown = pawapay.create(deposit()), str(uuid.uuid4())
    assert pawapay.refused(None, f"/v2/deposits/resend-callback/{running}") == (200, "INVALID_STATE")
    assert pawapay.refused(None, f"/v2/deposits/resend-callback/{unknown}") == (200, "NOT_FOUND")


# ---------------------------------------------------------------- redirect wallets


def test_the_wallet_s_page_is_known_at_the_second_look_up_only(pawapay: Caller, receiver: Receiver) -> None:
    given = deposit("WAVE_SEN")
    assert pawapay.post("/v2/deposits", given).json()["nextStep"] == "GET_AUTH_URL"
    first, second = pawapay.data(given["depositId"]), pawapay.data(given["depositId"])
    assert (first["status"], "authorizationUrl" in first) == ("ACCEPTED", False)
    assert (second["status"], second["nextStep"]) == ("PROCESSING", "REDIRECT_TO_AUTH_URL")
    told = json.loads(receiver.wait(1)[0].body)
    assert (told["nextStep"], told["authorizationUrl"]) == (second["nextStep"], second["authorizationUrl"])


def test_the_wallet_s_page_may_be_known_at_once(pawapay: Caller) -> None:
    pawapay.talk.set(auth_url_at_once=True)
    answer = pawapay.post("/v2/deposits", deposit("WAVE_CIV")).json()
    assert answer["nextStep"] == "REDIRECT_TO_AUTH_URL"
    assert requests.get(answer["authorizationUrl"], timeout=5).status_code == 200


def test_who_does_not_ask_is_told_the_page_by_callback(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.pay("WAVE_SEN")
    assert json.loads(receiver.wait(1)[0].body)["nextStep"] == "REDIRECT_TO_AUTH_URL"


@pytest.mark.parametrize(
    ("decision", "status", "place"), [("pay", "COMPLETED", "successfulUrl"), ("decline", "FAILED", "failedUrl")]
)
def test_the_customer_decides_on_the_wallet_s_page(
    pawapay: Caller, receiver: Receiver, decision: str, status: str, place: str
) -> None:
    deposit_id = pawapay.pay("WAVE_SEN")
    url = pawapay.data(deposit_id)["authorizationUrl"]
    assert "1000 XOF" in requests.get(url, timeout=5).text
    for _ in range(2):  # a reload pays nothing
        answer = requests.post(url, data={"decision": decision}, timeout=5, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, URLS[place])
    data = pawapay.data(deposit_id)
    assert (data["status"], "authorizationUrl" in data) == (status, False)
    assert [json.loads(request.body)["status"] for request in receiver.wait(2)] == ["PROCESSING", status]
    assert requests.get(url, timeout=5).status_code == 404


def test_a_customer_who_never_comes_has_not_approved(pawapay: Caller) -> None:
    deposit_id = pawapay.pay("WAVE_SEN")
    pawapay.talk.advance(1800)
    assert pawapay.data(deposit_id)["failureReason"]["failureCode"] == "PAYMENT_NOT_APPROVED"


def test_an_early_callback_of_a_redirect_wallet_brings_its_page(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.talk.next("early_callback")
    pawapay.create(deposit("WAVE_SEN"))
    assert [json.loads(request.body)["status"] for request in receiver.received] == ["PROCESSING"]


def test_pawapay_has_no_account_for_a_country() -> None:
    with pytest.raises(ValueError, match="all countries"):
        PawaPay(country="SN")
