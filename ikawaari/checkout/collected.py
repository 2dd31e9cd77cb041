"""What the page collects besides the payment method: amount, quantities, and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ikawaari import cards, errors, numbers, phones, texts
from ikawaari.checkout import quotes
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.quotes import Quote
from ikawaari.errors import Details, ValidationFailed
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.shapes import ColumnValues, CustomField, FieldType, Typed
from ikawaari.store.models import CheckoutSession

DETAILS = ("name", "email", "phone", "address")


@dataclass(frozen=True, repr=False)  # it names a person, and a trace may have it
class Collected:
    """The quote to charge and the answers to store, complete and checked."""

    quote: Quote
    money: Money  # the quote's total
    customer_details: Mapping[str, Typed]
    custom_field_values: Mapping[str, str]

    @property
    def email(self) -> str | None:
        """The customer's e-mail address."""
        email = self.customer_details.get("email")
        return email if isinstance(email, str) else None

    @property
    def columns(self) -> ColumnValues:
        """The columns, of a session and of an attempt, that keep the answers."""
        return {
            "customer_details": dict(self.customer_details),
            "custom_field_values": dict(self.custom_field_values),
        }


def read(request: PayRequest, session: CheckoutSession) -> Collected:
    """The values of `request`, together with earlier answers. Raises ValidationFailed naming every wrong field."""
    problems: Details = {}
    quote = _quote(request, session, problems)
    details = session.customer_details | _details(request.customer, session, problems)
    answers = session.custom_field_values | _answers(request.custom_fields, session, problems)
    for definition in session.custom_fields:
        if definition["required"] and not answers.get(definition["key"]):
            problems.setdefault(f"custom_fields.{definition['key']}", ["is required"])
    if problems or quote is None:
        raise ValidationFailed(problems, cards.refusal_code(problems, errors.PAYMENT_INVALID))
    return Collected(quote, Money(quote.total, session.currency), details, answers)


def details(given: Mapping[str, Typed], session: CheckoutSession) -> Mapping[str, Typed]:
    """A payer's details alone, in their stored form. Raises ValidationFailed naming every wrong one."""
    problems: Details = {}
    found = _details(given, session, problems)
    if problems:
        raise ValidationFailed(problems, cards.refusal_code(problems, errors.PAYMENT_INVALID))
    return found


def kept(session: CheckoutSession, fee: int) -> Collected:
    """For a payment without the payer: the amount, the agreed `fee`, and earlier answers."""
    amount = present(session.amount, "only the payer chooses an amount")
    quote = Quote(amount, fee, quantities=None)
    return Collected(quote, Money(quote.total, session.currency), session.customer_details, session.custom_field_values)


def _quote(request: PayRequest, session: CheckoutSession, problems: Details) -> Quote | None:
    try:
        quote = quotes.of(session, request.type, request.amount, request.quantities)
    except ValidationFailed as wrong:
        problems |= wrong.details
        return None
    # Nobody pays a total that the page has not shown: prices, quantities or the fee may have changed.
    if request.agreed_total not in (None, quote.total):
        problems["agreed_total"] = [f"the total is {quote.total} now"]
    return quote


def _details(given: Mapping[str, Typed], session: CheckoutSession, problems: Details) -> dict[str, Typed]:
    kept: dict[str, Typed] = {}
    for key, value in _filled(given).items():
        at = f"customer.{key}"
        if key not in DETAILS:
            problems[_named(at)] = [f"must be one of {', '.join(DETAILS)}"]
            continue
        try:
            kept[key] = _detail(key, value, session)
        except ValueError as error:
            problems[at] = [str(error)]
    return kept


def _detail(key: str, value: Typed, session: CheckoutSession) -> Typed:
    """One detail in its stored form. Raises ValueError with the problem."""
    if isinstance(value, Mapping):  # the lines of an address: stored as they were given
        wrong = next(filter(None, (_wrong_text(text) for line in value.items() for text in line)), None)
        if wrong:
            raise ValueError(wrong)
        return dict(value)
    if key == "phone":
        try:
            return phones.parse(value, session.country).e164
        except phones.FormerPhone as former:
            raise ValueError(former.advice) from None
        except phones.InvalidPhone:
            raise ValueError("is not a phone number") from None
    wrong = _wrong_text(value)
    if wrong:
        raise ValueError(wrong)
    try:
        return texts.email(value) if key == "email" else value
    except ValueError:
        raise ValueError("is not an e-mail address") from None


def _answers(given: Mapping[str, str], session: CheckoutSession, problems: Details) -> dict[str, str]:
    definitions = {definition["key"]: definition for definition in session.custom_fields}
    kept: dict[str, str] = {}
    for key, text in given.items():
        value = texts.trimmed(text)
        if not value:
            continue
        at = f"custom_fields.{key}"
        if key not in definitions:
            problems[_named(at)] = ["is not a field of this session"]
            continue
        try:
            kept[key] = _answer(definitions[key], value)
        except ValueError as error:
            problems[at] = [str(error)]
    return kept


def _answer(definition: CustomField, value: str) -> str:
    """An answer in its stored form. Raises ValueError with the problem."""
    wrong = _wrong_text(value)
    if wrong:
        raise ValueError(wrong)
    readers = {
        FieldType.TEXT: _text,
        FieldType.NUMBER: _number,
        FieldType.DATE: _date,
        FieldType.DROPDOWN: _option,
    }
    try:
        return readers[FieldType(definition["type"])](value, definition)
    except (ValueError, StopIteration):
        raise ValueError(f"is not a {definition['type']} of this field") from None


def _filled(given: Mapping[str, Typed]) -> dict[str, Typed]:
    """The value without invisible marks of pasted text; blanks only are empty."""
    trimmed = {key: texts.trimmed(value) if isinstance(value, str) else value for key, value in given.items()}
    return {key: value for key, value in trimmed.items() if value}


def _wrong_text(value: str) -> str | None:
    return texts.problem(value, texts.LONGEST_ANSWER) or (cards.REFUSAL if cards.holds_number(value) else None)


def _named(path: str) -> str:
    """The path of an unknown field, unless its name is a card number or cannot be printed."""
    return path if texts.is_storable(path) and not cards.holds_number(path) else path.rpartition(".")[0]


def _text(value: str, _definition: CustomField) -> str:
    return value


def _number(value: str, _definition: CustomField) -> str:
    return numbers.read(value)


def _date(value: str, _definition: CustomField) -> str:
    read = date.fromisoformat(value).isoformat()
    if read != value:
        raise ValueError("another spelling of a date")
    return read


def _option(value: str, definition: CustomField) -> str:
    """The option in the merchant's spelling."""
    options = [option["value"] for option in definition["options"] or ()]
    return next(option for option in options if texts.choice(option) == texts.choice(value))
