"""Offers: what a session and a payment link have in common, which is what their page sells and on which terms.

An offer is copied as a whole: from a request, from a link to its sessions, to a row and to the answer. A new field is
written down here, as a column (`store.models.offers`, and a migration) and on the wire (`edge.offers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict, TypeVar, cast

from ikawaari.shapes import ColumnValues, CustomField, FeeMode, JsonObject, JsonValue, LineItem, Locale, Recurring
from ikawaari.store.models import offers


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a merchant requests; every field is optional. Amounts in the currency's smallest unit."""

    amount: int | None = None  # absent: the line items give it, else the customer chooses it
    amount_min: int | None = None
    amount_max: int | None = None
    amount_presets: Sequence[int] = ()
    currency: str | None = None  # absent: the country's, else the merchant's
    country: str | None = None
    payment_method_types: Sequence[str] | None = None  # absent: all of them
    fee_mode: str | None = None  # absent: `merchant_pays`
    description: str | None = None
    line_items: Sequence[LineItem] = ()
    custom_fields: Sequence[CustomField] = ()
    recurring: Recurring | None = None
    success_url: str | None = None
    thank_you: str | None = None
    custom_text: str | None = None
    locale: str | None = None  # absent: `auto`
    metadata: JsonObject = field(default_factory=dict)


class PublicOffer(TypedDict):
    """What of an offer anybody may see."""

    amount_min: int | None
    amount_max: int | None
    amount_presets: list[int]
    currency: str
    country: str | None
    fee_mode: str
    description: str | None
    custom_fields: list[CustomField]
    recurring: Recurring | None
    custom_text: str | None
    locale: str


_NAMES = tuple(each.name for each in fields(Offer))
_DEFAULTS = {"fee_mode": FeeMode.MERCHANT_PAYS, "locale": Locale.AUTO}
New = TypeVar("New", bound=Offer)


def of(row: offers.Offer) -> dict[str, JsonValue]:
    """What a session or a link offers, by the names of the fields."""
    column = row.__data__.get  # what its attributes say, in less time
    return {name: column(name) for name in _NAMES}


def public(row: offers.Offer) -> PublicOffer:
    """What of it anybody may see."""
    column = row.__data__.get
    return cast("PublicOffer", {name: column(name) for name in PublicOffer.__annotations__})


def completed(new: New, row: offers.Offer) -> New:
    """What is asked for, and for all that is left out what the link `row` says."""
    said: Any = {name: said for name, said in of(row).items() if not getattr(new, name)}
    return replace(new, **said)


def columns(
    new: Offer, method_types: Sequence[str], *, amount: int | None, currency: str, country: str | None
) -> ColumnValues:
    """The columns that keep an offer; `amount`, `currency` and `country` as they were decided."""
    said = {name: _stored(getattr(new, name)) for name in _NAMES}
    defaults = {name: said[name] or default for name, default in _DEFAULTS.items()}
    decided = {
        "amount": amount,
        "currency": currency,
        "country": country.upper() if country else None,
        "payment_method_types": list(dict.fromkeys(new.payment_method_types or method_types)),
    }
    return said | defaults | decided


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
