"""What a provider is: verbs that turn values into values, hooks, and data. No models and no Flask here.

docs/adding-a-provider.md says what each verb owes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ikawaari.config import Config
from ikawaari.operators import OPERATORS
from ikawaari.providers.callbacks import CallbackRequest, News
from ikawaari.providers.capabilities import Capabilities, Condition, Reach
from ikawaari.providers.http import Call
from ikawaari.providers.outcomes import ActionKind, FailureCode, Outcome, failed
from ikawaari.providers.settings import BASE_URL, Setting
from ikawaari.providers.statements import Line, NoStatement
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.shapes import CardFields


class Verb(StrEnum):
    """The verbs that a provider may lack."""

    CANCEL = "cancel"
    REFUND = "refund"
    SETUP = "setup"
    CONDITIONS = "conditions"
    IDENTIFY = "identify"
    STATEMENT = "statement"


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """What `Provider.check` found: `words` is one sentence for the operator of this server."""

    is_usable: bool
    words: str


class Hooks:
    """What a provider may need besides its verbs. A hook does nothing unless a provider overrides it."""

    def connect(self) -> None:
        """Open what this process keeps open: called once, after the fork."""

    def prepare(self) -> None:
        """Create or upgrade what the provider stores itself: for `ikawaari migrate`; machines may do it at once."""

    def release(self) -> None:
        """Release what this thread holds: called after each request and each piece of due work."""

    def tick(self, now: datetime) -> None:
        """Do what is due at `now`: called by a worker several times a second, on every machine."""


class Provider(Hooks, ABC):
    """The verbs. They raise nothing but CallbackRefused and NoStatement: what goes wrong outside is an Outcome.

    One object serves all accounts and threads of a process. It keeps nothing but what may be forgotten at any time,
    such as tokens, in a `ByAccount`: what was got with settings ends with them.
    """

    name: str
    capabilities: Capabilities
    settings: Sequence[Setting] = (BASE_URL,)
    account: Account | None = None  # one that is built in, and needs no settings
    is_per_country: bool = False  # each account is for one country
    is_aggregator: bool = False  # it passes charges on to operators: asked after those that are operators themselves
    longest_callback_url: int | None = None  # in characters, with the tag of a charge; None: any length
    live_url: str = ""
    test_url: str = ""

    def __init__(self, config: Config) -> None:
        """`config` is this server's: an adapter hardly ever needs it."""

    @abstractmethod
    def charge(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Ask for the money, or send the code of a charge that awaits it. The same id never takes money twice."""

    @abstractmethod
    def lookup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """What became of a charge, or of a setup. Never REFUSED."""

    @abstractmethod
    def parse_callback(self, account: Account, request: CallbackRequest, now: datetime) -> Sequence[News]:
        """Verify and read a callback, without asking anybody about payments. Raises CallbackRefused."""

    @abstractmethod
    def check(self, account: Account, now: datetime) -> Checkup:
        """Ask something harmless that only works with good settings."""

    def cancel(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """End a charge that nobody has paid yet: FAILED(canceled), or what it has come to instead."""
        return self.lookup(account, charge, now)

    def may_cancel(self, waiting_for: ActionKind) -> bool:
        """Whether `cancel` can end a charge whose payer has that to do."""
        return Verb.CANCEL in self.verbs

    def refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """Return money. It is called once for an id; what is not final then is looked up."""
        return failed(FailureCode.NOT_ALLOWED, "this provider cannot refund")

    def lookup_refund(self, account: Account, order: RefundOrder, now: datetime) -> Outcome:
        """What became of a refund. Never REFUSED."""
        return failed(FailureCode.NOT_ALLOWED, "this provider cannot refund")

    def setup(self, account: Account, charge: Charge, now: datetime) -> Outcome:
        """Save a payment method and take nothing: `charge.is_setup`. A success has `saved`, and money of 0."""
        return failed(FailureCode.NOT_ALLOWED, "this provider saves no payment methods")

    def identify(self, account: Account, card_token: str, now: datetime) -> str | None:
        """What is the same for all tokens of one card at this account, 64 characters at most; None if it is not known.

        A payer waits for it: without a quick answer it is not known.
        """
        return None

    def conditions(self, account: Account, now: datetime) -> Sequence[Condition]:
        """What the provider says now about its operators; empty if it did not answer."""
        return ()

    def statement(self, account: Account, since: datetime, until: datetime, now: datetime) -> Iterator[Line]:
        """All payments and refunds from `since` to before `until`, by the provider's clock.

        Raises NoStatement, also in the middle: then nothing of it is used. Each page has the time of a call of its own.
        """
        raise NoStatement("This provider gives no statements over its API: use a file.")

    def settings_of(self, given: object) -> Sequence[Setting]:
        """The settings of an account that has the `given` ones: some providers have accounts of several kinds."""
        return self.settings

    def reach(self, account: Account, operator: str | None) -> Reach | None:
        """What it can do for that operator (None: for cards) through that account; None if nothing.

        An account of a country reaches the operators of that country.
        """
        is_abroad = operator and account.country and OPERATORS[operator].country != account.country
        return None if is_abroad else self.capabilities.reach(operator)

    def card_fields(self, account: Account) -> CardFields | None:
        """What a page needs to take a card for this account; None: it takes none from a page."""
        return None

    def sent_id(self, charge_id: str) -> str:
        """The charge's id as the provider gets it."""
        return charge_id

    @property
    def verbs(self) -> frozenset[Verb]:
        """The verbs that this provider has, of those that it may lack."""
        return frozenset(verb for verb in Verb if getattr(type(self), verb) is not getattr(Provider, verb))

    def call(self, account: Account) -> Call:
        """The requests of one verb, at the account's address."""
        base_url = account.text("base_url", self.own_url(account))
        return Call(account.id, base_url, self.capabilities.times.call_timeout)

    def own_url(self, account: Account) -> str:
        """Where the provider answers, in the account's mode."""
        return self.live_url if account.livemode else self.test_url


@runtime_checkable
class Decider(Protocol):
    """A provider of test mode that lets a developer decide in the payer's place."""

    name: str

    def decide(self, charge_id: str, *, succeeded: bool, failure: str | None, now: datetime) -> CallbackRequest:
        """End a charge. Returns the callback that the operator would send about it. Raises LookupError."""
