"""What the simulated CinetPay v1 must refuse, by its protocol card."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ikawaari.simulators.cinetpay.simulator import credentials
from tests.simulators.cinetpay_account import ABSENT, ID, INVALID, NOT_FOUND, UNPAID, Account, said

# ---------------------------------------------------------------- it refuses: who calls


@pytest.mark.parametrize("wrong", [{"api_key": "sk_test_other"}, {"api_password": "other"}, {"api_password": 5}])
def test_a_bad_key_pair_is_refused(cinetpay: Account, wrong: dict[str, object]) -> None:
    assert said(cinetpay.login(**wrong)) == (401, 1005, "INVALID_CREDENTIALS")


def test_a_key_of_one_country_does_not_open_with_the_password_of_another(cinetpay: Account) -> None:
    mixed = credentials("CI")["api_password"]
    assert said(cinetpay.login(api_password=mixed)) == (401, 1005, "INVALID_CREDENTIALS")


@pytest.mark.parametrize("token", ["", "eyJhbGciOiJIUzI1NiJ9.e30.made-up"], ids=["none", "foreign"])
def test_a_call_without_a_token_of_ours_is_refused(cinetpay: Account, token: str) -> None:
    cinetpay.token = token
    assert said(cinetpay.create()) == said(cinetpay.status()) == (401, 1002, "INVALID_TOKEN")
    assert cinetpay.sim.charges() == []


def test_a_token_is_good_as_a_bearer_alone(cinetpay: Account) -> None:
    address, headers = f"{cinetpay.sim.base_url}/v1/payment/{ID}", {"Authorization": f"Basic {cinetpay.token}"}
    assert said(requests.get(address, headers=headers, timeout=5)) == (401, 1002, "INVALID_TOKEN")


def test_an_old_token_is_refused_and_a_new_one_is_good(cinetpay: Account) -> None:
    cinetpay.sim.advance(3590)
    assert said(cinetpay.status()) == NOT_FOUND
    cinetpay.sim.advance(20)
    assert said(cinetpay.create()) == said(cinetpay.status()) == (401, 1003, "EXPIRED_TOKEN")
    cinetpay.token = cinetpay.login().json()["access_token"]
    assert cinetpay.create().status_code == 200


# ---------------------------------------------------------------- it refuses: what it is asked for


@pytest.mark.parametrize(
    "wrong",
    [
        {"merchant_transaction_id": "x" * 31},
        {"merchant_transaction_id": ""},
        {"merchant_transaction_id": ABSENT},
        {"amount": 99},
        {"amount": 2_500_001},
        {"amount": 2_500_005},
        {"amount": "1000"},
        {"amount": 1000.5},
        {"amount": 1000.0},
        {"amount": True},
        {"amount": 1001},
        {"currency": "XAF"},
        {"currency": ABSENT},
        {"lang": "de"},
        {"designation": ABSENT},
        {"client_email": ABSENT},
        {"client_email": "client"},
        {"client_first_name": "C"},
        {"client_last_name": "A"},
        {"client_last_name": "A" * 256},
        {"success_url": "https://pay.example.com/" + "r" * 97},
        {"failed_url": "https://pay.example.com/" + "r" * 97},
        {"notify_url": "https://pay.example.com/" + "r" * 97},
        {"success_url": "http://pay.example.com/r/AbC"},
        {"failed_url": "http://pay.example.com/r/AbC"},
        {"notify_url": "http://pay.example.com/callbacks/a"},
        {"notify_url": ABSENT},
        {"channel": "SMS"},
        {"direct_pay": "true"},
        {"payment_method": "OM_CI"},
        {"payment_method": "MTN_SN"},
        {"payment_method": ABSENT},
        {"client_phone_number": "221763456789"},
        {"client_phone_number": "+2250763456789"},
        {"client_phone_number": "+221 763456789"},
        {"client_phone_number": ABSENT},
        {"otp_code": "123"},
        {"otp_code": "1234567"},
        {"otp_code": 1234},
    ],
    ids=lambda wrong: "-".join(
        f"{name}-{'absent' if value is ABSENT else value!s:.20}" for name, value in wrong.items()
    ),
)
def test_a_payment_that_breaks_a_rule_is_refused_and_the_field_is_named(
    cinetpay: Account, wrong: dict[str, object]
) -> None:
    answer = cinetpay.create(**wrong)
    assert said(answer) == INVALID
    assert answer.json()["description"].startswith(next(iter(wrong)))
    assert cinetpay.sim.charges() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"amount":'], ids=["empty", "list", "half"])
def test_a_body_that_is_no_object_is_refused(cinetpay: Account, body: bytes) -> None:
    url = f"{cinetpay.sim.base_url}/v1/payment"
    assert said(requests.post(url, data=body, headers=cinetpay.headers, timeout=5)) == INVALID


def test_values_at_the_bounds_are_accepted(cinetpay: Account) -> None:
    longest = "https://pay.example.com/" + "r" * 96
    at_most = {"merchant_transaction_id": "x" * 30, "amount": 2_500_000, "success_url": longest, "otp_code": "123456"}
    assert cinetpay.create(**at_most).status_code == 200
    assert cinetpay.create(amount=100, client_first_name="Cl", otp_code="1234").status_code == 200


@pytest.mark.parametrize(
    ("country", "own", "good", "bad"),
    [
        ("CM", ("XAF", "MTN_CM", "+237670123456"), 500, 495),
        ("CM", ("XAF", "OM_CM", "+237690123456"), 500_000, 500_005),
        ("GN", ("GNF", "OM_GN", "+224620123456"), 1000, 1500),
        ("CD", ("CDF", "AIRTEL_CD", "+243970123456"), 101, 99),
        ("BJ", ("XOF", "MTN_BJ", "+2290197123456"), 100, 95),
    ],
)
def test_an_account_is_one_country_with_its_own_bounds(
    cinetpay: Account, country: str, own: tuple[str, str, str], good: int, bad: int
) -> None:
    account = Account(cinetpay.sim, country)
    values = dict(zip(("currency", "payment_method", "client_phone_number"), own, strict=True))
    assert said(account.create(**values, amount=bad)) == INVALID
    assert account.create(**values, amount=good).status_code == 200


def test_an_id_used_before_is_refused_even_with_the_same_body(cinetpay: Account) -> None:
    exists = (409, 1200, "TRANSACTION_EXIST")
    assert cinetpay.create().status_code == 200
    assert said(cinetpay.create()) == said(cinetpay.create(amount=2000)) == exists
    cinetpay.sim.advance(86_400)
    cinetpay.token = cinetpay.login().json()["access_token"]
    assert said(cinetpay.create()) == exists
    [charge] = cinetpay.sim.charges()
    assert (charge["amount"], charge["calls"]) == ("1000", 4)


def test_a_hundred_creates_at_once_with_one_id_make_one_charge(cinetpay: Account) -> None:
    cinetpay.timeout = 20
    with ThreadPoolExecutor(100) as pool:
        codes = list(pool.map(lambda _: cinetpay.create().json()["code"], range(100)))
    assert sorted(codes) == [200] + [1200] * 99
    assert [charge["calls"] for charge in cinetpay.sim.charges()] == [100]


def test_the_payment_of_another_account_is_not_found(cinetpay: Account) -> None:
    names = cinetpay.create().json()
    other = Account(cinetpay.sim, "CI")
    for name in ("merchant_transaction_id", "transaction_id", "payment_token"):
        assert said(cinetpay.status(names[name])) == UNPAID
        assert said(other.status(names[name])) == NOT_FOUND
