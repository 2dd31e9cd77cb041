"""Refunds by Disbursements at the simulator of MTN."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ikawaari.simulators.mtn import Mtn
from tests.simulators.mtn_account import PAY, REFUND, Caller, refused
from tests.simulators.talking import Receiver, Talk, talk


@pytest.fixture
def talking(receiver: Receiver) -> Iterator[Talk]:
    with talk(Mtn(callback_url=receiver.url)) as talking:
        yield talking


@pytest.fixture
def paid(talking: Talk) -> str:
    """A payment that was made."""
    reference = Caller(talking).create()
    talking.advance(10)
    return reference


@pytest.fixture
def caller(talking: Talk, receiver: Receiver) -> Caller:
    return Caller(talking, "disbursement", callback_url=receiver.url)


def asked(paid: str, **changes: Any) -> dict[str, Any]:
    return {
        "amount": "400",
        "currency": "XAF",
        "externalId": "re_0001",
        "payerMessage": "Remboursement",
        "payeeNote": "Remboursement",
        "referenceIdToRefund": paid,
        **changes,
    }


@pytest.mark.parametrize("version", ["v1_0", "v2_0"])
def test_a_refund_is_202_and_successful_later(caller: Caller, receiver: Receiver, paid: str, version: str) -> None:
    path = REFUND.replace("v1_0", version)
    refund = caller.create(asked(paid), path)
    assert caller.data(refund, REFUND)["status"] == "PENDING"
    caller.talk.advance(10)
    data = caller.data(refund, REFUND)
    shown = {"status": "SUCCESSFUL", "amount": "400", "externalId": "re_0001"}
    assert data | shown | {"payee": {"partyIdType": "MSISDN", "partyId": "237670123456"}} == data
    assert json.loads(receiver.wait(1)[0].body) == data
    [entry] = caller.talk.refunds()
    assert (entry["id"], entry["of"], entry["amount"], entry["state"]) == (refund, paid, "400", "succeeded")


def test_a_token_of_collections_is_refused(caller: Caller, paid: str) -> None:
    caller.token = Caller(caller.talk).token
    assert caller.post(asked(paid), REFUND).status_code == 401
    assert caller.get(paid, REFUND).status_code == 401


def test_a_subscription_key_of_collections_is_refused(caller: Caller, paid: str) -> None:
    key = Caller(caller.talk).key
    assert caller.post(asked(paid), REFUND, **{"Ocp-Apim-Subscription-Key": key}).status_code == 401


def test_a_token_of_disbursements_collects_nothing(caller: Caller) -> None:
    assert caller.get(str(uuid.uuid4()), PAY).status_code == 401


def test_a_product_that_is_not_enabled_is_403(caller: Caller, paid: str) -> None:
    caller.talk.set(disbursements_enabled=False)
    assert caller.post(asked(paid), REFUND).status_code == 403
    assert caller.talk.refunds() == []


def test_a_used_reference_is_409_and_gives_nothing_back_again(caller: Caller, paid: str) -> None:
    reference = str(uuid.uuid4())
    statuses = [caller.post(asked(paid), REFUND, reference).status_code for _ in range(3)]
    assert statuses == [202, 409, 409]
    assert len(caller.talk.refunds()) == 1


def test_a_reference_must_be_a_uuid_of_version_4(caller: Caller, paid: str) -> None:
    assert caller.post(asked(paid), REFUND, "re_0001").status_code == 400
    assert caller.post(asked("pa_0001"), REFUND).status_code == 400


def test_parts_can_be_given_back_until_nothing_is_left(caller: Caller, paid: str) -> None:
    references = [caller.create(asked(paid, amount=amount), REFUND) for amount in ("400", "600", "1")]
    caller.talk.advance(10)
    states = [caller.data(reference, REFUND) for reference in references]
    assert [state["status"] for state in states] == ["SUCCESSFUL", "SUCCESSFUL", "FAILED"]
    assert states[2]["reason"]["code"] == "NOT_ALLOWED"


def test_what_was_not_paid_is_not_given_back(caller: Caller) -> None:
    running = Caller(caller.talk).create()
    references = [caller.create(asked(of), REFUND) for of in (running, str(uuid.uuid4()))]
    caller.talk.advance(10)
    reasons = [caller.data(reference, REFUND)["reason"]["code"] for reference in references]
    assert reasons == ["TRANSACTION_NOT_FOUND"] * 2
    assert {refund["state"] for refund in caller.talk.refunds()} == {"failed"}


def test_a_failure_can_be_ordered_and_leaves_the_money_there(caller: Caller, paid: str) -> None:
    caller.talk.next("fail", on="refund", code="PAYEE_NOT_FOUND")
    references = [caller.create(asked(paid, amount="1000"), REFUND)]
    caller.talk.advance(10)
    references.append(caller.create(asked(paid, amount="1000"), REFUND))
    caller.talk.advance(10)
    assert [caller.data(one, REFUND)["status"] for one in references] == ["FAILED", "SUCCESSFUL"]


@pytest.mark.parametrize("changes", [{"amount": 400}, {"amount": "400.00"}, {"payerMessage": ""}, {"amount": "0"}])
def test_a_refund_s_fields_are_checked(caller: Caller, paid: str, changes: dict[str, Any]) -> None:
    assert caller.post(asked(paid, **changes), REFUND).status_code == 400


def test_a_refund_in_another_currency_is_500(caller: Caller, paid: str) -> None:
    assert refused(caller.post(asked(paid, currency="EUR"), REFUND)) == (500, "INVALID_CURRENCY")
