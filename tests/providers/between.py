"""Somebody between an adapter and its simulator, who passes on what each says, or changes it on the way."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from ikawaari.simulators.web import Answer, Request, Server

Change = Callable[[Request, Answer], Answer]
_DROPPED = {"content-length", "content-type", "connection", "date", "server", "transfer-encoding"}


def unchanged(_request: Request, answer: Answer) -> Answer:
    """Pass it on."""
    return answer


class Between:
    """A way to the simulator at `base_url`. `change` may alter what the simulator answers to a request."""

    def __init__(self, simulator_url: str) -> None:
        self.change: Change = unchanged
        self.asked: list[Request] = []
        self._simulator_url = simulator_url
        self.server = Server("127.0.0.1", 0, self._respond)
        self.base_url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _respond(self, request: Request) -> Answer:
        self.asked.append(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        url = f"{self._simulator_url}{request.target}"
        got = requests.request(
            request.method, url, data=request.body, headers=headers, timeout=10, allow_redirects=False
        )
        kept = {name: value for name, value in got.headers.items() if name.lower() not in _DROPPED}
        return self.change(request, Answer(got.status_code, got.content, got.headers.get("Content-Type"), kept))


@contextmanager
def between(simulator_url: str) -> Iterator[Between]:
    """Stand there for as long as the block lasts."""
    made = Between(simulator_url)
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def with_values(body: bytes, change: Callable[[str, object], object]) -> bytes:
    """The JSON of `body` with each member's value as `change` makes it of its name and value; other bodies as is."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_walked(value, change)).encode()


def _walked(value: object, change: Callable[[str, object], object]) -> object:
    if isinstance(value, dict):
        return {name: change(name, _walked(one, change)) for name, one in value.items()}
    return [_walked(one, change) for one in value] if isinstance(value, list) else value
