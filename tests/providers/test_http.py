"""Calls of providers over real sockets: what may have been sent is unknown, what certainly was not is refused."""

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from structlog.testing import capture_logs

from ikawaari.providers import http
from ikawaari.providers.http import Answer, Call, NoAnswer, read, read_text
from ikawaari.providers.outcomes import FailureCode, Result

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_numbers = count()
Serve = Callable[[socket.socket], None]


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


class Peer:
    """Somebody on a socket: each connection is served by `serve`."""

    def __init__(self, serve: Serve) -> None:
        self.connections = 0
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):  # of who has hung up
            self._serve(connection)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def peer() -> Iterator[Callable[[Serve], Peer]]:
    """Makes peers."""
    peers: list[Peer] = []

    def make(serve: Serve) -> Peer:
        peers.append(Peer(serve))
        return peers[-1]

    yield make
    for one in peers:
        one.close()


def _call(url: str, seconds: float = 5, *, read_seconds: float = 5) -> Call:
    """A call to an account of its own, so that no connection is left of another test."""
    return Call(f"acc_{next(_numbers)}", url, timedelta(seconds=seconds), read_seconds=read_seconds)


def _lost(answer: Answer | NoAnswer) -> NoAnswer:
    assert isinstance(answer, NoAnswer), answer
    return answer


def _answered(answer: Answer | NoAnswer) -> Answer:
    assert isinstance(answer, Answer), answer
    return answer


def _received(connection: socket.socket) -> bytes:
    """One whole request; empty if there is none."""
    data = b""
    while piece := connection.recv(65_536):
        data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if b"\r\n\r\n" in data and len(body) >= int(length[1] if length else 0):
            break
    return data


def _answering(*answers: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        for answer in answers:
            if not _received(connection):
                return
            connection.sendall(answer)

    return serve


def _reset(connection: socket.socket) -> None:
    _received(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_refused_connection_started_nothing() -> None:
    lost = _lost(_call(_closed_port()).send("POST", "/", what="create", body={}))
    assert not lost.was_sent
    assert lost.of_create().result is Result.REFUSED
    assert lost.of_create().failure is FailureCode.PROVIDER_UNAVAILABLE
    assert lost.unknown().result is Result.UNKNOWN


def test_a_name_that_does_not_resolve_started_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert not _lost(_call("https://pay.example.com").send("POST", "/", what="create", body={})).was_sent


def test_a_failed_tls_handshake_started_nothing(peer: Callable[[Serve], Peer]) -> None:
    url = peer(lambda connection: connection.sendall(b"HTTP/1.1 400 \r\n\r\n")).url.replace("http://", "https://")
    assert not _lost(_call(url).send("POST", "/", what="create", body={})).was_sent


def test_a_call_whose_time_is_over_sends_nothing(peer: Callable[[Serve], Peer]) -> None:
    quiet = peer(_answering(OK))
    call = _call(quiet.url, 0.05)
    time.sleep(0.1)
    assert not _lost(call.send("POST", "/", what="create", body={})).was_sent
    assert quiet.connections == 0


def test_a_connection_that_stands_too_late_carries_nothing(
    peer: Callable[[Serve], Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resolving has no time-out: if it were sent then, an enquiry could conclude before that nothing ever will be."""
    received: list[bytes] = []
    url = peer(lambda connection: received.append(connection.recv(100))).url
    resolve = socket.getaddrinfo

    def slow(*arguments: object, **options: object) -> object:
        time.sleep(0.3)
        return resolve(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    lost = _lost(_call(url, 0.2).send("POST", "/", what="create", body={}))
    assert (lost.was_sent, lost.word) == (False, "_TooLate")
    time.sleep(0.1)
    assert received in ([], [b""])


def test_a_reset_after_sending_may_have_started_it(peer: Callable[[Serve], Peer]) -> None:
    lost = _lost(_call(peer(_reset).url).send("POST", "/", what="create", body={}))
    assert lost.was_sent
    assert lost.of_create().result is Result.UNKNOWN


def test_a_reset_of_a_reused_connection_may_have_started_it(peer: Callable[[Serve], Peer]) -> None:
    def once(connection: socket.socket) -> None:
        _answering(OK)(connection)
        _reset(connection)

    server = peer(once)
    call = _call(server.url)
    _answered(call.send("POST", "/", what="create", body={}))
    assert _lost(call.send("POST", "/", what="create", body={})).was_sent
    assert server.connections == 1


def test_silence_may_have_started_it(peer: Callable[[Serve], Peer]) -> None:
    url = peer(lambda connection: time.sleep(2)).url
    started = time.monotonic()
    assert _lost(_call(url, read_seconds=0.2).send("POST", "/", what="create", body={})).was_sent
    assert time.monotonic() - started < 1.5


def test_one_request_may_be_waited_for_longer_than_the_others(peer: Callable[[Serve], Peer]) -> None:
    def serve(connection: socket.socket) -> None:
        _received(connection)
        time.sleep(0.4)
        connection.sendall(OK)

    call = _call(peer(serve).url, read_seconds=0.2)
    assert _lost(call.send("POST", "/", what="create")).was_sent
    assert _answered(call.send("POST", "/", what="login", read_seconds=2)).status == 200


def test_an_endless_answer_ends_with_the_call(peer: Callable[[Serve], Peer]) -> None:
    def trickle(connection: socket.socket) -> None:
        _received(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.02)

    started = time.monotonic()
    assert _lost(_call(peer(trickle).url, 0.5).send("POST", "/", what="create")).was_sent
    assert time.monotonic() - started < 5


def test_a_huge_answer_is_not_read(peer: Callable[[Serve], Peer]) -> None:
    def flood(connection: socket.socket) -> None:
        _received(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" " * 100_000)

    assert _lost(_call(peer(flood).url).send("GET", "/", what="lookup")).word == "EndlessAnswer"


def test_a_cut_answer_is_none(peer: Callable[[Serve], Peer]) -> None:
    url = peer(_answering(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": "ACC')).url
    assert _lost(_call(url).send("POST", "/", what="create", body={})).was_sent


def test_redirects_are_answers_like_any_other(peer: Callable[[Serve], Peer]) -> None:
    server = peer(_answering(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", OK))
    assert _answered(_call(server.url).send("GET", "/", what="lookup")).status == 302


def test_no_proxy_and_no_cookie_of_anybody(peer: Callable[[Serve], Peer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", _closed_port())
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        for _ in range(2):
            seen.append(_received(connection))
            connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}")

    call = _call(peer(serve).url)
    for _ in range(2):
        _answered(call.send("GET", "/", what="lookup", headers={"Authorization": "Bearer made-up"}))
    assert b"cookie" not in seen[1].lower()
    assert f"User-Agent: {http.USER_AGENT}".encode() in seen[1]
    assert b"Authorization: Bearer made-up" in seen[1]


def test_neither_address_nor_header_nor_body_is_logged(
    peer: Callable[[Serve], Peer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with capture_logs() as lines:
        for url in (peer(_answering(OK)).url, peer(_reset).url, _closed_port()):
            _call(url).send(
                "POST",
                "/v1/221771234567?number=221771234567",
                what="create",
                headers={"Authorization": "Bearer made-up"},
                body={"phone": "221771234567"},
            )
    told = f"{lines} {caplog.text}"
    assert "221771234567" not in told
    assert "made-up" not in told
    assert [line["was_sent"] for line in lines] == [True, True, False]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000], ids=lambda body: str(body[:6])
)
def test_what_is_no_json_has_no_value(body: bytes) -> None:
    answer = Answer(status=200, headers={}, body=body)
    assert answer.value() is None
    assert answer.read("a", "b") is None
    assert answer.unknown().raw_code == "HTTP 200"


def test_places_of_json_that_are_not_there_are_none() -> None:
    answer = Answer(status=200, headers={}, body=b'{"a": [{"b": "c"}], "n": 1.10, "t": null}')
    assert answer.read("a", 0, "b") == "c"
    assert answer.read("n") == Decimal("1.10")
    value = answer.value()
    for path in (("a", 1), ("a", "b"), ("a", 0, "b", 0), ("t", "x"), ("z",)):
        assert read(value, *path) is None
    assert read_text(value, "n") is None
    assert read_text(value, "a", 0, "b") == "c"


DATED = {"Date": "Thu, 26 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "30"}, 30),
        (429, {"Retry-After": " 7 "}, 7),
        (429, {"Retry-After": "Thu, 26 Nov 2026 12:00:30 GMT", **DATED}, 30),
        (429, {"Retry-After": "99999999999999999999"}, 3_600),
        (429, {}, None),
        (429, {"Retry-After": "0"}, None),
        (429, {"Retry-After": "-5"}, None),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "Thu, 26 Nov 2026 12:00:30 GMT"}, None),  # by whose clock?
        (429, {"Retry-After": "Thu, 26 Nov 2026 11:00:00 GMT", **DATED}, None),
        (503, {"Retry-After": "30"}, None),
    ],
)
def test_who_was_asked_too_often_may_say_for_how_long(
    status: int, headers: dict[str, str], seconds: int | None
) -> None:
    wait = Answer(status=status, headers=headers, body=b"").wait
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
