"""The server among clients that are slow, on purpose or not, and among those that speak no proper HTTP."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.chaos import shop as shops
from tests.chaos.shop import Shop, card, pay, wait_until
from tests.serving import Served, serve

BROWSER = "Accept: text/html,*/*\r\nAccept-Language: en\r\n"
SOON = 5  # seconds; a thread that waits for a dripping client waits for ever


@pytest.fixture(scope="module")
def served(new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The smallest server: one process with two threads."""
    settings = {"IKAWAARI_TRANSFER_TIMEOUT_SECONDS": "30", "IKAWAARI_KEEPALIVE_SECONDS": "30"}
    with serve(shops.environment(new_sqlite(tmp_path_factory.mktemp("slow"))) | settings, 1, 2) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(new_sqlite: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One that waits for a second at most."""
    settings = {"IKAWAARI_TRANSFER_TIMEOUT_SECONDS": "0.5", "IKAWAARI_KEEPALIVE_SECONDS": "0.5"}
    with serve(shops.environment(new_sqlite(tmp_path_factory.mktemp("hasty"))) | settings, 1, 2) as running:
        yield running


def dial(served: Served) -> socket.socket:
    """A connection to the server."""
    return socket.create_connection(("127.0.0.1", served.port), timeout=20)


@contextmanager
def clients(served: Served, count: int, said: bytes) -> Iterator[list[socket.socket]]:
    """Many that say this much and no more."""
    with ExitStack() as stack:
        dialed = [stack.enter_context(dial(served)) for _ in range(count)]
        for client in dialed:
            client.sendall(said)
        yield dialed


def everything(client: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    data = b""
    while piece := client.recv(65_536):
        data += piece
    return data


def one(client: socket.socket) -> bytes:
    """One response with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1)
    length = int(data.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while length:
        piece = client.recv(length)
        data, length = data + piece, length - len(piece)
    return data


def said(served: Served, request: bytes | str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body that come back for raw bytes."""
    with dial(served) as client:
        client.sendall(request.encode() if isinstance(request, str) else request)
        client.shutdown(socket.SHUT_WR)
        head, _, body = everything(client).decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return (
        int(status.split()[1]),
        {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)},
        body,
    )


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
        b"POST /api/checkout/cs_x/pay HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /api/checkout/cs_x/pay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
def test_clients_that_drip_hold_no_thread(served: Served, start: bytes) -> None:
    with clients(served, 40, start):
        assert requests.get(f"{served.url}/healthz", timeout=SOON).status_code == 200


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_payment_goes_on_among_clients_that_drip(database: None, database_url: str) -> None:
    shop, dripping = Shop(), b"POST /api/checkout/cs_x/pay HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    with serve(shops.environment(database_url), 1, 2) as running, clients(running, 40, dripping):
        session = shop.opened(running)
        assert pay(running, session, card()).status_code == 200
        assert shop.settled(running, session)["payment_status"] == "paid"


def test_clients_that_take_no_answer_hold_no_thread(served: Served) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.connect(("127.0.0.1", served.port))
            client.sendall(request)
        for _ in range(3):
            assert requests.get(f"{served.url}/healthz", timeout=SOON).status_code == 200


@pytest.mark.long  # the kernel takes four megabytes for each client first
def test_answers_that_nobody_takes_fill_no_memory(served: Served) -> None:
    # The kernel takes some megabytes for each client. Where the next answer stops, the rest is ours to keep: some more
    # or less for each, because each begins with other answers.
    small = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    large = b"GET /static/vendor/swagger-ui/5.35.0/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        slow = []
        for number in range(200):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            client.connect(("127.0.0.1", served.port))
            client.sendall(small * (number % 3) + large * 10)
            slow.append(client)
        wait_until(lambda: any(map(is_reset, slow)), "some of them are given up")
        assert requests.get(f"{served.url}/healthz", timeout=SOON).status_code == 200


def test_an_answer_that_is_taken_slowly_comes_whole(served: Served) -> None:
    expected = requests.get(f"{served.url}/openapi.json", timeout=20).content
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        client.connect(("127.0.0.1", served.port))
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := client.recv(1_000):
            data += piece
    assert data.partition(b"\r\n\r\n")[2] == expected


def test_a_client_that_is_merely_slow_is_served(served: Served) -> None:
    with dial(served) as client:
        body = b'{"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}'
        head = b"POST /api/checkout/cs_x/pay HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        request = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        for at in range(len(request)):
            client.sendall(request[at : at + 1])
        assert one(client).startswith(b"HTTP/1.1 404")
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one(client).startswith(b"HTTP/1.1 200"), "and once more on the same connection"


def test_requests_that_come_together_are_answered_in_their_order(served: Served) -> None:
    with dial(served) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\nGET /read")
        assert one(client).startswith(b"HTTP/1.1 200")
        assert one(client).startswith(b"HTTP/1.1 404")
        client.sendall(b"yz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one(client).startswith(b"HTTP/1.1 200")


def test_what_arrives_at_the_moment_of_an_answer_is_not_lost(served: Served) -> None:
    """A thread ends while the poller holds its connection, in any order: the next request is answered all the same."""
    healthy, nowhere = (f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in ("/healthz", "/nowhere"))
    with ExitStack() as stack:
        dialed = [stack.enter_context(dial(served)) for _ in range(8)]
        for number in range(150):
            for client in dialed:
                client.sendall(healthy)
            time.sleep(number * 0.000_02)  # sooner, at, or later than the first answer
            for client in dialed:
                client.sendall(nowhere)
            dial(served).close()
            answers = [[one(client)[:12] for _ in range(2)] for client in dialed]
            assert answers == [[b"HTTP/1.1 200", b"HTTP/1.1 404"]] * len(dialed)


def test_who_waits_for_a_word_before_the_body_gets_it_once(served: Served) -> None:
    with dial(served) as client:
        client.sendall(
            b"POST /callbacks/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert one(client).startswith(b"HTTP/1.1 404")


def test_more_clients_than_there_is_room_for_shut_nobody_out(served: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with clients(served, 900, b"GET /"):
            assert requests.get(f"{served.url}/healthz", timeout=SOON).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---------------------------------------------------------------- time is up


def test_a_request_that_does_not_come_to_its_end_is_told_so(hasty: Served) -> None:
    with clients(hasty, 3, b"POST /api/v1/refunds HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{") as slow:
        for client in slow:
            told = everything(client)
            assert told.startswith(b"HTTP/1.1 408 ")
            assert b"IKW-REQ-012" in told
    assert requests.get(f"{hasty.url}/healthz", timeout=SOON).status_code == 200


def test_a_connection_without_a_request_is_closed_without_a_word(hasty: Served) -> None:
    with clients(hasty, 1, b"") as (silent,):
        assert everything(silent) == b""
    with dial(hasty) as used:
        used.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(used).count(b"HTTP/1.1") == 1


def test_an_answer_that_nobody_takes_is_given_up(hasty: Served) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        client.connect(("127.0.0.1", hasty.port))
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        wait_until(lambda: is_reset(client), "the server gives up")


def is_reset(client: socket.socket) -> bool:
    """Whether the other side has closed the connection."""
    try:
        client.send(b"x")
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


# ---------------------------------------------------------------- no proper HTTP


BAD = {
    "a line that is none": (b"GARBAGE\r\n\r\n", 400, "IKW-REQ-009"),
    "a broken header": (b"GET /api/v1/refunds HTTP/1.1\r\nno colon\r\n\r\n", 400, "IKW-REQ-009"),
    "two lengths": (
        b"POST /api/v1/refunds HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        400,
        "IKW-REQ-009",
    ),
    "an unknown coding": (b"POST /api/v1/refunds HTTP/1.1\r\nTransfer-Encoding: brotli\r\n\r\n", 400, "IKW-REQ-009"),
    "an unknown version": (b"GET /api/v1/refunds HTTP/9.9\r\n\r\n", 400, "IKW-REQ-009"),
    "raw bytes in the address": ("GET /api/é HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400, "IKW-REQ-009"),
    "line feeds alone": (b"GET /api/v1/refunds HTTP/1.1\nHost: x\n\n", 400, "IKW-REQ-009"),
    "a handshake": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n", 400, "IKW-REQ-009"),
    "a long address": (b"GET /api/" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "IKW-REQ-010"),
    "a very long address": (b"GET /api/" + b"a" * 100_000, 414, "IKW-REQ-010"),
    "a long header": (b"GET /api/v1/refunds HTTP/1.1\r\nCookie: " + b"a" * 17_000 + b"\r\n\r\n", 431, "IKW-REQ-011"),
    "a very long head": (b"GET /api/v1/refunds HTTP/1.1\r\n" + b"X: aaaaaaaa\r\n" * 9_000, 431, "IKW-REQ-011"),
    "many headers": (b"GET /api/v1/refunds HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431, "IKW-REQ-011"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_our_envelope(served: Served, name: str) -> None:
    request, status, code = BAD[name]
    answer = said(served, request)
    assert answer[0] == status, answer
    assert answer[1]["content-type"] == "application/json"
    assert answer[1]["connection"] == "close"
    assert answer[1]["ikawaari-request-id"] in answer[2]
    assert code in answer[2]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /cs_0000000000000000 HTTP/1.1\r\n{}Cookie: {}\r\n\r\n", 431),
        ("GARBAGE\r\n{}Cookie: {}\r\n\r\n", 400),
    ],
)
def test_a_person_gets_the_page_in_its_own_words(served: Served, request_: str, status: int) -> None:
    answer = said(served, request_.format(BROWSER, "a" * 17_000))
    assert answer[0] == status, answer
    assert answer[1]["content-type"].startswith("text/html")
    assert "This request cannot be read</h1>" in answer[2]
    assert answer[1]["ikawaari-request-id"]


def test_sixteen_kilobytes_of_cookies_of_the_shops_domain_are_fine(served: Served) -> None:
    assert (
        said(served, f"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {'a' * 16_000}\r\n\r\n")[0]
        == 200
    )
    assert said(served, f"GET /healthz?{'a' * 8_000} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0] == 200


def test_no_client_says_where_the_application_stands_or_how_it_was_reached(served: Served) -> None:
    head = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    assert said(served, f"{head}SCRIPT_NAME: /health\r\nX-Forwarded-Proto: https\r\n\r\n")[0] == 200


def test_a_body_that_is_too_large_is_refused_before_it_comes(served: Served) -> None:
    head = "POST /api/test/mobile-money/callback HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    status, headers, body = said(served, f"{head}Content-Length: 999999999\r\n\r\n{{")
    assert (status, headers["connection"]) == (413, "close")
    assert "IKW-REQ-004" in body
