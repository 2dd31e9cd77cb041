"""Where a run happens: the simulators, the merchants with their accounts, the real processes, and one clock for all."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import requests
import time_machine

from ikawaari import clock, ids, sealing
from ikawaari.checkout import account_setup, accounts, merchant_view
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.providers import registry
from ikawaari.providers.provider import Provider
from ikawaari.simulators.ground import Simulator, running
from ikawaari.simulators.registry import SIMULATORS
from ikawaari.store.models import WebhookEndpoint
from tests import warm
from tests.chaos import shop as shops
from tests.chaos.seeded import moved, plan
from tests.chaos.seeded.plan import Order, Shop
from tests.serving import Served, serve
from tests.simulators.talking import Receiver, Talk

MOVED = "tests.chaos.seeded.moved"
WORKERS = ("first worker", "second worker")
_REFUSED_WEBHOOKS = 0.03  # how many of the deliveries the merchants' receiver answers with 500


@dataclass
class Till:
    """An account at a provider: the adapter, the simulator, and the merchant's or the house's account of it."""

    account_id: str
    name: str  # of the simulator
    provider: Provider
    simulator: Simulator
    talk: Talk
    given: Mapping[str, Any]  # the account's settings

    @property
    def secrets(self) -> list[str]:
        """What must be in no log."""
        return [text for text in _texts(self.given) if len(text) > 8 and text != self.simulator.base_url]


@dataclass
class Merchant:
    """A shop's merchant in live mode, and the accounts that take its payments."""

    id: str
    headers: Mapping[str, str]
    tills: Sequence[Till]

    def order(self, order: Order) -> None:
        """Place an order at the simulator of one of its accounts."""
        till = next(one for one in self.tills if one.name == order.provider)
        till.talk.next(**order.order)

    def card_token(self, card: str) -> str:
        """What the card's fields on the page would give: a token of the first account's."""
        till = self.tills[0]
        key = {"Authorization": f"Bearer {till.given['secret_key']}"}
        url = f"{till.talk.base_url}/v1/test_helpers/confirmation_tokens"
        answer = requests.post(url, data={"payment_method": card}, headers=key, timeout=20)
        assert answer.ok, answer.text
        return str(answer.json()["id"])


@dataclass
class Stage:
    """All of it."""

    served: Served
    receiver: Receiver
    merchants: Mapping[str, Merchant]
    _traveller: time_machine.Traveller
    _hands: moved.Hands
    _workers: dict[str, warm.Process] = field(default_factory=dict)
    _moving: Lock = field(default_factory=Lock)

    @property
    def tills(self) -> list[Till]:
        """Every account."""
        return [till for merchant in self.merchants.values() for till in merchant.tills]

    def pass_time(self, seconds: float) -> None:
        """Move the clocks of the servers, of the simulators and of this process; what is due there has happened."""
        with self._moving:
            self._traveller.shift(timedelta(seconds=seconds))
            self._hands.move(seconds)
        for till in self.tills:
            till.simulator.timeline.advance(0)

    def be_patient(self) -> None:
        """From now on let calls of providers take as long as a busy machine needs."""
        self._hands.be_patient()

    def employ(self) -> None:
        """Start the workers that do not live."""
        for name in WORKERS:
            if name not in self._workers:
                self._workers[name] = warm.Process(MOVED, ["worker"], self.served.environment, self.served.log)

    def kill(self, victim: str) -> None:
        """Kill a worker or the server, and start it again."""
        if victim == "server":
            self.served.kill()
            self.served.start()
        else:
            self._end(victim)
            self.employ()

    def kill_all(self) -> None:
        """Kill the workers: until they are started again, nobody calls a provider. The server has nothing to do."""
        for name in list(self._workers):
            self._end(name)

    def _end(self, name: str) -> None:
        process = self._workers.pop(name)
        process.kill()
        process.wait()  # else time could pass while its call is on its way


@contextmanager
def staged(database_url: str, folder: Path, seed: int) -> Iterator[Stage]:
    """The stage, on a migrated database that this process is connected to."""
    hands = moved.Hands(folder / "clock")
    chosen = shops.environment(
        database_url, enquiry_seconds="5", charge_timeout_seconds="20", tries_per_session="0", worker_poll_seconds="0.1"
    )
    with ExitStack() as stack:
        traveller = stack.enter_context(time_machine.travel(datetime.now(UTC), tick=True))
        receiver = stack.enter_context(_receiver(seed).listening())
        environment = {**chosen, moved.CLOCK: str(hands.path)}
        served = stack.enter_context(serve(environment, 1, 8, "--no-worker", module=MOVED))
        config = Config.from_environment(served.environment)
        _share_the_house(config)
        merchants_of = {one.name: _merchant(one, config, receiver, stack) for one in plan.SHOPS}
        stage = Stage(served, receiver, merchants_of, traveller, hands)
        stage.employ()
        time.sleep(accounts.KEPT_SECONDS)  # until the server knows the last of them
        try:
            yield stage
        finally:
            stage.kill_all()


def _share_the_house(config: Config) -> None:
    """Let this process read what the servers write."""
    sealing.configure(config)
    registry.configure([provider(config) for provider in registry.INSTALLED])
    accounts.configure(config)
    merchant_view.configure(config)


def _receiver(seed: int) -> Receiver:
    """The merchants' own: now and then it is out of order."""
    chance, receiver = random.Random(seed), Receiver()
    receiver.statuses = [500 if chance.random() < _REFUSED_WEBHOOKS else 200 for _ in range(100_000)]
    return receiver


def _merchant(shop: Shop, config: Config, receiver: Receiver, stack: ExitStack) -> Merchant:
    now = clock.now()
    merchant = merchants.create(shop.name, now)
    key = credentials.create(merchant, livemode=True, scopes=list(Scope), now=now, rate_limit=1_000_000)
    WebhookEndpoint.create(  # not by its verb: only https is taken in live mode
        id=ids.new("we"),
        merchant=merchant,
        livemode=True,
        url=f"{receiver.url}/{shop.name}",
        secret=sealing.seal("whsec_made_up"),
        enabled_events=["*"],
        enabled=True,
        created_at=now,
    )
    owner = None if shop.name == "house" else merchant.id
    tills = [_till(name, country, owner, config, stack) for name, country in shop.accounts]
    return Merchant(merchant.id, {"Authorization": f"Bearer {key}"}, tills)


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
