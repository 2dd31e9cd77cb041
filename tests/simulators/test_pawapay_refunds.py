"""Refunds at the simulator of pawaPay."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.simulators.pawapay_account import Caller, deposit
from tests.simulators.talking import Receiver


def asked(deposit_id: str, **changes: Any) -> dict[str, Any]:
    return {"refundId": str(uuid.uuid4()), "depositId": deposit_id, "amount": "400", "currency": "XOF", **changes}


def refused(pawapay: Caller, given: dict[str, Any]) -> tuple[int, str]:
    return pawapay.refused(given, "/v2/refunds")


def test_a_refund_is_accepted_and_completed_and_told(pawapay: Caller, receiver: Receiver) -> None:
    paid = pawapay.pay()
    refund_id = pawapay.refund(paid, amount="400", currency="XOF", metadata=[{"refund": "re_0001"}])
    pawapay.talk.advance(10)
    data = pawapay.data(refund_id, "refunds")
    shown = {"refundId": refund_id, "depositId": paid, "status": "COMPLETED", "amount": "400.00", "currency": "XOF"}
    assert data | shown | {"metadata": {"refund": "re_0001"}} == data
    assert json.loads(receiver.wait(2)[1].body)["refundId"] == refund_id
    [refund] = pawapay.talk.refunds()
    assert (refund["of"], refund["amount"], refund["state"]) == (paid, "400", "succeeded")


def test_a_refund_without_an_amount_gives_back_all_that_is_left(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.refund(paid, amount="400", currency="XOF")
    pawapay.talk.advance(10)
    pawapay.refund(paid)
    pawapay.talk.advance(10)
    assert [refund["amount"] for refund in pawapay.talk.refunds()] == ["400", "600"]
    assert refused(pawapay, asked(paid)) == (200, "DEPOSIT_ALREADY_REFUNDED")


@pytest.mark.parametrize("refund_id", ["re_0001", "7ab9b401-ed6f-18a5-841a-ed537b2adcc9"])
def test_a_refund_s_id_must_be_a_uuid_of_version_4(pawapay: Caller, refund_id: str) -> None:
    assert refused(pawapay, asked(pawapay.pay(), refundId=refund_id)) == (400, "INVALID_PARAMETER")


def test_a_refund_of_more_than_is_left_is_refused(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.refund(paid, amount="400", currency="XOF")
    pawapay.talk.advance(10)
    assert refused(pawapay, asked(paid, amount="601")) == (200, "AMOUNT_TOO_LARGE")
    pawapay.refund(paid, amount="600", currency="XOF")


def test_a_refund_of_an_unfinished_deposit_is_refused(pawapay: Caller) -> None:
    assert refused(pawapay, asked(pawapay.create(deposit()))) == (200, "INVALID_STATE")


def test_a_refund_of_a_failed_deposit_is_refused(pawapay: Caller) -> None:
    assert refused(pawapay, asked(pawapay.pay(number="221773456049"))) == (200, "INVALID_STATE")


def test_a_refund_of_no_deposit_is_refused(pawapay: Caller) -> None:
    assert refused(pawapay, asked(str(uuid.uuid4()))) == (200, "NOT_FOUND")


def test_a_second_refund_while_one_runs_is_refused_and_its_id_is_free(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.refund(paid, amount="100", currency="XOF")
    given = asked(paid)
    assert refused(pawapay, given) == (200, "REFUND_IN_PROGRESS")
    pawapay.talk.advance(10)
    assert pawapay.post("/v2/refunds", given).json()["status"] == "ACCEPTED"


def test_an_amount_needs_a_currency(pawapay: Caller) -> None:
    given = asked(pawapay.pay())
    del given["currency"]
    assert refused(pawapay, given) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize(("currency", "amount"), [("XAF", "400"), ("EUR", "400")])
def test_a_refund_has_the_currency_of_its_deposit(pawapay: Caller, currency: str, amount: str) -> None:
    assert refused(pawapay, asked(pawapay.pay(), currency=currency, amount=amount)) == (200, "INVALID_CURRENCY")


@pytest.mark.parametrize("amount", ["400.00", "0400", 400, "-1"])
def test_a_refund_s_amount_has_the_form_of_a_deposit_s(pawapay: Caller, amount: Any) -> None:
    assert refused(pawapay, asked(pawapay.pay(), amount=amount)) == (200, "INVALID_AMOUNT")


def test_a_field_that_does_not_exist_is_refused(pawapay: Caller) -> None:
    assert refused(pawapay, asked(pawapay.pay(), reason="x")) == (400, "UNSUPPORTED_PARAMETER")


def test_an_account_without_refunds_gives_nothing_back(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.talk.set(refunds_allowed=False)
    assert refused(pawapay, asked(paid)) == (403, "REFUNDS_NOT_ALLOWED")


def test_a_repeated_refund_is_a_duplicate(pawapay: Caller) -> None:
    given = asked(pawapay.pay())
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda _: pawapay.post("/v2/refunds", given, timeout=30).json()["status"], range(20))
    assert sorted(answers) == ["ACCEPTED"] + ["DUPLICATE_IGNORED"] * 19
    assert len(pawapay.talk.refunds()) == 1


def test_a_refusal_may_be_in_the_words_of_version_1(pawapay: Caller) -> None:
    pawapay.talk.set(v1_rejections=True)
    answer = pawapay.post("/v2/refunds", asked(str(uuid.uuid4())))
    assert (answer.status_code, answer.json()["rejectionReason"]["rejectionCode"]) == (200, "NOT_FOUND")
    assert "failureReason" not in answer.json()
    assert pawapay.post("/v2/refunds", asked("pa_0001")).status_code == 400


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("221773456089", "RECIPIENT_NOT_FOUND"),
        ("221773456099", "WALLET_LIMIT_REACHED"),
        ("221773456109", "RECIPIENT_LIMIT_REACHED"),
        ("221773456119", "UNSPECIFIED_FAILURE"),
    ],
)
def test_the_documented_numbers_fail_as_documented(pawapay: Caller, number: str, code: str) -> None:
    paid = pawapay.pay(number=number)
    refund_id = pawapay.refund(paid)
    pawapay.talk.advance(10)
    data = pawapay.data(refund_id, "refunds")
    assert (data["status"], data["failureReason"]["failureCode"]) == ("FAILED", code)
    assert pawapay.talk.refunds()[0]["state"] == "failed"
    pawapay.refund(paid)  # a new id, and nothing was given back


def test_a_refusal_can_be_ordered(pawapay: Caller) -> None:
    given = asked(pawapay.pay())
    pawapay.talk.next("refuse", on="refund", code="PROVIDER_TEMPORARILY_UNAVAILABLE")
    assert refused(pawapay, given) == (200, "PROVIDER_TEMPORARILY_UNAVAILABLE")
    assert pawapay.post("/v2/refunds", given).json()["status"] == "ACCEPTED"


def test_a_failure_can_be_ordered(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.talk.next("fail", on="refund", code="PAWAPAY_WALLET_OUT_OF_FUNDS")
    refund_id = pawapay.refund(paid)
    pawapay.talk.advance(10)
    assert pawapay.data(refund_id, "refunds")["failureReason"]["failureCode"] == "PAWAPAY_WALLET_OUT_OF_FUNDS"


def test_a_refund_waits_while_its_wallet_is_delayed(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.talk.set(availability={"ORANGE_SEN": "DELAYED"})
    refund_id = pawapay.refund(paid)
    pawapay.talk.advance(86_400)
    assert pawapay.data(refund_id, "refunds")["status"] == "ENQUEUED"
    pawapay.talk.set(availability={})
    pawapay.talk.advance(60)
    assert pawapay.data(refund_id, "refunds")["status"] == "COMPLETED"


def test_a_refund_that_waits_can_be_failed_by_hand(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.talk.set(availability={"ORANGE_SEN": "DELAYED"})
    refund_id = pawapay.refund(paid)
    assert pawapay.post(f"/v2/refunds/fail-enqueued/{refund_id}").json()["status"] == "ACCEPTED"
    assert pawapay.data(refund_id, "refunds")["failureReason"]["failureCode"] == "MANUALLY_CANCELLED"
    pawapay.talk.set(availability={})
    pawapay.talk.advance(60)
    assert pawapay.data(refund_id, "refunds")["status"] == "FAILED"
    assert pawapay.refused(None, f"/v2/refunds/fail-enqueued/{refund_id}") == (200, "INVALID_STATE")


def test_a_closed_wallet_takes_no_refund(pawapay: Caller) -> None:
    paid = pawapay.pay()
    pawapay.talk.set(availability={"ORANGE_SEN": "CLOSED"})
    assert refused(pawapay, asked(paid)) == (200, "PROVIDER_TEMPORARILY_UNAVAILABLE")


def test_a_refund_s_callback_can_be_sent_again(pawapay: Caller, receiver: Receiver) -> None:
    refund_id = pawapay.refund(pawapay.pay())
    pawapay.talk.advance(10)
    answer = pawapay.post(f"/v2/refunds/resend-callback/{refund_id}").json()
    assert answer == {"refundId": refund_id, "status": "ACCEPTED"}
    assert [json.loads(request.body).get("refundId") for request in receiver.wait(3)] == [None, refund_id, refund_id]
