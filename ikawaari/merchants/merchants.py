"""Merchants."""

from datetime import datetime

from ikawaari import countries, ids
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.store.models import Merchant


def create(
    name: str,
    now: datetime,
    *,
    country: str = "SN",
    late_payments: str = "accept",
    unpaid_subscriptions: str = "unpaid",
    logo_url: str | None = None,
    color: str | None = None,
) -> Merchant:
    """Enter a merchant. The currency is its country's. Raises ValidationFailed for a country that we do not serve."""
    home = countries.find(country)
    if home is None:
        raise ValidationFailed({"country": [f"must be one of {', '.join(countries.COUNTRIES)}"]})
    return Merchant.create(
        id=ids.new("mer"),
        name=name,
        country=home.code,
        currency=home.currency,
        logo_url=logo_url,
        color=color,
        late_payments=late_payments,
        unpaid_subscriptions=unpaid_subscriptions,
        created_at=now,
    )


def get(merchant_id: str) -> Merchant:
    """The merchant. Raises NotFound."""
    merchant = Merchant.get_or_none(Merchant.id == merchant_id)
    if merchant is None:
        raise NotFound("merchant")
    return merchant


def all_merchants() -> list[Merchant]:
    """Every merchant, oldest first."""
    return list(Merchant.select().order_by(Merchant.created_at, Merchant.id))
