"""Around every request: its id, who sent it, and the headers that every response has."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Request, current_app, g, request
from flask.sessions import SessionInterface

from ikawaari import addresses, ids
from ikawaari.config import Config
from ikawaari.errors import IkawaariError, NotFound

REFUSED = "ikawaari.refused"
"""In a WSGI environment: the code of the error for which the server could not read the request."""
_REQUEST_ID = "ikawaari.request_id"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HTTPS_ONLY = "max-age=31536000"  # seconds: for a year browsers use https only for this host
_LONGEST_PATH = 512  # what the database stores of a path; ours are far shorter


class Application(Flask):
    """Flask, all of whose handlers are plain functions: it need not look at each of them in each request."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The same function."""
        return func


class HeadersMiddleware:
    """The outermost layer: responses that do not come from Flask, such as static files, have id and headers, too."""

    def __init__(self, application: WSGIApplication, config: Config) -> None:
        self._application = application
        https = {"Strict-Transport-Security": _HTTPS_ONLY} if config.is_https else {}
        self._headers = [(name, name.lower(), value) for name, value in (_HEADERS | https).items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request_id = environ[_REQUEST_ID] = ids.new("req")
        environ["SCRIPT_NAME"] = ""  # we are at the root; some servers believe a header that says otherwise

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            ours = [(name, value) for name, lower, value in self._headers if lower not in given]
            return start_response(status, [*headers, *ours, ("Ikawaari-Request-Id", request_id)], *error)

        return self._application(environ, start)


def normalize_client_address(application: WSGIApplication) -> WSGIApplication:
    """Make `REMOTE_ADDR` a plain address, whatever a proxy has added to it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        ip = addresses.read_ip(environ.get("REMOTE_ADDR") or "")
        environ["REMOTE_ADDR"] = str(ip) if ip else ""
        return application(environ, start_response)

    return answer


class _NoSession(SessionInterface):
    """Flask's session is not used, and reading its cookie would cost time in every request."""

    def open_session(self, app: Flask, request: Request) -> None:
        """None: there is none."""


def register(app: Flask) -> None:
    """Give every request of `app` an id, and refuse requests that the server or we could not read."""

    def assign_request_id() -> None:
        g.request_id = request.environ[_REQUEST_ID]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def refuse_what_cannot_be_read() -> None:
        if row := request.environ.get(REFUSED):
            raise IkawaariError(row)
        if "\x00" in request.path or len(request.path) > _LONGEST_PATH:
            raise NotFound("address")

    app.session_interface = _NoSession()
    app.before_request(assign_request_id)
    app.before_request(refuse_what_cannot_be_read)


def is_https() -> bool:
    """Whether cookies may say `Secure`: they must, unless the configured page is served over http."""
    config: Config = current_app.config["IKAWAARI"]
    return config.is_https
