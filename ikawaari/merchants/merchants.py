"""Merchants."""

import re
from datetime import datetime

from ikawaari import cards, countries, errors, ids, store, texts
from ikawaari.errors import Details, NotFound, ValidationFailed
from ikawaari.merchants.fees import Fees
from ikawaari.store.models import Merchant

_LONGEST_NAME = 255
_COLOR = re.compile("#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}")


def create(
    name: str,
    now: datetime,
    *,
    country: str = "SN",
    late_payments: str = "accept",
    logo_url: str | None = None,
    color: str | None = None,
    fees: Fees | None = None,
    unpaid_subscriptions: str = "unpaid",
) -> Merchant:
    """Create a merchant. The currency is its country's. Raises ValidationFailed naming every wrong field.

    `fees`: as returned by `fees.read`; a payment method type without an entry has no fee.
    """
    home = countries.find(country)
    problems = _problems(texts.trimmed(name), logo_url, color)
    if home is None:
        problems["country"] = [f"must be one of {', '.join(countries.COUNTRIES)}"]
    if home is None or problems:
        raise ValidationFailed(problems, cards.refusal_code(problems, errors.FIELD_INVALID))
    return Merchant.create(
        id=ids.new("mer"),
        name=texts.trimmed(name),
        country=home.code,
        currency=home.currency,
        logo_url=logo_url,
        color=color,
        late_payments=late_payments,
        fees=dict(fees or {}),
        unpaid_subscriptions=unpaid_subscriptions,
        created_at=now,
    )


def _problems(name: str, logo_url: str | None, color: str | None) -> Details:
    """Problems of a merchant's name, logo and color: the same checks as in the API."""
    problems: Details = {}
    wrong_name = cards.REFUSAL if cards.stands_in(name) else texts.problem(name, _LONGEST_NAME)
    if not name or wrong_name:
        problems["name"] = [wrong_name or "must not be empty"]
    if logo_url is not None and not texts.is_web_url(logo_url):
        problems["logo_url"] = ["must be an absolute http(s) URL"]
    if color is not None and not _COLOR.fullmatch(color):
        problems["color"] = ["must be #rrggbb"]
    return problems


def get(merchant_id: str) -> Merchant:
    """The merchant. Raises NotFound."""
    merchant = Merchant.get_or_none(Merchant.id == merchant_id)
    if merchant is None:
        raise NotFound("merchant")
    return merchant


def update(merchant_id: str, *, fees: Fees | None = None, **policies: str | None) -> Merchant:
    """Change the given settings: the fees of those payment method types, `late_payments`, `unpaid_subscriptions`.

    Raises NotFound. Open sessions follow; a payment that has started keeps the fee that its payer agreed to.
    """
    with store.atomic():
        merchant = Merchant.lock(get(merchant_id).id)
        given = {name: value for name, value in policies.items() if value is not None}
        merchant.change(fees=merchant.fees | dict(fees or {}), **given)
    return merchant


def all_merchants() -> list[Merchant]:
    """Every merchant, oldest first."""
    return list(Merchant.select().order_by(Merchant.created_at, Merchant.id))
