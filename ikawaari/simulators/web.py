"""HTTP for simulators: a threaded server on a real socket that keeps requests raw, and routes by method and pattern."""

import json
import os
import re
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
HANG_SECONDS = 60.0  # how long a request without an answer is held, unless its client gives up


@dataclass(frozen=True)
class Request:
    """A request as it arrived. `params` are the named parts of its route's pattern, percent-decoded."""

    method: str
    target: str  # path and query, nothing decoded
    headers: Message  # names in any case
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The raw path, without the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is repeated, the last."""
        read = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {name: values[-1] for name, values in read.items()}

    def header(self, name: str) -> str | None:
        """A header's value, or None if it was not sent."""
        value = self.headers.get(name)
        return None if value is None else str(value).strip()

    @property
    def form(self) -> dict[str, str]:
        """The body, read as a form; of a field that is repeated, the last."""
        read = parse_qs(self.body.decode(errors="replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in read.items()}

    def json(self) -> Any:
        """The body, read as JSON. Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """A response. One without `type` has no Content-Type."""

    status: int = 200
    body: bytes = b""
    type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Silence(Enum):
    """Instead of a response."""

    HANG = "hang"  # until the client gives up
    RESET = "reset"  # the connection is torn down


class Refused(Exception):
    """Ends a handler with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def in_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), "application/json", headers or {})


@dataclass(frozen=True)
class Route:
    """Which requests a handler answers. `pattern` may have named parts: `/v2/deposits/{id}`.

    `on` says what the call is about, for orders that are meant for calls of a kind: charge, refund, lookup, login …
    """

    method: str
    pattern: str
    handler: Callable[[Request], Answer]
    on: str = "other"

    def match(self, request: Request) -> Request | None:
        """The request with its `params`, if this route is its own."""
        if request.method != self.method:
            return None
        parts = re.split(r"\{(\w+)\}", self.pattern)
        expression = "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
        )
        found = re.fullmatch(expression, request.path)
        return found and replace(request, params={name: unquote(text) for name, text in found.groupdict().items()})


class Server(ThreadingHTTPServer):
    """Calls `respond` with each request, in a thread of the connection."""

    daemon_threads = True
    request_queue_size = 512  # a burst of connections waits instead of being refused

    def __init__(self, host: str, port: int, respond: Callable[[Request], Answer | Silence]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.respond = respond
        self.is_stopping = False
        super().__init__((host, port), _Handler)

    def serve_forever(self, poll_interval: float = 0.02) -> None:
        """Serve until shut down, which waits for `poll_interval` at most: tests start and stop many servers."""
        super().serve_forever(poll_interval)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that dies is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Simulator"
    timeout = 60  # seconds that a connection may idle
    disable_nagle_algorithm = True
    wbufsize = -1  # a response leaves in one piece
    server: Server

    def serve_one(self) -> None:
        """Read one request and answer it."""
        length = self.headers.get("Content-Length") or "0"
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            self.close_connection = True
            self._send(Answer(411))
            return
        body = self.rfile.read(int(length))
        answer = self.server.respond(Request(self.command, self.requestline.split(" ")[1], self.headers, body))
        if isinstance(answer, Answer):
            self._send(answer)
        else:
            self._be_silent(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.type is not None:
            self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _be_silent(self, how: Silence) -> None:
        self.close_connection = True
        if how is Silence.HANG:
            self._wait_for_the_client()
        else:  # a linger of zero makes the close a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _wait_for_the_client(self) -> None:
        until = time.monotonic() + HANG_SECONDS
        while time.monotonic() < until and not self.server.is_stopping:
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            if readable and not self.connection.recv(1024):
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Requests are not logged."""


for _method in METHODS:
    setattr(_Handler, f"do_{_method}", _Handler.serve_one)
