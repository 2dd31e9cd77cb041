"""Confirming an intent, of a payment or of a setup: declines, the bank's authentication, and what follows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import cards, charges, methods
from ikawaari.simulators.stripe.books import Books, Challenge, random_text
from ikawaari.simulators.stripe.cards import AUTHENTICATION_REQUIRED, Decline
from ikawaari.simulators.stripe.errors import CARD, Refused, invalid

CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


@dataclass(frozen=True)
class Sort:
    """What differs between the two sorts of intents."""

    error: str  # the field that keeps why the last try failed
    failed: str  # the event that says so


SORTS: Mapping[str, Sort] = {
    "payment_intent": Sort("last_payment_error", "payment_intent.payment_failed"),
    "setup_intent": Sort("last_setup_error", "setup_intent.setup_failed"),
}


def refuse_ended(intent: Json, doing: str) -> None:
    """Raises Refused for an intent that is in no state to be confirmed or canceled."""
    if intent["status"] not in CONFIRMABLE:
        raise _unexpected(intent, f"You cannot {doing} this intent because it has a status of {intent['status']}.")


def _unexpected(intent: Json, message: str) -> Refused:
    kind = intent["object"]
    fields: Json = {"code": f"{kind}_unexpected_state", kind: intent}
    return Refused(400, message, **fields)


def refuse_without_confirm(given: Checked, *names: str) -> None:
    """Raises Refused for parameters that a create may only have with `confirm=true`."""
    if given.get("confirm"):
        return
    for name in names:
        if name in given:
            raise invalid(f"The parameter `{name}` cannot be passed unless `confirm` is set to true.", name)


def confirm(books: Books, intent: Json, method: Json | None, given: Checked) -> None:
    """Try `method`. Raises Refused: 402 when it is declined, 400 when there is none."""
    if method is None:
        raise _unexpected(intent, "You cannot confirm this intent because it's missing a payment method.")
    intent |= {"payment_method": method["id"], "next_action": None, SORTS[intent["object"]].error: None}
    drop_challenges(books, intent)
    if _is_asked(books, method, given):
        if given.get("off_session") or given.get("error_on_requires_action"):
            raise _refusal(intent, _fail(books, intent, method, AUTHENTICATION_REQUIRED))
        _challenge(books, intent, method, given)
        return
    error = _finish(books, intent, method)
    if error is not None:
        raise _refusal(intent, error)


def drop_challenges(books: Books, intent: Json) -> None:
    """Authentications that were asked for earlier decide nothing any more."""
    for challenge in books.challenges.values():
        if challenge.intent is intent:
            challenge.is_open = False


# ---------------------------------------------------------------- the bank's page


def answer_challenge(books: Books, challenge: Challenge, *, is_authenticated: bool) -> None:
    """The payer has answered on the bank's page. An answer that comes too late changes nothing."""
    if not challenge.is_open:
        return
    challenge.is_open = False
    intent, method = challenge.intent, challenge.method
    intent["next_action"] = None
    if not is_authenticated:
        kind = intent["object"]
        message = "We are unable to authenticate your payment method. Choose a different one and try again."
        _fail(books, intent, method, Decline(f"{kind}_authentication_failure", "", message, "", ""))
        return
    if _is_saved(intent):
        books.set_up.add(method["id"])
    _finish(books, intent, method)


def way_back(intent: Json, return_url: str) -> str:
    """The address that the payer returns to: `return_url` with what became of the intent."""
    word = "succeeded" if intent["status"] in {"succeeded", "processing"} else "failed"
    kind, parts = intent["object"], urlsplit(return_url)
    news = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"], "redirect_status": word}
    query = [*parse_qsl(parts.query, keep_blank_values=True), *news.items()]
    return parts._replace(query=urlencode(query)).geturl()


def _challenge(books: Books, intent: Json, method: Json, given: Checked) -> None:
    secret = random_text(32)
    url = f"{books.world.home()}/3d_secure/{secret}"
    return_url = None if given.get("use_stripe_sdk") else given.get("return_url")
    intent["status"] = "requires_action"
    if return_url is None:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    else:
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"url": url, "return_url": return_url},
        }
    books.challenges[secret] = Challenge(secret, intent, method, return_url)
    books.emit(f"{intent['object']}.requires_action", intent)


def _is_asked(books: Books, method: Json, given: Checked) -> bool:
    return books.cards[method["id"]].asks_for_authentication(
        off_session=bool(given.get("off_session")), is_set_up=method["id"] in books.set_up
    )


# ---------------------------------------------------------------- how it ends


def _finish(books: Books, intent: Json, method: Json) -> Json | None:
    """Charge or save the method; the error if it was declined."""
    card = books.cards[method["id"]]
    is_payment = intent["object"] == "payment_intent"
    if card.decline is not None and (is_payment or not card.can_be_saved):
        return _fail(books, intent, method, card.decline)
    if is_payment:
        charges.take(books, intent, method, lambda: _keep_method(books, intent, method))
        return None
    intent["status"] = "succeeded"
    _keep_method(books, intent, method)
    books.emit("setup_intent.succeeded", intent)
    return None


def _keep_method(books: Books, intent: Json, method: Json) -> None:
    """Save a method that was to be saved; one that belongs to nobody cannot be used again."""
    if _is_saved(intent) and intent["customer"] and method["customer"] is None:
        methods.save(books, method, intent["customer"])
    elif method["customer"] is None:
        books.spent.add(method["id"])


def _is_saved(intent: Json) -> bool:
    return bool(intent["object"] == "setup_intent" or intent["setup_future_usage"])


def _fail(books: Books, intent: Json, method: Json, decline: cards.Decline) -> Json:
    """Note that a try failed; the intent waits for another payment method. Returns the error."""
    sort = SORTS[intent["object"]]
    fields = {key: value for key, value in methods.decline_fields(decline).items() if value}
    error = {"type": CARD, **fields, "message": decline.message, "payment_method": dict(method)}
    if intent["object"] == "payment_intent":
        intent["latest_charge"] = charges.refuse(books, intent, method, decline)["id"]
        error["charge"] = intent["latest_charge"]
    intent |= {"status": "requires_payment_method", "payment_method": None, sort.error: error}
    books.emit(sort.failed, intent)
    return error


def _refusal(intent: Json, error: Json) -> Refused:
    """The 402 that tells of a failed try."""
    fields = {key: value for key, value in error.items() if key not in {"type", "message"}}
    return Refused(402, error["message"], kind=CARD, **fields, **{intent["object"]: intent})
