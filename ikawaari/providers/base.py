"""What a provider is: four verbs that turn values into values, hooks, and data. No models and no Flask here."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ikawaari import texts
from ikawaari.invariants import ensure
from ikawaari.money import Money

LONGEST_WORD = 255  # characters of a reference, a code or an event's id, as in their columns
_LONGEST_DIAL_CODE, _LONGEST_ADDRESS = 64, 4_096
_NOT_IN_ONE_LINE = re.compile("[\x09-\x0d\x80-\x9f]")


def cleaned(text: object, longest: int = LONGEST_WORD) -> str | None:
    """A provider's text in a form that every column and every event can hold; None if there is none.

    It becomes one line: control characters and lone surrogates are replaced, and the text is cut after `longest`.
    """
    return None if text is None else _NOT_IN_ONE_LINE.sub(" ", texts.cleaned(str(text), longest)) or None


class FailureCode(StrEnum):
    """Why money did not move: the closed set that every provider's own codes are mapped onto."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    PAYER_DECLINED = "payer_declined"
    PAYMENT_TIMEOUT = "payment_timeout"
    PAYER_NOT_FOUND = "payer_not_found"
    PAYER_LIMIT = "payer_limit"
    WALLET_LIMIT = "wallet_limit"
    PAYER_BLOCKED = "payer_blocked"
    OTP_INVALID = "otp_invalid"
    OTP_EXPIRED = "otp_expired"
    DUPLICATE_IN_PROGRESS = "duplicate_in_progress"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    INVALID_PHONE = "invalid_phone"
    INVALID_AMOUNT = "invalid_amount"
    NOT_ALLOWED = "not_allowed"
    CARD_DECLINED = "card_declined"
    CARD_EXPIRED = "card_expired"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    CONFIGURATION_ERROR = "configuration_error"
    UNKNOWN = "unknown"


class Result(StrEnum):
    """What a provider reports about a charge or a refund."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"  # no answer, a 5xx, garbage: neither paid nor failed
    NOT_FOUND = "not_found"  # an enquiry's answer: the provider never saw this charge


class ActionKind(StrEnum):
    """What the payer has to do."""

    USSD = "mobile_money_ussd"
    OTP = "mobile_money_otp"
    REDIRECT = "redirect_to_url"
    QR = "display_qr_code"


class Flow(StrEnum):
    """How a mobile money payer is asked."""

    USSD_PUSH = "ussd_push"
    OTP = "otp"
    REDIRECT = "redirect"
    QR = "qr"


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that the payer must do. `url` with REDIRECT, `data` with QR, `dial_code` if there is one to dial."""

    kind: ActionKind
    url: str | None = None
    data: str | None = None
    dial_code: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dial_code", cleaned(self.dial_code, _LONGEST_DIAL_CODE))
        for name in ("url", "data"):
            text = getattr(self, name)
            # An address that was cut or changed is useless: better none.
            object.__setattr__(self, name, text if text and cleaned(text, _LONGEST_ADDRESS) == text else None)

    @property
    def is_complete(self) -> bool:
        """Whether it says where to go, or what to scan."""
        needed = {ActionKind.REDIRECT: self.url, ActionKind.QR: self.data}
        return bool(needed.get(self.kind, True))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a provider reported about one charge or refund: the value that all doors pass to `settlement.apply`.

    Whatever the provider sent, the texts of an Outcome can be stored: see `cleaned`.
    """

    result: Result
    reference: str | None = None  # the provider's own id
    money: Money | None = None  # what was really taken or returned, if it succeeded
    action: Action | None = None
    failure: FailureCode | None = None
    raw_code: str | None = None  # the provider's own word: `ikawaari attempts show` prints it
    deadline: datetime | None = None  # when the prompt, code or page ends

    def __post_init__(self) -> None:
        ensure((self.result is Result.SUCCEEDED) == (self.money is not None), "a success, and only that, has money")
        ensure((self.result is Result.FAILED) == (self.failure is not None), "a failure, and only that, has a code")
        for name in ("reference", "raw_code"):
            object.__setattr__(self, name, cleaned(getattr(self, name)))
        if self.action and not self.action.is_complete:
            object.__setattr__(self, "action", None)
        if self.deadline and self.deadline.tzinfo is None:  # a time without a time zone
            object.__setattr__(self, "deadline", None)


def unknown(raw_code: str) -> Outcome:
    """The outcome of a call that got no usable answer."""
    return Outcome(result=Result.UNKNOWN, raw_code=raw_code)


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


class CallbackRefused(Exception):
    """A callback whose signature or shape is wrong. It changes nothing."""


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
