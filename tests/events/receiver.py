"""A merchant's server on a real socket, which answers as a test wants and remembers all that came."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One webhook that came."""

    body: bytes
    headers: dict[str, str]
    path: str
    event: dict[str, Any]

    @property
    def object_id(self) -> str:
        """Of the object that it tells of."""
        return str(self.event["data"]["id"])


Answer = Callable[[Heard, BaseHTTPRequestHandler], int]
"""Gives a status, or writes what it likes itself and gives 0."""


class Receiver:
    """Hears each webhook, and answers it by `answer`."""

    def __init__(self, port: int = 0) -> None:
        self.heard: list[Heard] = []
        self.answer: Answer = lambda *_: 200
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.receive(self)

            def do_GET(self) -> None:
                receiver.receive(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        """The events' ids, as they came."""
        return [one.event["id"] for one in self.heard]

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        """Take one in."""
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed in the middle
            handler.close_connection = True
            return
        heard = Heard(body, dict(handler.headers), handler.path, json.loads(body or b"{}"))
        with self._lock:
            self.heard.append(heard)
        try:
            status = self.answer(heard, handler)
            if status:
                handler.send_response(status)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
        except OSError:
            handler.close_connection = True


@contextmanager
def listening(port: int = 0) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(port)
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def dripping(piece: bytes, seconds: float, start: bytes = b"") -> Answer:
    """Answers `start`, then `piece` again and again, until nobody listens."""

    def answer(_heard: Heard, handler: BaseHTTPRequestHandler) -> int:
        handler.wfile.write(start)
        for _ in range(int(30 / seconds)):
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(seconds)
        return 0

    return answer


def saying(text: bytes, head: bytes = b"HTTP/1.0 200 OK\r\n\r\n") -> Answer:
    """Answers exactly this."""

    def answer(_heard: Heard, handler: BaseHTTPRequestHandler) -> int:
        handler.wfile.write(head + text)
        return 0

    return answer
