"""What a provider was until it became `provider.Provider`: only the sandbox still is one of these.

New adapters import nothing from here: see docs/adding-a-provider.md.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from ikawaari.invariants import ensure
from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused
from ikawaari.providers.outcomes import (
    LONGEST_WORD,
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    cleaned,
    unknown,
)
from ikawaari.providers.provider import Hooks
from ikawaari.providers.values import Flow

__all__ = [
    "LONGEST_WORD",
    "Action",
    "ActionKind",
    "CallbackRefused",
    "CallbackRequest",
    "Capabilities",
    "ChargeRequest",
    "Decider",
    "FailureCode",
    "Flow",
    "Outcome",
    "Provider",
    "RefundRequest",
    "Report",
    "Result",
    "cleaned",
    "unknown",
]


@dataclass(frozen=True, kw_only=True)
class ChargeRequest:
    """One charge. `id` was stored before the call and is the idempotency key: the same id never takes money twice."""

    id: str
    intent_id: str
    money: Money
    method_type: str
    operator: str | None = None
    country: str | None = None
    phone: str | None = None  # E.164
    card_token: str | None = None
    flow: Flow | None = None  # what the payer prefers; a provider without it uses its own
    otp: str | None = None  # sent with a second call under the same id
    return_url: str
    description: str = ""
    merchant_name: str = ""
    off_session: bool = False  # the payer is not there: nobody types a code or opens a bank's page


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """One refund of a charge. `id` is its idempotency key."""

    id: str
    charge_id: str
    charge_reference: str | None
    money: Money


@dataclass(frozen=True, kw_only=True)
class CallbackRequest:
    """A callback as it arrived, before anything in it is trusted."""

    headers: Mapping[str, str]
    body: bytes
    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """One verified report in a callback: which charge, its outcome, and the provider's id of the report."""

    event_id: str
    charge_id: str
    outcome: Outcome

    def __post_init__(self) -> None:
        if cleaned(self.event_id) != self.event_id:
            # If ids were cut, two could become equal, and the second report would be ignored; their digests differ.
            digest = hashlib.sha256(self.event_id.encode("utf-8", "surrogatepass")).hexdigest()
            object.__setattr__(self, "event_id", f"sha256:{digest}")
        object.__setattr__(self, "charge_id", cleaned(self.charge_id) or "")


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do, as data."""

    method_types: frozenset[str]
    operators: Mapping[str, Sequence[Flow]] = field(default_factory=dict)  # operator id -> flows, the default first
    currencies: frozenset[str]
    livemode: bool
    no_refunds: frozenset[str | None] = frozenset()  # operators (None: cards) that cannot refund their payers
    call_timeout: timedelta  # how long a call may take
    forgets_after: timedelta  # an enquiry that says "not found" this long after the call means: no money will move
    settles_within: timedelta  # an unsettled charge is then asked about once a day, and people are notified

    def __post_init__(self) -> None:
        ensure(
            timedelta(0) < self.call_timeout < self.forgets_after <= self.settles_within,
            "a call ends before its charge is forgotten, and that before it must be settled",
        )

    @property
    def sends_within(self) -> timedelta:
        """How long after its attempt was stored a charge may be sent: the call then ends before it is forgotten."""
        return self.forgets_after - self.call_timeout


class Provider(Hooks, ABC):
    """The four verbs. They raise nothing but CallbackRefused: anything that goes wrong outside is an Outcome."""

    name: str
    capabilities: Capabilities

    @abstractmethod
    def charge(self, request: ChargeRequest, now: datetime) -> Outcome:
        """Ask for the money. No answer, 5xx and garbage are `Result.UNKNOWN`."""

    @abstractmethod
    def lookup(self, charge_id: str, reference: str | None, now: datetime) -> Outcome:
        """What became of a charge."""

    @abstractmethod
    def refund(self, request: RefundRequest, now: datetime) -> Outcome:
        """Return money. A second call with the same id returns nothing more."""

    @abstractmethod
    def parse_callback(self, request: CallbackRequest, now: datetime) -> list[Report]:
        """Verify and read a callback. Raises CallbackRefused."""


@runtime_checkable
class Decider(Protocol):
    """A provider of test mode that lets a developer decide in the payer's place."""

    name: str

    def decide(self, charge_id: str, *, succeeded: bool, failure: str | None, now: datetime) -> CallbackRequest:
        """End a charge. Returns the callback that the operator would send about it. Raises LookupError."""
