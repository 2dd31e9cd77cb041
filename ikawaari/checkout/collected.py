"""What the page collects besides the payment method: what the customer chooses to pay for, and the answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ikawaari import phones
from ikawaari.checkout import quotes
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.quotes import Quote
from ikawaari.errors import Details, ValidationFailed
from ikawaari.money import Money
from ikawaari.store.models import CheckoutSession

DETAILS = ("name", "email", "phone", "address")
_LONGEST = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Collected:
    """The quote to charge and the answers to keep, complete and checked."""

    quote: Quote
    money: Money  # the quote's total
    customer_details: Mapping[str, str]
    custom_field_values: Mapping[str, str]


def read(request: PayRequest, session: CheckoutSession) -> Collected:
    """What `request` brings, with the answers given before. Raises ValidationFailed naming every bad field."""
    problems: Details = {}
    quote = _quote(request, session, problems)
    details = session.customer_details | _details(request.customer, session, problems)
    answers = session.custom_field_values | _answers(request.custom_fields, session, problems)
    for definition in session.custom_fields:
        if definition["required"] and not answers.get(definition["key"]):
            problems.setdefault(f"collected.customFields.{definition['key']}", ["is required"])
    if problems or quote is None:
        raise ValidationFailed(problems, "IKW-CHK-002")
    return Collected(quote, Money(quote.total, session.currency), details, answers)


def kept(session: CheckoutSession) -> Collected:
    """What stands already, for a payment without the payer: the amount and the fee agreed to, the answers given."""
    assert session.amount is not None, "only the payer chooses an amount"
    quote = Quote(session.amount, session.fee_amount, quantities=None)
    return Collected(quote, Money(quote.total, session.currency), session.customer_details, session.custom_field_values)


def is_email(text: str) -> bool:
    """Whether `text` has the shape of an e-mail address; only a letter sent there proves more."""
    return len(text) <= 320 and _EMAIL.fullmatch(text) is not None


def _quote(request: PayRequest, session: CheckoutSession, problems: Details) -> Quote | None:
    try:
        quote = quotes.of(session, request.type, request.amount, request.quantities)
    except ValidationFailed as wrong:
        problems |= wrong.details
        return None
    # Nobody pays a total that the page has not shown: prices, quantities or the fee may have changed since.
    if request.agreed_total not in (None, quote.total):
        problems["agreed_total"] = [f"the total is {quote.total} now"]
    return quote


def _details(given: Mapping[str, str], session: CheckoutSession, problems: Details) -> dict[str, str]:
    at = "collected.customerDetails"
    kept = {key: value.strip() for key, value in given.items() if value.strip()}
    for key, value in kept.items():
        if key not in DETAILS:
            problems[f"{at}.{key}"] = [f"must be one of {', '.join(DETAILS)}"]
        elif len(value) > _LONGEST:
            problems[f"{at}.{key}"] = [f"must have at most {_LONGEST} characters"]
    if "email" in kept and not is_email(kept["email"]):
        problems[f"{at}.email"] = ["is not an e-mail address"]
    if "phone" in kept:
        try:
            kept["phone"] = phones.parse(kept["phone"], session.country).e164
        except phones.InvalidPhone:
            problems[f"{at}.phone"] = ["is not a phone number"]
    return kept


def _answers(given: Mapping[str, str], session: CheckoutSession, problems: Details) -> dict[str, str]:
    definitions = {definition["key"]: definition for definition in session.custom_fields}
    kept = {key: value.strip() for key, value in given.items() if value.strip()}
    for key, value in kept.items():
        problem = _problem(definitions.get(key), value)
        if problem:
            problems[f"collected.customFields.{key}"] = [problem]
    return kept


def _problem(definition: Mapping[str, Any] | None, value: str) -> str | None:
    """What is wrong with an answer, if anything."""
    if definition is None:
        return "is not a field of this session"
    if len(value) > _LONGEST:
        return f"must have at most {_LONGEST} characters"
    checks = {"text": _is_text, "number": _is_number, "date": _is_date, "dropdown": _is_option}
    return None if checks[definition["type"]](value, definition) else f"is not a {definition['type']} of this field"


def _is_text(_value: str, _definition: Mapping[str, Any]) -> bool:
    return True


def _is_number(value: str, _definition: Mapping[str, Any]) -> bool:
    try:
        return Decimal(value.replace(",", ".")).is_finite()
    except InvalidOperation:
        return False


def _is_date(value: str, _definition: Mapping[str, Any]) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_option(value: str, definition: Mapping[str, Any]) -> bool:
    return value in {option["value"] for option in definition["options"]}
