"""Locks among all threads and processes of a machine: files that the kernel unlocks when a process dies."""

import fcntl
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import OperationalError

_MOST_IN_A_ROW = 8  # turns that threads of one process take before those of another process
_COURTESY_SECONDS = 0.0005  # what another process needs to take its turn


class Busy(OperationalError):
    """Another writer has taken too long. Nothing was done; the caller may try again."""


def private_file(path: Path, flags: int = 0) -> int:
    """The descriptor of a file that only its owner may read, created if missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)


@contextmanager
def file_lock(path: Path, longest_wait_seconds: float | None = None) -> Iterator[None]:
    """Lock `path` exclusively. Raises Busy if it takes too long; None waits without a limit."""
    file = _locked(path, longest_wait_seconds)
    try:
        yield
    finally:
        os.close(file)


@contextmanager
def turn(path: Path, longest_wait_seconds: float) -> Iterator[None]:
    """The same for what is locked at every write: threads of this process pass the lock on among themselves.

    To lock a file costs more than many a write when others wait for it, since it takes a thread of its own.
    """
    yield from _turns[str(path)].take(path, longest_wait_seconds)


def _locked(path: Path, longest_wait_seconds: float | None) -> int:
    file = private_file(path, os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _queue(path, file, longest_wait_seconds)
    except BaseException:
        os.close(file)
        raise
    return file


def _queue(path: Path, file: int, longest_wait_seconds: float | None) -> None:
    """Wait in the kernel's queue, which is fair. It has no timeout, so a separate thread waits there for us.

    Both descriptors share the lock: it is ours as soon as the thread has it. If we have given up meanwhile and closed
    our descriptor, the lock is released when the thread closes the other one.
    """
    reached = threading.Event()
    place = os.dup(file)

    def stand() -> None:
        try:
            fcntl.flock(place, fcntl.LOCK_EX)
            reached.set()
        finally:
            os.close(place)

    threading.Thread(target=stand, daemon=True, name="writers-queue").start()
    if not reached.wait(longest_wait_seconds):
        raise Busy(f"{path} was held by others for {longest_wait_seconds:g} s")


class _Turns:
    """The turns of this process's threads at one file."""

    def __init__(self) -> None:
        self._one = threading.Lock()  # among the threads: whoever has it may lock the file, and unlock it
        self._counting = threading.Lock()
        self._waiting = 0
        self._file: int | None = None  # locked by this process
        self._in_a_row = 0

    def take(self, path: Path, longest_wait_seconds: float) -> Iterator[None]:
        """Wait for a turn. Raises Busy."""
        ends = time.monotonic() + longest_wait_seconds
        self._await(path, longest_wait_seconds)
        try:
            if self._file is None:
                if self._in_a_row >= _MOST_IN_A_ROW:  # the kernel wakes who waits, and gives the lock to who asks first
                    time.sleep(_COURTESY_SECONDS)
                self._file, self._in_a_row = _locked(path, max(0.0, ends - time.monotonic())), 0
            self._in_a_row += 1
            yield
        finally:
            self._pass_on()

    def _await(self, path: Path, longest_wait_seconds: float) -> None:
        self._count(1)
        has_it = self._one.acquire(timeout=longest_wait_seconds)
        self._count(-1)
        if not has_it:
            self._give_up(path, longest_wait_seconds)

    def _give_up(self, path: Path, longest_wait_seconds: float) -> None:
        if self._one.acquire(blocking=False):  # it ended just now, and the file may have been kept for us
            self._pass_on()
        raise Busy(f"{path} was held by others for {longest_wait_seconds:g} s")

    def _count(self, more: int) -> None:
        with self._counting:
            self._waiting += more

    def _pass_on(self) -> None:
        """End the turn. The file stays locked only for a thread that waits here, and not for ever."""
        if self._file is not None and (not self._waiting or self._in_a_row >= _MOST_IN_A_ROW):
            os.close(self._file)
            self._file = None
        self._one.release()


_turns: defaultdict[str, _Turns] = defaultdict(_Turns)


def _forget_the_parents() -> None:
    """A forked process has descriptors of its parent's locks: it gives them up, and takes turns of its own."""
    for turns in _turns.values():
        if turns._file is not None:  # noqa: SLF001
            os.close(turns._file)  # noqa: SLF001
    _turns.clear()


os.register_at_fork(after_in_child=_forget_the_parents)
