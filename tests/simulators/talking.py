"""Talking to a simulator: its own addresses, and somebody who receives its callbacks."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from ikawaari.simulators.ground import Simulator, running
from ikawaari.simulators.web import Answer, Request, Server

PATIENCE_SECONDS = 10.0


class Talk:
    """A client of a running simulator's `/_sim/…`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.session = requests.Session()

    def next(self, kind: str, **more: Any) -> None:
        """Order a fault."""
        answer = self.session.post(f"{self.base_url}/_sim/next", json={"kind": kind, **more}, timeout=10)
        assert answer.status_code == 201, answer.text

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        answer = self.session.post(f"{self.base_url}/_sim/clock", json={"advance_seconds": seconds}, timeout=10)
        assert answer.status_code == 200, answer.text

    def set(self, **knobs: Any) -> None:
        """Change how the simulator behaves."""
        answer = self.session.post(f"{self.base_url}/_sim/set", json=knobs, timeout=10)
        assert answer.status_code == 200, answer.text

    def settings(self) -> Any:
        """The settings to use against it."""
        return self._get("settings")

    def charges(self) -> list[dict[str, Any]]:
        """The ledger's charges."""
        charges: list[dict[str, Any]] = self._get("ledger")["charges"]
        return charges

    def refunds(self) -> list[dict[str, Any]]:
        """The ledger's refunds."""
        refunds: list[dict[str, Any]] = self._get("ledger")["refunds"]
        return refunds

    def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery of a callback."""
        deliveries: list[dict[str, Any]] = self._get("callbacks")
        return deliveries

    def _get(self, name: str) -> Any:
        answer = self.session.get(f"{self.base_url}/_sim/{name}", timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Receiver:
    """Receives callbacks, and answers each with the next of `statuses`, then 200."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self.statuses: list[int] = []
        self._server = Server("127.0.0.1", 0, self._receive)
        self.authority = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.authority}/callbacks/acc_test"

    def _receive(self, request: Request) -> Answer:
        self.received.append(request)
        return Answer(self.statuses.pop(0) if self.statuses else 200)

    def wait(self, count: int) -> list[Request]:
        """The first `count` callbacks, once they are here."""
        eventually(lambda: len(self.received) >= count)
        return self.received[:count]

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """Receive for as long as the block lasts."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


@contextmanager
def talk(simulator: Simulator) -> Iterator[Talk]:
    """A running simulator to talk to, which must not break."""
    with running(simulator):
        yield Talk(simulator.base_url)
    assert simulator.broken == []
