"""The real server in processes of its own: `ikawaari serve` on a free port, which a test may kill and start again."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests import warm

ROOT = warm.ROOT
Process = warm.Process | subprocess.Popen[bytes]
READY_SECONDS = 90
STOP_SECONDS = 10


class Served:
    """One `ikawaari serve`, its process group, its port and its log.

    `module` is what Python runs in `folder`: the program, unless a test wants one that dies at a chosen step. It starts
    warm in the program's own folder, and cold in any other.
    """

    module = "ikawaari"
    folder = ROOT

    def __init__(
        self,
        environment: Mapping[str, str],
        options: list[str],
        log: Path,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
    ) -> None:
        self.host, self.port = host, port or free_port()
        self.url = f"http://{host}:{self.port}"
        self.log = log
        self.environment = server_environment(self.url, environment)
        self._arguments = ["serve", "--bind", f"{host}:{self.port}", *options]
        self._process: Process | None = None

    def __str__(self) -> str:
        return self.url

    @property
    def pid(self) -> int:
        """The leader's process id."""
        assert self._process is not None, "not running"
        return self._process.pid

    def start(self) -> None:
        """Start (again, on the same port) and wait until /readyz answers 200."""
        self._wait_until_ready(self.launch())

    def launch(self) -> Process:
        """Start, and do not wait."""
        assert self._process is None, "already running"
        if self.folder == ROOT:
            self._process = warm.Process(self.module, self._arguments, self.environment, self.log)
        else:
            self._process = self._cold()
        return self._process

    def _cold(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", self.module, *self._arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL to every process of the group, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what does not listen."""
        self._end(signal.SIGTERM)

    def wait_for_death(self) -> int:
        """Wait until the leader has ended by itself; its exit code."""
        assert self._process is not None, "not running"
        code = self._process.wait(READY_SECONDS)
        self.kill()
        return code

    def log_text(self) -> str:
        """What the server wrote so far."""
        return self.log.read_text(errors="replace")

    def _wait_until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/readyz", timeout=2).ok:
                    return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the server did not become ready; its log ends:\n{self.log_text()[-4000:]}")

    def _end(self, wish: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _signal_group(process.pid, wish)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        _signal_group(process.pid, signal.SIGKILL)  # whoever outlived the leader
        process.wait()
        while not _is_free(self.port, self.host):  # the last of the group lets go of it a moment later
            time.sleep(0.005)


def copied(folder: Path) -> Path:
    """A fresh copy of the program in `folder`."""
    for name in ("ikawaari", "templates", "static"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def serve(
    config_env: Mapping[str, str],
    workers: int = 2,
    threads: int = 4,
    *options: str,
    module: str = "ikawaari",
    folder: Path = ROOT,
) -> Iterator[Served]:
    """`ikawaari serve` with `config_env` (IKAWAARI_… names) for as long as the block lasts.

    `options` are further ones of the command, such as "--no-worker" or "--demo".
    """
    own = Path(tempfile.mkdtemp(prefix="ikawaari-serve-"))
    arguments = ["--workers", str(workers), "--threads", str(threads), *options]
    served = Served(config_env, arguments, own / "log")
    served.module, served.folder = module, folder
    try:
        served.start()
        yield served
    finally:
        served.stop()
        shutil.rmtree(own, ignore_errors=True)


@contextmanager
def work(served: Served, module: str = "ikawaari") -> Iterator[Process]:
    """`ikawaari worker`, a process of its own beside a server without one, for as long as the block lasts."""
    process = warm.Process(module, ["worker"], served.environment, served.log)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on, and that stays free while a test has its server down.

    It lies below those that the kernel gives to outgoing connections, and each xdist worker has a thousand of its own:
    the server's sockets share a port (SO_REUSEPORT), so two servers on one would not even fail.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + worker % 10 * 1_000
    while True:
        port = random.randrange(first, first + 1_000)
        if _is_free(port):
            return port


def _is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def server_environment(url: str, chosen: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IKAWAARI_")}
    own = {
        "IKAWAARI_API_URL": url,
        "IKAWAARI_PAY_URL": url,
        "IKAWAARI_SECRET_KEY": "test-secret-key-0123456789abcdef",
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | own | dict(chosen)


def _signal_group(leader: int, wish: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, wish)
