"""`ikawaari`, by a clock that a test moves: the file IKAWAARI_TEST_CLOCK says how many seconds it is ahead.

The program knows nothing of this. Besides the clock, calls of providers take no longer than the file says, because a
test orders many that are never answered, and webhooks of live mode may go to this machine.
"""

import mmap
import os
import struct
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from ikawaari import cli, clock, store
from ikawaari.events.outgoing import Caller
from ikawaari.providers.http import Call

CLOCK = "IKAWAARI_TEST_CLOCK"
CALL_SECONDS = float(os.environ.get("IKAWAARI_SEEDED_CALL_SECONDS", "2"))
PATIENT_SECONDS = 20.0  # a machine that is busy enough answers no look-up within two, and nothing would ever end
_FORM = struct.Struct("dd")  # how far ahead, and how long calls may take


class Hands:
    """The file, for the one who moves the clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ahead, self._call_seconds = 0.0, CALL_SECONDS
        path.write_bytes(_FORM.pack(self._ahead, self._call_seconds))

    def move(self, seconds: float) -> None:
        """Move all clocks that read the file forward."""
        self._ahead += seconds
        self._write()

    def be_patient(self) -> None:
        """From now on let calls take as long as a busy machine needs."""
        self._call_seconds = PATIENT_SECONDS
        self._write()

    def _write(self) -> None:
        with self.path.open("r+b") as file:
            file.write(_FORM.pack(self._ahead, self._call_seconds))


def main() -> None:
    """Move the clock, then be `ikawaari`."""
    with Path(os.environ[CLOCK]).open("rb") as file:
        said = mmap.mmap(file.fileno(), _FORM.size, access=mmap.ACCESS_READ)
    _follow(said)
    _shorten_calls(said)
    _let_webhooks_stay_here()
    cli.main()


def _follow(said: mmap.mmap) -> None:
    read = clock.now

    def moved() -> datetime:
        return read() + timedelta(seconds=_FORM.unpack(said[: _FORM.size])[0])

    clock.now = moved
    store.shared_clock.use(moved)


def _shorten_calls(said: mmap.mmap) -> None:
    inner = Call.__init__

    @wraps(inner)
    def shortened(self: Call, account_id: str, base_url: str, timeout: timedelta, **more: Any) -> None:
        longest = timedelta(seconds=_FORM.unpack(said[: _FORM.size])[1])
        inner(self, account_id, base_url, min(timeout, longest), **more)

    Call.__init__ = shortened  # type: ignore[method-assign]


def _let_webhooks_stay_here() -> None:
    inner = Caller.post

    @wraps(inner)
    def local(self: Caller, *given: Any, **_: Any) -> Any:
        return inner(self, *given, livemode=False)

    Caller.post = local  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
