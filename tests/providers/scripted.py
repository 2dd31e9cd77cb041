"""A provider that gives the answers that a test writes down, whatever it is asked, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ikawaari.simulators.web import Answer, Request, Server

Written = tuple[int, object]  # an HTTP status and a body: bytes as they are, None for an empty one, else JSON


class Scripted:
    """Answers in order; the last one again and again."""

    def __init__(self, answers: tuple[Written, ...]) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.server = Server("127.0.0.1", 0, self._respond)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def calls(self) -> list[str]:
        """What was asked: `GET /v1/…`, without queries."""
        return [f"{request.method} {request.path}" for request in self.asked]

    def _respond(self, request: Request) -> Answer:
        self.asked.append(request)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Answer(status, sent, "application/json")


@contextmanager
def scripted(*answers: Written) -> Iterator[Scripted]:
    """A provider with these answers, for as long as the block lasts."""
    made = Scripted(answers)
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
