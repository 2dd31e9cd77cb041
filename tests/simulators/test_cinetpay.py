"""How payments go at the simulated CinetPay v1, by its protocol card."""

import pytest
import requests

from ikawaari.simulators.cinetpay.simulator import CinetPay, credentials
from tests.simulators.cinetpay_account import ID, NOT_FOUND, PAID, UNPAID, Account, said
from tests.simulators.talking import Receiver, talk

# ---------------------------------------------------------------- it does: payments by wallet


def test_a_push_is_not_redirected_and_has_no_page(cinetpay: Account) -> None:
    body = cinetpay.create().json()
    assert body["payment_url"] is None
    assert body["details"] == {"code": 2002, "status": "PENDING", "message": "Pending", "must_be_redirected": False}
    assert body["merchant_transaction_id"] == ID


def test_a_push_is_paid_after_a_while(cinetpay: Account) -> None:
    cinetpay.create()
    assert said(cinetpay.status()) == UNPAID
    cinetpay.sim.advance(6)
    assert said(cinetpay.status()) == PAID
    assert [(one["id"], one["amount"], one["state"]) for one in cinetpay.sim.charges()] == [(ID, "1000", "succeeded")]


@pytest.mark.parametrize("method", ["WAVE_SN", "OM_SN"])
def test_a_wallet_that_is_paid_on_a_page_is_redirected(cinetpay: Account, method: str) -> None:
    body = cinetpay.create(payment_method=method).json()
    assert body["details"]["must_be_redirected"] is True
    assert body["payment_url"] == f"{cinetpay.sim.base_url}/checkout/{body['payment_token']}"


def test_any_wallet_may_be_redirected(cinetpay: Account) -> None:
    cinetpay.sim.next("redirect")
    assert cinetpay.create().json()["details"]["must_be_redirected"] is True
    assert cinetpay.create(merchant_transaction_id="b").json()["details"]["must_be_redirected"] is False


def test_orange_with_a_code_is_not_redirected(cinetpay: Account) -> None:
    body = cinetpay.create(payment_method="OM_SN", channel="OTP", otp_code="123456").json()
    assert (body["details"]["code"], body["details"]["must_be_redirected"]) == (2002, False)
    cinetpay.sim.advance(6)
    assert said(cinetpay.status()) == PAID


@pytest.mark.parametrize(("code", "end"), [("0000", (2004, "OTP_ERROR")), ("1111", (2008, "OTP_EXPIRED"))])
def test_a_code_that_is_wrong_or_old_is_refused_in_the_answer(
    cinetpay: Account, code: str, end: tuple[int, str]
) -> None:
    details = cinetpay.create(payment_method="OM_SN", channel="OTP", otp_code=code).json()["details"]
    assert (details["code"], details["status"]) == end
    cinetpay.sim.advance(60)
    assert said(cinetpay.status()) == (200, *end)
    assert cinetpay.create(payment_method="OM_SN", otp_code="123456").json()["code"] == 1200


@pytest.mark.parametrize(
    ("ending", "word"),
    [
        ("2003", "EXPIRED"),
        ("2005", "INSUFFICIENT_BALANCE"),
        ("2006", "USER_NOT_FOUND"),
        ("2007", "USER_IS_BLOCKED"),
        ("2010", "FAILED"),
    ],
)
def test_the_last_digits_of_the_number_decide_how_a_push_fails(cinetpay: Account, ending: str, word: str) -> None:
    assert cinetpay.create(client_phone_number=f"+22176345{ending}").json()["details"]["code"] == 2002
    cinetpay.sim.advance(6)
    assert said(cinetpay.status()) == (200, int(ending), word)
    assert cinetpay.sim.charges()[0]["state"] == "failed"


def test_a_payment_that_is_not_allowed_is_refused_in_the_answer(cinetpay: Account) -> None:
    assert cinetpay.create(client_phone_number="+221763452011").json()["details"]["code"] == 2011
    assert said(cinetpay.status()) == (200, 2011, "NOT_ALLOWED")


def test_a_payer_who_does_not_answer_leaves_the_payment_pending_until_it_expires(cinetpay: Account) -> None:
    cinetpay.create(client_phone_number="+221763452002")
    cinetpay.sim.advance(1790)
    assert said(cinetpay.status()) == UNPAID
    assert (cinetpay.sim.charges()[0]["state"], cinetpay.sim.deliveries()) == ("pending", [])
    cinetpay.sim.advance(20)
    assert said(cinetpay.status()) == (200, 2003, "EXPIRED")


def test_a_wallet_may_be_done_before_the_answer(cinetpay: Account) -> None:
    cinetpay.sim.set(settles_after=0)
    assert cinetpay.create().json()["details"]["code"] == 100
    assert said(cinetpay.status()) == PAID


def test_an_expired_payment_may_succeed_afterwards(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("fail_then_succeed", seconds=90)
    cinetpay.create()
    cinetpay.sim.advance(6)
    assert said(cinetpay.status()) == (200, 2003, "EXPIRED")
    cinetpay.sim.advance(90)
    assert said(cinetpay.status()) == PAID
    assert len(receiver.wait(2)) == 2


def test_a_failure_can_be_ordered_for_any_number(cinetpay: Account) -> None:
    cinetpay.sim.next("fail", code=2006)
    cinetpay.create()
    assert said(cinetpay.status()) == UNPAID
    cinetpay.sim.advance(600)
    assert said(cinetpay.status()) == (200, 2006, "USER_NOT_FOUND")


def test_a_payment_may_have_been_started_although_the_answer_is_an_error(cinetpay: Account) -> None:
    cinetpay.sim.next("operation_error")
    assert said(cinetpay.create()) == (400, -1, "OPERATION_ERROR")
    assert said(cinetpay.status()) == UNPAID
    assert cinetpay.create().json()["code"] == 1200


def test_its_tokens_may_be_null(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("null_tokens")
    body = cinetpay.create(payment_method="WAVE_SN").json()
    assert (body["payment_token"], body["notify_token"], body["payment_url"]) == (None, None, None)
    cinetpay.sim.advance(1801)
    assert receiver.wait(1)[0].json()["notify_token"] is None


# ---------------------------------------------------------------- it does: what is shown


def test_the_status_has_no_amount_and_no_currency(cinetpay: Account) -> None:
    cinetpay.create()
    shown = cinetpay.status().json()
    assert set(shown) == {"code", "status", "merchant_transaction_id", "transaction_id", "user"}
    assert shown["user"] == {
        "name": "Client Awa",
        "email": "client@pay.example.com",
        "phone_number": "+221763456789",
    }


def test_the_status_may_have_an_amount_also_another_one(cinetpay: Account) -> None:
    cinetpay.sim.set(shows_amounts=True)
    cinetpay.sim.next("other_amount", amount=900)
    cinetpay.create()
    assert (cinetpay.status().json()["amount"], cinetpay.status().json()["currency"]) == ("1000", "XOF")
    cinetpay.sim.advance(6)
    assert cinetpay.status().json()["amount"] == cinetpay.sim.charges()[0]["amount"] == "900"


def test_one_payment_may_not_be_found_while_others_are(cinetpay: Account) -> None:
    cinetpay.create()
    cinetpay.create(merchant_transaction_id="other")
    cinetpay.sim.set(hidden_ids=[ID])
    assert [said(cinetpay.status()), said(cinetpay.status("other"))] == [NOT_FOUND, UNPAID]
    cinetpay.sim.set(hidden_ids=[])
    assert said(cinetpay.status()) == UNPAID


def test_login_and_status_may_answer_inside_data(cinetpay: Account) -> None:
    cinetpay.create()
    cinetpay.sim.set(nests_data=True)
    login = cinetpay.login().json()
    assert "access_token" not in login
    cinetpay.token = login["data"]["access_token"]
    cinetpay.sim.advance(6)
    shown = cinetpay.status().json()
    assert (shown["code"], shown["data"]["code"], shown["data"]["status"]) == (200, 100, "SUCCESS")


def test_a_login_may_not_say_how_long_its_token_lives(cinetpay: Account) -> None:
    assert cinetpay.login().json()["expires_in"] == 3600
    cinetpay.sim.set(tells_token_life=False)
    login = cinetpay.login().json()
    assert "expires_in" not in login
    cinetpay.token = login["access_token"]
    cinetpay.sim.advance(290)
    assert cinetpay.create().status_code == 200
    cinetpay.sim.advance(20)
    assert said(cinetpay.status()) == (401, 1003, "EXPIRED_TOKEN")


def test_an_address_that_it_does_not_have_is_not_found(cinetpay: Account) -> None:
    assert said(requests.post(f"{cinetpay.sim.base_url}/v1/refund", json={}, timeout=5)) == NOT_FOUND


# ---------------------------------------------------------------- itself


def test_the_settings_are_those_of_the_account_of_the_country() -> None:
    with talk(CinetPay(country="CI")) as sim:
        assert sim.settings() == {"base_url": sim.base_url, **credentials("CI")}
        assert Account(sim, "CI").token


def test_a_country_without_cinetpay_is_refused() -> None:
    with pytest.raises(ValueError, match="not in FR"):
        CinetPay(country="FR")
