"""`ikawaari`, by a clock that a test moves: the file IKAWAARI_TEST_CLOCK says how many seconds it is ahead.

The program knows nothing of this. Besides the clock, calls of providers take two seconds at most, because a test orders
many that are never answered, and webhooks of live mode may go to this machine.
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
CALL_SECONDS = 2.0
_FORM = struct.Struct("d")


class Hands:
    """The file, for the one who moves the clock."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_FORM.pack(0.0))
        self.path = path
        self._ahead = 0.0

    def move(self, seconds: float) -> None:
        """Move all clocks that read the file forward."""
        self._ahead += seconds
        with self.path.open("r+b") as file:
            file.write(_FORM.pack(self._ahead))


def main() -> None:
    """Move the clock, then be `ikawaari`."""
    _follow(Path(os.environ[CLOCK]))
    _shorten_calls()
    _let_webhooks_stay_here()
    cli.main()


def _follow(path: Path) -> None:
    with path.open("rb") as file:
        ahead = mmap.mmap(file.fileno(), _FORM.size, access=mmap.ACCESS_READ)
    read = clock.now

    def moved() -> datetime:
        return read() + timedelta(seconds=_FORM.unpack(ahead[: _FORM.size])[0])

    clock.now = moved
    store.shared_clock.use(moved)


def _shorten_calls() -> None:
    inner = Call.__init__

    @wraps(inner)
    def shortened(self: Call, account_id: str, base_url: str, timeout: timedelta, **more: Any) -> None:
        inner(self, account_id, base_url, min(timeout, timedelta(seconds=CALL_SECONDS)), **more)

    Call.__init__ = shortened  # type: ignore[method-assign]


def _let_webhooks_stay_here() -> None:
    inner = Caller.post

    @wraps(inner)
    def local(self: Caller, *given: Any, **_: Any) -> Any:
        return inner(self, *given, livemode=False)

    Caller.post = local  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
