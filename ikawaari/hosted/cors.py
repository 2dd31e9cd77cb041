"""Cross-origin access to the two public routes: merchants may build their own page, on any origin.

The session's id is the credential, and cookies are ignored, so any origin may call them. The merchant API does not
allow browsers: its keys belong on a server.
"""

import re

from flask import Flask, Response, request

from ikawaari.edge import requests

_PUBLIC = re.compile(r"/api/checkout/[^/]+(/pay)?")
_FOR_ALL = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Ikawaari-Request-Id, Retry-After"),
)
_FOR_PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key, Accept-Language"),
    ("Access-Control-Max-Age", "86400"),
)


def register(app: Flask) -> None:
    """Let browsers read every response of the public routes, including errors."""

    def allow(response: Response) -> Response:
        if _PUBLIC.fullmatch(request.path):
            requests.add_headers(_FOR_ALL)
            if request.method == "OPTIONS":
                requests.add_headers(_FOR_PREFLIGHT)
        return response

    app.after_request(allow)
