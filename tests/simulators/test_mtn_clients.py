"""Clients that others wrote for MTN, against its simulator: what both sides here misread, they would not."""

import uuid
from collections.abc import Iterator
from typing import Any

import momo_openapi
import pytest
import requests
from momo_api import exceptions
from momo_api.models.config import Config
from momo_api.models.payment_request import PaymentRequest
from momo_api.models.refund_request import RefundRequest
from momo_api.products.collection import CollectionApi
from momo_api.products.disbursement import DisbursementApi
from momo_api.products.sandbox import SandboxApi
from requests.adapters import HTTPAdapter

from ikawaari.simulators.mtn import Mtn
from tests.simulators.talking import Receiver, Talk, talk

NUMBER, CAMEROON = "237670123456", "mtncameroon"
MESSAGES = {"payer_message": "Boutique Awa", "payee_note": "Boutique Awa"}


@pytest.fixture
def old(receiver: Receiver) -> Iterator[Talk]:
    with talk(Mtn(callback_url=receiver.url)) as talking:
        yield talking


@pytest.fixture
def new(old: Talk) -> Talk:
    old.set(platform="new")
    return old


@pytest.fixture
def sandbox(receiver: Receiver) -> Iterator[Talk]:
    with talk(Mtn(callback_url=receiver.url, country="sandbox")) as talking:
        yield talking


def config(settings: dict[str, Any], callback_url: str = "") -> Any:
    return Config(settings["subscription_key"], settings["api_user"], settings["api_key"], callback_url)


def collection(talking: Talk, receiver: Receiver) -> Any:
    """mtn-momo-client's."""
    settings = talking.settings()
    return CollectionApi(config(settings, receiver.url), talking.base_url, settings["target_environment"])


# ---------------------------------------------------------------- mtn-momo-client, the old platform


def test_mtn_momo_client_is_paid(old: Talk, receiver: Receiver) -> None:
    client = collection(old, receiver)
    reference = client.request_to_pay(PaymentRequest.make("1000", NUMBER, "pi_0001", "XAF", "Awa", "Awa"))
    assert client.get_payment_status(reference).is_pending()
    old.advance(10)
    paid = client.get_payment_status(reference)
    assert paid.is_successful()
    assert (paid.amount, paid.currency, paid.external_id, paid.payer) == ("1000", "XAF", "pi_0001", NUMBER)
    assert paid.financial_transaction_id
    assert [charge["id"] for charge in old.charges()] == [reference]
    assert receiver.wait(1)[0].json()["externalId"] == "pi_0001"


@pytest.mark.parametrize("is_string", [False, True])
def test_mtn_momo_client_reads_why_a_payment_failed(old: Talk, receiver: Receiver, is_string: bool) -> None:
    old.set(reason_as_string=is_string)
    old.next("fail", code="LOW_BALANCE_OR_PAYEE_LIMIT_REACHED_OR_NOT_ALLOWED")
    client = collection(old, receiver)
    reference = client.request_to_pay(PaymentRequest.make("1000", NUMBER, "pi_0001", "XAF", "Awa", "Awa"))
    old.advance(10)
    failed = client.get_payment_status(reference)
    assert failed.is_failed()
    assert failed.reason.is_payer_funding_failure()


def test_mtn_momo_client_reads_errors(old: Talk, receiver: Receiver) -> None:
    client, reference = collection(old, receiver), str(uuid.uuid4())
    client.request_to_pay(PaymentRequest.make("1000", NUMBER, "pi_0001", "XAF", "Awa", "Awa"), reference)
    with pytest.raises(exceptions.ConflictException) as conflict:
        client.request_to_pay(PaymentRequest.make("1000", NUMBER, "pi_0001", "XAF", "Awa", "Awa"), reference)
    assert conflict.value.code == "RESOURCE_ALREADY_EXIST"
    with pytest.raises(exceptions.ResourceNotFoundException):
        client.get_payment_status(str(uuid.uuid4()))
    with pytest.raises(exceptions.InternalServerErrorException) as wrong:
        client.request_to_pay(PaymentRequest.make("10", NUMBER, "pi_0001", "EUR", "Awa", "Awa"))
    assert wrong.value.code == "INVALID_CURRENCY"
    with pytest.raises(exceptions.BadRequestException):
        client.request_to_pay(PaymentRequest.make("10", "+" + NUMBER, "pi_0001", "XAF", "Awa", "Awa"))


def test_mtn_momo_client_is_refused_with_another_s_key(old: Talk) -> None:
    settings = old.settings() | {"api_key": "made-up"}
    client = CollectionApi(config(settings), old.base_url, CAMEROON)
    with pytest.raises(exceptions.InvalidSubscriptionKeyException):
        client.get_access_token()


def test_mtn_momo_client_gives_money_back(old: Talk, receiver: Receiver) -> None:
    paid = collection(old, receiver).request_to_pay(PaymentRequest.make("1000", NUMBER, "pi", "XAF", "Awa", "Awa"))
    old.advance(10)
    client = DisbursementApi(config(old.settings()["disbursement"]), old.base_url, CAMEROON)
    refund = client.refund(RefundRequest.make("400", paid, "re_0001", "XAF", "Awa", "Awa"))
    old.advance(10)
    assert client.get_refund_status(refund).is_successful()
    assert [(entry["of"], entry["amount"], entry["state"]) for entry in old.refunds()] == [(paid, "400", "succeeded")]


def test_mtn_momo_client_provisions_a_user_of_the_sandbox(sandbox: Talk) -> None:
    key, user = sandbox.settings()["subscription_key"], str(uuid.uuid4())
    api = SandboxApi(key, sandbox.base_url)
    assert api.create_api_user(user, "pay.example.com") == user
    assert api.get_api_user(user) == {"providerCallbackHost": "pay.example.com", "targetEnvironment": "sandbox"}
    client = CollectionApi(Config(key, user, api.create_api_key(user)), sandbox.base_url, "sandbox")
    assert client.check_account_holder("46733123454") is True
    reference = client.request_to_pay(PaymentRequest.make("10", "46733123454", "pi", "XAF", "Awa", "Awa"))
    sandbox.advance(30)
    assert client.get_payment_status(reference).currency == "EUR"
    assert client.get_payment_status(reference).is_successful()


def test_mtn_momo_client_does_not_know_the_new_platform(new: Talk, receiver: Receiver) -> None:
    with pytest.raises(exceptions.InternalServerErrorException) as refused:
        collection(new, receiver).get_access_token()
    assert refused.value.code == "NOT_ALLOWED_TARGET_ENVIRONMENT"


# ---------------------------------------------------------------- momo-openapi, both platforms


def openapi(talking: Talk, receiver: Receiver, **changes: Any) -> Any:
    """momo-openapi's client for collections."""
    settings = talking.settings()
    given = {
        "subscription_key": settings["subscription_key"],
        "user_id": settings["api_user"],
        "credential_token": settings["api_key"],
        "target_environment": settings["target_environment"],
        "base_url": talking.base_url,
        "callback_url": receiver.url,
        "currency": "XAF",
    }
    return momo_openapi.Collection(momo_openapi.MomoConfig(**(given | changes)))


@pytest.mark.parametrize("platform", ["old", "new"])
def test_momo_openapi_is_paid_on_both_platforms(old: Talk, receiver: Receiver, platform: str) -> None:
    old.set(platform=platform)
    client = openapi(old, receiver)
    reference = client.request_to_pay(1000, NUMBER, "pi_0001", **MESSAGES)
    assert client.get_transaction_status(reference)["status"] == "PENDING"
    old.advance(10)
    data = client.get_transaction_status(reference)
    assert (data["status"], data["amount"], data["externalId"]) == ("SUCCESSFUL", "1000", "pi_0001")
    assert [charge["id"] for charge in old.charges()] == [reference]
    assert receiver.wait(1)[0].json() == data


def test_momo_openapi_reads_errors(new: Talk, receiver: Receiver) -> None:
    client = openapi(new, receiver)
    reference = client.request_to_pay(1000, NUMBER, "pi_0001", **MESSAGES)
    with pytest.raises(momo_openapi.MomoAPIError) as conflict:
        client.request_to_pay(1000, NUMBER, "pi_0001", reference_id=reference, **MESSAGES)
    assert (conflict.value.status_code, conflict.value.code) == (409, "RESOURCE_ALREADY_EXIST")
    with pytest.raises(momo_openapi.MomoAPIError) as unknown:
        client.get_transaction_status(str(uuid.uuid4()))
    assert (unknown.value.status_code, unknown.value.code) == (404, "RESOURCE_NOT_FOUND")


def test_momo_openapi_without_messages_is_refused(new: Talk, receiver: Receiver) -> None:
    with pytest.raises(momo_openapi.MomoAPIError) as refused:
        openapi(new, receiver).request_to_pay(1000, NUMBER, "pi_0001")
    assert refused.value.status_code == 400


def test_momo_openapi_is_refused_with_another_s_credentials(new: Talk, receiver: Receiver) -> None:
    with pytest.raises(momo_openapi.AuthenticationError):
        openapi(new, receiver, credential_token="made-up").get_access_token()


def test_momo_openapi_takes_the_firewall_s_page_for_an_error(
    new: Talk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("momo_openapi._base.USER_AGENT", "python-requests/2.34.2")
    with pytest.raises(momo_openapi.MomoAPIError) as refused:
        openapi(new, receiver).get_access_token()
    assert (refused.value.status_code, refused.value.code) == (403, None)


class Redirected(HTTPAdapter):
    """Sends what is meant for MTN's sandbox to a simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        assert request.url is not None
        request.url = request.url.replace(momo_openapi.SANDBOX_URL, self._url)
        return super().send(request, *arguments, **options)


def test_momo_openapi_provisions_a_user_of_the_sandbox_and_is_paid(sandbox: Talk) -> None:
    session = requests.Session()
    session.mount(momo_openapi.SANDBOX_URL, Redirected(sandbox.base_url))
    key = sandbox.settings()["subscription_key"]
    client = momo_openapi.Collection.for_sandbox(key, callback_host="pay.example.com", session=session)
    reference = client.request_to_pay("12.50", "46733123400", "pi_0001", **MESSAGES)
    assert client.get_transaction_status(reference)["status"] == "SUCCESSFUL"
