"""Calls a merchant's URL: no internal address, no redirects, no proxy, ten seconds in total."""

import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
import requests
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

from ikawaari import addresses
from ikawaari.config import Config
from ikawaari.invariants import present

TIMEOUT_SECONDS = 10.0
_KEPT_BYTES = 4_096
_USER_AGENT = "Ikawaari-Webhooks/1"
_PORTS = {"http": 80, "https": 443}
_is_local = False


class Forbidden(OSError):
    """The name resolves to an address to which webhooks are not sent."""


@dataclass(frozen=True)
class Answer:
    """What came back: `http_status` is None if there was no answer; `body` is its beginning, or why there was none."""

    http_status: int | None
    body: str
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """Any 2xx."""
        return self.http_status is not None and 200 <= self.http_status < 300


def configure(config: Config) -> None:
    """Set whether this is a developer's machine: only there may webhooks of test mode go to loopback."""
    global _is_local  # noqa: PLW0603 - set once, at start-up
    _is_local = config.is_local


def may_reach(url: str, *, livemode: bool) -> bool:
    """Whether webhooks may go where the host of `url` resolves to. A name that does not resolve may, later."""
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            return False
        port = parts.port or _PORTS[parts.scheme]
        _resolve(parts.hostname, port, livemode=livemode, timeout_seconds=TIMEOUT_SECONDS / 2)
    except (Forbidden, ValueError, KeyError):  # ValueError: not a URL, or a name that no resolver accepts
        return False
    except OSError:
        return True
    return True


class Caller:
    """Calls URLs one after the other, over one connection while it stays open and the URL is the same.

    It connects to exactly the address that was resolved and checked, so that the name cannot resolve differently later.
    """

    def __init__(self) -> None:
        self._connection: _DeadlineConnection | None = None
        self._leads_to: tuple[str, bool] | None = None

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_error: object) -> None:
        self._hang_up()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, livemode: bool) -> Answer:
        """POST once, or twice if the server has closed a kept connection. It may have read the first request, which is
        allowed, because every webhook is sent at least once.
        """
        started = time.monotonic()
        try:
            try:
                return self._post(url, body, headers, livemode, started)
            except ConnectionError:
                if not self._is_reused():
                    raise
                self._hang_up()
                return self._post(url, body, headers, livemode, started)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            self._hang_up()
            return Answer(None, type(error).__name__, _since(started))

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], livemode: bool, started: float) -> Answer:
        parts = _parts(url)
        if livemode and parts.scheme != "https":
            raise Forbidden("http")
        line = self._connection_to(url, parts, livemode)
        line.deadline = started + TIMEOUT_SECONDS
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        line.request("POST", path, body, {"User-Agent": _USER_AGENT, **headers})
        response = line.getresponse()
        answer = Answer(response.status, _beginning(response), _since(started))
        line.calls += 1
        if not _is_read(response):  # the rest of it would be taken for the next answer
            self._hang_up()
        return answer

    def _connection_to(self, url: str, parts: SplitResult, livemode: bool) -> "_DeadlineConnection":
        if self._connection is None or self._leads_to != (url, livemode):
            self._hang_up()
            self._connection, self._leads_to = _DeadlineConnection(parts, livemode=livemode), (url, livemode)
        return self._connection

    def _is_reused(self) -> bool:
        return self._connection is not None and self._connection.calls > 0

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class _DeadlineConnection(HTTPConnection):
    """A connection to a checked address. Each call ends at `deadline`, however slowly the other side sends."""

    def __init__(self, parts: SplitResult, *, livemode: bool) -> None:
        self.default_port = _PORTS[parts.scheme]
        super().__init__(present(parts.hostname, "a checked address names its host"), parts.port or self.default_port)
        self.deadline = 0.0
        self.calls = 0  # that were answered
        self._is_secure = parts.scheme == "https"
        self._livemode = livemode

    def connect(self) -> None:
        """Resolve, check, and connect to what was checked."""
        seconds = _share(self.deadline)
        found = _resolve(self.host, self.port, livemode=self._livemode, timeout_seconds=seconds)
        plain = _dial(found, self.port, self.deadline)
        try:
            if self._is_secure:
                plain.settimeout(_left(self.deadline))
                plain = _trusted(certifi.where()).wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        self.sock: Any = _DeadlineSocket(plain, self)


class _DeadlineSocket:
    """The part of a socket that `http.client` needs; each wait is limited to the remaining time."""

    def __init__(self, plain: socket.socket, line: _DeadlineConnection) -> None:
        self._plain = plain
        self._connection = line
        self._unsent = b""

    def sendall(self, data: bytes) -> None:
        """Keep it until the answer is asked for: head and body then go out as one packet, not as two."""
        self._unsent += data

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Send everything in the remaining time. Returns a reader that stops at the deadline."""
        unsent, self._unsent = self._unsent, b""
        self._plain.settimeout(_left(self._connection.deadline))
        self._plain.sendall(unsent)
        return io.BufferedReader(_Reader(self._plain, self._connection.deadline))

    def close(self) -> None:
        """Hang up."""
        self._plain.close()


class _Reader(io.RawIOBase):
    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(_left(self._deadline))
        return self._plain.recv_into(buffer)


@lru_cache(1_000)
def _parts(url: str) -> SplitResult:
    return urlsplit(requests.Request("POST", url).prepare().url or "")


@lru_cache(1)
def _trusted(authorities: str) -> ssl.SSLContext:
    """The trusted authorities: loading their certificates takes longer than the rest of a call."""
    return ssl.create_default_context(cafile=authorities)


def _resolve(hostname: str, port: int, *, livemode: bool, timeout_seconds: float) -> list[str]:
    """The addresses of a name. Raises Forbidden when any is internal; in test mode a local server reaches loopback."""
    found = _look_up(hostname, port, timeout_seconds)
    for address in found:
        if not _is_open(address, loopback_too=_is_local and not livemode):
            raise Forbidden(address)
    return found


def _look_up(hostname: str, port: int, timeout_seconds: float) -> list[str]:
    """Resolve a name. getaddrinfo has no timeout, so it runs in a thread that we may abandon. Raises OSError.

    A pool would be smaller, but a few names with silent servers would block all other names.
    """
    answer: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(hostname, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True, name="resolver").start()
    return [str(each[4][0]) for each in answer.result(timeout_seconds)]


def _is_open(address: str, *, loopback_too: bool) -> bool:
    ip = addresses.read_ip(address)
    if ip is None:
        return False
    if ip.is_loopback:
        return loopback_too
    internal = not ip.is_global or ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False)
    return not internal and not any(ip in network for network in EXTRA_BLOCKED_NET_RANGES)


def _dial(found: list[str], port: int, deadline: float) -> socket.socket:
    failure = OSError("no address")
    for address in found:
        try:
            plain = socket.create_connection((address, port), _share(deadline))
            # Otherwise a kept connection waits 40 ms for an acknowledgment before it sends the body.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain
        except OSError as error:
            failure = error
    raise failure


def _is_read(response: HTTPResponse) -> bool:
    """Whether the answer is complete, so that the connection can be used for the next call."""
    if response.length == 0:
        response.close()
    return bool(response.isclosed())


def _beginning(response: HTTPResponse) -> str:
    """The first bytes of the answer, or those of them that came in time."""
    kept = b""
    try:
        while len(kept) < _KEPT_BYTES and (some := response.read1(_KEPT_BYTES - len(kept))):
            kept += some
    except (OSError, HTTPException, ValueError):
        pass  # only the status matters, and it has arrived
    return kept.decode("utf-8", "replace").replace("\x00", "�")


def _share(deadline: float) -> float:
    """How much of the remaining time one step may take, so that some is left for the next one."""
    return min(_left(deadline), TIMEOUT_SECONDS / 2)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
