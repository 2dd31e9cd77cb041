"""What the simulated Wave must refuse, by its protocol card, and the vectors of its signatures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
import time_machine

from ikawaari.simulators.wave import rules
from tests.simulators.wave_wallet import ABSENT, REFERENCE, Wallet, press, signed

MOMENT = 1_790_000_000  # of vectors W1 and W2
W1_BODY = (
    b'{"id":"EV_test000001","type":"checkout.session.completed","data":{"id":"cos-1test0000001","amount":"1000",'
    b'"currency":"XOF","checkout_status":"complete","payment_status":"succeeded","client_reference":"pa_0001",'
    b'"transaction_id":"TTEST00001"}}'
)
W1_WRONG = {
    "t.body": "ecd4f92387fb6b8af6c6b484ac91d229d2b6b5566f510835fc699a2e8fb781e3",
    "t,body": "b545a39af0942f3255f7710daa90aec2c5d28737e23b3bd9fcde2f6888372535",
    "body only": "85ca3658ac98dc93f34db2d0c4922d6e22a83fe6b381ca996b7698dfcc303570",
}
W2_BODY = (
    b'{"amount":"1000","currency":"XOF","success_url":"https://pay.example.com/r/ok",'
    b'"error_url":"https://pay.example.com/r/ko","client_reference":"pa_0001"}'
)
W2_POST = "469c696a6588d8a0816b718b0295249567e1928d7ced5c22dfa7e14887d954cd"
W2_GET = "dfce390895857b80ca641fa94b1fb02993518976f82ffe37243579679eacc5dd"


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ({}, "missing-auth-header"),
        ({"Authorization": "Basic d2F2ZQ=="}, "invalid-auth"),
        ({"Authorization": "Bearer"}, "api-key-not-provided"),
        ({"Authorization": "Bearer wave_sn_prod_other"}, "no-matching-api-key"),
    ],
    ids=["none", "basic", "empty", "wrong"],
)
def test_a_call_without_a_key_of_ours_is_refused(wave: Wallet, header: dict[str, str], refusal: str) -> None:
    assert code(requests.post(wave.sessions, json={}, headers=header, timeout=5)) == (401, refusal)
    assert code(requests.get(f"{wave.sessions}/cos-1", headers=header, timeout=5)) == (401, refusal)


@pytest.mark.parametrize(("wallet", "currency"), [("sn", "XAF"), ("cm", "XOF"), ("gm", "XOF"), ("sn", ABSENT)])
def test_a_key_is_one_country_with_its_currency(wave: Wallet, wallet: str, currency: object) -> None:
    answer = Wallet(wave.sim, wallet).create(currency=currency)
    assert code(answer) == (422, "request-validation-error")
    assert answer.json()["details"][0]["loc"] == ["currency"]


def test_a_session_of_another_wallet_is_not_found(wave: Wallet) -> None:
    session = wave.opened()
    other = Wallet(wave.sim, "ci")
    not_found = (404, "checkout-session-not-found")
    assert code(other.get(f"/checkout/sessions/{session['id']}")) == not_found
    assert code(other.get(f"/checkout/sessions?transaction_id={session['transaction_id']}")) == not_found
    assert other.get(f"/checkout/sessions/search?client_reference={REFERENCE}").json() == {"result": []}
    assert code(other.expire(session)) == code(other.refund(session)) == not_found


# ---------------------------------------------------------------- signed requests


@pytest.fixture
def signing(wave: Wallet) -> Wallet:
    """The wallet, by the key whose requests must be signed."""
    wave.key = rules.signing_key("sn")
    return wave


def send(wallet: Wallet, body: bytes, signature: str | None) -> requests.Response:
    headers = {**wallet.headers, **({} if signature is None else {"Wave-Signature": signature})}
    return requests.post(wallet.sessions, data=body, headers=headers, timeout=5)


def test_a_signed_request_is_accepted(signing: Wallet) -> None:
    assert send(signing, W2_BODY, signed(W2_BODY)).status_code == 200


def test_any_of_two_signatures_may_be_the_right_one(signing: Wallet) -> None:
    moment, _, right = signed(W2_BODY).partition(",")
    assert send(signing, W2_BODY, f"{moment},v1={'0' * 64},{right}").status_code == 200


@pytest.mark.parametrize(
    ("signature", "refusal"),
    [
        (None, "missing-signature"),
        ("v1=" + "0" * 64, "invalid-signature-format"),
        ("t=1,v1=short", "invalid-signature-format"),
        ("t=1;v1=" + "0" * 64, "invalid-signature-format"),
        ("t=now,v1=" + "0" * 64, "invalid-signature-timestamp"),
        (lambda: signed(W2_BODY, between="."), "invalid-signature"),
        (lambda: signed(W2_BODY, between=","), "invalid-signature"),
        (lambda: signed(W2_BODY + b" "), "invalid-signature"),
        (lambda: signed(W2_BODY, secret=rules.webhook_secret("sn")), "invalid-signature"),
        (lambda: signed(W2_BODY, secret=rules.signing_secret("ci")), "invalid-signature"),
    ],
    ids=["none", "no-time", "short", "semicolon", "no-number", "dot", "comma", "other-body", "WHS", "other-wallet"],
)
def test_a_key_that_signs_refuses_what_is_not_signed_right(
    signing: Wallet, signature: str | Callable[[], str] | None, refusal: str
) -> None:
    made = signature() if callable(signature) else signature
    assert code(send(signing, W2_BODY, made)) == (401, refusal)
    assert signing.sim.charges() == []


@contextmanager
def at(seconds: int) -> Iterator[None]:
    with time_machine.travel(seconds, tick=False):
        yield


@pytest.mark.parametrize(
    ("now", "answered"),
    [
        (MOMENT + 300, None),
        (MOMENT + 301, "expired-signature-timestamp"),
        (MOMENT - 30, None),
        (MOMENT - 31, "invalid-signature-timestamp"),
    ],
    ids=["300-old", "301-old", "30-ahead", "31-ahead"],
)
def test_a_signature_is_good_for_five_minutes_and_half_a_minute_ahead(
    signing: Wallet, now: int, answered: str | None
) -> None:
    with at(now):
        answer = send(signing, W2_BODY, f"t={MOMENT},v1={W2_POST}")
    assert (answer.status_code, answer.json().get("code")) == (200 if answered is None else 401, answered)


def test_vector_w2_signs_a_post(signing: Wallet) -> None:
    with at(MOMENT):
        assert send(signing, W2_BODY, f"t={MOMENT},v1={W2_POST}").status_code == 200
        assert code(send(signing, W2_BODY, f"t={MOMENT},v1={W2_GET}")) == (401, "invalid-signature")
        assert code(send(signing, W2_BODY, f"t={MOMENT + 1},v1={W2_POST}")) == (401, "invalid-signature")


def test_vector_w2_signs_a_get_by_the_empty_body(signing: Wallet) -> None:
    address = f"{signing.sessions}/search?client_reference=pa_0001"
    with at(MOMENT):
        for signature, status in ((W2_GET, 200), (W2_POST, 401)):
            headers = {**signing.headers, "Wave-Signature": f"t={MOMENT},v1={signature}"}
            assert requests.get(address, headers=headers, timeout=5).status_code == status


def test_vector_w1_is_what_signs_a_webhook() -> None:
    right = rules.signature("wave_sn_WHS_made_up_secret", MOMENT, W1_BODY)
    assert right == "43f68f20146a92ad42ad8c09720691a49d7a2eaa25c75d3f6ed1b8d844b2587e"
    assert right not in W1_WRONG.values()


@pytest.mark.parametrize("wrong", W1_WRONG.values(), ids=W1_WRONG.keys())
def test_the_usual_mistakes_of_vector_w1_are_refused(wrong: str) -> None:
    header = f"t={MOMENT},v1={wrong}"
    problem = rules.signature_problem(header, "wave_sn_WHS_made_up_secret", W1_BODY, MOMENT)
    assert problem == "invalid-signature"


# ---------------------------------------------------------------- a new session


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 1000},
        {"amount": "1000.00"},
        {"amount": "1000.5"},
        {"amount": "0"},
        {"amount": "-1000"},
        {"amount": "01000"},
        {"amount": "1 000"},
        {"amount": "1000\n"},
        {"amount": ABSENT},
        {"success_url": "http://pay.example.com/r/ok"},
        {"error_url": "http://pay.example.com/r/ko"},
        {"success_url": "pay.example.com"},
        {"success_url": ABSENT},
        {"error_url": ABSENT},
        {"client_reference": "x" * 256},
        {"client_reference": 5},
        {"restrict_payer_mobile": "221773456789"},
        {"enforce_payer_mobile": "+221 77"},
        {"aggregated_merchant_id": "am-unknown"},
        {"description": "Boutique Awa"},
    ],
    ids=lambda wrong: "-".join(
        f"{name}-{'absent' if value is ABSENT else value!r:.20}" for name, value in wrong.items()
    ),
)
def test_a_session_that_breaks_a_rule_is_refused_and_the_field_is_named(wave: Wallet, wrong: dict[str, object]) -> None:
    answer = wave.create(**wrong)
    assert code(answer) == (422, "request-validation-error")
    assert [detail["loc"] for detail in answer.json()["details"]] == [list(wrong)]
    assert wave.sim.charges() == []


def test_all_that_is_wrong_is_named(wave: Wallet) -> None:
    details = wave.create(amount="0", error_url=ABSENT, extra=1).json()["details"]
    assert {detail["loc"][0] for detail in details} == {"amount", "error_url", "extra"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"amount":'], ids=["empty", "list", "half"])
def test_a_body_that_is_no_object_is_refused(wave: Wallet, body: bytes) -> None:
    answer = requests.post(wave.sessions, data=body, headers=wave.headers, timeout=5)
    assert code(answer) == (400, "request-validation-error")


def test_values_at_the_bounds_are_accepted(wave: Wallet) -> None:
    assert wave.opened(amount="1", client_reference="x" * 255)["amount"] == "1"
    assert wave.opened(client_reference=ABSENT)["client_reference"] is None
    assert Wallet(wave.sim, "gm").opened(currency="GMD", amount="10.50")["amount"] == "10.50"


# ---------------------------------------------------------------- the end of a session, and its refund


def test_a_session_that_has_ended_cannot_be_expired(wave: Wallet) -> None:
    paid, expired = wave.opened(), wave.opened()
    press(paid, "pay")
    assert wave.expire(expired).status_code == 200
    for session in (paid, expired):
        assert wave.expire(session).status_code == 409
    assert wave.standing(paid) == ("complete", "succeeded")
    assert code(wave.expire({"id": "cos-1unknown"})) == (404, "checkout-session-not-found")


def test_an_unpaid_session_cannot_be_refunded(wave: Wallet) -> None:
    session = wave.opened()
    assert code(wave.refund(session)) == (400, "checkout-refund-failed")
    wave.expire(session)
    assert code(wave.refund(session)) == (400, "checkout-refund-failed")
    assert code(wave.refund({"id": "cos-1unknown"})) == (404, "checkout-session-not-found")


def test_a_part_of_a_payment_cannot_be_refunded(wave: Wallet) -> None:
    session = wave.opened()
    press(session, "pay")
    answer = wave.refund(session, {"amount": "400"})
    assert code(answer) == (422, "request-validation-error")
    assert answer.json()["details"][0]["loc"] == ["amount"]
    assert wave.sim.refunds() == []
    assert wave.session(session)["when_refunded"] is None


def test_a_search_without_a_reference_is_refused(wave: Wallet) -> None:
    assert code(wave.get("/checkout/sessions/search")) == (422, "request-validation-error")
