"""What a provider is: four verbs that turn values into values, and data. No model, no Flask, no template in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ikawaari.money import Money


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
    """What a provider knows of a charge or a refund."""

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
    """One thing to do for the payer. `url` with REDIRECT, `data` with QR, `dial_code` where there is one to dial."""

    kind: ActionKind
    url: str | None = None
    data: str | None = None
    dial_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a provider said of one charge or refund: the one value that all three doors bring to `attempts.apply`."""

    result: Result
    reference: str | None = None  # the provider's own id
    money: Money | None = None  # what was really taken or given back, when it succeeded
    action: Action | None = None
    failure: FailureCode | None = None
    raw_code: str | None = None  # the provider's own word, for our logs alone
    deadline: datetime | None = None  # when the prompt, code or page ends

    def __post_init__(self) -> None:
        assert (self.result is Result.SUCCEEDED) == (self.money is not None)
        assert (self.result is Result.FAILED) == (self.failure is not None)

    @property
    def is_settled(self) -> bool:
        """Whether the provider will not ask or wait any more."""
        return self.result in (Result.SUCCEEDED, Result.FAILED)


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
    flow: Flow | None = None  # what the payer prefers; a provider that cannot takes its own
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
    """A callback as it came in, before anything about it is believed."""

    headers: Mapping[str, str]
    body: bytes
    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """One verified piece of news of a callback: which charge, what of it, and the provider's id of the news itself."""

    event_id: str
    charge_id: str
    outcome: Outcome


class CallbackRefused(Exception):
    """A callback whose signature or shape is wrong. It changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a provider can do, as data."""

    method_types: frozenset[str]
    operators: Mapping[str, Sequence[Flow]] = field(default_factory=dict)  # operator id -> flows, its own first
    currencies: frozenset[str]
    livemode: bool
    no_refunds: frozenset[str | None] = frozenset()  # operators (None: cards) whose payers cannot be given money back
    forgets_after: timedelta  # an enquiry that says "not found" this long after the call means: no money will move


class Provider(Protocol):
    """The four verbs. They raise nothing but CallbackRefused: whatever goes wrong outside is an Outcome."""

    name: str
    capabilities: Capabilities

    def charge(self, request: ChargeRequest, now: datetime) -> Outcome:
        """Ask for the money. No answer, 5xx and garbage are `Result.UNKNOWN`."""

    def lookup(self, charge_id: str, reference: str | None, now: datetime) -> Outcome:
        """What became of a charge."""

    def refund(self, request: RefundRequest, now: datetime) -> Outcome:
        """Give money back. Calling again with the same id gives back nothing more."""

    def parse_callback(self, request: CallbackRequest, now: datetime) -> list[Report]:
        """Verify and read a callback. Raises CallbackRefused."""
