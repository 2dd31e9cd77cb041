"""Where a run happens: the simulators, the merchants with their accounts, the real processes, and one clock for all."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import time_machine

from ikawaari import clock, ids, sealing, store
from ikawaari.checkout import account_setup, accounts, merchant_view
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.providers import registry
from ikawaari.providers.provider import Provider
from ikawaari.providers.sandbox import ledger
from ikawaari.simulators.ground import Simulator, running
from ikawaari.simulators.registry import SIMULATORS
from ikawaari.store.models import WebhookEndpoint
from tests import warm
from tests.chaos import shop as shops
from tests.chaos.seeded import moved, postmaster, pruned
from tests.chaos.seeded.deliveries import Receiver
from tests.chaos.seeded.disk import Disk, disk
from tests.chaos.seeded.plan import WORKERS, Order
from tests.chaos.seeded.postmaster import Postmaster
from tests.chaos.seeded.shops import SHOPS, Shop
from tests.conftest import disconnect, migrate
from tests.serving import Served, serve
from tests.simulators.talking import Talk

MODULE = "tests.chaos.seeded.moved"
SPEED = 8.0  # how much faster than real time time goes while payments go on


@dataclass
class Till:
    """An account at a provider: the adapter, the simulator, and the merchant's or the house's account of it."""

    account_id: str
    name: str  # of the simulator
    provider: Provider
    simulator: Simulator
    talk: Talk
    given: Mapping[str, Any]  # the account's settings
    ordering: threading.Lock = field(default_factory=threading.Lock)

    @property
    def secrets(self) -> list[str]:
        """What must be in no log."""
        return [text for text in _texts(self.given) if len(text) > 8 and text != self.simulator.base_url]


@dataclass
class Merchant:
    """A shop's merchant, and the accounts that take its payments; the sandbox's has none."""

    id: str
    name: str
    headers: Mapping[str, str]
    tills: Sequence[Till]

    def order(self, order: Order) -> None:
        """Place an order at the simulator of one of its accounts."""
        till = next(one for one in self.tills if one.name == order.provider)
        with till.ordering:  # its connection is one for all buyers
            till.talk.next(**order.order)

    def card_token(self, card: str) -> str:
        """What the card's fields on the page would give: a token of the first account's, or the sandbox's own."""
        if not self.tills:
            return card
        till = self.tills[0]
        key = {"Authorization": f"Bearer {till.given['secret_key']}"}
        url = f"{till.talk.base_url}/v1/test_helpers/confirmation_tokens"
        answer = requests.post(url, data={"payment_method": card}, headers=key, timeout=20)
        assert answer.ok, answer.text
        return str(answer.json()["id"])


@dataclass
class Ground:
    """The database of a run, and the disk beneath it; `postmaster` is there on PostgreSQL."""

    url: str
    disk: Disk
    postmaster: Postmaster | None = None


@dataclass
class Stage:
    """All of it."""

    ground: Ground
    served: Served
    receiver: Receiver
    merchants: Mapping[str, Merchant]
    _traveller: time_machine.Traveller
    hands: moved.Hands
    _workers: dict[str, warm.Process] = field(default_factory=dict)
    _changing: threading.RLock = field(default_factory=threading.RLock)

    @property
    def tills(self) -> list[Till]:
        """Every account."""
        return [till for merchant in self.merchants.values() for till in merchant.tills]

    def pass_time(self, seconds: float) -> None:
        """Move the clocks of the servers, of the simulators and of this process; what is due there has happened."""
        self._traveller.shift(timedelta(seconds=seconds))
        self.hands.move(seconds)
        for till in self.tills:
            till.simulator.timeline.advance(0)

    def calm(self) -> None:
        """From now on providers do nothing that was ordered, and calls may take as long as a busy machine needs."""
        self.hands.be_patient()
        for till in self.tills:
            with till.simulator.lock:
                till.simulator.orders._open.clear()

    def employ(self) -> None:
        """Start the workers that do not live."""
        with self._changing:
            for name in WORKERS:
                if name not in self._workers:
                    environment = {**self.served.environment, moved.OWNER: name}
                    self._workers[name] = warm.Process(MODULE, ["worker"], environment, self.served.log)

    def kill(self, victim: str) -> None:
        """Kill a worker or the server, and start it again."""
        if victim == "server":
            self.served.kill()
            self.served.start()
            return
        with self._changing:
            self._end(victim)
            self.employ()

    def kill_all(self) -> None:
        """Kill the workers: until they are started again, nobody calls a provider. The server has nothing to do."""
        with self._changing:
            for name in list(self._workers):
                self._end(name)

    def freeze(self, worker: str) -> warm.Process:
        """Stop a worker in the middle of whatever it does."""
        with self._changing:
            process = self._workers[worker]
            os.kill(process.pid, signal.SIGSTOP)
            return process

    def pids(self) -> list[int]:
        """The processes that write to the database's files."""
        if self.ground.postmaster:
            return self.ground.postmaster.pids()
        served = Path(f"/proc/{self.served.pid}/task/{self.served.pid}/children").read_text().split()
        return [*map(int, served), *(worker.pid for worker in self._workers.values())]

    def _end(self, name: str) -> None:
        process = self._workers.pop(name)
        process.kill()
        process.wait()  # else time could pass while its call is on its way


@contextmanager
def ground(engine: str, folder: Path) -> Iterator[Ground]:
    """A migrated database of the run's own, to which this process is connected."""
    with ExitStack() as stack:
        if engine == "postgres":
            started = stack.enter_context(postmaster.started(migrate))
            made = Ground(started.url, started.disk, started)
        else:
            place = folder / "disk"
            place.mkdir()
            made = Ground(f"sqlite:///{place / 'ikawaari.sqlite3'}", stack.enter_context(disk(place)))
            migrate(made.url)
        store.connect(made.url)
        ledger.connect(made.url, pool=4)
        pruned.watch()
        stack.callback(disconnect)
        yield made


@contextmanager
def staged(made: Ground, folder: Path, seed: int) -> Iterator[Stage]:
    """The stage, on that ground."""
    hands = moved.Hands(folder / "clock")
    chosen = shops.environment(
        made.url,
        enquiry_seconds="5",
        charge_timeout_seconds="20",
        tries_per_session="0",
        link_sessions_per_minute="0",
        worker_poll_seconds="0.2",
        sandbox_delay_seconds="3",
        sandbox_prompt_seconds="60",
    )
    with ExitStack() as stack:
        traveller = stack.enter_context(time_machine.travel(datetime.now(UTC), tick=True))
        store.shared_clock.use(clock.now)
        receiver = stack.enter_context(Receiver(seed).listening())
        environment = {**chosen, moved.CLOCK: str(hands.path), moved.SPEED: str(SPEED), moved.OWNER: "server"}
        environment[moved.FORGETS] = "1"
        served = stack.enter_context(serve(environment, 1, 8, "--no-worker", module=MODULE))
        config = Config.from_environment(served.environment)
        _share_the_house(config)
        merchants_of = {one.name: _merchant(one, config, receiver, stack) for one in SHOPS}
        stage = Stage(made, served, receiver, merchants_of, traveller, hands)
        stage.employ()
        time.sleep(accounts.KEPT_SECONDS)  # until the server knows the last of them
        try:
            yield stage
        finally:
            stage.kill_all()


def thaw(process: warm.Process) -> None:
    """Let a frozen worker go on, if nobody has killed it."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGCONT)


def _share_the_house(config: Config) -> None:
    """Let this process read what the servers write."""
    sealing.configure(config)
    registry.configure([provider(config) for provider in registry.INSTALLED])
    accounts.configure(config)
    merchant_view.configure(config)


def _merchant(shop: Shop, config: Config, receiver: Receiver, stack: ExitStack) -> Merchant:
    now = clock.now()
    merchant = merchants.create(shop.name, now)
    key = credentials.create(merchant, livemode=shop.livemode, scopes=list(Scope), now=now, rate_limit=1_000_000)
    WebhookEndpoint.create(  # not by its verb: only https is taken in live mode
        id=ids.new("we"),
        merchant=merchant,
        livemode=shop.livemode,
        url=f"{receiver.url}/{shop.name}",
        secret=sealing.seal("whsec_made_up"),
        enabled_events=["*"],
        enabled=True,
        created_at=now,
    )
    owner = None if shop.name == "house" else merchant.id
    tills = [_till(name, country, owner, config, stack) for name, country in shop.accounts]
    return Merchant(merchant.id, shop.name, {"Authorization": f"Bearer {key}"}, tills)


def _till(name: str, country: str | None, owner: str | None, config: Config, stack: ExitStack) -> Till:
    simulator = stack.enter_context(running(SIMULATORS[name](None, country)))
    talk = Talk(simulator.base_url)
    given, provider = dict(talk.settings()), name.removesuffix("-legacy")
    if provider == "stripe":  # whose keys name their mode
        given = {name: value.replace("_test_", "_live_") for name, value in given.items()}
    new = NewAccount(provider=provider, merchant_id=owner, country=country, livemode=True, settings=given)
    account = account_setup.add(new, config, clock.now())
    talk.set(callback_url=account.callback_url)
    if name == "cinetpay":
        talk.set(shows_amounts=True)  # else nobody could know of another amount
    known = registry.named(provider)
    assert known is not None
    return Till(account.id, name, known, simulator, talk, given)


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, Mapping):
        for value in given.values():
            yield from _texts(value)
    elif isinstance(given, str):
        yield given
