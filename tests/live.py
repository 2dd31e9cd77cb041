"""The house with a real provider's adapter, its account in the database, and its simulator on a real socket.

One clock, which stands still until it is moved, is the house's and the simulator's. Callbacks come in by the edge.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import time_machine
from flask import Flask

from ikawaari.checkout import account_setup, accounts, attempts, charges, enquiry
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Charge, Provider, Verb
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.web import Answer, Request
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt, Refund
from ikawaari.store.owner import Owner
from tests import factories
from tests import world as worlds
from tests.apps import app_of
from tests.providers.bench import Bench
from tests.simulators.talking import Receiver, Talk, talk
from tests.world import World, latest, together

TIMEOUT = timedelta(seconds=0.6)  # of a call, in real time
FLUSH_SECONDS = 10.0
HOPS = (5, 10, 30, 120, 700)  # seconds; within them everything has ended that nobody holds up


class Door(Receiver):
    """Where the provider's callbacks arrive: they are kept, and passed on to the edge at once, or when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.app: Flask | None = None
        self.is_open = True
        self.answered: list[int] = []

    def _receive(self, request: Request) -> Answer:
        self.received.append(request)
        return Answer(self.pass_on(request) if self.is_open else 200)

    def pass_on(self, request: Request, *, body: bytes | None = None) -> int:
        """Give a callback to the edge, with another body if it is given. Returns its answer's status."""
        assert self.app is not None
        answer = self.app.test_client().open(
            request.target,
            method=request.method,
            headers=[(name, value) for name, value in request.headers.items() if name.lower() != "content-length"],
            data=request.body if body is None else body,
        )
        self.answered.append(answer.status_code)
        return answer.status_code


class Live(World):
    """A merchant, one provider with one account, and its simulator."""

    def __init__(
        self, config: Config, traveller: time_machine.Traveller, bench: Bench, simulator: Simulator, door: Door
    ) -> None:
        self.config, self._traveller, self.bench, self.simulator, self.door = config, traveller, bench, simulator, door
        self.merchant: Merchant = factories.merchant(country=bench.charge().country or "SN")
        given = NewAccount(
            provider=bench.provider.name,
            merchant_id=None,
            country=bench.country,
            livemode=bench.livemode,
            settings={**bench.talk.settings(), "base_url": bench.talk.base_url},
        )
        self.account: Account = account_setup.add(given, config, self.now)
        accounts.forget()
        bench.account = self.account

    @property
    def owner(self) -> Owner:
        """The merchant, in the account's mode."""
        return factories.owner(self.merchant, livemode=self.bench.livemode)

    @property
    def provider(self) -> Provider:
        """The adapter."""
        return self.bench.provider

    @property
    def talk(self) -> Talk:
        """Orders for the simulator."""
        return self.bench.talk

    @property
    def refunds(self) -> bool:
        """Whether the provider refunds."""
        return Verb.REFUND in self.provider.verbs

    # ------------------------------------------------------------ payers

    def begin(self, amount: int = 5_000) -> tuple[CheckoutSession, PayRequest]:
        """An open session, and a request to pay it."""
        charge = self.bench.charge(amount=amount)
        session = factories.session(
            self.merchant, livemode=self.bench.livemode, amount=charge.money.amount, currency=charge.money.currency
        )
        return session, PayRequest(
            type=charge.method_type,
            phone_number=charge.phone,
            operator=charge.operator,
            card_token=charge.card_token,
            preferred_flow=charge.flow,
        )

    def paying(self, amount: int = 5_000) -> CheckoutSession:
        """A session whose payer was asked."""
        session, request = self.begin(amount)
        attempts.pay(session.id, request, self.now)
        return session

    def paid(self) -> CheckoutSession:
        """A paid one."""
        session = self.paying()
        self.end(session)
        assert worlds.statuses(session) == worlds.PAID
        return session

    def charge_of(self, session: CheckoutSession) -> Charge:
        """The latest attempt's charge, as the adapter gets it."""
        return charges.of(charges.find(latest(session).id))

    def settle(self, session: CheckoutSession) -> None:
        """The payer approves, and what the provider says about it has been sent."""
        self.settle_charge(self.charge_of(session))

    def settle_charge(self, charge: Charge) -> None:
        """The same, while the house does not know it yet."""
        self.bench.settle(charge)
        self.flush()

    def flush(self) -> None:
        """Wait until all callbacks that are under way have been delivered."""
        self.simulator.callbacks.flush(FLUSH_SECONDS)

    def end(self, session: CheckoutSession) -> None:
        """The payer approves as soon as the house knows of the charge, and time goes by."""
        for seconds in (*HOPS, self.provider.capabilities.times.forgets_after.total_seconds()):
            self.wait(seconds)
            if latest(session).status == "requires_action" or self.bench.starts_at_once:
                self.settle(session)
        self.wait(1)

    def wait(self, *seconds: float) -> None:
        """Move the clock on, step by step; at each the provider does what is due, then a worker."""
        for step in seconds:
            self.later(step)
            self.talk.advance(0)
            self.flush()
            self.work()

    # ------------------------------------------------------------ the doors

    def enquire(self, attempt_id: str) -> None:
        """We ask."""
        self.elsewhere(lambda: enquiry.enquire(attempt_id, self.now))

    def deliver(self) -> None:
        """What was kept at the door comes in; what it makes us ask is asked."""
        kept, self.door.received = self.door.received, []
        for request in kept:
            self.elsewhere(lambda request=request: self.door.pass_on(request))
        if not self.bench.signs_callbacks:
            self.elsewhere(self.work)

    @staticmethod
    def elsewhere(act: Any) -> None:
        """Do it as another thread, with connections of its own."""
        (result,) = together(1, lambda _: act())
        if isinstance(result, Exception):
            raise result

    # ------------------------------------------------------------ does it add up

    def audit(self) -> None:
        """Assert that the provider's ledger and ours tell the same, and that ours agree with each other."""
        ids = {self.provider.sent_id(row.id): row.id for row in PaymentAttempt.select()}
        refunds = {row.sent_as: row.attempt_id for row in Refund.select()}
        theirs: dict[str, tuple[int, int]] = {}
        for entry in self.talk.charges():
            if entry["state"] == "succeeded":
                name = ids.get(entry["id"], entry["id"])
                taken, returned = theirs.get(name, (0, 0))
                theirs[name] = taken + self._minor(entry), returned
        for entry in self.talk.refunds():
            if entry["state"] == "succeeded":
                name = ids.get(entry["of"]) or refunds[entry["id"]]
                taken, returned = theirs[name]
                theirs[name] = taken, returned + self._minor(entry)
        worlds.audit(theirs)
        assert self.simulator.broken == []

    def _minor(self, entry: Any) -> int:
        money = Money(1, entry["currency"].upper())
        minor = self.bench.major(entry) / (money.major or Decimal(1))
        assert minor == int(minor)
        return int(minor)


@contextmanager
def opened(config: Config, made: type[Bench]) -> Iterator[Live]:
    """A house with that provider alone."""
    door = Door()
    with (
        door.listening(),
        time_machine.travel(worlds.START, tick=False) as traveller,
        _simulator(made, door) as (simulator, sim),
    ):
        config = replace(config, api_url=f"http://{door.authority}")
        door.app = app_of(config)
        bench = made(config, sim, door)
        times = replace(bench.provider.capabilities.times, call_timeout=TIMEOUT)
        bench.provider.capabilities = replace(bench.provider.capabilities, times=times)
        registry.configure([bench.provider])
        live = Live(config, traveller, bench, simulator, door)
        sim.set(callback_url=live.account.callback_url)
        yield live
        worlds.close()


@contextmanager
def _simulator(made: type[Bench], door: Door) -> Iterator[tuple[Simulator, Talk]]:
    simulator = made.simulator(door.url, made.country)
    with talk(simulator) as sim:
        yield simulator, sim
