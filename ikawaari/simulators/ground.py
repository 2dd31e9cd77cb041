"""What every simulator stands on: its server, clock, orders, ledger and callbacks, behind `/_sim/…`."""

import sys
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from ikawaari.simulators import orders
from ikawaari.simulators.callbacks import Sender
from ikawaari.simulators.ledger import Ledger
from ikawaari.simulators.orders import Order, Orders
from ikawaari.simulators.shapes import Body
from ikawaari.simulators.timeline import Timeline
from ikawaari.simulators.web import Answer, Refused, Request, Route, Server, Silence, in_json

SLOW_SECONDS = 5.0  # real seconds that a slow answer takes, unless its order says `seconds`
FLUSH_SECONDS = 10.0  # how long an answer waits for the callbacks that are to come before it
EARLY_SECONDS = 60.0  # an early callback brings forward what would have come of its call within this time
HTML = b"<!DOCTYPE html><html><head><title>Service</title></head><body><h1>Please try again later</h1></body></html>"


class Simulator(ABC):
    """A simulated provider. Handlers, and actions of the timeline, run one at a time, under `lock`.

    `knobs` are what `POST /_sim/set` may change; every simulator has `callback_url` (where callbacks go that the
    provider's portal would know) and `settles_after` (seconds until an approved payment is settled).
    """

    extra_orders: ClassVar[frozenset[str]] = frozenset()  # kinds of this provider, which its handlers `take`
    signs_callbacks: ClassVar[bool] = True

    def __init__(self, callback_url: str | None = None, country: str | None = None) -> None:
        """`country` is that of the account, where accounts have one. Raises ValueError if the provider is not there."""
        self.country = country
        self.lock = threading.RLock()
        self.timeline = Timeline(self.lock)
        kinds = orders.ANSWERS | orders.CALLBACKS | {orders.EARLY} | self.extra_orders
        self.orders = Orders(kinds | orders.SIGNATURES if self.signs_callbacks else kinds)
        self.ledger = Ledger()
        self.callbacks = Sender(self.timeline, self.orders, self.sign)
        self.knobs: dict[str, Any] = {"callback_url": callback_url or "", "settles_after": 5.0}
        self.broken: list[str] = []  # tracebacks: a simulator that breaks must not pass for a provider's 500
        self.base_url = ""
        self._server: Server | None = None
        self._routes = [*self._own_routes(), *self.routes()]

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The provider's endpoints."""

    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """What an account's settings must be to use this simulator, `base_url` included."""

    def sign(self, method: str, url: str, body: bytes, is_good: bool) -> Mapping[str, str]:
        """The headers that sign a callback; not `is_good`: with a key that is not the provider's.

        Called without the lock, for each delivery. Times that are signed are the real time (`time.time()`), not the
        timeline's: whoever verifies them has a clock that does not move with ours.
        """
        return {}

    def server_error(self) -> Answer:
        """The provider's answer 500."""
        return in_json({"message": "Internal Server Error"}, 500)

    def not_found(self, request: Request) -> Answer:
        """The provider's answer for an address that it does not have."""
        return in_json({"message": "Not Found"}, 404)

    # ------------------------------------------------------------ answering

    def respond(self, request: Request) -> Answer | Silence:
        """Answer a request, or do what was ordered instead."""
        self.timeline.advance(0)
        route, matched = self._find(request)
        if route is None:
            return self.not_found(request)
        if request.path.startswith("/_sim/"):
            return self._handle(route, matched)
        with self.lock:
            order = self.orders.take(orders.ANSWERS, route.on)
            is_early = self.orders.take(orders.EARLY, route.on) is not None
            mark = self.timeline.mark()
            answer = self.server_error() if order and not _is_carried_out(order) else self._handle(route, matched)
            if is_early:
                self.timeline.hurry(mark, EARLY_SECONDS)
        if is_early:
            self.callbacks.flush(FLUSH_SECONDS)
        return answer if order is None else self._spoiled(order, answer)

    def _find(self, request: Request) -> tuple[Route | None, Request]:
        for route in self._routes:
            if matched := route.match(request):
                return route, matched
        return None, request

    def _handle(self, route: Route, request: Request) -> Answer:
        try:
            with self.lock:
                return route.handler(request)
        except Refused as refused:
            return refused.answer
        except Exception:  # whatever it is, the test must learn of it
            self.broken.append(traceback.format_exc())
            print(self.broken[-1], file=sys.stderr)  # noqa: T201
            return Answer(599, b"The simulator broke.", "text/plain")

    def _spoiled(self, order: Order, answer: Answer) -> Answer | Silence:
        status = int(order.more.get("status", 200))
        match order.kind:
            case "slow":
                time.sleep(float(order.more.get("seconds", SLOW_SECONDS)))
                return answer
            case "timeout":
                return Silence.HANG
            case "reset":
                return Silence.RESET
            case "garbage":
                return Answer(status, b'{"status": "ACC', "application/json")
            case "html":
                return Answer(status, HTML, "text/html; charset=utf-8")
        return self.server_error()

    # ------------------------------------------------------------ its own addresses

    def _own_routes(self) -> list[Route]:
        return [
            Route("POST", "/_sim/next", self._place),
            Route("POST", "/_sim/clock", self._advance),
            Route("POST", "/_sim/set", self._set),
            Route("GET", "/_sim/set", lambda _: in_json(self.knobs)),
            Route("GET", "/_sim/settings", lambda _: in_json(self.settings())),
            Route("GET", "/_sim/ledger", lambda _: in_json(self.ledger.listed())),
            Route("GET", "/_sim/callbacks", lambda _: in_json(self.callbacks.deliveries)),
        ]

    def _place(self, request: Request) -> Answer:
        given = _object(request)
        try:
            self.orders.place(given)
        except ValueError as error:
            raise _unusable(str(error)) from None
        return in_json({"ordered": given}, 201)

    def _advance(self, request: Request) -> Answer:
        seconds = _object(request).get("advance_seconds")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
            raise _unusable("advance_seconds must be a number, not below 0")
        self.timeline.advance(seconds)
        return in_json({"now": self.timeline.now()})

    def _set(self, request: Request) -> Answer:
        given = _object(request)
        for name, value in given.items():
            if name not in self.knobs:
                raise _unusable(f"{name} is none of {', '.join(sorted(self.knobs))}")
            if _kind(value) is not _kind(self.knobs[name]):
                raise _unusable(f"{name} must be like {self.knobs[name]!r}")
        self.knobs |= given
        return in_json(self.knobs)

    # ------------------------------------------------------------ running

    def start(self, bind: str = "127.0.0.1:0") -> Self:
        """Listen on HOST:PORT (0: any free one) and work on threads of its own. Raises OSError, ValueError."""
        host, _, port = bind.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"{bind!r} is not HOST:PORT")
        self._server = Server(host.strip("[]"), int(port), self.respond)
        self.base_url = f"http://{host}:{self._server.server_address[1]}"
        for work in (self._server.serve_forever, self.timeline.run, self.callbacks.run):
            threading.Thread(target=work, name=f"simulator-{type(self).__name__}", daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening and sending."""
        if self._server is not None:
            self._server.is_stopping = True
            self._server.shutdown()
            self._server.server_close()
        self.timeline.stop()
        self.callbacks.stop()


@contextmanager
def running(simulator: Simulator, bind: str = "127.0.0.1:0") -> Iterator[Simulator]:
    """A simulator that serves for as long as the block lasts."""
    simulator.start(bind)
    try:
        yield simulator
    finally:
        simulator.stop()


def _is_carried_out(order: Order) -> bool:
    return order.kind != "500" and order.more.get("accepted") is not False


def _object(request: Request) -> Body:
    """The body, a JSON object. Raises Refused."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise _unusable("the body must be a JSON object")
    return given


def _kind(value: object) -> Callable[[Any], object]:
    """Whole numbers and others are of one kind; a bool is not a number."""
    return float if type(value) is int else type(value)


def _unusable(reason: str) -> Refused:
    return Refused(in_json({"error": reason}, 400))
