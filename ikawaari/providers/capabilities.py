"""What a provider can do, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from ikawaari.invariants import ensure
from ikawaari.money import MAX_AMOUNT, Money
from ikawaari.providers.values import Flow


class Refunds(StrEnum):
    """What can be returned of a payment."""

    NONE = "none"
    WHOLE = "whole"  # all of it, once
    PARTIAL = "partial"


class Renewals(StrEnum):
    """How a subscription is charged again without its payer."""

    NONE = "none"  # its invoice's page goes to the payer
    PROMPT = "prompt"  # a prompt on the phone
    SAVED_METHOD = "saved_method"


class Health(StrEnum):
    """Whether an operator can be charged now, as its provider says."""

    OPEN = "open"
    DELAYED = "delayed"
    CLOSED = "closed"
    ABSENT = "absent"  # the account does not have that wallet


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Which amounts a provider takes, in the currency's smallest unit."""

    minimum: int = 1
    maximum: int = MAX_AMOUNT
    step: int = 1  # amounts are multiples of it: 5 francs; 100 where centimes exist and are not taken

    def __post_init__(self) -> None:
        ensure(0 < self.minimum <= self.maximum, "the smallest amount is at most the largest one")
        ensure(self.step > 0, "a step leads somewhere")

    def take(self, money: Money) -> bool:
        """Whether an amount is within them."""
        return self.minimum <= money.amount <= self.maximum and money.amount % self.step == 0


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a provider can do for the payers of one operator, or for cards."""

    currencies: frozenset[str]  # of the operator's wallets: CD has CDF and USD
    flows: Sequence[Flow] = ()  # the default first; none for cards
    code_from: str | None = None  # the payer dials this ({amount}: whole major units) for a code before the charge
    limits: Mapping[str, Limits] = field(default_factory=dict)  # by currency; a currency that is not here has none
    refunds: Refunds = Refunds.NONE
    refundable_for: timedelta | None = None  # after the payment; None: for ever, as far as is known
    refunds_fail_within: timedelta = timedelta()  # after they succeeded: banks may send money back
    renewals: Renewals = Renewals.NONE
    early_polls: Sequence[
        timedelta
    ] = ()  # after the call, until the payer can act: where an address comes by a look-up

    def __post_init__(self) -> None:
        ensure(self.code_from is None or Flow.OTP in self.flows, "a code is asked where codes are taken")

    def takes(self, money: Money) -> bool:
        """Whether the amount can be charged."""
        return money.currency in self.currencies and self.limits.get(money.currency, Limits()).take(money)

    def returns(self, amount: int, of: int, age: timedelta) -> bool:
        """Whether `amount` can be returned of a payment of `of`, which is so old."""
        enough = self.refunds is Refunds.PARTIAL or (self.refunds is Refunds.WHOLE and amount == of)
        return enough and (self.refundable_for is None or age <= self.refundable_for)

    def asks_code_first(self, flow: Flow | None) -> bool:
        """Whether a charge with this flow (None: the default one) needs a code that the payer must get before."""
        return self.code_from is not None and (flow if flow in self.flows else self.flows[0]) is Flow.OTP


@dataclass(frozen=True, kw_only=True)
class Times:
    """How long things take at a provider."""

    call_timeout: timedelta  # how long one call of a verb may take, with all that it asks
    forgets_after: timedelta  # a look-up that says "not found" this long after the call means: no money will move
    settles_within: timedelta  # an unsettled charge is then asked about once a day, and people are notified
    first_poll: timedelta | None = None  # then after half of the age, again and again; None: as configured
    longest_poll: timedelta = timedelta(hours=1)  # between two polls
    decisive_polls: Sequence[timedelta] = ()  # after the call: when something certainly has ended
    lookups_per_second: int | None = None  # of an account, by all machines together; None: as they come

    def __post_init__(self) -> None:
        ensure(
            timedelta(0) < self.call_timeout < self.forgets_after <= self.settles_within,
            "a call ends before its charge is forgotten, and that before it must be settled",
        )
        ensure(timedelta(0) < (self.first_poll or self.longest_poll) <= self.longest_poll, "polls grow rarer")

    @property
    def sends_within(self) -> timedelta:
        """How long after its attempt was stored a charge may be sent: the call then ends before it is forgotten."""
        return self.forgets_after - self.call_timeout


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do. Which of the optional verbs exist, `Provider.verbs` says, from the code."""

    operators: Mapping[str, Reach] = field(default_factory=dict)  # by operator id
    cards: Reach | None = None
    card_tokens: str = "tok_"  # how the tokens begin that stand for a card just typed
    modes: frozenset[bool] = frozenset({True})  # the livemode of the accounts that there can be
    times: Times

    @property
    def method_types(self) -> frozenset[str]:
        """Which types of payment methods it takes."""
        return frozenset(["mobile_money"] * bool(self.operators) + ["card"] * (self.cards is not None))

    def reach(self, operator: str | None) -> Reach | None:
        """What it can do for that operator (None: for cards); None if nothing."""
        return self.cards if operator is None else self.operators.get(operator)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a provider says now about one operator and currency of an account: it counts before the constants."""

    operator: str
    currency: str
    limits: Limits | None = None  # None: not said
    health: Health = Health.OPEN
    payee_name: str | None = None  # whom the payer will see asking
    instructions: Mapping[str, str] = field(default_factory=dict)  # by language: what to do if no prompt appears
    dial_code: str | None = None
