"""Around every request: its id, who sent it, and the headers that every response has."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, current_app, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter
from werkzeug.wsgi import get_host

from ikawaari import addresses, ids, logs
from ikawaari.config import Config
from ikawaari.edge.json_answers import Json
from ikawaari.errors import IkawaariError, NotFound

REFUSED = "ikawaari.refused"
"""In a WSGI environment: the code of the error for which the server could not read the request."""
_ADDED = "ikawaari.headers"
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
    """Flask without what we do not use: it would look in each request whether we do."""

    json_provider_class = Json

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The same function: none of ours is asynchronous."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the route of a request. None of our routes depends on the host, so it is read once."""
        if request is None or "HTTP_UPGRADE" in request.environ:
            return super().create_url_adapter(request)
        request.host = get_host(request.environ)
        query = request.query_string.decode(errors="replace")
        return self.url_map.bind(
            request.host, "", "", request.scheme, request.method, path_info=request.path, query_args=query
        )


class HeadersMiddleware:
    """The outermost layer: responses that do not come from Flask, such as static files, have id and headers, too."""

    def __init__(self, application: WSGIApplication, config: Config) -> None:
        self._application = application
        https = {"Strict-Transport-Security": _HTTPS_ONLY} if config.is_https else {}
        self._headers = [(name.lower(), (name, value)) for name, value in (_HEADERS | https).items()]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        request_id = ids.new("req")
        logs.begin(request_id=request_id)
        added = environ[_ADDED] = [("Ikawaari-Request-Id", request_id)]
        environ["SCRIPT_NAME"] = ""  # we are at the root; some servers believe a header that says otherwise

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            ours = [header for name, header in self._headers if name not in given]
            return start_response(status, headers + ours + added, *error)

        return self._application(environ, start)


def add_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Add headers to the response to this request, whichever it will be: also to an error."""
    request.environ[_ADDED].extend(headers)


def normalize_client_address(application: WSGIApplication) -> WSGIApplication:
    """Make `REMOTE_ADDR` a plain address, whatever a proxy has added to it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = addresses.plain(environ.get("REMOTE_ADDR") or "")
        return application(environ, start_response)

    return answer


class _NoSession(SessionInterface):
    """Flask's session is not used, and reading its cookie would cost time in every request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """None for anybody."""
        return self._none


def register(app: Flask) -> None:
    """Refuse requests to `app` that the server or we could not read."""

    def refuse_what_cannot_be_read() -> None:
        environ, path = request.environ, request.path
        if row := environ.get(REFUSED):
            raise IkawaariError(row)
        if "\x00" in path or len(path) > _LONGEST_PATH:
            raise NotFound("address")

    app.session_interface = _NoSession()
    app.before_request(refuse_what_cannot_be_read)


def is_https() -> bool:
    """Whether cookies may say `Secure`: they must, unless the configured page is served over http."""
    config: Config = current_app.config["IKAWAARI"]
    return config.is_https
