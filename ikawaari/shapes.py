"""The shapes of what is kept, sent and shown as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, TypeVar

from peewee import Model, Node

T = TypeVar("T")

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
"""An object of the API that is only sent on, or what a merchant keeps with us: nobody here looks into it."""
Variables = dict[str, Any]
"""What a template of the page is given, by the names that it uses."""


class Mode(StrEnum):
    """What a checkout session is for."""

    PAYMENT = "payment"
    SUBSCRIPTION = "subscription"


class MethodType(StrEnum):
    """The kinds of payment methods."""

    MOBILE_MONEY = "mobile_money"
    CARD = "card"


class FeeMode(StrEnum):
    """Who pays the fee of a payment."""

    MERCHANT_PAYS = "merchant_pays"
    CUSTOMER_PAYS = "customer_pays"


class Interval(StrEnum):
    """The unit of a subscription's period."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Locale(StrEnum):
    """The language of a page; `auto` leaves it to its customer."""

    FRENCH = "fr"
    ENGLISH = "en"
    AUTO = "auto"


class FieldType(StrEnum):
    """What a custom field takes."""

    TEXT = "text"
    NUMBER = "number"
    DROPDOWN = "dropdown"
    DATE = "date"


class LinkEnd(StrEnum):
    """Why an open session can no longer be paid because of its link."""

    INACTIVE = "inactive"
    USED = "used"


class Repeated(list[T]):
    """A list that stands in many answers, and that nobody changes: its JSON is written once."""

    json: str | None = None


class Page(TypedDict):
    """A part of a list."""

    object: str
    data: Sequence[JsonObject]
    has_more: bool
    next_cursor: str | None


class AdjustableQuantity(TypedDict):
    """The bounds of a quantity that the customer chooses."""

    minimum: int
    maximum: int


class LineItem(TypedDict):
    """One position of an order; `amount` is the price of one."""

    name: str
    amount: int
    quantity: int
    currency: NotRequired[str]
    adjustable_quantity: NotRequired[AdjustableQuantity | None]


class Rhythm(TypedDict):
    """How often a subscription is charged."""

    interval: str
    interval_count: int


class Recurring(Rhythm):
    """How a subscription is charged."""

    trial_period_days: NotRequired[int | None]


class FeeTerms(TypedDict):
    """What a customer pays on top: a part of the amount, in hundredths of a percent, and a fixed sum."""

    basis_points: int
    fixed: int
    currency: NotRequired[str]  # of the fixed sum; absent: the merchant's


class Option(TypedDict):
    """One choice of a dropdown."""

    label: str
    value: str


class CustomField(TypedDict):
    """A question that a page asks for its merchant."""

    key: str
    label: str
    type: str
    options: Sequence[Option] | None  # of a dropdown
    required: bool


Typed = str | Mapping[str, str]
"""A text that a customer typed; of an address, it may be an object of texts."""


class Failure(TypedDict):
    """Why the latest attempt failed."""

    code: str
    message: str


class Prompt(TypedDict):
    """What the payer is told to do on the phone."""

    message: str
    dial_code: str | None
    instructions: NotRequired[str]  # of the provider, in the payer's language: what to do if no prompt appears
    payee_name: NotRequired[str]  # whom the prompt names, as the provider says


class RedirectAddress(TypedDict):
    """Where the payer goes, and comes back to."""

    url: str | None
    return_url: str


class QrData(TypedDict):
    """What a QR code holds."""

    data: str | None


@dataclass(frozen=True, kw_only=True)
class CardFields:
    """A provider's own fields for a card, on our page: a token leaves them, and no number reaches us."""

    ours: str  # our script in `static/` that puts them on the page
    script: str  # the address of the provider's script, which `ours` loads once the payer picks the card
    key: str  # the account's public key
    scripts: Sequence[str]  # for the content policy: the origins of that script, of its frames, and of its calls
    frames: Sequence[str]
    calls: Sequence[str]


class NextAction(TypedDict):
    """What the payer has to do now: one of these, which `type` names."""

    type: str
    mobile_money_ussd: NotRequired[Prompt]
    mobile_money_otp: NotRequired[Prompt]
    redirect_to_url: NotRequired[RedirectAddress]
    display_qr_code: NotRequired[QrData]


_Plain = None | bool | int | float | str | datetime
ColumnValue = _Plain | Sequence["ColumnValue"] | Mapping[str, "ColumnValue"] | NextAction | Model | Node
"""A value that a column takes: also a row that it refers to, or what the database reckons."""
ColumnValues = dict[str, ColumnValue]
"""Values of a row by the names of their columns: what a new row holds, or what changes in one."""
