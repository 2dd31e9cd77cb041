"""The servers that are measured over HTTP, each in processes of its own."""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from ikawaari.config import Config
from tests.bench import shop
from tests.bench.shop import Request, Shop
from tests.serving import free_port, serve

WORKERS, THREADS = 2, 4
_START_SECONDS = 20


@dataclass(frozen=True)
class Checkout:
    """A running server, and its shop."""

    url: str
    shop: Shop

    def new_sessions(self, count: int) -> list[str]:
        """The ids of so many new sessions, opened by several clients at once."""
        parts = 8
        with ThreadPoolExecutor(parts) as pool:
            shares = pool.map(self.shop.sessions, [count // parts + 1] * parts)
        return [session for share in shares for session in share]


@contextmanager
def checkout(database_url: str, *options: str) -> Iterator[Checkout]:
    """`ikawaari serve` on a new database."""
    environment = shop.settings(database_url)
    key = shop.prepare(Config.from_environment(environment))
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(environment, WORKERS, THREADS, *options, folder=Path(folder)) as served,
    ):
        yield Checkout(served.url, Shop(key, lambda request: ask(served.url, request)))


@contextmanager
def bare_flask() -> Iterator[str]:
    """The URL of the bare answer, served by gunicorn itself."""
    port = free_port()
    options = ["-b", f"127.0.0.1:{port}", "-w", str(WORKERS), "-k", "gthread", "--threads", str(THREADS)]
    command = [sys.executable, "-m", "gunicorn", *options, "--reuse-port", "--log-level", "error"]
    with running([[*command, "tests.bench.baseline:app"]], f"http://127.0.0.1:{port}") as url:
        yield url


@contextmanager
def running(commands: Sequence[Sequence[str]], url: str, **options: Any) -> Iterator[str]:
    """`url`, once the server that `commands` start answers there, for as long as the block lasts."""
    processes = [subprocess.Popen(command, start_new_session=True, **options) for command in commands]
    try:
        _await(url)
        yield url
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(_START_SECONDS)


@contextmanager
def working(environment: dict[str, str]) -> Iterator[None]:
    """`ikawaari worker`, for as long as the block lasts."""
    command = [sys.executable, "-m", "ikawaari", "worker"]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_START_SECONDS)


def ask(url: str, request: Request) -> bytes:
    """The body of the answer to one request. Raises RuntimeError when that is no success."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(request.method, request.path, request.body or None, dict(request.headers))
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise RuntimeError(f"{request.path}: {response.status} {text[:500]!r}")
    return text


def _await(url: str) -> None:
    ends = monotonic() + _START_SECONDS
    while monotonic() < ends:
        with suppress(OSError, http.client.HTTPException, RuntimeError):
            ask(url, Request("GET", "/"))
            return
        sleep(0.05)
    raise TimeoutError(f"no answer from {url}")
