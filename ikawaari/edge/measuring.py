"""Measures and traces requests, by the rule of their route. Installed only where metrics, or traces, are on."""

import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ikawaari import tracing
from ikawaari.meters import REQUESTS

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_FILES = "/static/"


class Measured:
    """The outermost layer. A response is whole when it is returned: none of ours is a stream."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        began, route, status = time.perf_counter(), "unmatched", "500"

        def start(line: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            nonlocal route, status
            route, status = _route(environ), line[:3]
            return start_response(line, headers, *error)

        try:
            return self._application(environ, start)
        finally:
            REQUESTS.observe_soon(time.perf_counter() - began, _method(environ), route, status)


class Traced:
    """A span for each request. Who asks cannot make it a part of a trace of theirs."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        method = _method(environ)

        def start(line: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            route = _route(environ)
            tracing.note(f"{method} {route}", http__route=route, http__response__status_code=int(line[:3]))
            return start_response(line, headers, *error)

        with tracing.span(method, tracing.Kind.SERVER, http__request__method=method):
            return self._application(environ, start)


def _method(environ: WSGIEnvironment) -> str:
    """A method that nobody knows may have any name."""
    method: str = environ["REQUEST_METHOD"]
    return method if method in _METHODS else "other"


def _route(environ: WSGIEnvironment) -> str:
    # Flask has its request there until the response has begun.
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    if rule is not None:
        return str(rule.rule)
    return "static" if environ["PATH_INFO"].startswith(_FILES) else "unmatched"
