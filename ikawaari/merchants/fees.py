"""Fees that customers pay on top if the merchant says so: a percentage of the amount, and a fixed sum."""

import re
from collections.abc import Iterable

from ikawaari import money
from ikawaari.errors import ValidationFailed
from ikawaari.shapes import FeeTerms
from ikawaari.store.models import Merchant

Fees = dict[str, FeeTerms]
"""By payment method type: `basis_points` (hundredths of a percent), `fixed` in the smallest unit of its `currency`.

Without a currency a fixed fee is in the merchant's.
"""

_TERM = re.compile(r"(mobile_money|card)=([0-9]{1,2}|100)(?:\.([0-9]{1,2}))?%(?:\+([0-9]{1,12})([A-Za-z]{3})?)?")
_WHOLE = 10_000


def read(texts: Iterable[str]) -> Fees:
    """Parse fees as people write them: `mobile_money=1.5%`, `card=2.9%+100XOF`. Raises ValidationFailed for `fee`."""
    fees: Fees = {}
    for text in texts:
        match = _TERM.fullmatch(text)
        basis_points = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0")) if match else 0
        if match is None or basis_points > _WHOLE or match[1] in fees:
            raise ValidationFailed({"fee": [f"{text!r}: write each once, as mobile_money=1.5% or card=2.9%+100XOF"]})
        terms: FeeTerms = {"basis_points": basis_points, "fixed": int(match[4] or 0)}
        fees[match[1]] = {**terms, "currency": _currency(match[5], text)} if match[5] else terms
    return fees


def fixed_in(terms: FeeTerms, merchant: Merchant, currency: str) -> int | None:
    """The fixed fee of `terms` for a payment in `currency`, in its smallest unit; None if it is in another currency."""
    fixed = terms["fixed"]
    return fixed if not fixed or currency_of(terms, merchant) == currency else None


def currency_of(terms: FeeTerms, merchant: Merchant) -> str:
    """The currency of the fixed fee: the given one, or else the merchant's."""
    return str(terms.get("currency") or merchant.currency)


def _currency(code: str, text: str) -> str:
    if not money.is_currency(code.upper()):
        raise ValidationFailed({"fee": [f"{text!r}: {code} is no currency that we know"]})
    return code.upper()


def written(fees: Fees) -> list[str]:
    """The fees in the form that `read` parses."""
    return [
        f"{name}={terms['basis_points'] // 100}.{terms['basis_points'] % 100:02d}%+{terms['fixed']}"
        + terms.get("currency", "")
        for name, terms in fees.items()
    ]
