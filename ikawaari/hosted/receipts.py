"""What the customer does with a receipt: stay on it."""

from urllib.parse import parse_qs, urlsplit

from flask import request

STAY = "stay"  # in the address: its reader does not want to be taken back to the shop


def stays() -> bool:
    """Whether the reader wants to stay on the page: as its address says, also when htmx asks for a part of it."""
    shown = request.headers.get("HX-Current-URL", "")
    try:
        return STAY in request.args or STAY in parse_qs(urlsplit(shown).query)
    except ValueError:  # a header may contain anything
        return False
