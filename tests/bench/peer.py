"""A peer to compare with, on request: FastAPI, SQLAlchemy's asyncio and asyncpg, in an environment of its own.

It does what everybody does for a POST: it looks up the key, and inserts an idempotency row and a session row in one
transaction. Two processes, each with a listening socket of its own, as the checkout has.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ikawaari.config import ROOT
from tests.bench.servers import running
from tests.bench.shop import BODY, JSON, Kind

_PACKAGES = ("fastapi==0.121.*", "uvicorn[standard]==0.38.*", "sqlalchemy[asyncio]==2.0.*", "asyncpg==0.30.*")
_ENVIRONMENT = ROOT / ".bench-peer"
KEY = "peer-key"
KIND = Kind(
    "FastAPI peer: key, idempotency, session",
    "POST",
    "/sessions",
    {**JSON, "Authorization": f"Bearer {KEY}"},
    BODY,
    is_keyed=True,
)


@contextmanager
def serving(database_url: str) -> Iterator[str]:
    """The URL of a running peer whose tables stand beside ours."""

    python = _python()
    first = _listen(0)
    port = first.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PEER_DATABASE": database_url, "PEER_KEY": KEY}
    subprocess.run([python, "-m", "tests.bench.peer_app"], env=environment, cwd=ROOT, check=True)
    sockets = [first, _listen(port)]
    command = [python, "-m", "uvicorn", "tests.bench.peer_app:app", "--log-level", "error", "--no-access-log"]
    commands = [[*command, "--fd", str(own.fileno())] for own in sockets]
    options = {"env": environment, "cwd": ROOT, "pass_fds": [own.fileno() for own in sockets]}
    with running(commands, url, **options):
        for own in sockets:
            own.close()
        yield url


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener


def _python() -> str:
    """The peer's interpreter; its environment is made when it is missing."""
    python = _ENVIRONMENT / "bin" / "python"
    wanted, known = json.dumps(_PACKAGES), _ENVIRONMENT / "packages.json"
    if not known.exists() or known.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", _ENVIRONMENT], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *_PACKAGES], check=True)
        known.write_text(wanted)
    return str(python)
