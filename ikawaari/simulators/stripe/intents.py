"""PaymentIntents and SetupIntents: create, confirm, cancel."""

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import confirming, currencies, methods
from ikawaari.simulators.stripe.books import Books, random_text
from ikawaari.simulators.stripe.errors import invalid

_ONLY_CONFIRMED = ("return_url", "confirmation_token", "use_stripe_sdk")


def create_payment(books: Books, given: Checked) -> Json:
    """The intent to collect an amount once. Raises Refused."""
    currencies.check(given["amount"], given["currency"])
    _refuse_inconsistent(books, given, "off_session", "error_on_requires_action")
    intent = books.draft(
        "payment_intent",
        {
            **_common(given),
            "amount": given["amount"],
            "amount_capturable": 0,
            "amount_received": 0,
            "capture_method": given.get("capture_method", "automatic_async"),
            "confirmation_method": "automatic",
            "currency": given["currency"],
            "last_payment_error": None,
            "latest_charge": None,
            "processing": None,
            "receipt_email": given.get("receipt_email"),
            "setup_future_usage": given.get("setup_future_usage"),
            "statement_descriptor": None,
            "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
        },
    )
    return _begin(books, intent, given)


def create_setup(books: Books, given: Checked) -> Json:
    """The intent to save a payment method without a charge. Raises Refused."""
    _refuse_inconsistent(books, given)
    fields = {"last_setup_error": None, "latest_attempt": None, "usage": given.get("usage", "off_session")}
    return _begin(books, books.draft("setup_intent", {**_common(given), **fields}), given)


def confirm(books: Books, kind: str, identifier: str, given: Checked) -> Json:
    """Try to collect, or to save. Raises Refused."""
    intent = books.find(kind, identifier)
    confirming.refuse_ended(intent, "confirm")
    method = methods.chosen(books, intent, given)
    return _confirm(books, intent, method, given)


def cancel(books: Books, kind: str, identifier: str, given: Checked) -> Json:
    """End an intent that did not succeed. Raises Refused."""
    intent = books.find(kind, identifier)
    confirming.refuse_ended(intent, "cancel")
    _end(books, intent, given.get("cancellation_reason"))
    return intent


def _give_up(books: Books, intent: Json) -> None:
    """The provider cancels what nobody has paid."""
    if intent["status"] in confirming.CONFIRMABLE:
        _end(books, intent, "automatic")


def _end(books: Books, intent: Json, reason: str | None) -> None:
    confirming.drop_challenges(books, intent)
    intent |= {"status": "canceled", "next_action": None, "canceled_at": books.now, "cancellation_reason": reason}
    books.emit(f"{intent['object']}.canceled", intent)


def _refuse_inconsistent(books: Books, given: Checked, *only_confirmed: str) -> None:
    """Raises Refused for parameters that contradict each other."""
    confirming.refuse_without_confirm(given, *_ONLY_CONFIRMED, *only_confirmed)
    if "allowed_payment_method_types" in given and "automatic_payment_methods" in given:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, allowed_payment_method_types.",
            "automatic_payment_methods",
        )
    if "customer" in given:
        books.find("customer", given["customer"], "customer")


def _common(given: Checked) -> Json:
    automatic = given.get("automatic_payment_methods")
    return {
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        "automatic_payment_methods": automatic,
        "canceled_at": None,
        "cancellation_reason": None,
        "client_secret": None,
        "customer": given.get("customer"),
        "description": given.get("description"),
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": given.get("payment_method_options", {}),
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def _begin(books: Books, intent: Json, given: Checked) -> Json:
    """Store a drafted intent, and confirm it if that is asked for."""
    intent["client_secret"] = f"{intent['id']}_secret_{random_text(24)}"
    method = methods.chosen(books, intent, given)
    if given.get("confirm") and method is None:
        raise invalid(
            "You must provide a payment method when you set `confirm` to true.", "payment_method", "parameter_missing"
        )
    if method is not None:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    books.store(intent)
    books.emit(f"{intent['object']}.created", intent)
    if seconds := float(books.world.knobs["cancels_after"]):
        books.world.later(seconds, lambda: _give_up(books, intent))
    return _confirm(books, intent, method, given) if given.get("confirm") else intent


def _confirm(books: Books, intent: Json, method: Json | None, given: Checked) -> Json:
    """Confirm with what the request says, and what a confirmation token adds."""
    token = books.objects["confirmation_token"].get(given.get("confirmation_token", ""), {})
    for name in ("receipt_email", "setup_future_usage"):
        if name in intent and (value := given.get(name) or token.get(name)):
            intent[name] = value
    return_url = given.get("return_url") or token.get("return_url")
    confirming.confirm(books, intent, method, {**given, "return_url": return_url})
    return intent
