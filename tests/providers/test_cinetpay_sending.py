"""What CinetPay is sent, and what it need not be sent: card 2.3."""

from typing import Any

import pytest

from ikawaari.money import Money
from ikawaari.providers.outcomes import Action, ActionKind, FailureCode, Result
from ikawaari.providers.values import Flow
from tests.providers.cinetpay_said import (
    NOW,
    Scripted,
    account_of,
    charge_of,
    ended,
    started,
    waits,
)
from tests.simulators.cinetpay_account import ID, TAG

PAGE_URL = "https://secure.cinetpay.net/checkout/ptk_made_up"

# ---------------------------------------------------------------- what is sent


def test_a_push_is_sent_as_the_card_has_it(said: Scripted) -> None:
    said.creates(started())
    assert said.kinds() == ["login", "create"]
    assert said.bodies("login") == [{"api_key": "sk_test_made_up", "api_password": "made-up"}]
    assert said.bodies("create") == [
        {
            "currency": "XOF",
            "merchant_transaction_id": ID,
            "amount": 1000,
            "lang": "fr",
            "designation": "Boutique Awa",
            "client_email": "awa@example.com",
            "client_first_name": "Awa",
            "client_last_name": "Ndiaye",
            "success_url": "https://pay.example.com/cs_AbC",
            "failed_url": "https://pay.example.com/cs_AbC",
            "notify_url": f"https://pay.example.com/callbacks/acc_ABCDEFGH12345678/{TAG}",
            "channel": "PUSH",
            "payment_method": "FREE_SN",
            "client_phone_number": "+221763456789",
            "direct_pay": True,
        }
    ]
    assert said.asked[-1][1].header("Authorization") == "Bearer eyJ1"


def test_a_code_goes_with_the_only_call(said: Scripted) -> None:
    code_first = charge_of(operator="orange_sn", phone="+221773456789", flow=Flow.OTP, otp="123456")
    outcome = said.creates(started(), charge=code_first)
    (body,) = said.bodies("create")
    assert (body["channel"], body["otp_code"], body["direct_pay"]) == ("OTP", "123456", True)
    assert waits(outcome) == (Result.PROCESSING, None)


@pytest.mark.parametrize(
    "changes",
    [{"operator": "wave_sn"}, {"operator": "orange_sn"}, {"flow": Flow.REDIRECT}, {"phone": None}],
    ids=["wave", "orange", "asked for", "without a number"],
)
def test_the_page_is_not_asked_for_a_direct_payment(said: Scripted, changes: dict[str, Any]) -> None:
    outcome = said.creates(started(2001, "INITIATED", payment_url=PAGE_URL), charge=charge_of(**changes))
    (body,) = said.bodies("create")
    assert {"channel", "direct_pay"}.isdisjoint(body)
    assert waits(outcome) == (Result.REQUIRES_ACTION, Action(kind=ActionKind.REDIRECT, url=PAGE_URL))


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        (None, ("Client", "Client")),
        ("", ("Client", "Client")),
        ("Awa", ("Client", "Awa")),
        ("A. B", ("A.", "Client")),
        ("Awa Marie  Ndiaye", ("Awa Marie", "Ndiaye")),
        ("Ñ" * 300 + " B" * 200, ("Ñ" * 255, "Client")),
    ],
)
def test_names_have_two_to_255_characters(said: Scripted, name: str | None, sent: tuple[str, str]) -> None:
    said.creates(started(), charge=charge_of(customer_name=name))
    (body,) = said.bodies("create")
    assert (body["client_first_name"], body["client_last_name"]) == sent


def test_who_gave_no_address_and_what_cannot_be_spelled_have_a_stand_in(said: Scripted) -> None:
    said.creates(started(), charge=charge_of(customer_email=None, statement="متجر", language="en"))
    (body,) = said.bodies("create")
    assert (body["client_email"], body["designation"], body["lang"]) == ("client@pay.example.com", "Paiement", "en")


def test_congolese_francs_are_sent_whole(said: Scripted) -> None:
    mpesa = charge_of(operator="mpesa_cd", phone="+243812345678", money=Money(250_000, "CDF"))
    said.creates(started(), charge=mpesa, account=account_of(said, country="CD"))
    assert said.bodies("create")[0]["amount"] == 2_500


# ---------------------------------------------------------------- what need not be sent


@pytest.mark.parametrize(
    ("country", "operator", "money"),
    [
        ("SN", "free_sn", Money(99, "XOF")),
        ("SN", "free_sn", Money(2_500_001, "XOF")),
        ("CM", "mtn_cm", Money(99, "XAF")),
        ("GN", "mtn_gn", Money(2_500_001, "GNF")),
        ("CD", "mpesa_cd", Money(10_050, "CDF")),
    ],
)
def test_an_amount_that_it_does_not_take_is_refused_unsent(
    said: Scripted, country: str, operator: str, money: Money
) -> None:
    charge = charge_of(operator=operator, money=money)
    outcome = said.creates(started(), charge=charge, account=account_of(said, country=country))
    assert ended(outcome) == (Result.REFUSED, FailureCode.INVALID_AMOUNT)
    assert said.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"operator": "moov_ci"},
        {"operator": "celtiis_bj"},
        {"operator": None},
        {"money": Money(1_000, "XAF")},
        {"page_url": f"https://pay.example.com/{'a' * 97}"},
    ],
    ids=str,
)
def test_what_the_account_cannot_charge_is_refused_unsent(said: Scripted, changes: dict[str, Any]) -> None:
    assert ended(said.creates(started(), charge=charge_of(**changes))) == (
        Result.REFUSED,
        FailureCode.CONFIGURATION_ERROR,
    )
    assert said.asked == []


@pytest.mark.parametrize("code", ["123", "1234567", "12a4"])
def test_what_is_no_code_fails_unsent(said: Scripted, code: str) -> None:
    charge = charge_of(operator="orange_sn", flow=Flow.OTP, otp=code)
    assert ended(said.creates(started(), charge=charge)) == (Result.FAILED, FailureCode.OTP_INVALID)
    assert said.asked == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"callback_url": f"https://pay.example.com/{'a' * 64}"}, "Our callback addresses have 121 characters"),
        ({"settings": {"api_key": "sk_test_made_up"}}, "begins with sk_test_ is not for https://api.cinetpay.co"),
        ({"settings": {"api_key": "sk_live_made_up"}, "livemode": False}, "sk_live_ is not for https://api.cinetpay.n"),
        (
            {"settings": {"api_key": "sk_live_made_up", "base_url": "https://api.cinetpay.net/"}},
            "sk_live_ is not for https://api.cinetpay.net",
        ),
    ],
    ids=str,
)
def test_an_account_that_cannot_work_says_why_and_charges_nothing(
    said: Scripted, changes: dict[str, Any], words: str
) -> None:
    account = account_of(said, **changes)
    outcome = said.creates(started(), account=account)
    assert ended(outcome) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
    found = said.provider.check(account, NOW)
    assert not found.is_usable
    assert words in found.words
    assert said.asked == []
