"""The sender of callbacks: one thread, one delivery after another, with faults as ordered."""

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from ikawaari.simulators.orders import CALLBACKS, SIGNATURES, Orders
from ikawaari.simulators.shapes import Json
from ikawaari.simulators.timeline import Timeline

LATE_SECONDS = 60.0  # of a late callback, unless its order says `seconds`
HELD_SECONDS = 30.0  # how long a reordered callback waits for another one to overtake it

# Headers for (method, url, body, whether the signature is to be good).
Sign = Callable[[str, str, bytes, bool], Mapping[str, str]]


@dataclass(frozen=True)
class Callback:
    """A callback. It is repeated after each of `retries` (seconds) until a status in `acknowledged` answers it."""

    id: str  # of the charge or refund that it is about
    url: str
    body: bytes
    method: str = "POST"
    on: str = "charge"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    retries: tuple[float, ...] = ()
    acknowledged: tuple[int, ...] = (200,)
    patience: float = 10.0  # seconds to answer it in
    signature: str = ""  # or `bad_signature`, or `unsigned`


class Sender:
    """Delivers callbacks in the order in which they are posted, unless an order says otherwise."""

    def __init__(self, timeline: Timeline, orders: Orders, sign: Sign) -> None:
        self.deliveries: list[Json] = []
        self._timeline, self._orders, self._sign = timeline, orders, sign
        self._waiting: queue.Queue[tuple[Callback, int] | None] = queue.Queue()
        self._held: list[Callback] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def post(self, callback: Callback) -> None:
        """Send a callback, or do with it what was ordered. Under the simulator's lock."""
        spoiled = self._orders.take(SIGNATURES, callback.on)
        if spoiled is not None:
            callback = Callback(**{**vars(callback), "signature": spoiled.kind})
        order = self._orders.take(CALLBACKS, callback.on)
        if order is not None and order.kind == "reorder":
            self._held.append(callback)
            self._timeline.later(HELD_SECONDS, self._release)
            return
        if order is None:
            self._enqueue(callback)
        elif order.kind == "double_callback":
            self._enqueue(callback)
            self._enqueue(callback)
        elif order.kind == "late_callback":
            self._timeline.later(float(order.more.get("seconds", LATE_SECONDS)), lambda: self._enqueue(callback))
        else:
            self._note(callback, "dropped")
        if order is None or order.kind == "double_callback":
            self._release()

    def flush(self, seconds: float) -> None:
        """Wait until everything posted has been tried. Not under the simulator's lock."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def run(self) -> None:
        """Deliver until stopped."""
        while (entry := self._waiting.get()) is not None:
            try:
                self._deliver(*entry)
            finally:
                self._waiting.task_done()

    def stop(self) -> None:
        """End `run`."""
        self._waiting.put(None)

    def _enqueue(self, callback: Callback, tries: int = 0) -> None:
        self._waiting.put((callback, tries))

    def _release(self) -> None:
        held, self._held = self._held, []
        for callback in held:
            self._enqueue(callback)

    def _deliver(self, callback: Callback, tries: int) -> None:
        status = self._send(callback)
        self._note(callback, status)
        if status not in callback.acknowledged and tries < len(callback.retries):
            self._timeline.later(callback.retries[tries], lambda: self._enqueue(callback, tries + 1))

    def _send(self, callback: Callback) -> int | str:
        """Deliver once; the answer's status, or what went wrong."""
        method, url, body = callback.method, callback.url, callback.body
        signed: Mapping[str, str] = {}
        if callback.signature != "unsigned":
            signed = self._sign(method, url, body, callback.signature != "bad_signature")
        try:
            answer = self._session.request(
                method,
                url,
                data=body,
                headers={**callback.headers, **signed},
                timeout=callback.patience,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return type(error).__name__
        return answer.status_code

    def _note(self, callback: Callback, answered: int | str) -> None:
        note = {"id": callback.id, "on": callback.on, "method": callback.method, "url": callback.url}
        sent = {"body": callback.body.decode(), "signature": callback.signature, "at": self._timeline.now()}
        self.deliveries.append({**note, **sent, "answered": answered})
