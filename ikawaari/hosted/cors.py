"""Cross-origin access to the two public routes: a merchant may draw a page of their own, on any origin.

The session's id is the credential, and no cookie counts here, so any origin may ask. The merchant's API never answers
a browser: its keys belong on a server.
"""

import re

from flask import Flask, Response, request

_PUBLIC = re.compile(r"/api/checkout/[^/]+(/pay)?")
_FOR_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Ikawaari-Request-Id, Retry-After",
}
_FOR_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key, Accept-Language",
    "Access-Control-Max-Age": "86400",
}


def register(app: Flask) -> None:
    """Let browsers read every response of the public routes, errors included."""

    def allow(response: Response) -> Response:
        if _PUBLIC.fullmatch(request.path):
            response.headers.update(_FOR_ALL)
            if request.method == "OPTIONS":
                response.headers.update(_FOR_PREFLIGHT)
        return response

    app.after_request(allow)
