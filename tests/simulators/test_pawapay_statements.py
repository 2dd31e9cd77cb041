"""The simulator's wallets and statements: asked for, ready at the second look-up, fetched, and told by callback."""

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.simulators.pawapay_account import Caller
from tests.simulators.talking import Receiver

FORM = "%Y-%m-%dT%H:%M:%S"


def request(pawapay: Caller, receiver: Receiver, **changes: Any) -> dict[str, Any]:
    """A request for what happened in Senegal within an hour of the first deposit."""
    at = datetime.fromtimestamp(pawapay.talk.charges()[0]["created"], UTC)
    edges = {"startDate": at - timedelta(hours=1), "endDate": at + timedelta(hours=1)}
    span = {name: edge.strftime(FORM) for name, edge in edges.items()}
    return {"wallet": {"country": "SEN", "currency": "XOF"}, "callbackUrl": receiver.url, **span, **changes}


def ready(pawapay: Caller, given: dict[str, Any]) -> dict[str, Any]:
    """The statement, as the second look-up shows it."""
    made = pawapay.post("/v2/statements", given).json()
    assert (made["status"], len(made["statementId"])) == ("ACCEPTED", 36)
    first, second = (pawapay.get(f"/v2/statements/{made['statementId']}").json() for _ in range(2))
    assert (first["status"], first["data"]["status"]) == ("FOUND", "PROCESSING")
    data: dict[str, Any] = second["data"]
    return data


def refund(pawapay: Caller, deposit_id: str, amount: str) -> str:
    """A refund that was asked for."""
    given = {"refundId": str(uuid.uuid4()), "depositId": deposit_id, "amount": amount, "currency": "XOF"}
    assert pawapay.post("/v2/refunds", given).json()["status"] == "ACCEPTED"
    return given["refundId"]


def test_a_statement_has_what_moved_in_the_words_of_the_documents(pawapay: Caller, receiver: Receiver) -> None:
    paid = pawapay.pay("ORANGE_SEN")
    pawapay.pay("ORANGE_SEN", "221773456049")  # there is not enough money
    pawapay.pay("MTN_MOMO_CIV")  # another wallet
    back = refund(pawapay, paid, "300")
    pawapay.talk.advance(10)
    pawapay.talk.next("fail", on="refund", code="UNSPECIFIED_FAILURE")
    failed = refund(pawapay, paid, "200")
    pawapay.talk.advance(10)
    data = ready(pawapay, request(pawapay, receiver))
    assert (data["status"], data["wallet"]) == ("COMPLETED", {"country": "SEN", "currency": "XOF"})
    file = requests.get(data["downloadUrl"], timeout=5)  # without the token
    assert file.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [(row["Type"], row["Transaction ID"], row["Amount"], row["Balance"]) for row in rows] == [
        ("Deposit", paid, "1000", "1000"),
        ("pawaPay deposit fee", paid, "-10", "990"),
        ("Deposit pass-through fee", paid, "-5", "985"),
        ("Refund", back, "-300", "685"),
        ("Refund", failed, "-200", "485"),
        ("Failed refund reversal", failed, "200", "685"),
    ]
    assert {(row["MSISDN"], row["Currency"], row["Country"], row["MNO"]) for row in rows} == {
        ("221773456789", "XOF", "SEN", "ORANGE_SEN")
    }
    told = next(one for one in receiver.wait(6) if b"statementId" in one.body)
    assert json.loads(told.body) == data
    balances = pawapay.get("/v2/wallet-balances").json()["balances"]
    assert {"country": "SEN", "balance": "685", "currency": "XOF", "provider": ""} in balances


def test_what_is_no_request_for_a_statement_is_rejected(pawapay: Caller, receiver: Receiver) -> None:
    pawapay.pay("ORANGE_SEN")
    good = request(pawapay, receiver)
    for changes, code in (
        ({"wallet": None}, "MISSING_PARAMETER"),
        ({"wallet": {"country": "SEN", "currency": "XAF"}}, "INVALID_PARAMETER"),
        ({"callbackUrl": None}, "MISSING_PARAMETER"),
        ({"startDate": "2026-11-25"}, "INVALID_PARAMETER"),
        ({"endDate": good["startDate"]}, "INVALID_PARAMETER"),
        ({"startDate": "2020-01-01T00:00:00"}, "INVALID_PARAMETER"),
        ({"format": "pdf"}, "UNSUPPORTED_PARAMETER"),
    ):
        answer = pawapay.post("/v2/statements", good | changes)
        assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (400, code)
    assert pawapay.get(f"/v2/statements/{uuid.uuid4()}").json() == {"status": "NOT_FOUND"}
    assert requests.get(f"{pawapay.talk.base_url}/_files/none/statement.csv", timeout=5).status_code == 404


@pytest.mark.parametrize("kind", ["refuse", "fail"])
def test_a_statement_may_be_refused_or_fail_as_ordered(pawapay: Caller, receiver: Receiver, kind: str) -> None:
    pawapay.pay("ORANGE_SEN")
    pawapay.talk.next(kind, on="report", code="AUTHORISATION_ERROR")
    given = request(pawapay, receiver)
    if kind == "refuse":
        assert pawapay.post("/v2/statements", given).json()["status"] == "REJECTED"
        return
    data = ready(pawapay, given)
    assert (data["status"], data["failureReason"]["failureCode"]) == ("FAILED", "AUTHORISATION_ERROR")
    assert "downloadUrl" not in data
