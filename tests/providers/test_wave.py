"""Wave's adapter, word by word of its protocol card: sessions, how they end, and errors of a create."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.outcomes import ActionKind, FailureCode, Result
from ikawaari.providers.values import Flow
from ikawaari.providers.wave import Wave
from tests.providers.scripted import Written, scripted
from tests.providers.wave_account import (
    CHARGE,
    EXPIRED,
    ID,
    KEY,
    KNOWN,
    NONE,
    NOW,
    OPEN,
    PAID,
    SESSION,
    URL,
    account,
    charged,
    failure,
    looked_up,
)


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def provider(config: Config) -> Wave:
    return Wave(config)


# ---------------------------------------------------------------- a new session


def test_a_charge_is_searched_for_then_created_with_what_wave_knows(provider: Wave) -> None:
    with scripted(NONE, (200, OPEN)) as peer:
        outcome = provider.charge(account(peer.base_url), CHARGE, NOW)
    assert peer.calls == ["GET /v1/checkout/sessions/search", "POST /v1/checkout/sessions"]
    search, create = peer.asked
    assert search.query == {"client_reference": ID}
    assert create.json() == {
        "amount": "1000",
        "currency": "XOF",
        "success_url": "https://pay.example.com/r",
        "error_url": "https://pay.example.com/r",
        "client_reference": ID,
    }
    assert create.header("Content-Type") == "application/json"
    assert {one.header("Authorization") for one in peer.asked} == {f"Bearer {KEY}"}
    assert {one.header("Wave-Signature") for one in peer.asked} == {None}
    assert (outcome.result, outcome.reference) == (Result.REQUIRES_ACTION, SESSION)
    assert outcome.deadline == datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
    assert outcome.last_error is None


@pytest.mark.parametrize(
    ("flow", "kind", "shown"),
    [
        (None, ActionKind.REDIRECT, (URL, None)),
        (Flow.REDIRECT, ActionKind.REDIRECT, (URL, None)),
        (Flow.USSD_PUSH, ActionKind.REDIRECT, (URL, None)),
        (Flow.QR, ActionKind.QR, (None, URL)),
    ],
)
def test_the_payer_is_led_to_wave_or_shown_what_to_scan(
    provider: Wave, flow: Flow | None, kind: ActionKind, shown: tuple[str | None, str | None]
) -> None:
    charge = replace(CHARGE, flow=flow)
    for outcome in (
        charged(provider, NONE, (200, OPEN), charge=charge),
        charged(provider, (200, {"result": [OPEN]}), charge=charge),
        looked_up(provider, (200, OPEN), charge=replace(charge, reference=SESSION)),
    ):
        assert outcome.action is not None
        assert (outcome.action.kind, (outcome.action.url, outcome.action.data)) == (kind, shown)


@pytest.mark.parametrize(("amount", "currency", "sent"), [(1, "XOF", "1"), (10_000_000, "XAF", "10000000")])
def test_amounts_are_sent_in_whole_francs(provider: Wave, amount: int, currency: str, sent: str) -> None:
    with scripted(NONE, (200, OPEN)) as peer:
        provider.charge(account(peer.base_url), replace(CHARGE, money=Money(amount, currency)), NOW)
    assert (peer.asked[1].json()["amount"], peer.asked[1].json()["currency"]) == (sent, currency)


def test_a_charge_that_has_a_session_gets_no_second_one(provider: Wave) -> None:
    with scripted((200, {"result": [OPEN]})) as peer:
        outcome = provider.charge(account(peer.base_url), CHARGE, NOW)
    assert (outcome.result, outcome.reference) == (Result.REQUIRES_ACTION, SESSION)
    assert peer.calls == ["GET /v1/checkout/sessions/search"]


@pytest.mark.parametrize("order", [[EXPIRED, OPEN, PAID], [PAID, OPEN, EXPIRED], [OPEN, PAID]])
def test_of_several_sessions_the_paid_one_counts(provider: Wave, order: list[Mapping[str, Any]]) -> None:
    sessions = [{**one, "id": f"cos-{one['checkout_status']}"} for one in order]
    outcome = looked_up(provider, (200, {"result": sessions}), charge=CHARGE)
    assert (outcome.result, outcome.reference) == (Result.SUCCEEDED, "cos-complete")


def test_of_several_sessions_that_are_not_paid_the_open_one_counts(provider: Wave) -> None:
    sessions = [{**EXPIRED, "id": "cos-old"}, OPEN]
    assert looked_up(provider, (200, {"result": sessions}), charge=CHARGE).reference == SESSION


# ---------------------------------------------------------------- errors of a create

CONFIGURATION = [
    *(
        (401, code)
        for code in (
            "missing-auth-header",
            "invalid-auth",
            "api-key-not-provided",
            "no-matching-api-key",
            "api-key-revoked",
            "missing-signature",
            "invalid-signature",
            "invalid-signature-format",
            "invalid-signature-timestamp",
            "expired-signature-timestamp",
        )
    ),
    *((403, code) for code in ("invalid-wallet", "disabled-wallet", "unauthorized-wallet", "ip-not-allowed")),
]


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize(("status", "code"), CONFIGURATION)
def test_an_account_that_may_not_has_started_nothing(provider: Wave, status: int, code: str, *, nested: bool) -> None:
    error = (status, failure(code, nested=nested))
    for outcome in (charged(provider, error), charged(provider, NONE, error)):
        assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)
        assert outcome.raw_code == code
    assert looked_up(provider, error).result is Result.UNKNOWN
    assert looked_up(provider, error, charge=CHARGE).result is Result.UNKNOWN


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("loc", "expected"),
    [
        (["body", "amount"], FailureCode.INVALID_AMOUNT),
        ("amount", FailureCode.INVALID_AMOUNT),
        (["restrict_payer_mobile"], FailureCode.INVALID_PHONE),
        (["success_url"], FailureCode.CONFIGURATION_ERROR),
        ([], FailureCode.CONFIGURATION_ERROR),
        (None, FailureCode.CONFIGURATION_ERROR),
    ],
)
def test_a_request_that_is_not_valid_says_what_was_wrong(
    provider: Wave, loc: object, expected: FailureCode, status: int, *, nested: bool
) -> None:
    error = failure("request-validation-error", nested=nested, details=[{"loc": loc, "msg": "made up"}])
    outcome = charged(provider, NONE, (status, error))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, expected)


@pytest.mark.parametrize("details", [None, {}, "amount", [None], [["amount"]]])
def test_details_of_another_shape_are_no_words_about_the_payer(provider: Wave, details: object) -> None:
    outcome = charged(provider, NONE, (422, failure("request-validation-error", details=details)))
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.CONFIGURATION_ERROR)


UNKNOWN: list[Written] = [
    (429, failure("too-many-requests")),
    (500, failure("internal-server-error")),
    (503, failure("service-unavailable", nested=True)),
    (500, failure("invalid-auth")),
    (401, failure("something-new")),
    (401, b"<html>"),
    (403, None),
    (404, failure("checkout-session-not-found-here")),
    (409, failure("request-validation-error")),
    (400, failure("something-new")),
    (302, None),
    (200, None),
    (200, b"<html></html>"),
    (200, b'{"id": "cos-1te'),
    (200, []),
    (200, {}),
    (200, {"result": None}),
    (200, {"result": [None]}),
    (200, {"result": [{}]}),
    (200, {**OPEN, "client_reference": "0d2a8e8e-9f63-4a11-8d0e-000000000001"}),
    (200, {**OPEN, "id": None}),
    (200, {**OPEN, "id": 7}),
    (200, {**OPEN, "checkout_status": None}),
    (200, {name: value for name, value in PAID.items() if name != "payment_status"}),
    (200, {**OPEN, "wave_launch_url": None}),
    (200, {**PAID, "amount": "1000.50"}),
    (200, {**PAID, "amount": 1000.5}),
    (200, {**PAID, "amount": None}),
    (200, {**PAID, "currency": "FCFA"}),
]


@pytest.mark.parametrize("answer", UNKNOWN, ids=str)
def test_what_says_nothing_is_unknown_at_every_door(provider: Wave, answer: Written) -> None:
    assert charged(provider, answer).result is Result.UNKNOWN
    assert looked_up(provider, answer).result is Result.UNKNOWN
    assert looked_up(provider, answer, charge=CHARGE).result is Result.UNKNOWN
    if answer != (200, {"result": None}):  # that one is an answer to a search only
        assert charged(provider, NONE, answer).result is Result.UNKNOWN


# ---------------------------------------------------------------- what sessions say


def test_a_paid_session_is_a_success_of_what_it_says(provider: Wave) -> None:
    outcome = looked_up(provider, (200, PAID))
    assert (outcome.result, outcome.money, outcome.reference) == (Result.SUCCEEDED, Money(1_000, "XOF"), SESSION)
    assert looked_up(provider, (200, {**PAID, "amount": "900"})).money == Money(900, "XOF")
    refunded = looked_up(provider, (200, {**PAID, "when_refunded": "2026-11-25T12:00:00Z"}))
    assert (refunded.result, refunded.money) == (Result.SUCCEEDED, Money(1_000, "XOF"))


def test_an_expired_session_is_a_failure(provider: Wave) -> None:
    outcome = looked_up(provider, (200, EXPIRED))
    assert (outcome.result, outcome.failure, outcome.reference) == (Result.FAILED, FailureCode.EXPIRED, SESSION)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("insufficient-funds", FailureCode.INSUFFICIENT_FUNDS),
        ("blocked-account", FailureCode.PAYER_BLOCKED),
        ("payer-mobile-mismatch", FailureCode.NOT_ALLOWED),
        ("cross-border-payment-not-allowed", FailureCode.NOT_ALLOWED),
        ("customer-age-restricted", FailureCode.NOT_ALLOWED),
        ("kyb-limits-exceeded", FailureCode.WALLET_LIMIT),
        ("payment-failure", FailureCode.UNKNOWN),
        ("something-new", FailureCode.UNKNOWN),
        (None, FailureCode.UNKNOWN),
    ],
)
@pytest.mark.parametrize("payment_status", ["processing", "failed"])
def test_a_try_that_failed_ends_nothing_and_says_why(
    provider: Wave, code: str | None, expected: FailureCode, payment_status: str
) -> None:
    error = {"code": code, "message": "Made up."}
    outcome = looked_up(provider, (200, {**OPEN, "payment_status": payment_status, "last_payment_error": error}))
    assert (outcome.result, outcome.last_error, outcome.raw_code) == (Result.REQUIRES_ACTION, expected, code)
    assert outcome.action is not None
    assert outcome.action.url == URL


@pytest.mark.parametrize(
    ("checkout", "payment"),
    [("paused", "processing"), ("complete", "processing"), ("open", "succeeded"), ("expired", "succeeded")],
)
def test_statuses_that_are_not_in_the_card_are_pending_and_an_error_in_the_log(
    provider: Wave, checkout: str, payment: str
) -> None:
    with capture_logs() as logged:
        outcome = looked_up(provider, (200, {**OPEN, "checkout_status": checkout, "payment_status": payment}))
    assert (outcome.result, outcome.reference) == (Result.PROCESSING, SESSION)
    assert [line["status"] for line in logged if line["log_level"] == "error"] == [f"{checkout}/{payment}"]


@pytest.mark.parametrize("when", [None, 7, "soon", "2026-11-25", "2026-11-25T10:30:00"])
def test_an_end_that_cannot_be_read_is_none(provider: Wave, when: object) -> None:
    outcome = looked_up(provider, (200, {**OPEN, "when_expires": when}))
    assert (outcome.result, outcome.deadline) == (Result.REQUIRES_ACTION, None)


# ---------------------------------------------------------------- no session


def test_a_session_that_wave_does_not_have_is_not_found(provider: Wave) -> None:
    for nested in (False, True):
        answer = (404, failure("checkout-session-not-found", nested=nested))
        assert looked_up(provider, answer).result is Result.NOT_FOUND


def test_a_search_is_sure_of_nothing_found_only_the_second_time_and_a_minute_later(provider: Wave) -> None:
    first = looked_up(provider, NONE, charge=CHARGE)
    assert (first.result, first.provider_data) == (Result.UNKNOWN, {"missing_since": NOW.isoformat()})
    again = replace(CHARGE, provider_data=first.provider_data or {})
    with scripted(NONE) as peer:
        for seconds, expected in [(59, Result.UNKNOWN), (60, Result.NOT_FOUND), (3_600, Result.NOT_FOUND)]:
            outcome = provider.lookup(account(peer.base_url), again, NOW + timedelta(seconds=seconds))
            assert (outcome.result, outcome.provider_data) == (expected, None)
    assert looked_up(provider, (200, {"result": [PAID]}), charge=again).result is Result.SUCCEEDED


# ---------------------------------------------------------------- cancel


def test_an_open_session_is_expired_by_an_empty_answer(provider: Wave) -> None:
    with scripted((200, None)) as peer:
        outcome = provider.cancel(account(peer.base_url), KNOWN, NOW)
    assert (outcome.result, outcome.failure, outcome.reference) == (Result.FAILED, FailureCode.EXPIRED, SESSION)
    assert peer.calls == [f"POST /v1/checkout/sessions/{SESSION}/expire"]
    assert peer.asked[0].body == b""


@pytest.mark.parametrize(("session", "result"), [(PAID, Result.SUCCEEDED), (EXPIRED, Result.FAILED)])
def test_a_session_that_can_no_longer_be_expired_says_what_became_of_it(
    provider: Wave, session: Mapping[str, Any], result: Result
) -> None:
    with scripted((409, failure("made-up")), (200, session)) as peer:
        assert provider.cancel(account(peer.base_url), KNOWN, NOW).result is result
    assert peer.calls[1] == f"GET /v1/checkout/sessions/{SESSION}"


def test_a_session_that_is_not_there_cannot_be_expired(provider: Wave) -> None:
    gone = (404, failure("checkout-session-not-found"))
    with scripted(gone, gone) as peer:
        assert provider.cancel(account(peer.base_url), KNOWN, NOW).result is Result.NOT_FOUND


@pytest.mark.parametrize("answer", [(500, None), (429, None), (401, failure("invalid-auth")), (200, b"<html>")])
def test_a_session_that_may_still_be_open_is_not_called_expired(provider: Wave, answer: Written) -> None:
    with scripted(answer) as peer:
        assert provider.cancel(account(peer.base_url), KNOWN, NOW).result is Result.UNKNOWN


def test_a_session_of_which_only_our_id_is_known_is_found_and_expired(provider: Wave) -> None:
    with scripted((200, {"result": [OPEN]}), (200, None)) as peer:
        outcome = provider.cancel(account(peer.base_url), CHARGE, NOW)
    assert (outcome.result, outcome.reference) == (Result.FAILED, SESSION)
    assert peer.calls[1] == f"POST /v1/checkout/sessions/{SESSION}/expire"
    for found in ([], [PAID], [EXPIRED]):
        with scripted((200, {"result": found})) as peer:
            provider.cancel(account(peer.base_url), CHARGE, NOW)
        assert peer.calls == ["GET /v1/checkout/sessions/search"]
