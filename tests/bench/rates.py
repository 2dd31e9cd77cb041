"""Over HTTP: rates as ratios to a bare Flask answer by the same gunicorn, in rounds that take turns in the same run.

Each round is compared with one of the bare answer right before it: a machine that is a third slower for some seconds
would else count against whoever had its round then.
"""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from tests.bench import databases, load, peer
from tests.bench.load import Figures
from tests.bench.servers import bare_flask, checkout
from tests.bench.shop import Kind

_BARE = Kind("bare Flask", "GET", "/")
_WARM_UP_SECONDS = _BARE_SECONDS = 1
_REST_SECONDS = 2
_FIRST_PAYMENTS = 400


@dataclass
class Row:
    """A kind of request at one server, and what was measured of it."""

    engine: str  # empty: none
    kind: Kind
    url: str
    new_sessions: Callable[[int], list[str]] | None = None  # for payments
    rounds: list[Figures] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)  # beside each round, how many bare answers came a second

    def warm_up(self, seconds: int) -> Figures:
        """One round that does not count."""
        return load.run(self.url, self.kind, seconds, self._sessions(_FIRST_PAYMENTS))

    def measure(self, seconds: int, expected: float) -> None:
        """One round that does; `expected` is about how many answers a second will come."""
        enough = int(expected * seconds * 1.5) + 4 * load.CONNECTIONS
        self.rounds.append(load.run(self.url, self.kind, seconds, self._sessions(enough)))

    def median(self, figure: str) -> float:
        """The median of all rounds."""
        return statistics.median([float(getattr(one, figure)) for one in self.rounds])

    def ratio(self) -> float:
        """The median of the rounds' ratios to the bare answer."""
        rounds = zip(self.rounds, self.bare, strict=True)
        return statistics.median([one.rate / bare for one, bare in rounds]) if self.bare else 1.0

    def slowest(self) -> float:
        """The slowest answer of all rounds, in milliseconds."""
        return max(one.slowest for one in self.rounds)

    def _sessions(self, count: int) -> list[str]:
        return self.new_sessions(count) if self.new_sessions and self.kind.pays else []


def measure(
    engines: list[str], kinds: list[str] | None = None, *, rounds: int, seconds: int, with_peer: bool
) -> list[Row]:
    """All rows, or those of `kinds`, the bare answer first."""
    with ExitStack() as servers:
        bare = servers.enter_context(bare_flask())
        rows = [Row("", _BARE, bare)]
        for engine in engines:
            database = servers.enter_context(databases.opened(engine))
            own = servers.enter_context(checkout(database))
            rows += [Row(engine, kind, own.url, own.new_sessions) for kind in own.shop.kinds()]
            rows = [row for row in rows if kinds is None or row.kind is _BARE or row.kind.name in kinds]
            if with_peer and engine == "postgres":
                rows.append(Row(engine, peer.KIND, servers.enter_context(peer.serving(database))))
        expected = [row.warm_up(_WARM_UP_SECONDS).rate for row in rows]
        last = _BARE
        for _ in range(rounds):
            for row, rate in list(zip(rows, expected, strict=True))[1:]:
                _settle(before=row.kind, after=last)
                last = row.kind
                rows[0].measure(_BARE_SECONDS, expected[0])
                row.measure(seconds, rate)
                row.bare.append(rows[0].rounds[-1].rate)
    return rows


def _settle(*, before: Kind, after: Kind) -> None:
    """Write what a round has left to be written, and let a round of reads begin when the machine has rested."""
    os.sync()
    if before.method == "GET" and after.method == "POST":
        time.sleep(_REST_SECONDS)
