"""The price of a new session or payment link: checks that span several fields."""

from ikawaari import countries
from ikawaari.checkout.offers import Offer
from ikawaari.errors import Details
from ikawaari.merchants import fees
from ikawaari.money import MAX_AMOUNT
from ikawaari.shapes import FeeMode, FeeTerms, LineItem, MethodType
from ikawaari.store.models import Merchant


def currency_of(new: Offer, merchant: Merchant, problems: Details) -> str:
    """The given currency, or else the country's, or else the merchant's; upper case."""
    if new.currency or not new.country:
        return (new.currency or merchant.currency).upper()
    currency = countries.currency_of(new.country)
    if currency is None:
        problems["currency"] = [f"is required with the country {new.country.upper()}"]
    return currency or merchant.currency


def check_fees(new: Offer, currency: str, merchant: Merchant, problems: Details) -> None:
    """Report `currency` if the customer pays a fee whose fixed part is in another one."""
    if new.fee_mode != FeeMode.CUSTOMER_PAYS:
        return
    for method_type in new.payment_method_types or MethodType:
        terms: FeeTerms | None = merchant.fees.get(method_type)
        if terms is not None and fees.fixed_in(terms, merchant, currency) is None:
            own = fees.currency_of(terms, merchant)
            problems.setdefault("currency", [f"must be {own}: the fixed fee that the customer pays is in {own}"])


def amount_of(new: Offer, currency: str, problems: Details) -> int | None:
    """The given amount, or the sum of the line items; None if the customer chooses it."""
    amount = _amount(new, currency, problems)
    _check_bounds(new, amount, problems)
    return amount


def _amount(new: Offer, currency: str, problems: Details) -> int | None:
    for index, item in enumerate(new.line_items):
        if (item.get("currency") or currency).upper() != currency:
            problems[f"line_items.{index}.currency"] = [f"must be the session's, {currency}"]
    if not new.line_items:
        return new.amount
    total = sum(int(item["amount"]) * int(item["quantity"]) for item in new.line_items)
    if sum(int(item["amount"]) * _most(item) for item in new.line_items) > MAX_AMOUNT:
        problems["line_items"] = ["add up to more than an amount can be"]
        return new.amount
    if new.amount is not None and new.amount != total:
        problems["line_items"] = [f"add up to {total}, not to the amount, {new.amount}"]
    return total


def _most(item: LineItem) -> int:
    """Checks of the quantities of an item."""
    adjustable = item.get("adjustable_quantity")
    return adjustable["maximum"] if adjustable else item["quantity"]


def _check_bounds(new: Offer, amount: int | None, problems: Details) -> None:
    least, most = new.amount_min, new.amount_max
    for name in ("amount_min", "amount_max", "amount_presets"):
        if getattr(new, name) not in (None, (), []) and amount is not None:
            problems[name] = ["is only for an amount that the customer chooses"]
    if least is not None and most is not None and least > most:
        problems["amount_min"] = ["must not be over amountMax"]
    if any((least and preset < least) or (most and preset > most) for preset in new.amount_presets):
        problems["amount_presets"] = ["must lie between amountMin and amountMax"]
