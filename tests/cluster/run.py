"""A run: what happens to the machines, one thing after the other, while customers pay; then what must hold."""

import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import ikawaari
from ikawaari import clock
from ikawaari.checkout import audit
from ikawaari.config import Config
from ikawaari.merchants import credentials
from ikawaari.merchants.credentials import Scope
from ikawaari.providers.sandbox import ledger
from ikawaari.states import DeliveryStatus
from ikawaari.store.models import Event, Merchant, WebhookDelivery
from tests.chaos import shop as shops
from tests.chaos.seeded import logs
from tests.cluster import claims
from tests.cluster.claims import Claim, Outage
from tests.cluster.machines import CALL_SECONDS, Cluster, Server, Worker, next_version
from tests.cluster.trade import Counting, Trade, bodies
from tests.conftest import disconnect
from tests.serving import ROOT
from tests.simulators.talking import Receiver

FROZEN_SECONDS = 4 * CALL_SECONDS  # longer than the lease of what the worker holds
_DOWN_SECONDS = 1.0  # how long a machine is away before it is started again
_WORK_SECONDS = 5.0
_REST_SECONDS = 150  # in which everything that is under way must end: a lane of webhooks is leased for 60


@dataclass
class Outcome:
    """What a run has shown."""

    seconds: float = 0
    steps: list[tuple[float, str]] = field(default_factory=list)  # when, and what happened to the machines
    recoveries: dict[str, float] = field(default_factory=dict)  # seconds until clients saw the last error of a step
    rest_seconds: float = 0  # from the last customer until nothing was under way
    events: int = 0
    deliveries: int = 0
    admitted: int = 0
    refused: int = 0
    crashes: list[datetime] = field(default_factory=list)  # of PostgreSQL
    outages: list[Outage] = field(default_factory=list)  # in which work could be free that nobody could claim
    claims: Sequence[Claim] = ()
    violations: list[str] = field(default_factory=list)


def run(cluster: Cluster, receiver: Receiver, *, buyers: int, pause: float, seed: int) -> tuple[Outcome, Trade]:
    """All of it. `pause` are the seconds between two things that happen to machines."""
    outcome, started = Outcome(), time.monotonic()
    connect(cluster)
    claims.watch()
    merchant, headers, slow_key = _opened()
    disconnect()
    trade = Trade(cluster.url, headers)
    trade.post("/api/v1/webhook-endpoints", {"url": f"http://{receiver.authority}/"})
    counting = Counting(cluster.url, slow_key)
    trade.begin(buyers, seed)
    for name, happens in _steps(cluster, outcome):
        time.sleep(pause)
        outcome.steps.append((time.monotonic(), name))
        at = clock.now()
        if "PostgreSQL" in name:
            outcome.crashes.append(at)
        if happens():
            outcome.outages.append((at, clock.now()))
    time.sleep(pause)
    trade.end()
    counting.end()
    connect(cluster)
    outcome.rest_seconds = _rest()
    outcome.seconds = time.monotonic() - started
    _judge(outcome, trade, counting, receiver, merchant)
    private = [slow_key, headers["Authorization"].split()[1], cluster.environment["IKAWAARI_SECRET_KEY"]]
    outcome.violations += logged(cluster.logs, private, trade.phones)
    disconnect()
    return outcome, trade


def _opened() -> tuple[Merchant, dict[str, str], str]:
    shop = shops.Shop()
    merchant = Merchant.select().get()
    slow = credentials.create(merchant, livemode=False, scopes=list(Scope), now=clock.now(), rate_limit=Counting.LIMIT)
    return merchant, shop.headers, slow


def _steps(cluster: Cluster, outcome: Outcome) -> Iterator[tuple[str, Callable[[], bool]]]:
    """What happens, in this order; each says whether it could keep all workers from claiming."""
    for machine in cluster.machines:
        yield f"kill -9 {machine.name}", partial(_kill, cluster, machine)
    yield "kill -9 PostgreSQL", partial(_kill_database, cluster)
    for worker in cluster.workers[:1]:
        yield f"freeze {worker.name}", partial(_freeze, cluster, worker)
    yield "kill -9 PostgreSQL again", partial(_kill_database, cluster)
    folder = next_version(cluster.folder / "next")
    yield "migrate to the next version", partial(_migrate, cluster, folder)
    for machine in cluster.machines:
        yield f"upgrade {machine.name}", partial(_replace, machine, folder)
    yield "migrate by the older version", partial(_migrate_back, cluster, outcome)
    for machine in (cluster.servers[0], cluster.workers[0]):  # the others stay: both versions work side by side
        yield f"roll back {machine.name}", partial(_replace, machine, ROOT)


def _kill(cluster: Cluster, machine: Server | Worker) -> bool:
    if isinstance(machine, Worker):
        _wait_for_work(cluster)
    machine.kill()
    time.sleep(_DOWN_SECONDS)
    machine.start()
    return False


def _kill_database(cluster: Cluster) -> bool:
    cluster.database.kill()
    time.sleep(_DOWN_SECONDS)
    cluster.database.restart()
    return True


def _freeze(cluster: Cluster, worker: Worker) -> bool:
    """A worker that is frozen in the middle of a transaction keeps its rows locked, and nobody can claim those."""
    _wait_for_work(cluster)
    worker.freeze()
    time.sleep(FROZEN_SECONDS)
    holds = cluster.is_in_transaction(worker)
    worker.thaw()
    return holds


def _wait_for_work(cluster: Cluster) -> None:
    """Wait until some worker holds something: who dies with nothing in hand shows nothing."""
    until = time.monotonic() + _WORK_SECONDS
    while not cluster.holds_work() and time.monotonic() < until:
        time.sleep(0.01)


def _migrate(cluster: Cluster, folder: Path) -> bool:
    cluster.run_command("migrate", folder=folder)
    return False


def _migrate_back(cluster: Cluster, outcome: Outcome) -> bool:
    """Whoever rolls back starts the older version as always, and that migrates first: it must leave all as it is."""
    before = cluster.schema()
    cluster.run_command("migrate")
    outcome.violations += changed(before, cluster.schema())
    return False


def changed(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What the migration of an older version has done to the schema of a newer one."""
    lost = [f"the older version's migration has removed: {line}" for line in before if line not in after]
    return [*lost, *(f"the older version's migration has added: {line}" for line in after if line not in before)]


def _replace(machine: Server | Worker, folder: Path) -> bool:
    machine.stop()
    machine.folder = folder
    machine.start()
    return False


def connect(cluster: Cluster) -> None:
    """Let the models of this process stand on the cluster's database."""
    ikawaari.start(Config.from_environment(cluster.environment))


def _rest() -> float:
    """Wait until nothing is under way; how long that took."""
    started = time.monotonic()
    while time.monotonic() < started + _REST_SECONDS and (shops.unfinished() or _undelivered()):
        time.sleep(0.2)
    return time.monotonic() - started


def _undelivered() -> int:
    return WebhookDelivery.select().where(WebhookDelivery.status != DeliveryStatus.SUCCEEDED).count()


def logged(paths: Sequence[Path], private: Sequence[str], phones: Set[str]) -> list[str]:
    """What machines wrote and should not have: private texts, and exceptions that no outage explains."""
    return [
        f"{path.name}: {found}" for path in paths for found in (*logs.leaks(path, private, phones), *logs.faults(path))
    ]


def _judge(outcome: Outcome, trade: Trade, counting: Counting, receiver: Receiver, merchant: Merchant) -> None:
    events = list(Event.select().where(Event.merchant == merchant.id).order_by(Event.sequence))
    taken = bodies(list(receiver.received))
    outcome.events, outcome.deliveries = len(events), len(taken)
    outcome.admitted, outcome.refused = counting.admitted.total(), counting.refused.total()
    outcome.claims = claims.noted()
    outcome.recoveries = _recoveries(outcome.steps, [at for at, _ in trade.errors])
    outcome.violations += [
        *trade.violations,
        *([] if trade.paid else ["nobody has paid"]),
        *claims.late(outcome.claims, outcome.outages),
        *claims.abandoned(),
        *shops.unfinished(),
        *shops.mismatches(list(ledger.entries())),
        *(f"{one.finding} {one.object} {one.details}" for one in audit.findings()),
        *undelivered(events, taken),
        *disordered(events, taken),
        *counting.violations(outcome.crashes),
    ]


def undelivered(events: Sequence[Event], taken: Sequence[tuple[str, str, bytes]]) -> list[str]:
    """Events that the merchant's receiver never took, or with other bytes than they are stored with."""
    got = {event_id for event_id, _, _ in taken}
    lost = [f"event {one.id} ({one.type}) was not delivered" for one in events if one.id not in got]
    stored = {one.id: one.body.encode() for one in events}
    changed = [
        f"event {event_id} was delivered with other bytes"
        for event_id, _, body in taken
        if stored.get(event_id) != body
    ]
    return [*lost, *sorted(set(changed))]


def disordered(events: Sequence[Event], taken: Sequence[tuple[str, str, bytes]]) -> list[str]:
    """Events whose first delivery came after that of a later one about the same object."""
    places = {one.id: one.sequence for one in events}
    latest: dict[str, int] = {}
    seen: set[str] = set()
    found = []
    for event_id, about, _ in taken:
        place = places.get(event_id, 0)
        if event_id not in seen and place < latest.get(about, 0):
            found.append(f"event {event_id} came after a later one of {about}")
        seen.add(event_id)
        latest[about] = max(place, latest.get(about, 0))
    return found


def _recoveries(steps: Sequence[tuple[float, str]], errors: Sequence[float]) -> dict[str, float]:
    ends = [*(at for at, _ in steps[1:]), float("inf")]
    return {
        name: max((error - at for error in errors if at <= error < end), default=0.0)
        for (at, name), end in zip(steps, ends, strict=True)
    }
