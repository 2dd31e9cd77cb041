"""Around every request: its id, and the headers that every answer has."""

import structlog
from flask import Flask, Response, g, request

from ikawaari import ids
from ikawaari.errors import NotFound

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LONGEST_PATH = 512  # what the store keeps of one; ours are far shorter


def register(app: Flask) -> None:
    """Number every request of `app` and dress every answer."""

    def number() -> None:
        g.request_id = ids.new("req")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def refuse_strange_paths() -> None:
        if "\x00" in request.path or len(request.path) > _LONGEST_PATH:
            raise NotFound("address")

    def dress(response: Response) -> Response:
        response.headers["Ikawaari-Request-Id"] = g.get("request_id", "")
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    app.before_request(number)
    app.before_request(refuse_strange_paths)
    app.after_request(dress)
