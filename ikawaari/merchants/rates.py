"""Rate limits: fixed windows of a minute, which all processes and machines count together.

A process takes its requests from the database in blocks, and lets them through without asking again. A block is a tenth
of what is left at most, so close to a limit each request is counted by itself: no window ever lets more through than
its limit. A process that stops using its block in the middle of a window makes it that much shorter for the others.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import EXCLUDED

from ikawaari import clock, store
from ikawaari.store import pruned
from ikawaari.store.models import RateWindow

_WINDOW = timedelta(minutes=1)
_SHARE = 10
_LARGEST_BLOCK = 200


@dataclass(frozen=True)
class RateLimitStatus:
    """A caller's window: the `limit`, the `remaining` requests, and the Unix second when the next window starts."""

    limit: int
    remaining: int
    resets_at: int

    @property
    def is_over(self) -> bool:
        """Whether this request was one too many."""
        return self.remaining < 0


@dataclass
class _Window:
    """What this process knows of one window."""

    limit: int
    counted: int = 0  # by all processes when we last took a block, with all of our blocks
    free: int = 0  # of our blocks, what is not used yet

    @property
    def is_short(self) -> bool:
        """Whether the next request needs another block, and there may be one."""
        return not self.free and self.counted < self.limit

    @property
    def block(self) -> int:
        """How many requests to take next."""
        return max(1, min(_LARGEST_BLOCK, (self.limit - self.counted) // _SHARE))

    def add(self, block: int, counted: int) -> None:
        """Take in a block: those of its requests that are within the limit."""
        self.free += max(0, min(block, self.limit - (counted - block)))
        self.counted = min(counted, self.limit)

    def use(self) -> int:
        """Let one request through. Returns how many remain; below zero: it was one too many."""
        if not self.free:
            return -1
        self.free -= 1
        return self.limit - self.counted + self.free


_windows: dict[int, dict[tuple[str, int], _Window]] = {}  # by minute; by name and limit
_using = threading.Lock()
_taking = threading.Lock()  # one block at a time: those who wait for the database use what it brings
os.register_at_fork(after_in_child=_windows.clear)  # a block belongs to one process


def count(limits: Sequence[tuple[str, int]], now: datetime) -> RateLimitStatus:
    """Count one request against every (name, requests a minute) of `limits`; the status of the tightest."""
    minute = clock.unix(now) // 60
    with _using:
        windows = _windows_of(limits, minute)
        standing = _use(windows, minute)
    if standing is None:
        with _taking:
            while (standing := _use_later(windows, minute)) is None:
                _take_blocks(windows, minute)
    return standing


def take(name: str, most: int, now: datetime) -> bool:
    """Count one of at most `most` in a second, over all machines. False if there were so many."""
    second = clock.unix(now)
    ends_at = clock.from_unix(second) + timedelta(seconds=1)
    return _counted({f"{name}:{second}": 1}, ends_at)[f"{name}:{second}"] <= most


def count_one(name: str, limit: int, now: datetime) -> bool:
    """Count one against a small limit, in the database: the blocks of many processes would use it up. False: over."""
    minute = clock.unix(now) // 60
    return _count({name: 1}, minute)[f"{name}:{minute}"] <= limit


def uncount_one(names: Sequence[str], now: datetime) -> None:
    """Take back what `count_one` has just counted against each of `names`, at the same `now`."""
    windows = [f"{name}:{clock.unix(now) // 60}" for name in names]
    with store.without_fsync():
        RateWindow.update(count=RateWindow.count - 1).where(RateWindow.id.in_(windows)).execute()


def seconds_left(now: datetime) -> int:
    """How many seconds remain of the window."""
    return 60 - clock.unix(now) % 60


def forget(now: datetime) -> bool:
    """Delete some windows that are over. True: there may be more."""
    return pruned.delete_some(RateWindow, RateWindow.ends_at < now - _WINDOW, RateWindow.ends_at)


def _windows_of(limits: Sequence[tuple[str, int]], minute: int) -> Mapping[str, _Window]:
    running = _windows.get(minute)
    if running is None:
        for over in [old for old in _windows if old < minute]:
            del _windows[over]
        running = _windows[minute] = {}
    return {each[0]: running.get(each) or running.setdefault(each, _Window(each[1])) for each in limits}


def _use(windows: Mapping[str, _Window], minute: int) -> RateLimitStatus | None:
    """Let one request through, if all windows have it or are at their end. None: a block must be taken first."""
    for window in windows.values():
        if window.is_short:
            return None
    remaining, limit = min([(window.use(), window.limit) for window in windows.values()])
    return RateLimitStatus(limit, remaining, (minute + 1) * 60)


def _use_later(windows: Mapping[str, _Window], minute: int) -> RateLimitStatus | None:
    with _using:
        return _use(windows, minute)


def _take_blocks(windows: Mapping[str, _Window], minute: int) -> None:
    blocks = {name: window.block for name, window in windows.items() if window.is_short}
    counted = _count(blocks, minute)
    with _using:
        for name, block in blocks.items():
            windows[name].add(block, counted[f"{name}:{minute}"])


def _count(blocks: Mapping[str, int], minute: int) -> Mapping[str, int]:
    """Count so many requests at once in the database. Returns the new counts by window."""
    windows = {f"{name}:{minute}": block for name, block in blocks.items()}
    return _counted(windows, clock.from_unix(minute * 60) + _WINDOW)


def _counted(blocks: Mapping[str, int], ends_at: datetime) -> Mapping[str, int]:
    # One statement for all, in one order: parallel requests count one after the other and never deadlock.
    rows = [
        {RateWindow.id: window, RateWindow.count: block, RateWindow.ends_at: ends_at}
        for window, block in sorted(blocks.items())
    ]
    counted = (
        RateWindow.insert_many(rows)
        .on_conflict(conflict_target=[RateWindow.id], update={RateWindow.count: RateWindow.count + EXCLUDED.count})
        .returning(RateWindow.id, RateWindow.count)
    )
    with store.without_fsync():
        return {row.id: row.count for row in counted.execute()}
