"""Addresses as chat apps, SMS and sentences pass them on: followed by a period, a bracket or an invisible mark."""

import re

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

# No letter or digit follows, so that no other address matches.
_CLEAN_ADDRESS = re.compile(r"(/cs_[A-Za-z0-9]{16,64}|/pay/[A-Za-z0-9]{1,64})[\W_]+")


def register(app: Flask) -> None:
    """Redirect such an address to the page or the link that was meant. Posts are not redirected."""

    def redirect_to_clean_address() -> Response | None:
        path = request.path
        if path[-1:].isalnum():  # as nearly all
            return None
        found = _CLEAN_ADDRESS.fullmatch(path) if request.method in {"GET", "HEAD"} else None
        if found is None:
            return None
        query = request.query_string.decode("latin-1")
        return redirect(found[1] + (f"?{query}" if query else ""), 303)

    app.before_request(redirect_to_clean_address)
