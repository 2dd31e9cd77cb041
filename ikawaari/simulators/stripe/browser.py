"""What a browser may ask with a publishable key: an intent whose secret it knows, and a token for a typed card."""

from datetime import UTC, datetime

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import cards, methods
from ikawaari.simulators.stripe.books import Books
from ikawaari.simulators.stripe.errors import CARD, Refused, missing

_PUBLIC = (
    *("id", "object", "amount", "currency", "created", "livemode", "status", "client_secret", "next_action"),
    *("last_payment_error", "last_setup_error", "payment_method", "payment_method_types", "canceled_at"),
    *("cancellation_reason", "description", "receipt_email", "setup_future_usage", "usage", "capture_method"),
)


def show_intent(books: Books, kind: str, identifier: str, given: Checked) -> Json:
    """An intent. Whoever sends its secret, and need not own the account, sees what the payer may know."""
    intent = books.find(kind, identifier)
    if "client_secret" not in given:
        return intent
    if given["client_secret"] != intent["client_secret"]:
        raise missing(kind, identifier, "intent")
    return {name: intent[name] for name in _PUBLIC if name in intent}


def create_token(books: Books, given: Checked) -> Json:
    """A confirmation token for a card as typed. Raises Refused, 402, for one that cannot be."""
    data = given["payment_method_data"]
    typed = data["card"]
    number = typed["number"].replace(" ", "")
    if not (number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and _has_check_digit(number)):
        raise _mistyped("incorrect_number", "Your card number is invalid.", "number")
    year = typed["exp_year"] + (2_000 if typed["exp_year"] < 100 else 0)
    today = datetime.fromtimestamp(books.now, UTC)
    if (year, typed["exp_month"]) < (today.year, today.month):
        raise _mistyped("invalid_expiry_year", "Your card's expiration date is in the past.", "exp_year")
    if not (typed["cvc"].isascii() and typed["cvc"].isdigit() and len(typed["cvc"]) in {3, 4}):
        raise _mistyped("invalid_cvc", "Your card's security code is invalid.", "cvc")
    card = cards.numbered(number, typed["exp_month"], year)
    return methods.make_token(books, card, data.get("billing_details", {}), given)


def _mistyped(code: str, message: str, param: str) -> Refused:
    return Refused(402, message, kind=CARD, code=code, param=param)


def _has_check_digit(number: str) -> bool:
    """Luhn's."""
    digits = [int(one) for one in reversed(number)]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
