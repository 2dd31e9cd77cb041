"""A simulator's own clock, and what is to happen later on it."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

Action = Callable[[], None]
LOOK_SECONDS = 0.5  # how soon an action notices that a test has moved the clock of the whole process


class Timeline:
    """Real time plus what tests have added. Actions run under `lock`, in the order in which they fall due."""

    def __init__(self, lock: threading.RLock) -> None:
        self._wake = threading.Condition(lock)
        self._ahead = 0.0
        self._actions: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self._stopped = False

    def now(self) -> float:
        """Unix seconds."""
        return time.time() + self._ahead

    def stamp(self) -> str:
        """Now, as most providers write it: `2026-11-25T10:00:00Z`."""
        return stamp(self.now())

    def later(self, seconds: float, action: Action) -> None:
        """Run `action` when so many seconds have passed, on another thread."""
        with self._wake:
            heapq.heappush(self._actions, (self.now() + seconds, next(self._numbers), action))
            self._wake.notify_all()

    def advance(self, seconds: float) -> None:
        """Move the clock forward; what falls due on the way has happened, each at its own time, when this returns."""
        with self._wake:
            ahead = self._ahead + seconds
            while self._actions and self._actions[0][0] <= time.time() + ahead:
                self._ahead = max(self._ahead, self._actions[0][0] - time.time())
                heapq.heappop(self._actions)[2]()
            self._ahead = ahead
            self._wake.notify_all()

    def mark(self) -> int:
        """A place in the order in which actions are entered, for `hurry`."""
        return next(self._numbers)

    def hurry(self, mark: int, within: float) -> None:
        """Run at once what was entered since `mark` and falls due within so many seconds."""
        with self._wake:
            until = self.now() + within
            hurried = sorted(one for one in self._actions if one[1] > mark and one[0] <= until)
            self._actions = [one for one in self._actions if one not in hurried]
            heapq.heapify(self._actions)
            for _, _, action in hurried:
                action()

    def run(self) -> None:
        """Run actions as they fall due, until stopped."""
        with self._wake:
            while not self._stopped:
                wait = self._actions[0][0] - self.now() if self._actions else None
                if wait is None or wait > 0:
                    self._wake.wait(wait and min(wait, LOOK_SECONDS))
                else:
                    heapq.heappop(self._actions)[2]()

    def stop(self) -> None:
        """End `run`."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()


def stamp(seconds: float) -> str:
    """A Unix time in ISO 8601, UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
