"""Where a request ends: measured alike however it comes in, and never further than gunicorn's parser reads."""

from typing import Any

import pytest
from gunicorn.config import Config as Settings
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.serving.framing import LONGEST_HEAD, Framing
from ikawaari.serving.handler import BufferedSocket

LONGEST_BODY = 1_000
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
CHUNKED = b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = [
    GET,
    b"\r\n" + GET,
    b"GET / HTTP/1.0\r\n\r\n",
    POST,
    POST.replace(b"Content-Length: 5", b"content-length:\t5 "),
    b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    CHUNKED + b"0\r\n\r\n",
    CHUNKED + b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n",
    CHUNKED + b"3\r\n\r\n\r\r\n0\r\nChecksum: a\r\nOther: b\r\n\r\n",
]


def measured(data: bytes, piece: int) -> tuple[int | None, Framing]:
    """What the measure is when `data` comes in pieces of that size: nothing until the last one that it needs."""
    framing, received = Framing(LONGEST_BODY), bytearray()
    for at in range(0, len(data), piece):
        received += data[at : at + piece]
        if (end := framing.end(received)) is not None:
            return end, framing
    return None, framing


def read(data: bytes) -> Any:
    """What gunicorn makes of it, and how much is left over."""
    memory = BufferedSocket(data)
    request = next(RequestParser(Settings(), memory, ("127.0.0.1", 1)))
    body = request.body.read()
    return body, request.unreader.take_buffered() + memory.recv(10**6)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize("whole", WHOLE)
def test_a_request_ends_where_its_last_byte_is(whole: bytes, piece: int) -> None:
    end, framing = measured(whole + GET, piece)
    assert end == len(whole)
    assert not framing.is_cut
    assert measured(whole[:-1], piece)[0] is None


@pytest.mark.parametrize("whole", WHOLE)
def test_gunicorn_reads_all_that_was_measured_and_no_more(whole: bytes) -> None:
    assert read(whole)[1] == b""


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), st.integers(1, 50), st.booleans())
def test_any_chunks_in_any_pieces_are_measured_as_gunicorn_reads_them(
    chunks: list[bytes], piece: int, upper: bool
) -> None:
    digits = "%X" if upper else "%x"
    body = b"".join((digits % len(chunk)).encode() + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    whole = CHUNKED + body + b"0\r\n\r\n"
    assert measured(whole + GET, piece)[0] == len(whole)
    assert read(whole) == (b"".join(chunks), b"")


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_bytes_are_measured_further_than_they_reach(data: bytes, piece: int) -> None:
    for start in (b"", CHUNKED, b"POST / HTTP/1.1\r\n"):
        end, _ = measured(start + data, piece)
        assert end is None or 0 < end <= len(start + data)


@pytest.mark.parametrize(
    "broken", [b"-5\r\n", b"xyz\r\n", b"\r\n", b"1" * 300, b"g\r\nabc", b"ffffffffffffffffff\r\n" + b"a" * 5_000]
)
def test_chunks_that_cannot_be_are_handed_on_at_once(broken: bytes) -> None:
    end, framing = measured(CHUNKED + broken, 10)
    assert end is not None
    assert framing.is_cut


def test_a_head_of_bare_line_feeds_never_ends_so_it_is_handed_on() -> None:
    assert measured(b"GET / HTTP/1.1\nHost: x\n\n", 100)[1].is_cut


def test_a_body_that_is_too_large_is_not_waited_for() -> None:
    end, framing = measured(b"POST /x HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 10)
    assert end is not None
    assert framing.is_cut
    end, framing = measured(CHUNKED + b"64\r\n" + b"a" * 100 + b"\r\n" + (b"64\r\n" + b"a" * 100 + b"\r\n") * 20, 10)
    assert end is not None
    assert LONGEST_BODY < end < 1_400
    assert framing.is_cut


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"GET /" + b"a" * LONGEST_HEAD, "IKW-REQ-010"),
        (b"GET / HTTP/1.1\r\nCookie: " + b"a" * LONGEST_HEAD, "IKW-REQ-011"),
    ],
)
def test_a_head_that_is_too_long_is_refused(head: bytes, code: str) -> None:
    _, framing = measured(head, 5_000)
    assert framing.refusal is not None
    assert (framing.refusal.id, framing.is_cut) == (code, True)


@pytest.mark.parametrize(("expect", "waits"), [(b"Expect: 100-continue\r\n", True), (b"", False)])
def test_a_client_that_waits_for_a_word_is_noticed_once_its_head_is_there(expect: bytes, waits: bool) -> None:
    head = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n" + expect + b"\r\n"
    assert measured(head, 9)[1].wants_continue is waits
    assert not measured(head + b"12345", 1_000)[1].wants_continue


class Counted(bytearray):
    """Bytes that count how far they are searched."""

    looked_at = 0

    def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
        found = super().find(sub, start, len(self) if end is None else end)
        self.looked_at += (found if found >= 0 else min(len(self), end or len(self))) - start + 1
        return found


@pytest.mark.parametrize("body", [b"1\r\na\r\n" * 900, b"0\r\n" + b"T: x\r\n" * 500])
def test_the_work_is_linear_however_small_the_pieces(body: bytes) -> None:
    framing, received = Framing(LONGEST_BODY), Counted(CHUNKED)
    for byte in body:
        received.append(byte)
        framing.end(received)
    assert received.looked_at < 20 * len(received)
