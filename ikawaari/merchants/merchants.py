"""Merchants."""

from collections.abc import Mapping
from datetime import datetime

from ikawaari import countries, ids, store
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.store.models import Merchant


def create(
    name: str,
    now: datetime,
    *,
    country: str = "SN",
    late_payments: str = "accept",
    logo_url: str | None = None,
    color: str | None = None,
    fees: Mapping[str, Mapping[str, int]] | None = None,
    unpaid_subscriptions: str = "unpaid",
) -> Merchant:
    """Enter a merchant. The currency is its country's. Raises ValidationFailed for a country that we do not serve.

    `fees`: as `fees.read` makes them; a payment method type that is not in there costs its customers nothing.
    """
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
        fees=dict(fees or {}),
        unpaid_subscriptions=unpaid_subscriptions,
        created_at=now,
    )


def get(merchant_id: str) -> Merchant:
    """The merchant. Raises NotFound."""
    merchant = Merchant.get_or_none(Merchant.id == merchant_id)
    if merchant is None:
        raise NotFound("merchant")
    return merchant


def update(
    merchant_id: str, *, fees: Mapping[str, Mapping[str, int]] | None = None, **policies: str | None
) -> Merchant:
    """Change what is given: the fees of those payment method types, `late_payments`, `unpaid_subscriptions`.

    Raises NotFound. Sessions that are open follow; a payment that has begun keeps the fee that its payer agreed to.
    """
    with store.atomic():
        merchant = Merchant.lock(get(merchant_id).id)
        given = {name: value for name, value in policies.items() if value is not None}
        merchant.change(fees=merchant.fees | dict(fees or {}), **given)
    return merchant


def all_merchants() -> list[Merchant]:
    """Every merchant, oldest first."""
    return list(Merchant.select().order_by(Merchant.created_at, Merchant.id))
