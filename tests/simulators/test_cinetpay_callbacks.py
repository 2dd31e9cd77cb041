"""The callbacks, the faults and the page of the simulated CinetPay v1."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.simulators.cinetpay_account import ID, INVALID, NOT_FOUND, PAGE, PAID, TAG, UNPAID, Account, said
from tests.simulators.talking import Receiver, eventually

# ---------------------------------------------------------------- it does: callbacks


def test_a_callback_names_the_payment_and_says_no_status(cinetpay: Account, receiver: Receiver) -> None:
    names = cinetpay.create().json()
    cinetpay.sim.advance(6)
    [callback] = receiver.wait(1)
    assert callback.method == "POST"
    assert callback.header("Content-Type") == "application/json"
    assert callback.json() == {
        "notify_token": names["notify_token"],
        "merchant_transaction_id": ID,
        "transaction_id": names["transaction_id"],
        "user": {"name": "Client Awa", "email": "client@pay.example.com", "phone_number": "+221763456789"},
    }


def test_a_callback_goes_to_the_address_of_the_payment_to_the_letter(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.create(notify_url=f"{receiver.url}/{ID}/{TAG}")
    cinetpay.sim.advance(6)
    assert receiver.wait(1)[0].target == f"/callbacks/acc_test/{ID}/{TAG}"


def test_a_callback_may_come_twice(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("double_callback")
    cinetpay.create()
    cinetpay.sim.advance(6)
    first, second = receiver.wait(2)
    assert first.body == second.body


def test_a_callback_may_have_a_forged_token(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("forged_token")
    true = cinetpay.create().json()["notify_token"]
    cinetpay.sim.advance(6)
    assert receiver.wait(1)[0].json()["notify_token"] not in {true, None}


def test_a_callback_may_say_success_of_an_unpaid_payment(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("premature_callback")
    cinetpay.create(client_phone_number="+221763452002")
    assert receiver.wait(1)[0].json()["status"] == "SUCCESS"
    assert said(cinetpay.status()) == UNPAID


def test_a_callback_that_is_not_taken_is_repeated(cinetpay: Account, receiver: Receiver) -> None:
    receiver.statuses = [500, 201]
    cinetpay.create()
    for count in (1, 2, 3):
        cinetpay.sim.advance(400)
        eventually(lambda count=count: len(cinetpay.sim.deliveries()) == count)  # type: ignore[misc]
    assert [note["answered"] for note in cinetpay.sim.deliveries()] == [500, 201, 200]


def test_callbacks_are_never_signed_so_no_signature_can_be_bad(cinetpay: Account) -> None:
    for kind in ("bad_signature", "unsigned"):
        answer = requests.post(f"{cinetpay.sim.base_url}/_sim/next", json={"kind": kind}, timeout=5)
        assert answer.status_code == 400


# ---------------------------------------------------------------- orders


@pytest.mark.parametrize(("accepted", "charges"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("kind", ["timeout", "reset", "garbage", "html"])
def test_an_answer_may_be_lost_with_the_payment_or_without(
    cinetpay: Account, kind: str, accepted: bool, charges: int
) -> None:
    cinetpay.timeout = 0.3
    cinetpay.sim.next(kind, accepted=accepted)
    try:
        answer = cinetpay.create()
    except requests.RequestException:
        assert kind in {"timeout", "reset"}
    else:
        with pytest.raises(ValueError, match=r"Expecting value|Unterminated"):
            answer.json()
    assert len(cinetpay.sim.charges()) == charges


@pytest.mark.parametrize(("kind", "charges"), [("500", 0), ("accepted_then_500", 1)])
def test_a_500_may_come_before_the_payment_or_after(cinetpay: Account, kind: str, charges: int) -> None:
    cinetpay.sim.next(kind)
    assert said(cinetpay.create()) == (500, -1, "OPERATION_ERROR")
    assert len(cinetpay.sim.charges()) == charges


def test_a_login_may_fail_too(cinetpay: Account) -> None:
    cinetpay.sim.next("500", on="login")
    assert cinetpay.login().status_code == 500


@pytest.mark.parametrize(
    ("order", "answered"),
    [
        ({"code": 1003}, (401, 1003, "EXPIRED_TOKEN")),
        ({"code": -1, "http": 200}, (200, -1, "OPERATION_ERROR")),
        ({}, INVALID),
    ],
    ids=["token", "error", "params"],
)
def test_any_code_can_be_ordered_and_nothing_is_started(
    cinetpay: Account, order: dict[str, Any], answered: tuple[int, int, str]
) -> None:
    cinetpay.sim.next("refuse", **order, on="charge")
    assert said(cinetpay.create()) == answered
    assert cinetpay.sim.charges() == []
    cinetpay.sim.next("refuse", **order, on="lookup")
    assert said(cinetpay.status()) == answered
    assert said(cinetpay.status()) == NOT_FOUND


@pytest.mark.parametrize("kind", ["drop_callback", "late_callback", "reorder"])
def test_a_callback_may_be_lost_late_or_overtaken(cinetpay: Account, receiver: Receiver, kind: str) -> None:
    cinetpay.sim.next(kind)
    cinetpay.create()
    cinetpay.create(merchant_transaction_id="second")
    cinetpay.sim.advance(6)
    cinetpay.sim.advance(100)
    names = [callback.json()["merchant_transaction_id"] for callback in receiver.wait(1 if "drop" in kind else 2)]
    assert names == (["second"] if "drop" in kind else ["second", ID])


def test_a_callback_may_come_before_the_answer(cinetpay: Account, receiver: Receiver) -> None:
    cinetpay.sim.next("early_callback")
    answer = cinetpay.create().json()
    assert [callback.json()["transaction_id"] for callback in receiver.received] == [answer["transaction_id"]]
    assert said(cinetpay.status()) == PAID


# ---------------------------------------------------------------- the hosted page


@pytest.fixture
def checkout(cinetpay: Account) -> str:
    """The address of a page on which nothing has been done."""
    return str(cinetpay.create(**PAGE).json()["payment_url"])


def press(checkout: str, **form: str) -> str:
    answer = requests.post(checkout, data=form, allow_redirects=False, timeout=5)
    assert answer.status_code == 303
    return answer.headers["Location"]


def test_the_page_says_what_is_paid_and_has_three_buttons(checkout: str) -> None:
    text = requests.get(checkout, timeout=5).text
    assert "Boutique Awa: 1000 XOF" in text
    assert [do for do in ("pay", "decline", "cancel", "expire") if f'value="{do}"' in text] == [
        "pay",
        "decline",
        "cancel",
    ]


def test_the_page_shows_the_merchants_words_as_text(cinetpay: Account) -> None:
    checkout = cinetpay.create(**PAGE, designation="<script>alert(1)</script>").json()["payment_url"]
    assert "<script>" not in requests.get(checkout, timeout=5).text


def test_paying_on_the_page_leads_to_success(cinetpay: Account, checkout: str) -> None:
    assert said(cinetpay.status()) == (200, 2001, "INITIATED")
    assert press(checkout, decision="pay") == "https://pay.example.com/r/AbC"
    assert said(cinetpay.status()) == UNPAID
    cinetpay.sim.advance(6)
    assert said(cinetpay.status()) == PAID


@pytest.mark.parametrize(("form", "code"), [({}, 2010), ({"code": "2005"}, 2005), ({"code": "100"}, 2010)])
def test_declining_on_the_page_leads_to_failure(
    cinetpay: Account, checkout: str, form: dict[str, str], code: int
) -> None:
    assert press(checkout, decision="decline", **form) == "https://pay.example.com/r/AbC?failed"
    assert cinetpay.status().json()["code"] == code


def test_leaving_the_page_ends_nothing(cinetpay: Account, checkout: str) -> None:
    assert press(checkout, decision="cancel") == "https://pay.example.com/r/AbC?failed"
    assert said(cinetpay.status()) == (200, 2001, "INITIATED")
    assert press(checkout, decision="pay") == "https://pay.example.com/r/AbC"


def test_a_payment_is_paid_once_however_often_the_button_is_pressed(cinetpay: Account, checkout: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        pressed = set(pool.map(lambda _: press(checkout, decision="pay"), range(20)))
    cinetpay.sim.advance(6)
    press(checkout, decision="decline")
    assert pressed == {"https://pay.example.com/r/AbC"}
    assert said(cinetpay.status()) == PAID
    assert "<button" not in requests.get(checkout, timeout=5).text
    eventually(lambda: len(cinetpay.sim.deliveries()) == 1)


def test_a_page_that_nobody_uses_expires(cinetpay: Account, checkout: str) -> None:
    cinetpay.sim.advance(1801)
    assert said(cinetpay.status()) == (200, 2003, "EXPIRED")
    assert press(checkout, decision="pay") == "https://pay.example.com/r/AbC?failed"
    assert said(cinetpay.status()) == (200, 2003, "EXPIRED")


def test_a_token_of_elsewhere_has_no_page_here(cinetpay: Account) -> None:
    push = cinetpay.create().json()["payment_token"]
    for token in ("ptk_live_made_up", push):
        assert requests.get(f"{cinetpay.sim.base_url}/checkout/{token}", timeout=5).status_code == 404
