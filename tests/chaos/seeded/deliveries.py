"""The merchants' server, which is sometimes out of order, and what must have reached it."""

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ikawaari.simulators.web import Answer, Request, Server, Silence
from ikawaari.store.models import Event

_SLOW_SECONDS = 0.6


class Mood(StrEnum):
    """How a delivery is answered."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SLOW = "slow"  # and accepted
    CUT = "cut off"
    SILENT = "silent"  # until the sender gives up


_MOODS = {Mood.ACCEPTED: 940, Mood.REFUSED: 30, Mood.SLOW: 15, Mood.CUT: 12, Mood.SILENT: 3}


@dataclass(frozen=True)
class Arrival:
    """A webhook that came: `digest` is of its bytes."""

    event_id: str
    digest: str
    accepted: bool


@dataclass(frozen=True)
class Told:
    """An event as it is stored."""

    id: str
    type: str
    object_id: str
    sequence: int
    digest: str


class Receiver:
    """Takes webhooks, in the order in which they come."""

    def __init__(self, seed: int) -> None:
        self.arrivals: list[Arrival] = []
        self.moods: Counter[Mood] = Counter()
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = Server("127.0.0.1", 0, self._receive)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """Receive for as long as the block lasts."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.is_stopping = True
            self._server.shutdown()
            self._server.server_close()

    def _receive(self, request: Request) -> Answer | Silence:
        try:
            event_id = str(json.loads(request.body)["id"])
        except ValueError:  # the sender was killed in the middle
            return Answer(400)
        with self._lock:
            (mood,) = self._chance.choices(list(_MOODS), weights=list(_MOODS.values()))
            self.moods[mood] += 1
            self.arrivals.append(Arrival(event_id, digest(request.body), mood in {Mood.ACCEPTED, Mood.SLOW}))
        return _answer(mood)


def _answer(mood: Mood) -> Answer | Silence:
    match mood:
        case Mood.REFUSED:
            return Answer(500)
        case Mood.CUT:
            return Silence.RESET
        case Mood.SILENT:
            return Silence.HANG
        case Mood.SLOW:
            time.sleep(_SLOW_SECONDS)
    return Answer(200)


def digest(body: bytes) -> str:
    """What stands for a webhook's bytes: there are too many to keep."""
    return hashlib.sha256(body).hexdigest()


def stored() -> list[Told]:
    """Every event that is there, in the order in which they were written."""
    columns = (Event.id, Event.type, Event.object_id, Event.sequence, Event.body)
    return told(Event.select(*columns).order_by(Event.sequence).tuples().iterator())


def told(rows: Any) -> list[Told]:
    """The events of those rows: id, type, object, sequence and body."""
    return [Told(name, type_, about, number, digest(body.encode())) for name, type_, about, number, body in rows]


def undelivered(events: Sequence[Told], arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Events that nobody accepted, and webhooks that are no events of ours."""
    accepted = {one.event_id for one in arrivals if one.accepted}
    yield from (f"event {one.id} ({one.type}) was not delivered" for one in events if one.id not in accepted)
    strange = {one.event_id for one in arrivals} - {one.id for one in events}
    yield from (f"a webhook came of event {event_id}, which is not stored" for event_id in sorted(strange))


def altered(events: Sequence[Told], arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Webhooks whose bytes are not those of their event."""
    known = {one.id: one.digest for one in events}
    wrong = {one.event_id for one in arrivals if known.get(one.event_id, one.digest) != one.digest}
    yield from (f"event {event_id} came with other bytes" for event_id in sorted(wrong))


def out_of_order(events: Sequence[Told], arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Events that came before an earlier event of the same object was accepted."""
    known = {one.id: one for one in events}
    accepted: set[str] = set()
    before = _predecessors(events)
    for arrival in arrivals:
        previous = before.get(arrival.event_id)
        if previous is not None and previous not in accepted:
            one = known[arrival.event_id]
            yield f"event {one.id} ({one.type}) of {one.object_id} came before {previous} was accepted"
        if arrival.accepted:
            accepted.add(arrival.event_id)


def _predecessors(events: Sequence[Told]) -> Mapping[str, str]:
    """The event of the same object before each, if there is one."""
    latest: dict[str, str] = {}
    before = {}
    for one in events:
        if one.object_id in latest:
            before[one.id] = latest[one.object_id]
        latest[one.object_id] = one.id
    return before


def differs_from_list(events: Sequence[Told], listed: Mapping[str, str]) -> Iterator[str]:
    """Events that `GET /api/v1/events` does not show with the bytes that webhooks carry: digests by id."""
    for one in events:
        if listed.get(one.id) != one.digest:
            yield f"event {one.id} ({one.type}) is not listed as it is stored"


def listed_digest(shown: object) -> str:
    """The digest of an event as the list shows it, written like a webhook."""
    return digest(json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode())
