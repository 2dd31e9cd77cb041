"""What the customer does with a receipt: stay on it, or show it to others.

Whoever knows a session's address can stop its subscription. A receipt is shown to others under an address of its own,
which does not reveal the session's: the id is sealed in it.
"""

from urllib.parse import parse_qs, urlsplit

from flask import request

from ikawaari import sealing
from ikawaari.checkout import merchant_view
from ikawaari.errors import NotFound

STAY = "stay"  # in the address: its reader does not want to be taken back to the shop
_PURPOSE = "receipt"


def stays() -> bool:
    """Whether the reader wants to stay on the page: as its address says, also when htmx asks for a part of it."""
    shown = request.headers.get("HX-Current-URL", "")
    try:
        return STAY in request.args or STAY in parse_qs(urlsplit(shown).query)
    except ValueError:  # a header may contain anything
        return False


def address(session_id: str) -> str:
    """Where anybody reads the receipt of a session, and can do nothing else."""
    return merchant_view.receipt_url(sealing.token(session_id, _PURPOSE))


def session_of(token: str) -> str:
    """The id of the session whose receipt has that token in its address. Raises NotFound."""
    try:
        return sealing.open_token(token, _PURPOSE)
    except sealing.SealBroken:
        raise NotFound("receipt") from None
