"""Which currencies can be charged, in units of their smallest coin, and the least amount of each.

The least amounts stand for about 0.50 USD; real ones depend on the currency of settlement.
"""

from ikawaari.simulators.stripe.errors import invalid

# Smallest charge by currency. XOF, XAF, GNF, MGA and JPY have no smaller unit: 1000 is a thousand francs.
LEAST = {
    "xof": 300,
    "xaf": 300,
    "gnf": 4_500,
    "mga": 2_300,
    "jpy": 50,
    "cdf": 140_000,
    "ugx": 190_000,  # sent as hundredths, although the shilling has none
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "cad": 50,
    "chf": 50,
    "mad": 500,
    "ngn": 80_000,
    "ghs": 600,
    "kes": 6_500,
    "zar": 900,
}
MOST = 99_999_999


def check(amount: int, currency: str) -> None:
    """Raises Refused for a currency that is not in the list, and for an amount out of its bounds."""
    if currency not in LEAST:
        supported = ", ".join(LEAST)
        raise invalid(f"Invalid currency: {currency}. These currencies are supported: {supported}", "currency")
    if amount < LEAST[currency]:
        raise invalid(f"Amount must be no less than {LEAST[currency]} {currency.upper()}", "amount", "amount_too_small")
    if amount > MOST:
        raise invalid(f"Amount must be no more than {MOST} {currency.upper()}", "amount", "amount_too_large")
