"""Run the bench: interleaved rounds, medians, ratios. Options: --seconds, --rounds, --connections, --engine."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests import postgres
from tests.bench import load
from tests.bench.load import Figures, Request
from tests.serving import free_port, serve

_RATE = "100000000"


def main() -> None:
    """Print a table: each kind of request, its ratio to the baseline, its rate and its percentiles."""
    options = _options()
    with _database(options.engine) as database, _baseline() as bare, _checkout(database) as (url, key):
        kinds = {"baseline": (bare, lambda: Request("GET", "/", {})), **_kinds(url, key)}
        rounds: dict[str, list[Figures]] = {name: [] for name in kinds}
        for _ in range(options.rounds):
            for name, (target, make) in kinds.items():
                figures = load.run(target, make, connections=options.connections, seconds=options.seconds)
                rounds[name].append(figures)
    _report(rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    return parser.parse_args()


def _kinds(url: str, key: str) -> dict[str, tuple[str, Callable[[], Request]]]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps({"amount": 5000, "currency": "XOF"})
    path = "/api/v1/checkout/sessions"
    session = requests.post(f"{url}{path}", data=body, headers=headers, timeout=10).json()["id"]

    def create() -> Request:
        return Request("POST", path, {**headers, "Idempotency-Key": str(uuid.uuid4())}, body)

    return {
        "POST session, durable": (url, create),
        "GET session": (url, lambda: Request("GET", f"{path}/{session}", headers)),
        "GET public JSON": (url, lambda: Request("GET", f"/api/checkout/{session}", {})),
        "GET page": (url, lambda: Request("GET", f"/{session}", {})),
    }


@contextmanager
def _database(engine: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ikawaari-bench-") as folder:
        if engine == "sqlite":
            yield f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
            return
        run = postgres.Run.open()
        try:
            yield run.server().create_database(None)
        finally:
            run.close()


@contextmanager
def _baseline() -> Iterator[str]:
    port = free_port()
    arguments = ["-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "4", "--reuse-port"]
    command = [sys.executable, "-m", "gunicorn", *arguments, "--log-level", "error", "tests.bench.baseline:app"]
    process = subprocess.Popen(command)
    try:
        _wait(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _checkout(database: str) -> Iterator[tuple[str, str]]:
    environment = {
        "IKAWAARI_DATABASE_URL": database,
        "IKAWAARI_MERCHANT_RATE_LIMIT": _RATE,
        "IKAWAARI_SECRET_KEY": "b" * 32,  # of the server, and of the commands that prepare its database
        "IKAWAARI_LOG_LEVEL": "ERROR",
    }
    _command(environment, "migrate")
    merchant = _command(environment, "merchants", "create", "--name", "Bench")
    scopes = ("--scope", "payments:read", "--scope", "payments:write")
    key = _command(
        environment, "keys", "create", "--merchant", merchant, "--mode", "test", "--rate-limit", _RATE, *scopes
    )
    with serve(environment) as served:
        yield served.url, key


def _command(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "ikawaari", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(url, timeout=1)
        except requests.RequestException:
            continue
        return


def _report(rounds: dict[str, list[Figures]]) -> None:
    def median(name: str, figure: str) -> float:
        return statistics.median([float(getattr(figures, figure)) for figures in rounds[name]])

    baseline = median("baseline", "rate")
    print(f"{'':24}{'ratio':>8}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}")
    for name in rounds:
        rate = median(name, "rate")
        print(f"{name:24}{rate / baseline:8.2f}{rate:9.0f}{median(name, 'p50'):9.1f}{median(name, 'p99'):9.1f}")


main()
