"""How many threads of a process answer at the same time.

Whoever computes needs the interpreter, which one thread has at a time. Each further thread that wants it makes all
others wait longer and more unevenly, and costs the process more than it brings.
"""

import threading


class Turns:
    """The turns of a process's threads. Who waits for a provider gives its turn away, for the rest of its request."""

    def __init__(self, threads: int) -> None:
        """Three of four threads have a turn: the fourth answers while another one waits for a provider."""
        self._free = threading.Semaphore(threads - threads // 4)
        self._mine = threading.local()

    def take(self) -> None:
        """Wait for a turn, which lasts until it is given away."""
        self._free.acquire()
        self._mine.is_held = True

    def is_mine(self) -> bool:
        """Whether this thread has a turn."""
        return getattr(self._mine, "is_held", False)

    def give_away(self) -> None:
        """Let another thread have the turn of this one, if it has one."""
        if self.is_mine():
            self._mine.is_held = False
            self._free.release()
