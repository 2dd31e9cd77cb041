"""The sandbox's tokenizer: turns the test card numbers into card tokens, and refuses any other number."""

from datetime import datetime

from ikawaari import clock

_TOKENS = {
    "4242424242424242": "tok_test_card",
    "5555555555554444": "tok_test_card",
    "4000002500003155": "tok_test_3ds",
    "4000000000003220": "tok_test_3ds",
    "4000000000000002": "tok_test_declined",
    "4000000000009995": "tok_test_insufficient_funds",
    "4000000000000069": "tok_test_expired",
    "4000000000000341": "tok_test_renewal_declined",
}
_LAST_MONTH = 12
_CVC_LENGTHS = (3, 4)


def tokenize(number: str, exp_month: int, exp_year: int, cvc: str, now: datetime | None = None) -> str:
    """The token of a test card. Raises ValueError naming the wrong field only: `number`, `expiry` or `cvc`."""
    token = _TOKENS.get("".join(number.split()))
    if token is None:
        raise ValueError("number")
    today = now or clock.now()
    year = exp_year + 2000 if exp_year < 100 else exp_year
    if not 1 <= exp_month <= _LAST_MONTH or (year, exp_month) < (today.year, today.month):
        raise ValueError("expiry")
    if not (cvc.isascii() and cvc.isdigit() and len(cvc) in _CVC_LENGTHS):
        raise ValueError("cvc")
    return token
