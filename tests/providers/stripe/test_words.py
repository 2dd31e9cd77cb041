"""What Stripe says of an intent, and why: each status, each code."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from ikawaari.money import Money
from ikawaari.providers.base import ActionKind, FailureCode, Result
from ikawaari.providers.stripe.failures import failure_of, word_of
from ikawaari.providers.stripe.intents import PAYMENT, SETUP, outcome_of


def intent(status: str, **more: Any) -> dict[str, Any]:
    usual = {"id": "pi_1", "object": "payment_intent", "livemode": True, "status": status, "created": 1_790_000_000}
    return {**usual, "amount": 1_000, "currency": "xof", **more}


STATUSES = [
    (intent("requires_payment_method", last_payment_error=None), Result.NOT_FOUND, None),
    (intent("requires_confirmation"), Result.NOT_FOUND, None),
    (intent("processing"), Result.PROCESSING, None),
    (intent("canceled", cancellation_reason="abandoned"), Result.FAILED, FailureCode.CANCELED),
    (intent("canceled", cancellation_reason=None), Result.FAILED, FailureCode.CANCELED),
    (intent("canceled", cancellation_reason="automatic"), Result.FAILED, FailureCode.EXPIRED),
    (intent("canceled", cancellation_reason="expired"), Result.FAILED, FailureCode.EXPIRED),
    (
        intent("requires_payment_method", last_payment_error={"type": "card_error", "code": "expired_card"}),
        Result.FAILED,
        FailureCode.CARD_EXPIRED,
    ),
]


@pytest.mark.parametrize(("said", "result", "failure"), STATUSES)
def test_each_status_of_an_intent(said: Any, result: Result, failure: FailureCode | None) -> None:
    outcome = outcome_of(PAYMENT, said, livemode=True)
    assert (outcome.result, outcome.failure, outcome.reference) == (result, failure, "pi_1")


@pytest.mark.parametrize("status", ["requires_capture", "requires_something_new"])
def test_a_status_that_should_not_be_is_processing_and_an_error_in_the_log(status: str) -> None:
    with capture_logs() as logged:
        outcome = outcome_of(PAYMENT, intent(status), livemode=True)
    assert outcome.result is Result.PROCESSING
    assert [line["log_level"] for line in logged] == ["error"]


def test_a_bank_that_asks_is_a_redirect_that_ends_half_an_hour_after_the_intent_began() -> None:
    action = {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": "https://hooks.example/1", "return_url": "https://a"},
    }
    outcome = outcome_of(PAYMENT, intent("requires_action", next_action=action), livemode=True)
    assert outcome.action
    assert (outcome.action.kind, outcome.action.url) == (ActionKind.REDIRECT, "https://hooks.example/1")
    assert outcome.deadline
    assert outcome.deadline.timestamp() == 1_790_000_000 + 1_800


def test_an_action_for_the_browsers_script_alone_has_no_address_and_is_an_error_in_the_log() -> None:
    action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    with capture_logs() as logged:
        outcome = outcome_of(PAYMENT, intent("requires_action", next_action=action), livemode=True)
    assert (outcome.result, outcome.action) == (Result.REQUIRES_ACTION, None)
    assert outcome.deadline
    assert [line["log_level"] for line in logged] == ["error"]


@pytest.mark.parametrize(
    ("received", "currency", "money"),
    [
        (1_000, "xof", Money(1_000, "XOF")),
        (1_000, "xaf", Money(1_000, "XAF")),
        (9_000, "gnf", Money(9_000, "GNF")),
        (150_050, "cdf", Money(150_050, "CDF")),  # 1,500.50 francs
        (1_050, "usd", Money(1_050, "USD")),
    ],
)
def test_a_success_is_exact_in_each_currency(received: int, currency: str, money: Money) -> None:
    said = intent("succeeded", amount_received=received, currency=currency)
    assert outcome_of(PAYMENT, said, livemode=True).money == money


@pytest.mark.parametrize(
    ("received", "currency"),
    [(None, "xof"), (True, "xof"), (10.0, "xof"), ("10", "xof"), (-1, "xof"), (10, "mga"), (10, "ugx"), (10, None)],
)
def test_an_amount_that_cannot_be_read_is_unknown(received: object, currency: object) -> None:
    said = intent("succeeded", amount_received=received, currency=currency)
    outcome = outcome_of(PAYMENT, said, livemode=True)
    assert (outcome.result, outcome.reference) == (Result.UNKNOWN, "pi_1")


@pytest.mark.parametrize("said", [None, [], {}, "x", {"id": "pi_1"}, {"status": "succeeded"}])
def test_what_is_no_intent_is_unknown(said: object) -> None:
    assert outcome_of(PAYMENT, said, livemode=True).result is Result.UNKNOWN


def test_money_of_test_mode_pays_nothing_in_live_mode() -> None:
    paid = intent("succeeded", amount_received=1_000)
    with capture_logs() as logged:
        outcome = outcome_of(PAYMENT, {**paid, "livemode": False}, livemode=True)
    assert outcome.result is Result.UNKNOWN
    assert logged[0]["log_level"] == "error"
    assert outcome_of(SETUP, {**paid, "livemode": None}, livemode=False).result is Result.UNKNOWN


DECLINES = {
    ("card_declined", "insufficient_funds"): FailureCode.INSUFFICIENT_FUNDS,
    ("expired_card", "expired_card"): FailureCode.CARD_EXPIRED,
    ("authentication_required", "authentication_required"): FailureCode.AUTHENTICATION_REQUIRED,
    ("card_declined", "authentication_required"): FailureCode.AUTHENTICATION_REQUIRED,
    ("payment_intent_authentication_failure", None): FailureCode.AUTHENTICATION_FAILED,
    ("setup_intent_authentication_failure", None): FailureCode.AUTHENTICATION_FAILED,
    ("card_declined", "card_velocity_exceeded"): FailureCode.PAYER_LIMIT,
    ("card_declined", "withdrawal_count_limit_exceeded"): FailureCode.PAYER_LIMIT,
    ("incorrect_cvc", "incorrect_cvc"): FailureCode.CARD_DECLINED,
    ("incorrect_number", None): FailureCode.CARD_DECLINED,
    ("invalid_expiry_month", None): FailureCode.CARD_DECLINED,
    ("invalid_expiry_year", None): FailureCode.CARD_DECLINED,
    ("processing_error", "processing_error"): FailureCode.PROVIDER_UNAVAILABLE,
    ("card_declined", "something_new"): FailureCode.CARD_DECLINED,
    ("card_declined", None): FailureCode.CARD_DECLINED,
    ("something_new", None): FailureCode.UNKNOWN,
} | {
    ("card_declined", word): FailureCode.CARD_DECLINED
    for word in (
        *("generic_decline", "do_not_honor", "lost_card", "stolen_card", "fraudulent", "pickup_card"),
        *("restricted_card", "transaction_not_allowed", "try_again_later"),
    )
}


@pytest.mark.parametrize(("codes", "failure"), DECLINES.items())
def test_each_decline(codes: tuple[str, str | None], failure: FailureCode) -> None:
    assert failure_of({"type": "card_error", "code": codes[0], "decline_code": codes[1]}) is failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        ({"code": "amount_too_small", "param": "amount"}, FailureCode.INVALID_AMOUNT),
        ({"code": "amount_too_large", "param": "amount"}, FailureCode.INVALID_AMOUNT),
        ({"code": "parameter_unknown", "param": "amont"}, FailureCode.CONFIGURATION_ERROR),
        ({"param": "confirmation_token"}, FailureCode.CARD_DECLINED),  # used, or older than twelve hours
        ({"param": "confirmation_token", "code": "resource_missing"}, FailureCode.CONFIGURATION_ERROR),
        ({}, FailureCode.CONFIGURATION_ERROR),
    ],
)
def test_each_error_of_a_request(error: dict[str, str], failure: FailureCode) -> None:
    assert failure_of({"type": "invalid_request_error", **error}) is failure


def test_operators_see_all_codes() -> None:
    error = {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "lost_card",
        "advice_code": "do_not_try_again",
    }
    assert word_of(error) == "card_error/card_declined/lost_card/do_not_try_again"
