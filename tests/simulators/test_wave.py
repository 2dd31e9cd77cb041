"""How sessions go at the simulated Wave, by its protocol card: payments, refunds, races and ordered faults."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.simulators.wave_wallet import ERROR_URL, REFERENCE, SUCCESS_URL, Wallet, press

OPEN, PAID, ENDED = ("open", "processing"), ("complete", "succeeded"), ("expired", "cancelled")


def ledger(wave: Wallet) -> list[tuple[str, str, str]]:
    return [(charge["id"], charge["amount"], charge["state"]) for charge in wave.sim.charges()]


# ---------------------------------------------------------------- sessions


def test_a_new_session_is_open_and_shows_all_that_wave_shows(wave: Wallet) -> None:
    session = wave.opened(restrict_payer_mobile="+221773456789")
    shown = {name: session.pop(name) for name in ("id", "transaction_id", "wave_launch_url")}
    created, expires = session.pop("when_created"), session.pop("when_expires")
    assert shown["id"].startswith("cos-")
    assert shown["wave_launch_url"] == f"{wave.sim.base_url}/c/{shown['id']}?a=1000&c=XOF&m=Boutique"
    assert created < expires
    assert session == {
        "amount": "1000",
        "currency": "XOF",
        "checkout_status": "open",
        "payment_status": "processing",
        "client_reference": REFERENCE,
        "last_payment_error": None,
        "business_name": "Boutique Awa",
        "success_url": SUCCESS_URL,
        "error_url": ERROR_URL,
        "restrict_payer_mobile": "+221773456789",
        "aggregated_merchant_id": None,
        "when_completed": None,
        "when_refunded": None,
    }


def test_the_transaction_id_is_there_before_the_payment(wave: Wallet) -> None:
    session = wave.opened()
    assert session["transaction_id"]
    found = wave.get(f"/checkout/sessions?transaction_id={session['transaction_id']}").json()
    assert (found["id"], found["payment_status"]) == (session["id"], "processing")
    assert wave.get("/checkout/sessions").status_code == 404


def test_two_creates_with_one_reference_make_two_sessions_and_the_search_returns_both(wave: Wallet) -> None:
    sessions = [wave.opened(), wave.opened()]
    assert sessions[0]["id"] != sessions[1]["id"]
    wave.opened(client_reference="other")
    found = wave.get(f"/checkout/sessions/search?client_reference={REFERENCE}").json()["result"]
    assert [session["id"] for session in found] == [session["id"] for session in sessions]
    assert [charge["id"] for charge in wave.sim.charges()] == [REFERENCE, REFERENCE, "other"]


def test_nothing_is_found_by_a_reference_that_was_never_sent(wave: Wallet) -> None:
    answer = wave.get("/checkout/sessions/search?client_reference=never")
    assert (answer.status_code, answer.json()) == (200, {"result": []})


def test_creating_is_not_idempotent_not_even_by_a_key(wave: Wallet) -> None:
    body = {"amount": "1000", "currency": "XOF", "success_url": SUCCESS_URL, "error_url": ERROR_URL}
    headers = {**wave.headers, "Idempotency-Key": REFERENCE}

    def create(_number: int) -> str:
        return str(requests.post(wave.sessions, json=body, headers=headers, timeout=20).json()["id"])

    with ThreadPoolExecutor(100) as pool:
        assert len(set(pool.map(create, range(100)))) == len(wave.sim.charges()) == 100


def test_the_older_name_of_the_restriction_is_understood(wave: Wallet) -> None:
    session = wave.opened(enforce_payer_mobile="+221773456789")
    assert session["restrict_payer_mobile"] == "+221773456789"


@pytest.mark.parametrize("seconds", [1800, 86_400])
def test_a_session_ends_when_it_says(wave: Wallet, seconds: int) -> None:
    wave.sim.set(session_seconds=seconds)
    session = wave.opened()
    wave.sim.advance(seconds - 10)
    assert wave.standing(session) == OPEN
    wave.sim.advance(20)
    assert wave.standing(session) == ENDED
    assert ledger(wave) == [(REFERENCE, "1000", "failed")]


# ---------------------------------------------------------------- the payer's page


def test_the_page_has_three_buttons_while_the_session_is_open(wave: Wallet) -> None:
    session = wave.opened()
    text = requests.get(session["wave_launch_url"], timeout=5).text
    assert "Boutique Awa: 1000 XOF" in text
    assert [name for name in ("pay", "decline", "cancel", "expire") if f'value="{name}"' in text] == [
        "pay",
        "decline",
        "cancel",
    ]
    press(session, "pay")
    assert "<button" not in requests.get(session["wave_launch_url"], timeout=5).text


def test_paying_completes_the_session_and_leads_to_success(wave: Wallet) -> None:
    session = wave.opened()
    assert press(session, "pay", mobile="+221773456789") == SUCCESS_URL
    shown = wave.session(session)
    assert (shown["checkout_status"], shown["payment_status"]) == PAID
    assert shown["when_completed"]
    [charge] = wave.sim.charges()
    assert (charge["state"], charge["payer"], charge["operator"]) == ("succeeded", "+221773456789", "wave_sn")


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "insufficient-funds"),
        ({"code": "blocked-account"}, "blocked-account"),
        ({"code": "kyb-limits-exceeded"}, "kyb-limits-exceeded"),
        ({"code": "unheard-of"}, "payment-failure"),
    ],
)
def test_a_failed_try_leaves_the_session_open_and_says_why(wave: Wallet, form: dict[str, str], reason: str) -> None:
    session = wave.opened()
    assert press(session, "decline", **form) == ERROR_URL
    shown = wave.session(session)
    assert (shown["checkout_status"], shown["payment_status"]) == OPEN
    assert shown["last_payment_error"]["code"] == reason
    assert press(session, "pay") == SUCCESS_URL
    shown = wave.session(session)
    assert (shown["checkout_status"], shown["last_payment_error"]) == ("complete", None)


def test_another_number_than_the_one_asked_for_cannot_pay(wave: Wallet) -> None:
    session = wave.opened(restrict_payer_mobile="+221773456789")
    assert press(session, "pay", mobile="+221770000000") == ERROR_URL
    assert wave.session(session)["last_payment_error"]["code"] == "payer-mobile-mismatch"
    assert press(session, "pay", mobile="+221773456789") == SUCCESS_URL
    assert wave.standing(session) == PAID


def test_leaving_the_page_changes_nothing(wave: Wallet) -> None:
    session = wave.opened()
    assert press(session, "cancel") == ERROR_URL
    assert wave.session(session) == session


def test_a_payment_may_be_settled_after_the_browser_is_back(wave: Wallet) -> None:
    wave.sim.set(settles_after=5)
    session = wave.opened()
    assert press(session, "pay") == SUCCESS_URL
    assert wave.standing(session) == OPEN
    wave.sim.advance(6)
    assert wave.standing(session) == PAID


def test_a_session_that_has_ended_cannot_be_paid(wave: Wallet) -> None:
    session = wave.opened()
    wave.expire(session)
    assert press(session, "pay") == press(session, "decline") == ERROR_URL
    assert wave.standing(session) == ENDED
    shown = wave.session(session)
    assert (shown["last_payment_error"], shown["when_completed"]) == (None, None)


def test_a_paid_session_stays_paid_when_its_time_is_over(wave: Wallet) -> None:
    session = wave.opened()
    press(session, "pay")
    wave.sim.advance(2000)
    assert wave.standing(session) == PAID


def test_a_payment_that_is_not_settled_takes_nothing_from_a_session_that_has_ended(wave: Wallet) -> None:
    wave.sim.set(settles_after=5)
    session = wave.opened()
    press(session, "pay")
    wave.expire(session)
    wave.sim.advance(6)
    assert wave.standing(session) == ENDED
    assert ledger(wave) == [(REFERENCE, "1000", "failed")]


def test_an_unknown_page_is_not_found(wave: Wallet) -> None:
    assert requests.get(f"{wave.sim.base_url}/c/cos-1unknown", timeout=5).status_code == 404


# ---------------------------------------------------------------- races and late money


def test_a_hundred_presses_take_one_payment(wave: Wallet) -> None:
    session = wave.opened()
    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(lambda _: press(session, "pay"), range(100))) == {SUCCESS_URL}
    assert ledger(wave) == [(REFERENCE, "1000", "succeeded")]


@pytest.mark.parametrize("round_", range(10))
def test_a_session_is_paid_or_expired_and_both_sides_know_which(wave: Wallet, round_: int) -> None:
    session = wave.opened()
    with ThreadPoolExecutor(2) as pool:
        acts = [lambda: wave.expire(session).status_code, lambda: press(session, "pay")]
        first, second = [pool.submit(act) for act in (acts if round_ % 2 else acts[::-1])]
    status, location = (first, second) if round_ % 2 else (second, first)
    ends = {(200, ERROR_URL): ENDED, (409, SUCCESS_URL): PAID}
    assert wave.standing(session) == ends[status.result(), location.result()]  # type: ignore[index]


def test_the_payer_may_be_faster_than_the_call_that_ends_the_session(wave: Wallet) -> None:
    session = wave.opened()
    wave.sim.next("paid_before_expire")
    assert wave.expire(session).status_code == 409
    assert wave.standing(session) == PAID


def test_an_expired_session_may_be_paid_all_the_same(wave: Wallet) -> None:
    wave.sim.next("late_success", seconds=90)
    session = wave.opened()
    wave.expire(session)
    assert wave.standing(session) == ENDED
    wave.sim.advance(91)
    assert wave.standing(session) == PAID
    assert ledger(wave) == [(REFERENCE, "1000", "succeeded")]


def test_the_payer_may_pay_another_amount(wave: Wallet) -> None:
    session = wave.opened()
    wave.sim.next("other_amount", amount="900")
    press(session, "pay")
    assert wave.session(session)["amount"] == "900"
    assert ledger(wave) == [(REFERENCE, "900", "succeeded")]


# ---------------------------------------------------------------- the merchant ends a session, or gives back


def test_an_open_session_is_expired_by_an_empty_answer(wave: Wallet) -> None:
    session = wave.opened()
    answer = wave.expire(session)
    assert (answer.status_code, answer.content, answer.headers.get("Content-Type")) == (200, b"", None)
    assert wave.standing(session) == ENDED


@pytest.mark.parametrize("path", ["/checkout/sessions/{id}/refund", "/transactions/{transaction_id}/refund"])
def test_a_refund_gives_back_the_whole_once_however_often_it_is_asked_for(wave: Wallet, path: str) -> None:
    session = wave.opened()
    press(session, "pay")
    bodies: tuple[object, ...] = (None, None, {})
    for body in bodies:
        answer = wave.post(path.format(**session), body)
        assert (answer.status_code, answer.content) == (200, b"")
    [refund] = wave.sim.refunds()
    assert (refund["of"], refund["amount"], refund["state"]) == (REFERENCE, "1000", "succeeded")
    assert wave.standing(session) == PAID
    assert wave.session(session)["when_refunded"]


def test_a_hundred_refunds_at_once_give_back_once(wave: Wallet) -> None:
    session = wave.opened()
    press(session, "pay")
    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(lambda _: wave.refund(session).status_code, range(100))) == {200}
    assert len(wave.sim.refunds()) == 1


def test_a_refund_may_take_its_time(wave: Wallet) -> None:
    wave.sim.set(refunds_after=600)
    session = wave.opened()
    press(session, "pay")
    assert wave.refund(session).status_code == wave.refund(session).status_code == 200
    assert wave.session(session)["when_refunded"] is None
    wave.sim.advance(601)
    assert wave.session(session)["when_refunded"]
    assert [refund["state"] for refund in wave.sim.refunds()] == ["succeeded"]


@pytest.mark.parametrize("http", [400, 409])
def test_a_refund_may_fail(wave: Wallet, http: int) -> None:
    session = wave.opened()
    press(session, "pay")
    wave.sim.next("refuse", code="checkout-refund-failed", http=http, on="refund")
    answer = wave.refund(session)
    assert (answer.status_code, answer.json()["code"]) == (http, "checkout-refund-failed")
    assert wave.sim.refunds() == []


# ---------------------------------------------------------------- errors and orders


@pytest.mark.parametrize(
    ("refusal", "http"),
    [
        ("api-key-revoked", 401),
        ("invalid-wallet", 403),
        ("disabled-wallet", 403),
        ("unauthorized-wallet", 403),
        ("ip-not-allowed", 403),
        ("too-many-requests", 429),
        ("internal-server-error", 500),
        ("service-unavailable", 503),
    ],
)
def test_any_error_can_be_ordered_in_both_forms_and_nothing_is_started(wave: Wallet, refusal: str, http: int) -> None:
    wave.sim.next("refuse", code=refusal, times=2)
    flat = wave.create()
    assert (flat.status_code, flat.json()["code"]) == (http, refusal)
    wave.sim.set(nests_errors=True)
    nested = wave.create()
    error = nested.json()["error"]
    assert (nested.status_code, set(nested.json()), error["code"], error["httpcode"]) == (
        http,
        {"error"},
        refusal,
        http,
    )
    assert wave.sim.charges() == []


def test_wave_has_no_other_addresses(wave: Wallet) -> None:
    assert wave.get("/payouts").status_code == 404


@pytest.mark.parametrize(("accepted", "sessions"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("kind", ["timeout", "reset", "garbage", "html"])
def test_an_answer_may_be_lost_with_the_session_or_without(
    wave: Wallet, kind: str, accepted: bool, sessions: int
) -> None:
    wave.timeout = 0.3
    wave.sim.next(kind, accepted=accepted)
    try:
        answer = wave.create()
    except requests.RequestException:
        assert kind in {"timeout", "reset"}
    else:
        with pytest.raises(ValueError, match=r"Expecting value|Unterminated"):
            answer.json()
    found = wave.get(f"/checkout/sessions/search?client_reference={REFERENCE}").json()["result"]
    assert len(found) == len(wave.sim.charges()) == sessions


@pytest.mark.parametrize(("kind", "sessions"), [("500", 0), ("accepted_then_500", 1)])
def test_a_500_may_come_before_the_session_or_after(wave: Wallet, kind: str, sessions: int) -> None:
    wave.sim.next(kind)
    answer = wave.create()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-server-error")
    assert len(wave.sim.charges()) == sessions


@pytest.mark.parametrize("on", ["refund", "cancel", "lookup"])
def test_the_other_calls_may_be_carried_out_and_lost_too(wave: Wallet, on: str) -> None:
    session = wave.opened()
    if on == "refund":
        press(session, "pay")
    wave.sim.next("accepted_then_500", on=on)
    calls: dict[str, Any] = {
        "refund": lambda: wave.refund(session),
        "cancel": lambda: wave.expire(session),
        "lookup": lambda: wave.get(f"/checkout/sessions/{session['id']}"),
    }
    assert calls[on]().status_code == 500
    assert len(wave.sim.refunds()) == (on == "refund")
    assert wave.standing(session) == {"refund": PAID, "cancel": ENDED, "lookup": OPEN}[on]
