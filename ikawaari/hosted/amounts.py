"""Amounts as people type and pick them on the page."""

from ikawaari import money, numbers
from ikawaari.checkout.public_view import PublicCheckout


def read(text: str, currency: str) -> int:
    """Minor units of an amount as people type it: "5 000", "5.000", "12,50". Raises ValueError."""
    return money.from_decimal_string(numbers.read(text, money.EXPONENTS[currency]), currency).amount


def is_preset(text: str, view: PublicCheckout) -> bool:
    """Whether `text` is one of the amounts that the page offers, in the smallest unit."""
    return text in map(str, view["amount_presets"] or ())
