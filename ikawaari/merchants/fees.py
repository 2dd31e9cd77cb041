"""What customers pay on top where the merchant has them pay the fee: a part of the amount, and a fixed sum."""

import re
from collections.abc import Iterable, Mapping

from ikawaari.errors import ValidationFailed

Fees = dict[str, dict[str, int]]
"""By payment method type: `basis_points` (hundredths of a percent), and `fixed` in the currency's smallest unit."""

_TERM = re.compile(r"(mobile_money|card)=([0-9]{1,2}|100)(?:\.([0-9]{1,2}))?%(?:\+([0-9]{1,12}))?")
_WHOLE = 10_000


def read(texts: Iterable[str]) -> Fees:
    """Fees as a person writes them: `mobile_money=1.5%`, `card=2.9%+100`. Raises ValidationFailed, naming `fee`."""
    fees: Fees = {}
    for text in texts:
        match = _TERM.fullmatch(text)
        basis_points = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0")) if match else 0
        if match is None or basis_points > _WHOLE or match[1] in fees:
            raise ValidationFailed({"fee": [f"{text!r}: write each once, as mobile_money=1.5% or card=2.9%+100"]})
        fees[match[1]] = {"basis_points": basis_points, "fixed": int(match[4] or 0)}
    return fees


def written(fees: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The fees as `read` reads them."""
    return [
        f"{name}={terms['basis_points'] // 100}.{terms['basis_points'] % 100:02d}%+{terms['fixed']}"
        for name, terms in fees.items()
    ]
