"""Calls to merchants' URLs: never to an internal address, never redirected, never longer than the time-out."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from ikawaari.config import Config
from ikawaari.events import outgoing, signature
from tests.events.receiver import Receiver, dripping, saying

INTERNAL = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "[::ffff:10.0.0.1]",
    "[::10.0.0.1]",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[::]",
    "[ff02::1]",
    "[64:ff9b::a00:1]",
    "[2002:a00:1::]",
    "0xA9FEA9FE",
    "2852039166",
    "0x0a.1",
    "012.0.0.1",
]
LOOPBACK = ["127.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST", "2130706433", "0x7f000001"]


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every name resolve to each of `answers` in turn; the names asked for."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def send(url: str, *, livemode: bool = False) -> outgoing.Answer:
    """POST nothing much."""
    with outgoing.Caller() as caller:
        return caller.post(url, b"{}", {}, livemode=livemode)


def test_the_signature_is_the_documented_one() -> None:
    told = signature.of_webhook("whsec_test", 1_700_000_000, '{"é":1}'.encode())
    # echo -n '1700000000.{"é":1}' | openssl dgst -sha256 -hmac whsec_test
    assert told == "t=1700000000,v1=799981aa8c9e17136f3083a0d726daec0578653e5b1ced861b88e9f23cc3ce8b"


@pytest.mark.parametrize("livemode", [True, False])
@pytest.mark.parametrize("host", INTERNAL)
def test_an_internal_address_is_refused_at_registration_and_at_delivery(host: str, livemode: bool) -> None:
    assert not outgoing.may_reach(f"https://{host}/x", livemode=livemode)
    answer = send(f"https://{host}/x", livemode=livemode)
    assert (answer.http_status, answer.body) == (None, "Forbidden")


@pytest.fixture(autouse=True)
def on_a_laptop() -> Iterator[None]:
    """Nobody else reaches the server, unless a test says so."""
    outgoing.configure(Config())
    yield
    outgoing.configure(Config())


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize(
    "public",
    [
        {"bind": "0.0.0.0:8000", "api_url": "https://api.example"},
        {"bind": "127.0.0.1:8000", "api_url": "https://api.example"},
        {"pay_url": "https://pay.example"},
        {"bind": "0.0.0.0:8000", "insecure": True},
    ],
)
def test_on_a_server_that_others_reach_loopback_is_for_nobody(host: str, public: dict[str, Any]) -> None:
    outgoing.configure(Config(secret_key="0123456789abcdef0123456789abcdef", **public))
    assert not outgoing.may_reach(f"http://{host}/x", livemode=False)
    assert send(f"http://{host}:9/x").body == "Forbidden"


@pytest.mark.parametrize("host", LOOPBACK)
def test_on_a_laptop_loopback_is_for_test_mode_alone(host: str) -> None:
    assert not outgoing.may_reach(f"https://{host}/x", livemode=True)
    assert send(f"https://{host}:9/x", livemode=True).body == "Forbidden"
    assert outgoing.may_reach(f"http://{host}/x", livemode=False)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolves(monkeypatch, ["93.184.216.34", address])
    assert not outgoing.may_reach("https://shop.example/x", livemode=True)
    assert send("https://shop.example/x", livemode=True).body == "Forbidden"


def test_a_public_name_may_be_registered_and_one_that_does_not_resolve_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, ["93.184.216.34"])
    assert outgoing.may_reach("https://shop.example/x", livemode=True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: (_ for _ in ()).throw(socket.gaierror()))
    assert outgoing.may_reach("https://shop.example/x", livemode=True)
    assert send("https://shop.example/x", livemode=True).body == "gaierror"


def test_a_name_is_asked_once_and_what_was_checked_is_what_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialed = []
    asked = resolves(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])

    def dial(address: tuple[str, int], *_: Any) -> socket.socket:
        dialed.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    assert send("https://shop.example/x", livemode=True).body == "ConnectionRefusedError"
    assert asked == ["shop.example"]
    assert dialed == [("93.184.216.34", 443)]


def test_live_mode_calls_nobody_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, ["93.184.216.34"])
    assert send("http://shop.example/x", livemode=True).body == "Forbidden"


def test_a_redirect_is_an_answer_and_not_followed(receiver: Receiver) -> None:
    head = f"HTTP/1.0 307 Away\r\nLocation: {receiver.url}/elsewhere\r\n\r\n".encode()
    receiver.answer = saying(b"go", head)
    answer = send(receiver.url)
    assert (answer.http_status, answer.is_success, answer.body) == (307, False, "go")
    assert [one.path for one in receiver.heard] == ["/hook"]


@pytest.mark.parametrize(
    ("start", "status"), [(b"", None), (b"HTTP/1.0 200 OK\r\nX: ", None), (b"HTTP/1.0 200 OK\r\n\r\n", 200)]
)
def test_an_answer_that_drips_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, start: bytes, status: int | None
) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.6)
    receiver.answer = dripping(b"H", 0.05, start)
    before = time.monotonic()
    answer = send(receiver.url)
    assert time.monotonic() - before < 2
    assert answer.http_status == status
    assert answer.body == ("TimeoutError" if status is None else "H" * len(answer.body))


def test_the_time_out_is_ten_seconds() -> None:
    assert outgoing.TIMEOUT_SECONDS == 10


def test_of_a_huge_answer_the_beginning_is_kept(receiver: Receiver) -> None:
    receiver.answer = saying(b"x" * 5_000_000)
    answer = send(receiver.url)
    assert (answer.http_status, answer.body) == (200, "x" * 4096)


def test_an_answer_may_hold_any_bytes(receiver: Receiver) -> None:
    receiver.answer = saying(b"a\x00b\xff\xc3")
    assert send(receiver.url).body == "a\ufffdb\ufffd\ufffd"


@pytest.mark.parametrize(
    "garbage", [b"", b"\x00\x01", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500]
)
def test_garbage_is_no_answer(receiver: Receiver, garbage: bytes) -> None:
    receiver.answer = saying(b"", garbage)
    assert send(receiver.url).http_status is None


def test_nobody_listening_is_no_answer(receiver: Receiver) -> None:
    assert send("http://127.0.0.1:9/x").body == "ConnectionRefusedError"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/", "http://[::1/", "http:///x", "ftp://127.0.0.1/", "http://a..b/"]
)
def test_an_odd_url_is_refused_and_never_raises(url: str) -> None:
    assert not outgoing.may_reach(url, livemode=False)
    assert send(url).http_status is None


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert send(receiver.url).http_status == 200


def test_a_url_keeps_its_query_and_its_letters(receiver: Receiver) -> None:
    assert send(receiver.url + "/é?a=b&c=%20").http_status == 200
    assert receiver.heard[0].path == "/hook/%C3%A9?a=b&c=%20"
    assert receiver.heard[0].headers["Host"] == receiver.url.split("/")[2]


def test_a_certificate_that_nobody_vouches_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, receiver: Receiver
) -> None:
    port = secure(receiver, tmp_path)
    answer = send(f"https://127.0.0.1:{port}/hook")
    assert (answer.http_status, answer.body) == (None, "SSLCertVerificationError")
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "cert"))
    assert send(f"https://localhost:{port}/hook").http_status == 200
    assert send(f"https://127.0.0.1:{port}/hook").body == "SSLCertVerificationError", "it is not of that name"


def secure(receiver: Receiver, folder: Path) -> int:
    """Have the receiver speak TLS as `localhost`; its port."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost"
    words = [*command.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return receiver.server.server_port


@pytest.fixture
def silent_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that asks in vain about the names of `.example`, until the test ends."""
    over, real = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *words: Any, **options: Any) -> Any:
        if host.endswith(".example"):
            over.wait(10)
            raise socket.gaierror
        return real(host, *words, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.4)
    yield
    over.set()


@pytest.mark.usefixtures("silent_resolver")
def test_a_resolver_that_hangs_is_no_answer_in_time(receiver: Receiver) -> None:
    before = time.monotonic()
    assert send("http://shop.example/x").body == "TimeoutError"
    assert outgoing.may_reach("https://shop.example/x", livemode=True), "it may resolve later"
    assert time.monotonic() - before < 2
    assert not receiver.heard


@pytest.mark.usefixtures("silent_resolver")
def test_names_that_hang_do_not_keep_other_names_waiting(receiver: Receiver) -> None:
    for number in range(40):
        threading.Thread(target=send, args=(f"http://shop{number}.example/x",), daemon=True).start()
    before = time.monotonic()
    assert send(receiver.url.replace("127.0.0.1", "localhost")).http_status == 200
    assert time.monotonic() - before < 0.4


# ---------------------------------------------------------------- one connection for several calls


class Kept:
    """A server that answers `answers` in turn, and leaves its connections open unless an answer says otherwise."""

    def __init__(self, *answers: bytes) -> None:
        self.connections: list[int] = []  # on which one each call came
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for number in range(len(self._answers)):
            connection, _ = self._listener.accept()
            with connection:
                while self._answers and _has_called(connection):
                    self.connections.append(number)
                    answer = self._answers.pop(0)
                    connection.sendall(answer)
                    if b"hangs up" in answer:
                        break


def _has_called(connection: socket.socket) -> bool:
    """Read one call to its end, the body `{}`; False when there is none."""
    received = b""
    while not received.endswith(b"{}"):
        some = connection.recv(65_536)
        if not some:
            return False
        received += some
    return True


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def calls(server: Kept, count: int) -> list[int | None]:
    """The statuses of so many calls by one caller."""
    with outgoing.Caller() as caller:
        return [caller.post(server.url, b"{}", {}, livemode=False).http_status for _ in range(count)]


def test_calls_of_one_url_share_a_connection() -> None:
    server = Kept(OK, CHUNKED, EMPTY, OK)
    assert calls(server, 4) == [200, 201, 204, 200]
    assert server.connections == [0, 0, 0, 0]


def test_a_server_that_hung_up_is_called_again() -> None:
    server = Kept(OK, OK.replace(b"200 OK", b"200 hangs up"), OK)
    assert calls(server, 3) == [200, 200, 200]
    assert server.connections == [0, 0, 1]


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000,
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["that closes", "longer than what is kept", "of HTTP/1.0"],
)
def test_an_answer_that_leaves_nothing_to_go_on_with_ends_the_connection(first: bytes) -> None:
    server = Kept(first, OK)
    with outgoing.Caller() as caller:
        assert caller.post(server.url, b"{}", {}, livemode=False).http_status == 200
        assert caller.post(server.url, b"{}", {}, livemode=False).body == "ok"
    assert server.connections == [0, 1]


def test_another_url_has_another_connection() -> None:
    one, other = Kept(OK, OK), Kept(OK)
    with outgoing.Caller() as caller:
        statuses = [caller.post(url, b"{}", {}, livemode=False).http_status for url in (one.url, other.url, one.url)]
    assert statuses == [200, 200, 200]
    assert (one.connections, other.connections) == ([0, 1], [0])


def test_a_server_that_hangs_up_on_a_new_connection_is_not_called_twice() -> None:
    server = Kept(b"hangs up", OK)
    assert calls(server, 1) == [None]
    assert server.connections == [0]


def test_each_call_has_the_whole_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.4)
    server = Kept(OK, OK)
    with outgoing.Caller() as caller:
        caller.post(server.url, b"{}", {}, livemode=False)
        time.sleep(0.5)
        assert caller.post(server.url, b"{}", {}, livemode=False).is_success
    assert server.connections == [0, 0]


def test_a_kept_connection_is_checked_for_the_mode_of_each_call() -> None:
    server = Kept(OK, OK)
    with outgoing.Caller() as caller:
        assert caller.post(server.url, b"{}", {}, livemode=False).is_success
        assert caller.post(server.url, b"{}", {}, livemode=True).body == "Forbidden"
    assert server.connections == [0]
