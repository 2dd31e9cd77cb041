"""Money: an integer in the smallest unit of its currency, and the only place that turns it into text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from babel import Locale
from babel.numbers import format_currency, get_currency_symbol

# How many digits the minor unit has. Our own table on purpose: CLDR rounds MGA or MRU to none, and a library update
# must never change the meaning of an amount on the wire.
EXPONENTS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("XOF", "XAF", "GNF", "KMF", "DJF", "RWF", "BIF", "UGX"), 0),
        **dict.fromkeys(("CDF", "EUR", "USD", "GBP", "CAD", "CHF", "NGN", "GHS", "MAD", "DZD", "MGA", "MRU"), 2),
        **dict.fromkeys(("CVE", "GMD", "LRD", "SLE", "KES", "TZS", "ZAR", "MUR", "AED", "CNY"), 2),
        "TND": 3,
    }
)
MAX_AMOUNT = 2**63 - 1  # the largest BIGINT

# What people call their money, if it is not CLDR's name. Both CFA francs are "FCFA" on every price tag; in Guinea
# prices say GNF (CLDR's "FG" is rarer), in Congo FC.
_LABELS = {"XOF": "FCFA", "XAF": "FCFA", "GNF": "GNF", "CDF": "FC"}
# Prices in these have no cents, whatever the table of the wire says.
_WITHOUT_CENTS = frozenset({"CDF"})
_DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (5000 XOF is 5,000 francs, 1050 EUR is 10.50 euros), 0 to MAX_AMOUNT.

    Raises ValueError for anything but an int in these bounds and a known upper-case currency.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        # An exact type: True is an int to isinstance, and would be one franc.
        if type(self.amount) is not int:
            raise ValueError("an amount is a whole number of minor units")
        if not is_currency(self.currency):
            raise ValueError("unknown currency")
        if not 0 <= self.amount <= MAX_AMOUNT:
            raise ValueError("an amount is between 0 and 2**63 - 1")

    @property
    def exponent(self) -> int:
        """How many decimal digits the currency's minor unit has: 0, 2 or 3."""
        return EXPONENTS[self.currency]

    def format(self, locale: str) -> str:
        """Return the amount as a customer reads it in a Babel locale ("fr", "en"), with no-break spaces only.

        Congolese francs have two digits on the wire and none on a price tag: only cents that are not zero are shown.

        Raises babel.UnknownLocaleError or ValueError for a locale that Babel does not know.
        """
        return _formatted(self, locale)

    @property
    def major(self) -> Decimal:
        """The amount in units that people count in."""
        # From text, because Decimal arithmetic (scaleb) rounds to the thread's context.
        return Decimal(f"{self.amount}e-{self.exponent}")


def from_decimal_string(text: object, currency: str) -> Money:
    """Read major units ("10.50", "1000", "1000.00") exactly; extra zeros at the end are accepted.

    Raises ValueError for any other form (sign, exponent, separator, not a string), for digits that the currency does
    not have, and for amounts that Money refuses.
    """
    # Any object: an amount in a provider's JSON may be a float, which has already lost digits.
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None or not is_currency(currency):
        raise ValueError("not a decimal amount of a known currency")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > EXPONENTS[currency]:
        raise ValueError(f"{currency} has {EXPONENTS[currency]} decimal digits")
    return Money(int(whole + fraction.ljust(EXPONENTS[currency], "0")), currency)


def is_currency(text: str) -> bool:
    """Say whether text is an upper-case code of our table."""
    return text in EXPONENTS


@lru_cache(1_000)
def _formatted(money: Money, locale: str) -> str:
    is_whole = money.currency in _WITHOUT_CENTS and money.amount % 10**money.exponent == 0
    pattern = _pattern(money.currency, locale, 0 if is_whole else money.exponent)
    return format_currency(money.major, money.currency, format=pattern, locale=locale, currency_digits=False)


def _pattern(currency: str, locale: str, digits: int) -> str:
    """Return a CLDR number pattern with so many decimal digits.

    Words follow the number, signs (€, $) stand as the locale says.
    """
    label = _LABELS.get(currency) or get_currency_symbol(currency, locale=locale)
    pattern = f"#,##0.00\xa0'{label}'" if label.isalpha() else Locale.parse(locale).currency_formats["standard"].pattern
    return pattern.replace(".00", "." + "0" * digits if digits else "")
