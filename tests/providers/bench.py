"""What an adapter brings to the contract tests: its account at its simulator, which does what they ask for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ikawaari import ids
from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers import settings
from ikawaari.providers.callbacks import CallbackRequest
from ikawaari.providers.outcomes import FailureCode, Outcome, Result
from ikawaari.providers.provider import Provider
from ikawaari.providers.settings import Setting
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.simulators.ground import Simulator
from ikawaari.simulators.web import Request
from tests.simulators.talking import Receiver, Talk

CALLBACK_KEY = b"made_up_secret"


class Bench(ABC):
    """An adapter, an account at its simulator, and who receives the simulator's callbacks.

    Calls take little at most, so that a test may wait for the end of one.
    """

    adapter: ClassVar[type[Provider]]
    simulator: ClassVar[type[Simulator]]
    country: ClassVar[str | None] = None
    livemode: ClassVar[bool] = True  # of the account: what the simulator plays
    timeout = timedelta(seconds=0.6)
    signs_callbacks: ClassVar[bool] = True
    decline: ClassVar[FailureCode] = FailureCode.INSUFFICIENT_FUNDS  # what one for want of money comes to
    success: ClassVar[frozenset[tuple[str, object]]]  # the members of a look-up's answer that say so
    kind: ClassVar[str] = ""  # of account, where the provider has several
    starts_at_once: ClassVar[bool] = True  # a create alone takes the money in the end; not so where a page decides

    def __init__(self, config: Config, talk: Talk, receiver: Receiver) -> None:
        self.talk, self.receiver = talk, receiver
        self.provider = self.adapter(config)
        times = replace(self.provider.capabilities.times, call_timeout=self.timeout)
        self.provider.capabilities = replace(self.provider.capabilities, times=times)
        self.account = self.account_at(talk.base_url)

    @classmethod
    def label(cls) -> str:
        """What tests call it."""
        return f"{cls.adapter.name}{cls.kind}"

    def account_at(self, base_url: str) -> Account:
        """The account, if the provider were at `base_url`."""
        return Account(
            id=f"acc_{ids.random_text(16)}",
            provider=self.provider.name,
            settings={**self.talk.settings(), "base_url": base_url},
            country=self.country,
            livemode=self.livemode,
            callback_url=self.receiver.url,
            callback_key=CALLBACK_KEY,
        )

    @property
    def settings(self) -> Sequence[Setting]:
        """Which settings the account may have."""
        return self.provider.settings_of(self.account.settings)

    @property
    def secrets(self) -> Sequence[str]:
        """What must never be logged."""
        return settings.secrets(self.settings, self.account.settings)

    # ------------------------------------------------------------ what each bench says

    @abstractmethod
    def charge(self, *, amount: int = 5_000, charge_id: str | None = None) -> Charge:
        """A charge that succeeds; `amount` in minor units."""

    @abstractmethod
    def order_decline(self) -> None:
        """The next charge is accepted, and fails for want of money when it settles: see `decline`."""

    @abstractmethod
    def order_refusal(self) -> None:
        """The next create is refused, with nothing started."""

    def order_other_amount(self, amount: int) -> None:
        """The next charge's payer pays that, in the unit of the simulator."""
        self.talk.next("other_amount", amount=str(amount))

    def settle(self, charge: Charge) -> None:
        """Let a charge that was created come to its end: the payer approves, or clicks on the page."""
        self.talk.advance(30)

    def settle_refunds(self) -> None:
        """Let refunds end."""
        self.talk.advance(30)

    # ------------------------------------------------------------ the provider's books

    def taken(self, charge_id: str) -> Decimal:
        """What left the payer's wallet, in major units."""
        mine = [entry for entry in self.talk.charges() if entry["id"] == self.provider.sent_id(charge_id)]
        return sum((self.major(entry) for entry in mine if entry["state"] == "succeeded"), Decimal())

    def started(self, charge_id: str) -> int:
        """How many charges of that id the provider has."""
        return sum(entry["id"] == self.provider.sent_id(charge_id) for entry in self.talk.charges())

    def returned(self, refund_id: str) -> Decimal:
        """What was given back by that refund, in major units."""
        mine = [entry for entry in self.talk.refunds() if entry["id"] == refund_id]
        return sum((self.major(entry) for entry in mine if entry["state"] == "succeeded"), Decimal())

    def major(self, entry: Mapping[str, str]) -> Decimal:
        """The amount of an entry in major units; where the ledger shows minor ones, override it."""
        return Decimal(entry["amount"])

    # ------------------------------------------------------------ the verbs

    def known(self, charge: Charge, outcome: Outcome) -> Charge:
        """The charge with what an outcome wanted to be kept, as the next call gets it."""
        data = charge.provider_data if outcome.provider_data is None else outcome.provider_data
        return replace(charge, reference=outcome.reference or charge.reference, provider_data=data)

    def paid(self, *, amount: int = 5_000) -> tuple[Charge, Outcome]:
        """A charge that has succeeded, and the outcome that says so."""
        charge = self.charge(amount=amount)
        first = self.provider.charge(self.account, charge, self.now())
        self.settle(self.known(charge, first))
        outcome = self.provider.lookup(self.account, self.known(charge, first), self.now())
        assert outcome.result is Result.SUCCEEDED, outcome
        return self.known(self.known(charge, first), outcome), outcome

    def refund_of(self, charge: Charge, amount: int | None = None) -> RefundOrder:
        """An order to return all of it, or `amount`."""
        money = charge.money if amount is None else Money(amount, charge.money.currency)
        return RefundOrder(
            id=ids.new_attempt(),
            charge_id=charge.id,
            charge_reference=charge.reference,
            charge_data=charge.provider_data,
            charge_money=charge.money,
            money=money,
            operator=charge.operator,
            reason="requested_by_customer",
            submitted_at=self.now(),
        )

    def callback(self, request: Request) -> CallbackRequest:
        """What the simulator posted, as the edge would pass it on."""
        path, _, query = request.target.partition("?")
        return CallbackRequest(
            method=request.method,
            path=path,
            query=query,
            authority=self.receiver.authority,
            headers=list(request.headers.items()),
            body=request.body,
            tag=path.rsplit("/", 1)[1],
        )

    def now(self) -> datetime:
        """The real time: signatures are checked against it."""
        return datetime.now(UTC)
