"""Customers, their payment methods, and the confirmation tokens that stand for a card just typed."""

from collections.abc import Mapping
from typing import Any

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import cards, listing
from ikawaari.simulators.stripe.books import Books
from ikawaari.simulators.stripe.cards import Card
from ikawaari.simulators.stripe.errors import CARD, Refused, invalid, missing

TOKEN_LIVES_SECONDS = 12 * 3_600

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


# ---------------------------------------------------------------- customers


def create_customer(books: Books, given: Checked) -> Json:
    """A customer, with a payment method if one is given."""
    shown = {name: given.get(name) for name in ("description", "email", "name", "phone")}
    method = _usable(books, given["payment_method"]) if "payment_method" in given else None
    if method is not None:
        _refuse_unsavable(books, method)
    customer = books.add("customer", {**shown, "metadata": given.get("metadata", {})})
    if method is not None:
        save(books, method, customer["id"])
    books.emit("customer.created", customer)
    return customer


def delete_customer(books: Books, identifier: str) -> Json:
    """Forget a customer; the payment methods belong to nobody from now on."""
    customer = books.find("customer", identifier)
    for method in listing.matching(books, "payment_method", {"customer": identifier}, "customer"):
        _part(books, method)
    del books.objects["customer"][identifier]
    books.emit("customer.deleted", customer)
    return {"id": identifier, "object": "customer", "deleted": True}


# ---------------------------------------------------------------- payment methods


def create_method(books: Books, given: Checked) -> Json:
    """A card, by a token: raw numbers are not for servers."""
    card = _typed(books, given.get("card"))
    return _make(books, card, given.get("billing_details", {}), given.get("metadata", {}))


def attach(books: Books, identifier: str, given: Checked) -> Json:
    """Save a card with a customer. A card that its bank refuses is a 402."""
    customer = books.find("customer", given["customer"], "customer")
    method = _usable(books, identifier)
    if method["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.", "payment_method")
    _refuse_unsavable(books, method)
    save(books, method, customer["id"])
    return method


def detach(books: Books, identifier: str) -> Json:
    """Take a card from its customer: it can never be used again."""
    method = books.find("payment_method", identifier)
    if method["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible.",
            "payment_method",
        )
    _part(books, method)
    return method


def save(books: Books, method: Json, customer: str) -> None:
    """Attach `method` to `customer`."""
    method["customer"] = customer
    books.emit("payment_method.attached", method)


def _part(books: Books, method: Json) -> None:
    method["customer"] = None
    books.spent.add(method["id"])
    books.emit("payment_method.detached", method)


def _refuse_unsavable(books: Books, method: Json) -> None:
    card = books.cards[method["id"]]
    if not card.can_be_saved and card.decline is not None:
        raise declined(card.decline)


def declined(decline: cards.Decline, **about: Any) -> Refused:
    """The 402 of a declined card; `about` is what it was wanted for."""
    return Refused(402, decline.message, kind=CARD, **decline_fields(decline), **about)


def decline_fields(decline: cards.Decline) -> Json:
    """What an error tells of a decline."""
    return {
        "advice_code": decline.advice_code,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "network_decline_code": decline.network_decline_code,
    }


def _typed(books: Books, card: Checked | None) -> Card:
    """The card of a token such as `tok_visa`. Raises Refused."""
    if card is None:
        raise invalid("Missing required param: card.", "card", "parameter_missing")
    if "token" not in card:
        raise invalid(
            "Sending credit card numbers directly to the API is unsafe. Use the browser script or test ids instead.",
            "card",
        )
    found = cards.named(card["token"], "tok_")
    if found is None:
        raise missing("token", card["token"], "card[token]", 400)
    return found


def _make(books: Books, card: Card, billing: Checked, metadata: Mapping[str, str] | None = None) -> Json:
    method = books.add(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": full_billing(billing),
            "card": card.shown,
            "customer": None,
            "metadata": dict(metadata or {}),
            "type": "card",
        },
    )
    books.cards[method["id"]] = card
    return method


def full_billing(given: Checked) -> Json:
    """Billing details with every name, as answers have them."""
    empty = dict.fromkeys(("email", "name", "phone", "tax_id"))
    return {**empty, **given, "address": _NO_ADDRESS | given.get("address", {})}


def _usable(books: Books, identifier: str) -> Json:
    """A payment method that may be charged or saved; a test id makes a new one. Raises Refused."""
    test_card = cards.named(identifier, "pm_card_")
    if test_card is not None:
        return _make(books, test_card, {})
    method = books.find("payment_method", identifier, "payment_method")
    if identifier in books.spent:
        raise invalid(
            "The provided PaymentMethod was previously used without a Customer, or was detached from one. It may not "
            "be used again. Attach a PaymentMethod to a Customer first to use it several times.",
            "payment_method",
            "payment_method_unexpected_state",
        )
    return method


# ---------------------------------------------------------------- confirmation tokens


def create_token(books: Books, given: Checked) -> Json:
    """A confirmation token for a payment method: what tests use instead of the browser script."""
    method = _usable(books, given["payment_method"])
    return make_token(books, books.cards[method["id"]], method["billing_details"], given)


def make_token(books: Books, card: Card, billing: Checked, given: Checked) -> Json:
    """A confirmation token for `card`, for one confirmation within twelve hours."""
    token = books.add(
        "confirmation_token",
        {
            "expires_at": books.now + TOKEN_LIVES_SECONDS,
            "payment_intent": None,
            "payment_method_preview": {
                "billing_details": full_billing(billing),
                "card": card.shown,
                "customer": None,
                "type": "card",
            },
            "return_url": given.get("return_url"),
            "setup_future_usage": given.get("setup_future_usage"),
            "setup_intent": None,
            "use_stripe_sdk": False,
        },
    )
    books.cards[token["id"]] = card
    return token


def _redeemable(books: Books, identifier: str) -> Json:
    """A confirmation token that was not used. Raises Refused."""
    token = books.find("confirmation_token", identifier, "confirmation_token")
    if token["payment_intent"] or token["setup_intent"]:
        raise invalid(
            f"The ConfirmationToken {identifier} was already used to confirm an intent and cannot be used again.",
            "confirmation_token",
        )
    if token["expires_at"] <= books.now:
        raise invalid(f"The ConfirmationToken {identifier} has expired.", "confirmation_token")
    return token


# ---------------------------------------------------------------- what an intent is to be confirmed with


def chosen(books: Books, intent: Json, given: Checked) -> Json | None:
    """The payment method that `given` or the intent names, and that the intent may use. Raises Refused."""
    if "payment_method" in given and "confirmation_token" in given:
        raise invalid(
            "You may only specify one of these parameters: payment_method, confirmation_token.", "confirmation_token"
        )
    if "confirmation_token" in given:
        token = _redeemable(books, given["confirmation_token"])
        token[intent["object"]] = intent["id"]
        return _make(books, books.cards[token["id"]], token["payment_method_preview"]["billing_details"])
    identifier = given.get("payment_method") or intent["payment_method"]
    if identifier is None:
        return None
    method = _usable(books, identifier)
    if method["customer"] not in {None, intent["customer"]}:
        raise invalid(
            f"The PaymentMethod {method['id']} belongs to a Customer. Include that Customer in the `customer` "
            "parameter.",
            "payment_method",
        )
    return method
