"""Where the processes of one server count together: a folder of files in memory, made at each start.

Each process has files of its own, which the library maps into memory, so what a killed process has counted is still
there. A file lock says that the server lives: the next start deletes the folders of those that were killed.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the library looks for the folder; it must be set before the library is imported."""
_PREFIX = "ikawaari-metrics-"
_ALIVE, _READ = "alive.lock", "read.lock"
_SUMMED = ("counter", "histogram")  # what outlives the process that counted it
_RESERVED = {"counter": 262_144, "histogram": 2_097_152, "gauge_livesum": 65_536}  # bytes
_ENDED = 0  # in place of a process's id: what all that have ended have counted
_kept_open: list[int] = []


def share() -> Path | None:
    """Make the folder of this server, for the processes that it will start. None if there is no room: then each counts
    for itself, for a server that cannot be measured still serves.
    """
    try:
        return _made()
    except OSError:
        log.exception("metrics_have_no_room")
        return None


def _made() -> Path:
    home = Path("/dev/shm")  # noqa: S108 - else a full disk would end a process that counts
    home = home if os.access(home, os.W_OK) else Path(tempfile.gettempdir())
    _sweep(home)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    reserve(folder, _ENDED)
    alive = os.open(folder / _ALIVE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    _kept_open.append(alive)  # as long as one process of the server lives
    os.environ[VARIABLE] = str(folder)
    return folder


def shared() -> Path | None:
    """The folder of the server that this process belongs to; None if it counts alone."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def reserve(folder: Path, pid: int) -> None:
    """Take the room of a process's files now. Raises OSError if there is none: later that would end the process."""
    for kind, size in _RESERVED.items():
        file = os.open(folder / f"{kind}_{pid}.db", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
        finally:
            os.close(file)


def fold(folder: Path, pid: int) -> None:
    """A process has ended: add what it counted to that of its predecessors, and forget what it had. Raises nothing: the
    server's first process calls this, and must live.
    """
    try:
        _fold(folder, pid)
    except Exception:
        log.exception("metrics_not_folded", pid=pid)


def _fold(folder: Path, pid: int) -> None:
    mapped: Any = import_module("prometheus_client.mmap_dict").MmapedDict
    with _locked(folder, fcntl.LOCK_EX):
        for kind in _SUMMED:
            ended = folder / f"{kind}_{pid}.db"
            if ended.exists():
                try:
                    _add(mapped, ended, folder / f"{kind}_{_ENDED}.db")
                finally:
                    ended.unlink()  # one that cannot be read would spoil every reading
        for gauges in folder.glob(f"gauge_*_{pid}.db"):
            gauges.unlink()


def _add(mapped: Any, ended: Path, sums: Path) -> None:
    values = list(mapped.read_all_values_from_file(str(ended)))
    total = mapped(str(sums))
    for key, value, _, _ in values:
        total.write_value(key, total.read_value(key)[0] + value, 0.0)
    total.close()


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """While the block lasts no file is folded into another one: nothing is read twice, or not at all."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    file = os.open(folder / _READ, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        os.close(file)


def _sweep(home: Path) -> None:
    """Delete the folders of servers that were killed."""
    for folder in home.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or another start deletes it as well
            alive = os.open(folder / _ALIVE, os.O_RDWR)
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(alive)


def remove(folder: Path) -> None:
    """The server has stopped."""
    shutil.rmtree(folder, ignore_errors=True)
