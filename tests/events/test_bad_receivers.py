"""Merchants' servers that answer wrongly, strangely or not at all: the event comes again until it is accepted."""

import socket
import struct
from http.server import BaseHTTPRequestHandler

import pytest

from ikawaari.events import outgoing
from ikawaari.store.models import DeliveryTry, Event, WebhookDelivery
from tests.events.receiver import Answer, Heard, Receiver, dripping, listening, saying
from tests.events.telling import SCHEDULE, endpoint, stored, tell
from tests.world import World

ELSEWHERE = b"HTTP/1.0 %d Away\r\nLocation: /elsewhere\r\n\r\n"
STATUS = b"HTTP/1.0 %d So\r\n\r\n"
OK = STATUS % 200


def reset(_heard: Heard, handler: BaseHTTPRequestHandler) -> int:
    """Hang up rudely."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    return 0


REFUSING: dict[str, Answer] = {
    **{f"goes elsewhere, {status}": saying(b"", ELSEWHERE % status) for status in (301, 302, 303, 307, 308)},
    **{f"refuses, {status}": saying(b"no", STATUS % status) for status in (304, 400, 401, 404, 410, 429, 500, 503)},
    "refuses at length": saying(b"x" * 5_000_000, STATUS % 500),
    "hangs up": saying(b"", b""),
    "hangs up rudely": reset,
    "speaks no HTTP": saying(b"", b"220 mail.example ESMTP\r\n\x00\xff"),
    "has no status": saying(b"", b"HTTP/1.1 fine\r\n\r\n"),
    "drips its head": dripping(b"H", 0.05, b"HTTP/1.0 200 OK\r\nX: "),
}
ACCEPTING: dict[str, Answer] = {
    **{f"accepts, {status}": saying(b"", STATUS % status) for status in (200, 201, 202, 204, 299)},
    "accepts at length": saying(b"x" * 5_000_000),
    "accepts, and drips": dripping(b"y", 0.05, OK),
    "accepts, and speaks nonsense": saying(b"\x00\xff" * 50),
    "accepts, and says less than it promised": saying(b"z", b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n"),
}


@pytest.mark.parametrize("answer", REFUSING.values(), ids=REFUSING)
def test_what_is_not_accepted_comes_again_with_its_bytes(
    monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver, answer: Answer
) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.6)
    endpoint(world, receiver.url)
    receiver.answer = answer
    tell(world, z="Été 🌞")
    world.wait(1)
    receiver.answer = lambda *_: 200
    world.wait(299)
    assert (len(receiver.heard), WebhookDelivery.get().status) == (1, "pending")
    world.wait(1)
    assert [heard.body for heard in receiver.heard] == [Event.get().body.encode()] * 2
    assert [heard.path for heard in receiver.heard] == ["/hook"] * 2
    assert WebhookDelivery.get().status == "succeeded"


@pytest.mark.parametrize("answer", ACCEPTING.values(), ids=ACCEPTING)
def test_what_is_accepted_does_not_come_again(
    monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver, answer: Answer
) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 0.6)
    endpoint(world, receiver.url)
    receiver.answer = answer
    tell(world)
    world.wait(1, *SCHEDULE)
    assert (len(receiver.heard), WebhookDelivery.get().status) == (1, "succeeded")


def test_a_server_that_is_up_again_after_a_day_has_missed_nothing(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    made = endpoint(world, f"http://127.0.0.1:{port}/hook")
    for number in range(3):
        tell(world, n=number)
    world.wait(1, *SCHEDULE[:-1])
    assert [row.body for row in DeliveryTry.select()] == ["ConnectionRefusedError"] * 5
    with listening(port) as receiver:
        world.wait(SCHEDULE[-1] - 1)
        assert not receiver.heard
        world.wait(1)
        assert [heard.event["data"]["n"] for heard in receiver.heard] == [0, 1, 2]
    assert stored(made).failing_since is None
