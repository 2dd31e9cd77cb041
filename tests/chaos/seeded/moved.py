"""`ikawaari`, by a clock that a test moves: the file IKAWAARI_TEST_CLOCK says how many seconds it is ahead.

The program knows nothing of this. Besides the clock, calls of providers take no longer than the file says, because a
test orders many that are never answered, and webhooks of live mode may go to this machine. Where time passes faster
than real time does (IKAWAARI_TEST_CLOCK_SPEED), real waits for webhooks are shorter by as much, or leases would end
first. IKAWAARI_TEST_CLOCK_OF names the process, whose own clock may be off; the shared one never is. While the file
says so, workers begin nothing: then time can jump without a call on its way. With IKAWAARI_TEST_FORGETS old rows are
deleted after minutes.
"""

import mmap
import os
import struct
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from ikawaari import cli, clock, pruning, store
from ikawaari.events import delivery, outgoing
from ikawaari.events.outgoing import Caller
from ikawaari.providers.http import Call
from ikawaari.store import due, pruned

CLOCK, SPEED, OWNER = "IKAWAARI_TEST_CLOCK", "IKAWAARI_TEST_CLOCK_SPEED", "IKAWAARI_TEST_CLOCK_OF"
FORGETS = "IKAWAARI_TEST_FORGETS"
KEPT = timedelta(minutes=10)  # events and callbacks where FORGETS is set
_SESSIONS_KEPT = timedelta(days=2)  # they must have expired before
_PART, _PART_PAUSE, _WALK_PAUSE = 20, timedelta(seconds=0.5), timedelta(minutes=1)
OWNERS = ("server", "first worker", "second worker")
CALL_SECONDS = float(os.environ.get("IKAWAARI_TEST_CALL_SECONDS", "2"))
PATIENT_SECONDS = 20.0  # a machine that is busy enough answers no look-up within two, and nothing would ever end
_FORM = struct.Struct("ddd3d")  # how far ahead, how long calls may take, whether work waits, how far off each clock is


class Hands:
    """The file, for the one who moves the clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ahead, self._call_seconds, self._work_waits = 0.0, CALL_SECONDS, False
        self._off = [0.0] * len(OWNERS)
        path.write_bytes(self._said())

    def move(self, seconds: float) -> None:
        """Move all clocks that read the file forward."""
        self._ahead += seconds
        self._write()

    def set_off(self, owner: str, seconds: float) -> None:
        """Let the own clock of one process be wrong by so much."""
        self._off[OWNERS.index(owner)] = seconds
        self._write()

    def let_work_wait(self, *, waits: bool) -> None:
        """From now on workers begin nothing; or they do again."""
        self._work_waits = waits
        self._write()

    def be_patient(self) -> None:
        """From now on let calls take as long as a busy machine needs."""
        self._call_seconds = PATIENT_SECONDS
        self._write()

    def _write(self) -> None:
        with self.path.open("r+b") as file:
            file.write(self._said())

    def _said(self) -> bytes:
        return _FORM.pack(self._ahead, self._call_seconds, self._work_waits, *self._off)


def main() -> None:
    """Move the clock, then be `ikawaari`."""
    with Path(os.environ[CLOCK]).open("rb") as file:
        said = mmap.mmap(file.fileno(), _FORM.size, access=mmap.ACCESS_READ)
    _follow(said)
    _shorten_calls(said)
    _shorten_webhooks(float(os.environ.get(SPEED, "1")))
    _let_webhooks_stay_here()
    _let_work_wait(said)
    if os.environ.get(FORGETS):
        _forget_soon()
    cli.main()


def _follow(said: mmap.mmap) -> None:
    read, owner = clock.now, os.environ.get(OWNER)

    def shared() -> datetime:
        return read() + timedelta(seconds=_values(said)[0])

    def own() -> datetime:
        ahead, _, _, *off = _values(said)
        return read() + timedelta(seconds=ahead + off[OWNERS.index(owner or "")])

    clock.now = own if owner else shared
    clock.nanoseconds = lambda: round(clock.now().timestamp() * 1_000_000) * 1_000
    store.shared_clock.use(shared)


def _values(said: mmap.mmap) -> tuple[float, ...]:
    return _FORM.unpack(said[: _FORM.size])


def _shorten_calls(said: mmap.mmap) -> None:
    inner = Call.__init__

    @wraps(inner)
    def shortened(self: Call, account_id: str, base_url: str, timeout: timedelta, **more: Any) -> None:
        longest = timedelta(seconds=_values(said)[1])
        inner(self, account_id, base_url, min(timeout, longest), **more)

    Call.__init__ = shortened  # type: ignore[method-assign]


def _shorten_webhooks(speed: float) -> None:
    outgoing.TIMEOUT_SECONDS /= speed
    delivery._LONGEST_CARRY_SECONDS /= speed  # type: ignore[assignment]


def _let_webhooks_stay_here() -> None:
    inner = Caller.post

    @wraps(inner)
    def local(self: Caller, *given: Any, **_: Any) -> Any:
        return inner(self, *given, livemode=False)

    Caller.post = local  # type: ignore[method-assign]


def _let_work_wait(said: mmap.mmap) -> None:
    inner = due.claim

    @wraps(inner)
    def waiting(*given: Any, **named: Any) -> Any:
        return [] if _values(said)[2] else inner(*given, **named)

    due.claim = waiting


def _forget_soon() -> None:
    """Delete soon what is kept for months, in many small parts: so that processes die in the middle of it."""
    pruned.MOST = _PART
    pruning._PAUSE, pruning._HOUR = _PART_PAUSE, _WALK_PAUSE
    kept: Any = {name: KEPT / timedelta(days=1) for name in ("events", "callbacks")}
    kept["sessions"] = _SESSIONS_KEPT.days
    pruning.configure = lambda config: pruning._days.update(kept)


if __name__ == "__main__":
    main()
