"""Merchants."""

from datetime import datetime

from ikawaari import cards, countries, errors, ids, store, texts
from ikawaari.errors import Details, NotFound, ValidationFailed
from ikawaari.merchants import branding
from ikawaari.merchants.fees import Fees
from ikawaari.store.models import Merchant

_LONGEST_NAME = 255


def create(
    name: str,
    now: datetime,
    *,
    country: str = "SN",
    late_payments: str = "accept",
    fees: Fees | None = None,
    unpaid_subscriptions: str = "unpaid",
    **brand: str | None,
) -> Merchant:
    """Create a merchant. The currency is its country's. Raises ValidationFailed naming every wrong field.

    `fees`: as returned by `fees.read`; a payment method type without an entry has no fee. `brand`: see `branding.read`.
    """
    home = countries.find(country)
    shown, problems = branding.read(brand, home.code if home else None)
    problems |= _name_problems(name)
    if home is None:
        problems["country"] = [f"must be one of {', '.join(countries.COUNTRIES)}"]
    if home is None or problems:
        raise _refusal(problems)
    return Merchant.create(
        id=ids.new("mer"),
        name=texts.trimmed(name),
        country=home.code,
        currency=home.currency,
        late_payments=late_payments,
        fees=dict(fees or {}),
        unpaid_subscriptions=unpaid_subscriptions,
        created_at=now,
        **shown,
    )


def get(merchant_id: str) -> Merchant:
    """The merchant. Raises NotFound."""
    merchant = Merchant.get_or_none(Merchant.id == merchant_id)
    if merchant is None:
        raise NotFound("merchant")
    return merchant


def update(
    merchant_id: str,
    *,
    name: str | None = None,
    late_payments: str | None = None,
    unpaid_subscriptions: str | None = None,
    fees: Fees | None = None,
    **brand: str | None,
) -> Merchant:
    """Change the given settings, and keep the rest: the fees of those payment method types, `brand` as in `create`.

    Raises NotFound, and ValidationFailed naming every wrong field. Open sessions follow at once, and so do their pages;
    a payment that has started keeps the fee that its payer agreed to.
    """
    policies = {"late_payments": late_payments, "unpaid_subscriptions": unpaid_subscriptions}
    with store.atomic():
        merchant = Merchant.lock(get(merchant_id).id)
        shown, problems = branding.read(brand, merchant.country)
        problems |= _name_problems(name) if name is not None else {}
        if problems:
            raise _refusal(problems)
        given = {column: value for column, value in policies.items() if value is not None}
        renamed = {"name": texts.trimmed(name)} if name is not None else {}
        merchant.change(fees=merchant.fees | dict(fees or {}), **given, **renamed, **shown)
    return merchant


def _name_problems(name: str) -> Details:
    text = texts.trimmed(name)
    wrong = cards.REFUSAL if cards.stands_in(text) else texts.problem(text, _LONGEST_NAME)
    return {} if text and not wrong else {"name": [wrong or "must not be empty"]}


def _refusal(problems: Details) -> ValidationFailed:
    return ValidationFailed(problems, cards.refusal_code(problems, errors.FIELD_INVALID))


def all_merchants() -> list[Merchant]:
    """Every merchant, oldest first."""
    return list(Merchant.select().order_by(Merchant.created_at, Merchant.id))
