"""A parent that has imported the program already and only forks: importing it takes most of a start's CPU.

What it forks is `python -m MODULE ARGUMENTS` in a session, a folder and an environment of its own, as if it had been
started cold. `multiprocessing`'s fork server is that parent, one for each test process; it ends with its test process.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import ikawaari.cli  # noqa: F401 - what is kept warm

ROOT = Path(__file__).resolve().parent.parent
PARENT = multiprocessing.get_context("forkserver")
PARENT.set_forkserver_preload([__name__])


class Process:
    """One such process, with the part of `subprocess.Popen` that tests use. It writes to `log`.

    What it writes to standard error goes to `errors`, if that is given; `given` is a file with its standard input.
    """

    def __init__(
        self,
        module: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        errors: Path | None = None,
        given: str = os.devnull,
    ) -> None:
        streams = (given, str(log), str(errors or log))
        self._process = PARENT.Process(
            target=_become, args=(module, arguments, dict(environment), streams), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; its exit code. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()


def run(
    module: str, arguments: list[str], environment: Mapping[str, str], *, given: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Such a process, run to its end: its exit code, and what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        stdin, stdout, stderr = (Path(name) / stream for stream in ("stdin", "stdout", "stderr"))
        stdin.write_text(given)
        process = Process(module, arguments, environment, stdout, errors=stderr, given=str(stdin))
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess([module, *arguments], code, stdout.read_text(), stderr.read_text())


def _become(module: str, arguments: list[str], environment: Mapping[str, str], streams: tuple[str, str, str]) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    given, *written = streams
    sys.stdin = os.fdopen(os.open(given, os.O_RDONLY))
    for stream, path in zip((sys.stdout, sys.stderr), written, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream.fileno())
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
