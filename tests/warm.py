"""A parent that has imported the program already and only forks: importing it takes most of a start's CPU.

What it forks is `python -m MODULE ARGUMENTS` in a session, a folder and an environment of its own, as if it had been
started cold. `multiprocessing`'s fork server is that parent, one for each test process; it ends with its test process.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import ikawaari.cli  # noqa: F401 - what is kept warm

ROOT = Path(__file__).resolve().parent.parent
_PARENT = multiprocessing.get_context("forkserver")
_PARENT.set_forkserver_preload([__name__])


class Process:
    """One such process, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        target = (module, arguments, dict(environment), str(log))
        self._process = _PARENT.Process(target=_become, args=target, daemon=True)
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


def _become(module: str, arguments: list[str], environment: Mapping[str, str], log: str) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
