"""The rates with many sessions stored, beside those with few: what grows with its table shows here."""

import sqlite3
import statistics
import time
from base64 import b64encode
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

import ikawaari
from ikawaari import clock
from ikawaari.checkout import sessions
from ikawaari.config import Config
from ikawaari.store import due
from tests.bench import databases, load, shop
from tests.bench.servers import Checkout, checkout
from tests.bench.shop import Kind

FEW, MANY = 10_000, 1_000_000
CLAIMS = "worker's claims"
_KINDS = ("POST session", "GET session", "list of 20", "the page")
_PART = 20_000  # rows of one transaction
_CLAIMS = 200
# Of each table that a session has rows in: the columns that differ, from the number of the row.
_COPIED = {
    "checkout_sessions": {"id": "'cs_' || {text}", "created_at": "created_at - {n} * 1000000"},
    "payment_intents": {
        "id": "'pi_' || {text}",
        "session_id": "'cs_' || {text}",
        "created_at": "created_at - {n} * 1000000",
    },
    "events": {
        "id": "'evt_' || {text} || substr(id, 5, 4)",
        "object_id": "'cs_' || {text}",
        "created_at": "created_at - {n} * 1000000",
    },
    "idempotency_keys": {"key": "{text}", "subject": "'cs_' || {text}"},
    "due_work": {"subject": "'cs_' || {text}", "due_at": "due_at + {n} * 1000"},
}
_GIVEN = {"sequence"}  # by the database, like the `id` of the last two tables
# As our ids: a new one belongs anywhere among them, so that an index is written to in all its places.
_TEXT = {
    "sqlite": "text_of(n.value)",
    "postgres": "substr(translate(encode(sha256(n.value::text::bytea), 'base64'), '+/', 'aZ'), 1, 27)",
}
_TIDY = {"sqlite": ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"), "postgres": ("VACUUM ANALYZE", "CHECKPOINT")}
_NUMBERS = {
    "sqlite": "(WITH RECURSIVE t(value) AS (SELECT {a} UNION ALL SELECT value + 1 FROM t WHERE value < {b}) "
    "SELECT value FROM t)",
    "postgres": "(SELECT generate_series({a}::bigint, {b}) AS value)",
}


@dataclass
class Figures:
    """Rates of one engine, by kind: with few rows, and with many."""

    few: dict[str, list[float]] = field(default_factory=dict)
    many: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self) -> dict[str, float]:
        """What is left of each rate."""
        return {kind: statistics.median(self.many[kind]) / statistics.median(self.few[kind]) for kind in self.few}


def measure(engine: str, *, rounds: int, seconds: int, many: int = MANY) -> Figures:
    """Two servers on two databases, in turns."""
    figures = Figures()
    with ExitStack() as stack:
        sides = []
        for rates, count in ((figures.few, FEW), (figures.many, many)):
            database = stack.enter_context(databases.opened(engine))
            own = stack.enter_context(checkout(database, "--no-worker"))
            kinds = [kind for kind in own.shop.kinds((20,)) if kind.name in _KINDS]
            fill(engine, database, own, count)
            sides.append((rates, database, own, kinds))
        for _ in range(rounds + 1):  # the first one warms up
            for rates, database, own, kinds in sides:
                _measure_once(rates, database, own, kinds, seconds)
    for rates in (figures.few, figures.many):
        for kind in rates:
            rates[kind] = rates[kind][1:]
    return figures


def _measure_once(rates: dict[str, list[float]], database: str, own: Checkout, kinds: list[Kind], seconds: int) -> None:
    for kind in kinds:
        rates.setdefault(kind.name, []).append(load.run(own.url, kind, seconds).rate)
    rates.setdefault(CLAIMS, []).append(_claims(database))


def _claims(database: str) -> float:
    """How many rows of due work this process schedules and claims a second, one by one."""
    ikawaari.start(Config.from_environment(shop.settings(database)))
    started = time.monotonic()
    for number in range(_CLAIMS):
        now = clock.now()
        due.schedule(sessions.EXPIRE, f"due {number}", now - timedelta(hours=1))
        (work,) = due.claim(now, kinds={sessions.EXPIRE}, most=1, lease=timedelta(seconds=60))
        due.finish(work, now)
    rate = _CLAIMS / (time.monotonic() - started)
    shop.disconnect()
    return rate


def fill(engine: str, database: str, own: Checkout, count: int) -> None:
    """Store so many copies of a session, with all that one has."""
    own.shop.ask(own.shop.kinds()[0].request())
    connection: Any = (
        sqlite3.connect(unquote(urlsplit(database).path.removeprefix("/")), isolation_level=None)
        if engine == "sqlite"
        else psycopg.connect(database, autocommit=True)
    )
    with closing(connection):
        if engine == "sqlite":
            connection.create_function("text_of", 1, _text_of, deterministic=True)
            connection.execute("PRAGMA synchronous = off")  # of this connection: what is filled in may be lost
            connection.execute("PRAGMA cache_size = -1000000")
        for first in range(1, count + 1, _PART):
            for table in _COPIED:
                connection.execute(_copy(engine, connection, table, first, min(first + _PART - 1, count)))
        for statement in _TIDY[engine]:
            connection.execute(statement)


def _text_of(number: int) -> str:
    """The text that PostgreSQL makes of a number."""
    return b64encode(sha256(str(number).encode()).digest(), b"aZ")[:27].decode()


def _copy(engine: str, connection: Any, table: str, first: int, last: int) -> str:
    changed = _COPIED[table]
    columns = [one[0] for one in connection.execute(f"SELECT * FROM {table} LIMIT 0").description]
    own = [name for name in columns if name not in _GIVEN and (name != "id" or "id" in changed)]
    if engine == "postgres":  # the column's own default numbers it
        own = [name for name in own if name != "commit_order"]
    chosen = [changed.get(name, name).format(n="n.value", text=_TEXT[engine]) for name in own]
    numbers = _NUMBERS[engine].format(a=first, b=last)
    newest_by = next(name for name in ("sequence", "created_at", "id") if name in columns)
    newest = f"(SELECT * FROM {table} ORDER BY {newest_by} DESC LIMIT 1)"
    return f"INSERT INTO {table} ({', '.join(own)}) SELECT {', '.join(chosen)} FROM {newest} AS one, {numbers} AS n"
