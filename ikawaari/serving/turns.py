"""How many threads of a process answer at the same time.

Whoever computes needs the interpreter, which one thread has at a time. Each further thread that wants it makes all
others wait longer and more unevenly, and costs the process more than it brings.
"""

import math
import threading
import time
from urllib.parse import urlsplit

from ikawaari import addresses

_LONGEST_SECONDS = 0.1


def how_many(threads: int, database_url: str) -> int:
    """How many of a process's threads have a turn.

    One alone with a PostgreSQL on the same machine: it answers sooner than another thread could begin, and needs the
    processor for that. Else three of four, which wait for the disk or the network together.
    """
    parts = urlsplit(database_url)
    is_near = parts.scheme != "sqlite" and addresses.is_loopback(parts.hostname or "localhost")
    return 1 if is_near else threads - threads // 4


class Turns:
    """The turns of a process's threads. A thread that waits for somebody loses its turn for the rest of its request."""

    def __init__(self, turns: int) -> None:
        self._free = threading.Semaphore(turns)
        self._taken: dict[Turn, None] = {}
        self._own = threading.local()

    def take(self) -> "Turn":
        """Wait for a turn, which lasts until it is given away."""
        self._free.acquire()
        turn: Turn = Turn()
        self._own.turn = turn
        self._taken[turn] = None
        return turn

    def is_taken(self, turn: "Turn") -> bool:
        """Whether its thread still has it."""
        return turn in self._taken

    def give_away(self) -> None:
        """Let another thread have the turn of this one, if it has one."""
        self._end(getattr(self._own, "turn", None))

    def end_long(self) -> None:
        """End the turns of requests that have run for so long that others must not wait for them."""
        before = time.monotonic() - _LONGEST_SECONDS
        for turn in list(self._taken):
            if turn.since < before:
                self._end(turn)

    def _end(self, turn: "Turn | None") -> None:
        if turn is not None and self._taken.pop(turn, self) is None:  # both its thread and the poller may end it
            self._free.release()


class Turn:
    """The turn of one thread, for one request after the other."""

    def __init__(self) -> None:
        self.since = math.inf  # when its request has begun

    def begin(self) -> None:
        """A request begins."""
        self.since = time.monotonic()

    def end(self) -> None:
        """The request has been answered, and none is there yet."""
        self.since = math.inf
