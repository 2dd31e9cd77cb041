"""What a provider says, as values: an `Outcome` is what a charge, a refund or a look-up came to."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import structlog

from ikawaari import texts
from ikawaari.invariants import ensure
from ikawaari.money import Money, from_decimal_string
from ikawaari.shapes import JsonObject

log = structlog.get_logger()
LONGEST_WORD = 255  # characters of a reference, a code or an event's id, as in their columns
_LONGEST_DIAL_CODE, _LONGEST_ADDRESS = 64, 4_096
_LARGEST_DATA = 4_096  # characters of `provider_data` as JSON
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
    REFUSED = "refused"  # the answer to a charge or a refund: certainly nothing was started, so another may be asked
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    UNKNOWN = "unknown"  # no answer, a 5xx, garbage: neither paid nor failed
    NOT_FOUND = "not_found"  # the answer to a look-up: the provider never saw it


class ActionKind(StrEnum):
    """What the payer has to do."""

    USSD = "mobile_money_ussd"
    OTP = "mobile_money_otp"
    REDIRECT = "redirect_to_url"
    QR = "display_qr_code"


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
        if self.url and not self.url.startswith(("https://", "http://")):  # a browser would run another kind of address
            object.__setattr__(self, "url", None)

    @property
    def is_complete(self) -> bool:
        """Whether it says where to go, or what to scan."""
        needed = {ActionKind.REDIRECT: self.url, ActionKind.QR: self.data}
        return bool(needed.get(self.kind, True))


@dataclass(frozen=True, kw_only=True, repr=False)  # it names a person, and a trace may have it
class SavedMethod:
    """A payment method that a provider keeps, for renewals without the payer. Both ids are the provider's own."""

    id: str
    customer: str | None = None
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None  # four digits
    is_spent: bool = False  # it will never pay again, says its bank: it is not to be asked

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", cleaned(self.id) or "")
        for name in ("customer", "brand", "last4"):
            object.__setattr__(self, name, cleaned(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a provider reported about one charge or refund: the value that all doors pass to `settlement.apply`.

    Whatever the provider sent, the texts of an Outcome can be stored: see `cleaned`.
    """

    result: Result
    reference: str | None = None  # the provider's own id
    money: Money | None = None  # what was really taken or returned, if it succeeded; 0 for a `setup`
    action: Action | None = None
    failure: FailureCode | None = None
    raw_code: str | None = None  # the provider's own word: `ikawaari attempts show` prints it
    deadline: datetime | None = None  # when the prompt, code or page ends
    # What the next call about it needs, in place of the last; None: unchanged.
    provider_data: JsonObject | None = field(default=None, repr=False)
    saved: SavedMethod | None = None
    # Of a try that failed and did not end the charge: the payer may try again there. Or of a charge that has ended:
    # what its failure may as well be, where the provider's word covers more than one, or says nothing.
    last_error: FailureCode | None = None
    cost: Money | None = None  # what the provider keeps of it, if it says so

    def __post_init__(self) -> None:
        ended = (Result.FAILED, Result.REFUSED)
        ensure((self.result is Result.SUCCEEDED) == (self.money is not None), "a success, and only that, has money")
        ensure((self.result in ended) == (self.failure is not None), "a failure or refusal, and only that, has a code")
        ensure(self.provider_data is None or len(json.dumps(self.provider_data)) <= _LARGEST_DATA, "it is small JSON")
        for name in ("reference", "raw_code"):
            object.__setattr__(self, name, cleaned(getattr(self, name)))
        if self.action and not self.action.is_complete:
            object.__setattr__(self, "action", None)
        if self.deadline and self.deadline.tzinfo is None:  # a time without a time zone
            object.__setattr__(self, "deadline", None)


def unknown(raw_code: str | None) -> Outcome:
    """The outcome of a call that got no usable answer."""
    return Outcome(result=Result.UNKNOWN, raw_code=raw_code)


def refused(failure: FailureCode, raw_code: str | None = None) -> Outcome:
    """The outcome of a charge or refund that certainly was not started: only the answer to that call says so."""
    return Outcome(result=Result.REFUSED, failure=failure, raw_code=raw_code)


def failed(
    failure: FailureCode,
    raw_code: str | None = None,
    *,
    reference: str | None = None,
    or_else: FailureCode | None = None,
) -> Outcome:
    """The outcome of a charge or refund that ended without money having moved. `or_else`: what it may as well be."""
    return Outcome(result=Result.FAILED, failure=failure, raw_code=raw_code, reference=reference, last_error=or_else)


def succeeded(amount: object, currency: object, *, reference: str | None, raw_code: str | None = None) -> Outcome:
    """The outcome of a success of `amount`, in major units as the provider wrote it: a text ("1000.00") or a number of
    decoded JSON.

    An amount that cannot be read exactly makes it unknown: nothing is rounded, and nothing is guessed.
    """
    text = str(amount) if type(amount) in {int, Decimal} else amount  # one with an exponent is not read
    try:
        money = from_decimal_string(text, currency if isinstance(currency, str) else "")
    except ValueError:
        log.error("provider_amount_unreadable", reference=cleaned(reference))
        return Outcome(result=Result.UNKNOWN, raw_code=f"unreadable amount: {amount} {currency}", reference=reference)
    return Outcome(result=Result.SUCCEEDED, money=money, reference=reference, raw_code=raw_code)


def by_code(codes: Mapping[str, FailureCode], code: object) -> FailureCode:
    """The failure of a provider's own `code`: one that is not in the card is `unknown`."""
    return codes.get(code, FailureCode.UNKNOWN) if isinstance(code, str) else FailureCode.UNKNOWN
