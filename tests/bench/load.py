"""A small load generator: kept-alive connections in threads, answers counted and timed."""

import http.client
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """One request of a kind: method, path, headers, and a body where there is one."""

    method: str
    path: str
    headers: dict[str, str]
    body: str | None = None


@dataclass(frozen=True)
class Figures:
    """Answers a second, and the milliseconds within which half of them, and 99 of 100, came."""

    rate: float
    p50: float
    p99: float


def run(url: str, make: Callable[[], Request], *, connections: int, seconds: float) -> Figures:
    """Ask as fast as `connections` connections can, for `seconds`. An answer outside 2xx ends the bench."""
    taken: list[float] = []
    ends = time.monotonic() + seconds
    threads = [threading.Thread(target=_ask, args=(url, make, ends, taken)) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken, f"no answer from {url}"
    cuts = statistics.quantiles(taken, n=100)
    return Figures(len(taken) / seconds, cuts[49] * 1000, cuts[98] * 1000)


def _ask(url: str, make: Callable[[], Request], ends: float, taken: list[float]) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    while time.monotonic() < ends:
        request = make()
        started = time.monotonic()
        connection.request(request.method, request.path, request.body, request.headers)
        response = connection.getresponse()
        text = response.read()
        assert 200 <= response.status < 300, (response.status, text[:500])
        taken.append(time.monotonic() - started)
    connection.close()
