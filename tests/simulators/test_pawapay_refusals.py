"""The simulator of pawaPay refuses what its card (1.12) says."""

from typing import Any

import pytest
import requests

from tests.simulators.pawapay_account import URLS, Caller, deposit

ID = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"
REDIRECT_WALLETS = ("WAVE_SEN", "WAVE_CIV")


def test_a_call_without_a_token_is_401(pawapay: Caller) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer "}):
        answer = requests.post(f"{pawapay.talk.base_url}/v2/deposits", json=deposit(), headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (401, "NO_AUTHENTICATION")


def test_a_call_with_another_token_is_403(pawapay: Caller) -> None:
    pawapay.headers = {"Authorization": "Bearer made-up-token"}
    assert pawapay.refused(deposit()) == (403, "AUTHENTICATION_ERROR")
    assert pawapay.get(f"/v2/deposits/{ID}").status_code == 403
    assert pawapay.talk.charges() == []


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
def test_an_id_must_be_a_uuid_of_version_4_in_canonical_form(pawapay: Caller, deposit_id: Any) -> None:
    assert pawapay.refused(deposit(depositId=deposit_id)) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    "amount", [1000, 10.5, True, "1000.00", "1000.0", "1000.", "01000", "-1000", "+5", "1e3", "", " 1000", "1,000"]
)
def test_an_amount_must_have_the_documented_form(pawapay: Caller, amount: Any) -> None:
    assert pawapay.refused(deposit(amount=amount)) == (200, "INVALID_AMOUNT")


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
def test_a_wallet_takes_only_its_own_decimals(pawapay: Caller, wallet: str, currency: str, amount: str) -> None:
    assert pawapay.refused(deposit(wallet, currency=currency, amount=amount)) == (200, "INVALID_AMOUNT")


def test_a_wallet_with_decimals_takes_them(pawapay: Caller) -> None:
    pawapay.create(deposit("ORANGE_COD", amount="1000.5"))
    pawapay.create(deposit("VODACOM_MPESA_COD", currency="USD", amount="12.25"))


@pytest.mark.parametrize("amount", ["0", "99", "2000001", "999999999999999999"])
def test_an_amount_outside_the_limits_is_refused(pawapay: Caller, amount: str) -> None:
    assert pawapay.refused(deposit(amount=amount)) == (200, "AMOUNT_OUT_OF_BOUNDS")


@pytest.mark.parametrize("number", ["+221773456789", "221 77 345 67 89", "22177345678a", "1"])
def test_a_number_must_be_digits(pawapay: Caller, number: str) -> None:
    assert pawapay.refused(deposit(number=number)) == (400, "INVALID_PARAMETER")


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
def test_a_number_of_another_country_or_operator_is_refused(pawapay: Caller, wallet: str, number: str) -> None:
    assert pawapay.refused(deposit(wallet, number)) == (200, "INVALID_PHONE_NUMBER")


@pytest.mark.parametrize(
    ("wallet", "currency"), [("ORANGE_SEN", "XAF"), ("ORANGE_SEN", "EUR"), ("ORANGE_SEN", "xof"), ("ORANGE_COD", "XAF")]
)
def test_a_currency_that_the_wallet_lacks_is_refused(pawapay: Caller, wallet: str, currency: str) -> None:
    assert pawapay.refused(deposit(wallet, currency=currency)) == (200, "INVALID_CURRENCY")


def test_a_wallet_that_does_not_exist_is_refused(pawapay: Caller) -> None:
    assert pawapay.refused(deposit("ORANGE_MLI")) == (200, "INVALID_PROVIDER")


@pytest.mark.parametrize("message", ["abc", "a" * 23, "Boutique Awé", "Boutique-Awa", "Boutique_Awa", ""])
def test_a_message_must_be_4_to_22_letters_digits_and_spaces(pawapay: Caller, message: str) -> None:
    assert pawapay.refused(deposit(customerMessage=message)) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize("message", ["abcd", "a" * 22, "Boutique 12"])
def test_a_message_within_these_bounds_is_taken(pawapay: Caller, message: str) -> None:
    assert pawapay.data(pawapay.create(deposit(customerMessage=message)))["customerMessage"] == message


def test_orange_in_burkina_faso_needs_a_code(pawapay: Caller) -> None:
    assert pawapay.refused(deposit("ORANGE_BFA", preAuthorisationCode=None)) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "1" * 37])
def test_a_code_that_is_none_is_refused_by_name(pawapay: Caller, code: str) -> None:
    answer = pawapay.post("/v2/deposits", deposit("ORANGE_BFA", preAuthorisationCode=code))
    reason = answer.json()["failureReason"]
    assert (answer.status_code, reason["failureCode"]) == (400, "INVALID_PARAMETER")
    assert "preAuthorisationCode" in reason["failureMessage"]


def test_a_push_wallet_takes_no_code(pawapay: Caller) -> None:
    assert pawapay.refused(deposit(preAuthorisationCode="123456")) == (400, "UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize("name", ["successfulUrl", "failedUrl"])
def test_wave_needs_both_addresses(pawapay: Caller, name: str) -> None:
    given = deposit("WAVE_SEN")
    del given[name]
    assert pawapay.refused(given) == (400, "MISSING_PARAMETER")


@pytest.mark.parametrize("url", ["http://pay.example.com/r/ok", "pay.example.com", "javascript:alert(1)"])
def test_wave_needs_addresses_of_https(pawapay: Caller, url: str) -> None:
    assert pawapay.refused(deposit("WAVE_CIV", successfulUrl=url)) == (400, "INVALID_PARAMETER")


def test_a_push_wallet_takes_no_addresses(pawapay: Caller) -> None:
    assert pawapay.refused(deposit(**URLS)) == (400, "UNSUPPORTED_PARAMETER")


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
def test_metadata_must_be_ten_objects_of_one_field(pawapay: Caller, metadata: Any, code: str) -> None:
    assert pawapay.refused(deposit(metadata=metadata)) == (400, code)


def test_metadata_is_shown_flat(pawapay: Caller) -> None:
    metadata = [{"attempt": "pa_0001"}, {"customer": "a@b.example", "isPII": True}]
    shown = pawapay.data(pawapay.create(deposit(metadata=metadata)))["metadata"]
    assert shown == {"attempt": "pa_0001", "customer": "a@b.example"}


@pytest.mark.parametrize("name", ["callbackUrl", "country", "depositid"])
def test_a_field_that_does_not_exist_is_refused(pawapay: Caller, name: str) -> None:
    assert pawapay.refused(deposit(**{name: "x"})) == (400, "UNSUPPORTED_PARAMETER")


@pytest.mark.parametrize("name", ["depositId", "amount", "currency", "payer"])
def test_a_field_that_is_missing_is_refused(pawapay: Caller, name: str) -> None:
    given = deposit()
    del given[name]
    assert pawapay.refused(given) == (400, "MISSING_PARAMETER")


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
def test_a_payer_must_be_whole(pawapay: Caller, payer: Any, code: str) -> None:
    assert pawapay.refused(deposit(payer=payer)) == (400, code)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_must_be_a_json_object(pawapay: Caller, body: bytes) -> None:
    answer = requests.post(f"{pawapay.talk.base_url}/v2/deposits", data=body, headers=pawapay.headers, timeout=5)
    assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (400, "INVALID_INPUT")


@pytest.mark.parametrize("state", ["DELAYED", "CLOSED"])
def test_a_wallet_that_is_not_operational_takes_no_deposit(pawapay: Caller, state: str) -> None:
    pawapay.talk.set(availability={"ORANGE_SEN": state})
    assert pawapay.refused(deposit()) == (200, "PROVIDER_TEMPORARILY_UNAVAILABLE")
    pawapay.create(deposit("FREE_SEN"))


def test_an_account_without_deposits_takes_none(pawapay: Caller) -> None:
    pawapay.talk.set(deposits_allowed=False)
    assert pawapay.refused(deposit()) == (403, "DEPOSITS_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("code", "status"),
    [("HTTP_SIGNATURE_ERROR", 403), ("AUTHORISATION_ERROR", 403), ("INVALID_INPUT", 400), ("INVALID_CURRENCY", 200)],
)
def test_any_refusal_can_be_ordered(pawapay: Caller, code: str, status: int) -> None:
    pawapay.talk.next("refuse", code=code)
    given = deposit()
    assert pawapay.refused(given) == (status, code)
    pawapay.create(given)


def test_what_was_refused_does_not_exist_and_its_id_is_free(pawapay: Caller) -> None:
    given = deposit(amount="1")
    answer = pawapay.post("/v2/deposits", given).json()
    assert (answer["depositId"], answer["status"]) == (given["depositId"], "REJECTED")
    assert pawapay.get(f"/v2/deposits/{given['depositId']}").json() == {"status": "NOT_FOUND"}
    pawapay.create(given | {"amount": "1000"})
