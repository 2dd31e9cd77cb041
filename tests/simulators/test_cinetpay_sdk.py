"""CinetPay's own client, `cinetpay-python`, against the simulator: a voice that shares nothing with our adapter.

What it assumes of the protocol and the card does not say is checked here as well: its tables, and the form of errors.
"""

from collections.abc import Iterator
from dataclasses import replace

import cinetpay as sdk
import pytest

from ikawaari.simulators.cinetpay import simulator as simulated
from ikawaari.simulators.cinetpay.rules import COUNTRIES
from ikawaari.simulators.cinetpay.simulator import credentials
from tests.simulators.cinetpay_account import ID, Account
from tests.simulators.talking import Receiver


def client_of(account: Account, **wrong: str) -> sdk.CinetPayClient:
    """The official client of an account, with wrong credentials if they are given."""
    keys = sdk.CountryCredentials(**{**credentials(account.country), **wrong})
    return sdk.CinetPayClient(sdk.ClientConfig(credentials={account.country: keys}, base_url=account.sim.base_url))


@pytest.fixture
def client(cinetpay: Account) -> Iterator[sdk.CinetPayClient]:
    with client_of(cinetpay) as client:
        yield client


@pytest.fixture
def push(receiver: Receiver) -> sdk.PaymentRequest:
    """A payment by push."""
    return sdk.PaymentRequest(
        currency="XOF",
        merchant_transaction_id=ID,
        amount=1000,
        lang="fr",
        designation="Boutique Awa",
        client_email="client@pay.example.com",
        client_first_name="Client",
        client_last_name="Awa",
        success_url="https://pay.example.com/r/AbC",
        failed_url="https://pay.example.com/r/AbC",
        notify_url=receiver.url,
        channel="PUSH",
        payment_method="FREE_SN",
        client_phone_number="+221763456789",
        direct_pay=True,
    )


def test_it_takes_a_payment_by_push(cinetpay: Account, client: sdk.CinetPayClient, push: sdk.PaymentRequest) -> None:
    started = client.payment.initialize(push, "SN")
    assert (started.code, started.details.code, started.details.must_be_redirected) == (200, 2002, False)
    assert client.payment.get_status(ID, "SN").status == "PENDING"
    cinetpay.sim.advance(6)
    for name in (ID, started.transaction_id, started.payment_token):
        assert client.payment.get_status(name, "SN").code == 100


def test_it_is_sent_to_the_page_without_a_wallet(client: sdk.CinetPayClient, push: sdk.PaymentRequest) -> None:
    page = replace(push, payment_method=None, client_phone_number=None, direct_pay=None)
    started = client.payment.initialize(page, "SN")
    assert started.payment_url.endswith(f"/checkout/{started.payment_token}")
    assert started.details.must_be_redirected


def test_it_reads_a_failure(cinetpay: Account, client: sdk.CinetPayClient, push: sdk.PaymentRequest) -> None:
    client.payment.initialize(replace(push, client_phone_number="+221763452005"), "SN")
    cinetpay.sim.advance(6)
    assert client.payment.get_status(ID, "SN").status == "INSUFFICIENT_BALANCE"


def test_it_logs_in_again_when_its_token_has_expired(
    cinetpay: Account, client: sdk.CinetPayClient, push: sdk.PaymentRequest
) -> None:
    client.payment.initialize(push, "SN")
    cinetpay.sim.advance(4000)
    assert client.payment.get_status(ID, "SN").code == 100


def test_it_is_told_that_an_id_exists(client: sdk.CinetPayClient, push: sdk.PaymentRequest) -> None:
    client.payment.initialize(push, "SN")
    with pytest.raises(sdk.ApiError) as error:
        client.payment.initialize(push, "SN")
    assert (error.value.api_code, error.value.api_status) == (1200, "TRANSACTION_EXIST")
    assert error.value.description


def test_it_is_told_what_is_wrong(client: sdk.CinetPayClient, push: sdk.PaymentRequest) -> None:
    with pytest.raises(sdk.ApiError, match="payment_method") as error:
        client.payment.initialize(replace(push, payment_method="OM_CI"), "SN")
    assert error.value.api_code == 1004


def test_it_is_told_that_nothing_is_found(client: sdk.CinetPayClient) -> None:
    with pytest.raises(sdk.ApiError) as error:
        client.payment.get_status(ID, "SN")
    assert error.value.api_code == 404


def test_it_takes_an_operation_error_for_an_error(
    cinetpay: Account, client: sdk.CinetPayClient, push: sdk.PaymentRequest
) -> None:
    cinetpay.sim.next("operation_error")
    with pytest.raises(sdk.ApiError) as error:
        client.payment.initialize(push, "SN")
    assert error.value.api_code == -1
    assert client.payment.get_status(ID, "SN").status == "PENDING"


def test_its_wrong_password_is_refused(cinetpay: Account) -> None:
    with client_of(cinetpay, api_password="other") as client, pytest.raises(sdk.AuthenticationError):
        client.payment.get_status(ID, "SN")


@pytest.mark.parametrize("is_forged", [False, True], ids=["true", "forged"])
def test_it_tells_a_true_callback_from_a_forged_one(
    cinetpay: Account, client: sdk.CinetPayClient, push: sdk.PaymentRequest, receiver: Receiver, *, is_forged: bool
) -> None:
    if is_forged:
        cinetpay.sim.next("forged_token")
    started = client.payment.initialize(push, "SN")
    cinetpay.sim.advance(6)
    payload = sdk.parse_notification(receiver.wait(1)[0].body.decode())
    assert payload.merchant_transaction_id == ID
    assert sdk.verify_notification(started.notify_token, payload.notify_token) is not is_forged


def test_its_tables_are_those_of_the_card() -> None:
    assert dict(sdk.API_CODES) == dict(simulated.WORDS)
    wallets = {code: set(methods) for code, methods in sdk.PAYMENT_METHODS_BY_COUNTRY.items()}
    assert wallets == {country.code: set(country.methods) for country in COUNTRIES.values()}
