"""Whatever happens, in any order: nothing is lost, nothing overtakes, no byte changes, and nobody waits for another.

A story is drawn by lot: events of a few objects, endpoints that are moody, hang, are down for days, are switched off
and on, a clock that jumps, three workers at once, and in some stories workers that die in the middle of a call.
"""

import json
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from random import Random
from typing import Any

import pytest

from ikawaari import clock, sealing, store, worker
from ikawaari.events import delivery, endpoints, outgoing
from ikawaari.store.models import DeliveryTry, Event, WebhookDelivery
from tests.events.receiver import Answer, Heard, Receiver, listening
from tests.events.telling import SCHEDULE, endpoint, signed_at, stored, tell
from tests.events.test_bad_receivers import REFUSING, reset
from tests.world import Killed, World, names, together

OBJECTS = [f"o{number}" for number in range(6)]
STEPS = 30
WORKERS = 3
JUMPS = (0, 1, 60, 60, 300, 1_800, 7_200, 28_800, 86_400)  # seconds
MOODS: tuple[Answer | None, ...] = (  # None: it accepts
    *[None] * 4,
    *(REFUSING[name] for name in ("refuses, 500", "goes elsewhere, 302", "hangs up", "speaks no HTTP")),
    reset,
)


class Merchant:
    """An endpoint and its server: what it accepted, and whatever should not have come as it came."""

    def __init__(self, world: World, receiver: Receiver, chance: Random) -> None:
        self.endpoint = endpoint(world, receiver.url)
        self.weather = "fair"
        self.accepted: Counter[str] = Counter()
        self.told: dict[str, int] = dict.fromkeys(OBJECTS, -1)
        self.wrong: list[str] = []
        self._chance = chance
        self._lock = threading.Lock()
        self._receiver = receiver
        receiver.answer = self.answer

    def answer(self, heard: Heard, handler: BaseHTTPRequestHandler) -> int:
        """Look at a webhook, and answer as the weather is."""
        with self._lock:
            self._look_at(heard)
            refuse = {"fair": None, "moody": self._chance.choice(MOODS), "storm": reset}.get(self.weather, hang)
            if refuse is None:
                self.accepted[heard.event["id"]] += 1
                self.told[heard.object_id] = max(self.told[heard.object_id], heard.event["data"]["n"])
        return refuse(heard, handler) if refuse else 200

    def _look_at(self, heard: Heard) -> None:
        number, told = heard.event["data"]["n"], self.told[heard.object_id]
        if number > told + 1 and not set(range(told + 1, number)) <= self._set_aside(heard.object_id):
            self.wrong.append(f"{heard.object_id}: {number} overtakes {told}")
        if signed_at(heard, sealing.open_sealed(self.endpoint.secret)) != clock.unix(clock.now()):
            self.wrong.append("a signature is stale")

    def _set_aside(self, object_id: str) -> set[int]:
        """The events of an object that failed for good here: they alone may be overtaken."""
        query = WebhookDelivery.select(WebhookDelivery, Event).join(Event)
        found = query.where(
            WebhookDelivery.endpoint == self.endpoint.id,
            WebhookDelivery.object_id == object_id,
            WebhookDelivery.set_aside,
        )
        try:
            return {json.loads(row.event.body)["data"]["n"] for row in found}
        finally:
            store.release()

    def check(self) -> None:
        """Every event that is stored was accepted, and only with the stored bytes."""
        bodies = {event.id: event.body.encode() for event in Event.select()}
        assert self.wrong == []
        assert self.accepted.keys() == bodies.keys()
        assert all(heard.body == bodies[heard.event["id"]] for heard in self._receiver.heard)


def hang(_heard: Heard, _handler: BaseHTTPRequestHandler) -> int:
    """Answer when it is too late."""
    time.sleep(outgoing.TIMEOUT_SECONDS + 0.2)
    return 200


def work(world: World) -> int:
    """Three workers do all that is due now. Returns how many of them died."""

    def one(_: int) -> str:
        with suppress(Killed):
            while worker.run_once(world.now, delivery.LEASE, worker.WEBHOOKS):
                pass
            return "alive"
        return "dead"

    results = names(together(WORKERS, one))
    assert results["alive"] + results["dead"] == WORKERS, results
    return results["dead"]


def make_deadly(monkeypatch: pytest.MonkeyPatch, chance: Random) -> None:
    """One call in eight kills its worker, before or after."""
    real = outgoing.Caller.post

    def post(*args: Any, **options: Any) -> outgoing.Answer:
        dies = chance.choice(("before", "after", *[""] * 14))
        if dies == "before":
            raise Killed
        answer = real(*args, **options)
        if dies == "after":
            raise Killed
        return answer

    monkeypatch.setattr(outgoing.Caller, "post", post)


@pytest.mark.parametrize(
    ("seed", "is_deadly"),
    [pytest.param(1, False, marks=pytest.mark.long, id="nobody dies"), pytest.param(2, True, id="workers die")],
)
def test_each_event_is_accepted_in_order_with_its_bytes(
    monkeypatch: pytest.MonkeyPatch, world: World, receiver: Receiver, seed: int, is_deadly: bool
) -> None:
    chance = Random(seed)
    monkeypatch.setattr(outgoing, "TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(delivery, "_SLOW_MS", 700)
    with listening() as elsewhere, monkeypatch.context() as patch:
        steady, moody = Merchant(world, elsewhere, chance), Merchant(world, receiver, chance)
        if is_deadly:
            make_deadly(patch, chance)
        wanted, deaths = Counter[str](), 0
        for _ in range(STEPS):
            happen(world, chance, wanted, moody)
            world.later(chance.choice(JUMPS))
            deaths += work(world)
            assert is_deadly or steady.accepted == wanted, "who is well gets everything at once, once"
        patch.undo()
        break_down(world, moody)
        settle(world, moody)
        steady.check()
        moody.check()
        events, tries = Event.select().count(), DeliveryTry.select().count()
        print(f"{events} events to 2 endpoints, {tries} tries, {deaths} workers died, 0 lost")


def happen(world: World, chance: Random, wanted: Counter[str], moody: Merchant) -> None:
    """A few events, perhaps an old one once more; and the moody merchant's weather, and its switch."""
    if wanted and chance.random() < 0.2:
        again = Event.get(Event.id == chance.choice(list(wanted)))
        delivery.send_again([again], world.now)
        wanted[again.id] += 1
    for _ in range(chance.randrange(6)):
        name = chance.choice(OBJECTS)
        tell(world, name, n=Event.select().where(Event.object_id == name).count())
        wanted[Event.select().order_by(Event.sequence.desc()).get().id] += 1
    moody.weather = chance.choice(("fair", "moody", "moody", "hangs", *["storm"] * 3, *[moody.weather] * 6))
    if chance.random() < 0.2:
        endpoints.update(moody.endpoint, world.now, enabled=chance.random() < 0.7)


def break_down(world: World, moody: Merchant) -> None:
    """The moody endpoint is down for longer than we try, while more happens."""
    endpoints.update(moody.endpoint, world.now, enabled=True)
    moody.weather = "storm"
    # A minute for the leases of the dead. An event that was tried first while others were accepted is only set aside:
    # the next one of its object has a schedule of its own before it.
    for seconds in (60, *SCHEDULE * 3):
        for name in OBJECTS:
            tell(world, name, n=Event.select().where(Event.object_id == name).count())
        world.later(seconds)
        work(world)
    assert stored(moody.endpoint).failing_since


def settle(world: World, moody: Merchant) -> None:
    """The weather clears up, the moody endpoint is enabled, and what is due is done."""
    moody.weather = "fair"
    endpoints.update(moody.endpoint, world.now, enabled=True)
    for _ in range(5):
        world.later(timedelta(days=1).total_seconds())
        work(world)
    assert {row.status for row in WebhookDelivery.select()} == {"succeeded"}
    assert stored(moody.endpoint).failing_since is None
