"""One request and its response, both in memory, so that a slow client does not occupy a thread."""

import re
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

import structlog
from gunicorn.http import errors as unreadable
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from ikawaari import errors, ids
from ikawaari.edge.requests import REFUSED
from ikawaari.serving.framing import LONGEST_HEAD

log = structlog.get_logger()
Buffer = bytes | bytearray
_REFUSALS = {
    unreadable.LimitRequestLine: errors.ADDRESS_TOO_LONG,
    unreadable.LimitRequestHeaders: errors.HEADERS_TOO_LARGE,
}
_MALFORMED, _OURS = errors.REQUEST_MALFORMED, errors.UNEXPECTED
_START = re.compile(rb"(?:\r\n)?([A-Z]{1,20}) (/[!-~]{0,500})")
_SAID = re.compile(rb"\r\n(accept|accept-language|cookie)[ \t]*:[ \t]*([ -~]{1,1000})(?=\r)", re.IGNORECASE)


class BufferedSocket:
    """A stand-in for a socket: gunicorn reads the request from it and writes the response to it, all in memory."""

    def __init__(self, request: bytes) -> None:
        self.response = bytearray()
        self._request = request
        self._read = 0

    def recv(self, size: int) -> bytes:
        """The next bytes of the request; none at its end."""
        piece = self._request[self._read : self._read + size]
        self._read += len(piece)
        return piece

    def sendall(self, data: bytes) -> None:
        """Add to the response."""
        self.response += data

    def send(self, data: bytes) -> int:
        """Drop gunicorn's `100 Continue`: the poller sent it before the body came."""
        return len(data)


class Settings:
    """gunicorn's settings, each looked up once: its own object searches for it at every access, a score per request."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(self._settings, name)
        return value


class RequestHandler:
    """It answers the requests of one connection; `settings` are gunicorn's."""

    def __init__(self, application: WSGIApplication, settings: Any, client: Any, server: Any) -> None:
        self._application = application
        self._settings = settings
        self._client = client
        self._server = server

    def answer(self, request: bytes, *, is_last: bool) -> tuple[Buffer, bool]:
        """The response to a request, and whether another may follow on the connection. It never raises."""
        try:
            return self._respond(request, {}, is_last=is_last)
        except (
            unreadable.InvalidResponseHeader,
            unreadable.InvalidResponseHeaderName,
        ):  # our error
            log.exception("response_failed")
            return self.refuse(request, _OURS), False
        except (unreadable.ParseException, unreadable.NoMoreData, StopIteration) as error:
            return self.refuse(request, _REFUSALS.get(type(error), _MALFORMED)), False
        except Exception:
            log.exception("request_failed")
            return self.refuse(request, _OURS), False

    def refuse(self, request: bytes, row: errors.AnyCode) -> Buffer:
        """The application's response to a request that cannot be passed to it."""
        try:
            return self._respond(_stand_in(request), {REFUSED: row}, is_last=True)[0]
        except Exception:
            log.exception("refusal_failed")
            return (
                b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                b"Content-Length: 0\r\nIkawaari-Request-Id: " + ids.new("req").encode() + b"\r\n\r\n"
            )

    def _respond(self, request: bytes, more: WSGIEnvironment, *, is_last: bool) -> tuple[Buffer, bool]:
        buffered = BufferedSocket(request)
        message = next(RequestParser(self._settings, buffered, self._client))
        response, environ = wsgi.create(message, buffered, self._client, self._server, self._settings)
        if is_last:
            response.force_close()
        environ["wsgi.multithread"] = True
        environ.update(more)
        body = self._application(environ, response.start_response)
        try:
            for piece in body:
                response.write(piece)
            response.close()
        finally:
            if hasattr(body, "close"):
                body.close()
        return buffered.response, not response.should_close()


def _stand_in(request: bytes) -> bytes:
    """A request in place of one that cannot be read: with its address and accepted types, as far as known."""
    said = {name.lower(): value for name, value in _SAID.findall(request[:LONGEST_HEAD])}
    start = _START.match(request)
    if start:
        method, path = b"HEAD" if start[1] == b"HEAD" else b"GET", start[2].partition(b"?")[0]
    else:
        method, path = b"GET", b"/" if b"text/html" in said.get(b"accept", b"") else b"/api/"
    headers = b"".join(b"%s: %s\r\n" % each for each in said.items())
    return b"%s %s HTTP/1.1\r\nHost: refused\r\n%s\r\n" % (method, path, headers)
