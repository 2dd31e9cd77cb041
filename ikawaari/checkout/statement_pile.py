"""The lines of one statement, kept aside until all of them have been read.

They are in a private file of SQLite, which the system deletes: a statement of any length needs little memory, and its
lines are found by their ids, in the order in which they came.
"""

import hashlib
import itertools
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ikawaari.money import Money
from ikawaari.providers.statements import Kind, Line, NoStatement, Standing

BATCH = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = "kind, id, own_id, charge_id, amount, currency, standing, at, fee, fee_currency, number"
_SCHEMA = f"""
CREATE TABLE lines (place INTEGER PRIMARY KEY, {_COLUMNS}, matched);
CREATE INDEX lines_ids ON lines (kind, id);
CREATE INDEX lines_matched ON lines (matched) WHERE matched IS NOT NULL
"""
# Of the lines with one id the first one that is final stands for them: others repeat it, or tell of it before its end.
_FIRST = f"""
SELECT place, {_COLUMNS} FROM lines AS one WHERE place > ? AND NOT EXISTS (
    SELECT 1 FROM lines AS other WHERE other.kind = one.kind AND other.id = one.id
    AND (other.standing = 'pending', other.place) < (one.standing = 'pending', one.place)
) ORDER BY place LIMIT {BATCH}
"""  # noqa: S608 - names of our own
_CONTRADICTORY = """
SELECT kind, id FROM lines WHERE standing <> 'pending' GROUP BY kind, id
HAVING COUNT(DISTINCT amount || currency || standing) > 1 ORDER BY MIN(place)
"""
Placed = tuple[int, Line]
"""A line, with its place in the pile."""


class Pile:
    """The lines, once all are there."""

    def __init__(self, db: sqlite3.Connection, lines: Iterable[Line]) -> None:
        """Read all lines. Raises what `lines` raises: then there is no pile."""
        self._db = db
        db.executescript(_SCHEMA)
        digest = hashlib.sha256()
        marks = ", ".join("?" * 11)
        rows = (_row(line) for line in lines)
        while batch := list(itertools.islice(rows, BATCH)):
            digest.update(repr(batch).encode())
            db.executemany(f"INSERT INTO lines ({_COLUMNS}) VALUES ({marks})", batch)  # noqa: S608 - names of our own
        self.digest = digest.hexdigest()
        """Of all that the lines say."""
        self.count = int(db.execute("SELECT COUNT(*) FROM lines").fetchone()[0])

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From the first line to the last one; None without any."""
        first, last = self._db.execute("SELECT MIN(at), MAX(at) FROM lines").fetchone()
        return None if first is None else (_instant(first), _instant(last))

    def contradictory(self) -> Iterator[Sequence[Placed]]:
        """The lines of each id that say different things of it."""
        for kind, name in self._db.execute(_CONTRADICTORY).fetchall():
            query = f"SELECT place, {_COLUMNS} FROM lines WHERE kind = ? AND id = ? ORDER BY place"  # noqa: S608
            yield [_line(row) for row in self._db.execute(query, (kind, name))]

    def batches(self) -> Iterator[Sequence[Placed]]:
        """One line of each id, in batches."""
        last = 0
        while batch := [_line(row) for row in self._db.execute(_FIRST, (last,))]:
            yield batch
            last = batch[-1][0]

    def has(self, kind: Kind, name: str | None) -> bool:
        """Whether it lists that id as a success."""
        query = "SELECT 1 FROM lines WHERE kind = ? AND id = ? AND standing = 'succeeded'"
        return self._db.execute(query, (kind.value, name)).fetchone() is not None

    def is_matched(self, matched: str, apart_from: Collection[int]) -> bool:
        """Whether a line at another place is about that object of ours, as far as was noted."""
        places = self._db.execute("SELECT place FROM lines WHERE matched = ?", (matched,))
        return any(place not in apart_from for (place,) in places)

    def match(self, place: int, matched: str) -> Line | None:
        """Note which object of ours a line is about. Returns the line that was about it before, if there is one."""
        query = f"SELECT place, {_COLUMNS} FROM lines WHERE matched = ? AND place <> ? LIMIT 1"  # noqa: S608
        earlier = self._db.execute(query, (matched, place)).fetchone()
        if earlier is None:
            self._db.execute("UPDATE lines SET matched = ? WHERE place = ?", (matched, place))
        return None if earlier is None else _line(earlier)[1]


@contextmanager
def piled(lines: Iterable[Line]) -> Iterator[Pile]:
    """All lines of a statement. Raises what `lines` raises, and NoStatement if there is no room for them."""
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        try:
            pile = Pile(db, lines)
        except sqlite3.Error as error:
            raise NoStatement(f"The lines could not be kept aside: {error}.") from None
        yield pile


def _row(line: Line) -> Sequence[Any]:
    at = None if line.at is None else (line.at - _EPOCH) // timedelta(microseconds=1)
    money = line.money
    return (
        *(line.kind.value, line.id, line.own_id, line.charge_id, money.amount, money.currency),
        *(line.standing.value, at, line.fee, line.fee_currency, line.number),
    )


def _line(row: Sequence[Any]) -> Placed:
    place, kind, name, own_id, charge_id, amount, currency, standing, at, fee, fee_currency, number = row
    return place, Line(
        kind=Kind(kind),
        id=name,
        own_id=own_id,
        charge_id=charge_id,
        money=Money(amount, currency),
        standing=Standing(standing),
        at=None if at is None else _instant(at),
        fee=fee,
        fee_currency=fee_currency,
        number=number,
    )


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
