"""`serve --reload`, for development: the server runs in a separate process, which is restarted when a file changes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from ikawaari.config import ROOT

_WATCHED = ("ikawaari/**/*.py", "ikawaari/**/*.mo", "templates/**/*.html", "static/*")
_LOOKS_EVERY_SECONDS = 0.5
_GRACE_SECONDS = 5


def run(arguments: Sequence[str], say: Callable[[str], None]) -> None:
    """Run `ikawaari` with `arguments`, again after each change, until this process is stopped.

    If the server ends by itself, for example because of a syntax error, it is restarted after the next change.
    """
    signal.signal(signal.SIGTERM, _stop)
    while True:
        seen = _state()
        server = subprocess.Popen([sys.executable, "-m", "ikawaari", *arguments])  # noqa: S603 - our own arguments
        try:
            while (changed := _changed(seen, _state())) is None:
                time.sleep(_LOOKS_EVERY_SECONDS)
            say(f"{changed} has changed: restarting")
        except KeyboardInterrupt:
            return
        finally:
            _end(server)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _state() -> Mapping[Path, int]:
    """When each watched file was changed last."""
    return dict(_changes())


def _changes() -> Iterator[tuple[Path, int]]:
    for pattern in _WATCHED:
        for path in ROOT.glob(pattern):
            try:
                yield path, path.stat().st_mtime_ns
            except FileNotFoundError:  # deleted while we look
                continue


def _changed(before: Mapping[Path, int], after: Mapping[Path, int]) -> Path | None:
    """A file that was changed, added or deleted."""
    different = set(before.items()) ^ set(after.items())
    return min((path.relative_to(ROOT) for path, _ in different), default=None)


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
