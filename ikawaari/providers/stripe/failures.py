"""What Stripe's error codes mean. Source: docs.stripe.com/error-codes and docs.stripe.com/declines/codes."""

from ikawaari.providers.http import read_text
from ikawaari.providers.outcomes import FailureCode

_CARD_ERROR = "card_error"
_TELLING = {  # an error's `decline_code` or `code`
    "insufficient_funds": FailureCode.INSUFFICIENT_FUNDS,
    "expired_card": FailureCode.CARD_EXPIRED,
    "authentication_required": FailureCode.AUTHENTICATION_REQUIRED,
    "payment_intent_authentication_failure": FailureCode.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": FailureCode.AUTHENTICATION_FAILED,
    "card_velocity_exceeded": FailureCode.PAYER_LIMIT,
    "withdrawal_count_limit_exceeded": FailureCode.PAYER_LIMIT,
    "processing_error": FailureCode.PROVIDER_UNAVAILABLE,
    "amount_too_small": FailureCode.INVALID_AMOUNT,
    "amount_too_large": FailureCode.INVALID_AMOUNT,
}
# Codes of a `card_error`. All declines without a meaning above are one: who is told "lost" or "stolen" is warned.
_DECLINES = frozenset(
    {
        *("card_declined", "incorrect_cvc", "incorrect_number", "invalid_cvc", "invalid_number"),
        *("invalid_expiry_month", "invalid_expiry_year"),
    }
)
# What holds the payer's card: a token can be used once, and for twelve hours. One that never was is a mistake of ours.
_OF_THE_PAYER = frozenset({"confirmation_token", "payment_method"})


def failure_of(error: object) -> FailureCode:
    """Why a charge failed, by the `error` of an answer, or the last error of an intent."""
    for name in ("decline_code", "code"):
        found = _TELLING.get(read_text(error, name) or "")
        if found:
            return found
    if read_text(error, "type") == _CARD_ERROR:
        return FailureCode.CARD_DECLINED if read_text(error, "code") in _DECLINES else FailureCode.UNKNOWN
    is_spent = read_text(error, "param") in _OF_THE_PAYER and read_text(error, "code") != "resource_missing"
    return FailureCode.CARD_DECLINED if is_spent else FailureCode.CONFIGURATION_ERROR


def word_of(error: object) -> str | None:
    """The codes of an error, for operators: what failed, why, and what the bank advises."""
    names = ("type", "code", "decline_code", "network_decline_code", "advice_code")
    return "/".join(word for name in names if (word := read_text(error, name))) or None
