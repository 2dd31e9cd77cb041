"""Wave's refunds and checkups, against answers written down here."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.providers.values import RefundOrder
from ikawaari.providers.wave import Wave
from tests.providers.scripted import Written, scripted
from tests.providers.wave_account import AKS, EXPIRED, KEY, NONE, NOW, ORDER, PAID, SESSION, WHS, account, failure


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def provider(config: Config) -> Wave:
    return Wave(config)


# ---------------------------------------------------------------- refunds


def refunded(provider: Wave, *answers: Written, order: RefundOrder = ORDER) -> Outcome:
    with scripted(*answers) as peer:
        return provider.refund(account(peer.base_url), order, NOW)


def test_a_refund_that_wave_takes_is_processing_until_its_session_says_more(provider: Wave) -> None:
    with scripted((200, None)) as peer:
        outcome = provider.refund(account(peer.base_url), ORDER, NOW)
    assert peer.calls == [f"POST /v1/checkout/sessions/{SESSION}/refund"]
    assert peer.asked[0].body == b""
    assert outcome.result is Result.PROCESSING
    asked = replace(ORDER, provider_data=outcome.provider_data or {})
    with scripted((200, PAID), (200, {**PAID, "when_refunded": "2026-11-25T12:00:00Z"})) as peer:
        assert provider.lookup_refund(account(peer.base_url), asked, NOW).result is Result.PROCESSING
        outcome = provider.lookup_refund(account(peer.base_url), asked, NOW)
    assert (outcome.result, outcome.money) == (Result.SUCCEEDED, Money(1_000, "XOF"))


def test_a_refund_whose_answer_was_lost_may_be_sent_again(provider: Wave) -> None:
    """Not found: the house sends it again once no call can be on its way, and Wave gives back once."""
    with scripted((200, PAID)) as peer:
        assert provider.lookup_refund(account(peer.base_url), ORDER, NOW).result is Result.NOT_FOUND


@pytest.mark.parametrize(
    ("answer", "result", "code"),
    [
        ((400, failure("checkout-refund-failed")), Result.FAILED, FailureCode.NOT_ALLOWED),
        ((409, failure("checkout-refund-failed", nested=True)), Result.FAILED, FailureCode.NOT_ALLOWED),
        ((404, failure("checkout-session-not-found")), Result.FAILED, FailureCode.CONFIGURATION_ERROR),
        ((422, failure("request-validation-error")), Result.FAILED, FailureCode.CONFIGURATION_ERROR),
        ((401, failure("api-key-revoked")), Result.REFUSED, FailureCode.CONFIGURATION_ERROR),
        ((403, failure("ip-not-allowed")), Result.REFUSED, FailureCode.CONFIGURATION_ERROR),
        ((400, failure("something-new")), Result.UNKNOWN, None),
        ((404, b"<html>"), Result.UNKNOWN, None),
        ((429, None), Result.UNKNOWN, None),
        ((500, failure("checkout-refund-failed")), Result.UNKNOWN, None),
        ((200, b"<html>"), Result.UNKNOWN, None),
    ],
    ids=str,
)
def test_what_the_answer_to_a_refund_says(
    provider: Wave, answer: Written, result: Result, code: FailureCode | None
) -> None:
    outcome = refunded(provider, answer)
    assert (outcome.result, outcome.failure) == (result, code)


def test_nobody_elses_session_is_refunded(provider: Wave) -> None:
    order = replace(ORDER, charge_reference=None)
    other = {**PAID, "id": "cos-2", "client_reference": "7f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11"}
    with scripted((200, {"result": [other]})) as peer:
        assert provider.refund(account(peer.base_url), order, NOW).result is Result.UNKNOWN
        assert provider.lookup_refund(account(peer.base_url), order, NOW).result is Result.UNKNOWN
    assert [call for call in peer.calls if "refund" in call] == []
    with scripted((200, {"result": [other, PAID]}), (200, None)) as peer:
        assert provider.refund(account(peer.base_url), order, NOW).result is Result.PROCESSING
    assert peer.calls[-1] == f"POST /v1/checkout/sessions/{SESSION}/refund"


def test_a_part_is_refused_without_a_call(provider: Wave) -> None:
    order = replace(ORDER, money=Money(500, "XOF"))
    outcome = provider.refund(account(), order, NOW)
    assert (outcome.result, outcome.failure) == (Result.REFUSED, FailureCode.NOT_ALLOWED)
    reach = provider.capabilities.operators["wave_sn"]
    assert not reach.returns(500, 1_000, timedelta(days=1))
    assert reach.returns(1_000, 1_000, timedelta(days=1))


def test_a_refund_finds_its_session_by_our_id(provider: Wave) -> None:
    order = replace(ORDER, charge_reference=None)
    with scripted((200, {"result": [EXPIRED, PAID]}), (200, None)) as peer:
        assert provider.refund(account(peer.base_url), order, NOW).result is Result.PROCESSING
    assert peer.calls[1] == f"POST /v1/checkout/sessions/{SESSION}/refund"
    with scripted((200, {"result": [PAID]}), (200, PAID)) as peer:
        assert provider.lookup_refund(account(peer.base_url), order, NOW).result is Result.NOT_FOUND
    for answer in (NONE, (500, None), (200, b"<html>")):
        assert refunded(provider, answer, order=order).result is Result.UNKNOWN
        with scripted(answer) as peer:
            assert provider.lookup_refund(account(peer.base_url), order, NOW).result is Result.UNKNOWN
    assert provider.refund(account(), order, NOW).result is Result.REFUSED
    assert provider.lookup_refund(account(), order, NOW).result is Result.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        (500, None),
        (404, failure("checkout-session-not-found")),
        (200, b"<html>"),
        (200, {**PAID, "client_reference": "another"}),
        (200, {**PAID, "when_refunded": "2026-11-25T12:00:00Z", "amount": None}),
    ],
    ids=str,
)
def test_a_look_up_of_a_refund_that_says_nothing_is_unknown(provider: Wave, answer: Written) -> None:
    with scripted(answer) as peer:
        assert provider.lookup_refund(account(peer.base_url), ORDER, NOW).result is Result.UNKNOWN


# ---------------------------------------------------------------- check


def test_a_check_asks_for_the_balance_and_keeps_it_to_itself(provider: Wave) -> None:
    with scripted((200, {"amount": "10245", "currency": "XOF"})) as peer:
        found = provider.check(account(peer.base_url, signing_secret=AKS), NOW)
    assert (found.is_usable, peer.calls) == (True, ["GET /v1/balance"])
    assert "10245" not in found.words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"amount": "1", "currency": "XAF"}), "The wallet is not in XOF"),
        ((200, b"<html>"), "HTTP 200"),
        ((500, None), "HTTP 500"),
        ((401, failure("missing-signature")), "add its signing_secret (HTTP 401 missing-signature)."),
        ((401, failure("invalid-signature", nested=True)), "signing_secret is not that of api_key"),
        ((401, failure("expired-signature-timestamp")), "set the clock"),
        ((401, failure("api-key-revoked")), "revoked"),
        ((403, failure("disabled-wallet")), "does not let this wallet"),
        ((403, failure("ip-not-allowed")), "this server's address"),
    ],
    ids=str,
)
def test_a_check_says_what_is_wrong(provider: Wave, answer: Written, words: str) -> None:
    with scripted(answer) as peer:
        found = provider.check(account(peer.base_url), NOW)
    assert not found.is_usable
    assert words in found.words
    assert found.words.endswith((".", "?"))


@pytest.mark.parametrize(
    ("country", "settings", "words"),
    [
        (None, {}, "one of SN, CI, ML, BF, BJ, CM."),
        ("TG", {}, "one of SN, CI, ML, BF, BJ, CM."),
        ("CI", {}, "begins with wave_ci_"),
        ("SN", {"webhook_secret": AKS, "signing_secret": WHS}, "mixed up"),
        ("SN", {"webhook_secret": AKS}, "mixed up"),
        ("SN", {"signing_secret": WHS}, "mixed up"),
    ],
)
def test_settings_that_cannot_be_right_are_found_without_a_call(
    provider: Wave, country: str | None, settings: dict[str, Any], words: str
) -> None:
    found = provider.check(replace(account(**settings), country=country), NOW)
    assert not found.is_usable
    assert words in found.words
    assert not {KEY, WHS, AKS} & set(found.words.split())


def test_its_wallets_are_those_of_its_countries(provider: Wave) -> None:
    reaches = provider.capabilities.operators
    assert {name: set(reach.currencies) for name, reach in reaches.items()} == {
        "wave_sn": {"XOF"},
        "wave_ci": {"XOF"},
        "wave_ml": {"XOF"},
        "wave_bf": {"XOF"},
        "wave_bj": {"XOF"},
        "wave_cm": {"XAF"},
    }
    at_home = [name for name in reaches if provider.reach(account(), name)]
    assert at_home == ["wave_sn"]
