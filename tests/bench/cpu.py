"""In process: the CPU time and the statements of one request. Stable to 3 % also while the machine does other things.

No socket, no thread: the WSGI application is called as gunicorn would call it. What is slow for a reason of its own
(a busy machine, a disk) costs wall time, which nobody looks at here; the least of many short repeats counts.
"""

import gc
import io
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

import ikawaari
from ikawaari.config import Config
from tests.bench import databases, shop
from tests.bench.baseline import app as bare
from tests.bench.shop import Kind, Request, Shop
from tests.bench.statements import Statements, watch

LENGTHS = (10, 100)
_WARM_UP = 16  # requests; by then every memory is warm, and psycopg has prepared what it sees again
_MICROS = 10_000  # of CPU in one repeat: short ones have a chance to be left alone
_MOST = 20  # requests in one repeat
_REPEATS = 40
_ENOUGH = 1_000_000  # µs of CPU of one kind: the slow ones need no forty repeats
_Application = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass(frozen=True)
class Cost:
    """What one request costs: µs of CPU, our statements and those of the sandbox's ledger, bytes of its body."""

    micros: float
    statements: float
    ledger: float
    size: int


class Measure:
    """One kind of request to one application."""

    def __init__(self, application: _Application, kind: Kind, new_session: Callable[[], str]) -> None:
        self.kind = kind
        self.micros: list[float] = []
        self.counts: list[tuple[int, int]] = []
        self.size = 0
        self.batch = 1
        self._application = application
        self._new_session = new_session

    def warm_up(self, seen: Statements) -> None:
        """Ask until nothing is done for the first time any more, and count the statements."""
        for environ in self._environs(_WARM_UP):
            seen.clear()
            started = time.process_time_ns()
            self.size = len(call(self._application, environ))
            micros = (time.process_time_ns() - started) // 1_000
            self.counts.append((len(seen.ours), len(seen.ledgers)))
        self.batch = max(1, min(_MOST, _MICROS // max(1, micros)))

    def repeat(self) -> None:
        """Time one batch, unless this kind has had enough."""
        if sum(self.micros) * self.batch > _ENOUGH:
            return
        environs = list(self._environs(self.batch))
        gc.collect()
        started = time.process_time_ns()
        for environ in environs:
            call(self._application, environ)
        self.micros.append((time.process_time_ns() - started) / 1_000 / self.batch)

    def cost(self) -> Cost:
        """The least of all repeats."""
        late = self.counts[_WARM_UP // 2 :]
        ours, ledgers = (statistics.median(count[index] for count in late) for index in (0, 1))
        return Cost(min(self.micros), ours, ledgers, self.size)

    def _environs(self, count: int) -> Iterator[dict[str, Any]]:
        for _ in range(count):
            yield environ_of(self.kind.request(self._new_session() if self.kind.pays else ""))


def measure(engine: str, repeats: int = _REPEATS) -> dict[str, Cost]:
    """What each kind of request costs on `engine`, and a bare Flask answer beside them."""
    with databases.opened(engine) as url:
        config = Config.from_environment(shop.settings(url))
        seen = watch()
        key = shop.prepare(config)
        app = ikawaari.create_app(config)
        own = Shop(key, lambda request: call(app, environ_of(request)))
        for number in (1, 2):
            own.add_endpoint(f"http://127.0.0.1:9/{number}")
        kinds = own.kinds(LENGTHS)
        own.sessions(max(LENGTHS))
        measures = [Measure(app, kind, lambda: own.sessions(1)[0]) for kind in kinds]
        measures.insert(0, Measure(bare, Kind("bare Flask", "GET", "/"), str))
        for each in measures:
            each.warm_up(seen)
        for _ in range(repeats):  # interleaved: a slow minute of the machine meets them all
            for each in measures:
                each.repeat()
        shop.disconnect()
        return {each.kind.name: each.cost() for each in measures}


def environ_of(request: Request) -> dict[str, Any]:
    """The WSGI environment of a request."""
    builder = EnvironBuilder(
        request.path, method=request.method, headers=Headers(dict(request.headers)), data=request.body.encode() or None
    )
    return builder.get_environ()


def call(application: _Application, environ: dict[str, Any]) -> bytes:
    """The body of the application's answer, which must be a success."""
    told: list[str] = []

    def start(status: str, _headers: object, *_error: object) -> Callable[[bytes], int]:
        told.append(status)
        return io.BytesIO().write

    body = application(environ, start)
    try:
        text = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    assert told[0].startswith("2"), (told, environ["PATH_INFO"], text[:500])
    return text
