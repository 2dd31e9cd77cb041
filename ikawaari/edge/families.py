"""Parts of Ikawaari's documented API that this server does not offer. It says so, with or without a credential."""

import re

_FAMILIES = {
    "payouts": "payouts",
    "balance": "balances",
    "balance-transactions": "balance transactions",
    "merchant": "the merchant dashboard",
}
_PATH = re.compile(rf"/api/(?:v[0-9]+|test)/({'|'.join(_FAMILIES)})(?:/.*)?", re.DOTALL)


def refusal(path: str) -> str | None:
    """The answer to a request for `path`; None if it belongs to no family that we leave out."""
    found = _PATH.fullmatch(path)
    return f"This server does not offer {_FAMILIES[found[1]]}." if found else None
