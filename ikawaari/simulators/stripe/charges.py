"""Charges: one for each try to take money from a card. The ledger's entries stand for them."""

from collections.abc import Callable

from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.shapes import Json, JsonObject
from ikawaari.simulators.stripe import balances
from ikawaari.simulators.stripe.books import Books
from ikawaari.simulators.stripe.cards import Decline

DISPUTE_LASTS_SECONDS = 7 * 86_400.0


def take(books: Books, intent: Json, method: Json, keep_method: Callable[[], None]) -> None:
    """Charge a card that its bank accepts: at once, or after `settles_after` seconds of processing."""
    order = books.world.ordered("other_amount", "charge")
    amount = intent["amount"] if order is None else int(order.more.get("amount", intent["amount"]))
    charge = _add(books, intent, method, amount)
    intent["latest_charge"] = charge["id"]

    def settle() -> None:
        _succeed(books, intent, charge)
        keep_method()
        books.emit("charge.succeeded", charge)
        books.emit("payment_intent.succeeded", intent)
        if books.cards[method["id"]].is_disputed:
            _dispute(books, charge)

    seconds = float(books.world.knobs["settles_after"])
    if not seconds:
        settle()
        return
    intent["status"] = "processing"
    books.emit("payment_intent.processing", intent)
    books.world.later(seconds, settle)


def refuse(books: Books, intent: Json, method: Json, decline: Decline) -> Json:
    """Note that a card was not charged."""
    charge = _add(books, intent, method, intent["amount"])
    charge |= {"status": "failed", "failure_code": decline.code, "failure_message": decline.message}
    books.entries[charge["id"]].settle("failed", "failed", books.world.now())
    books.emit("charge.failed", charge)
    return charge


def _add(books: Books, intent: Json, method: Json, amount: int) -> Json:
    fields: Json = {
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "captured": False,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "metadata": dict(intent["metadata"]),
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"type": "card", "card": dict(method["card"])},
        "refunded": False,
        "status": "pending",
    }
    charge = books.add("charge", fields)
    entry = Entry(
        id=intent["metadata"].get("attempt", intent["id"]),
        amount=str(amount),
        currency=intent["currency"],
        operator="card",
        payer=method["card"]["last4"],
        created=books.world.now(),
        status="pending",
    )
    books.entries[charge["id"]] = entry
    books.world.charged.append(entry)
    return charge


def _succeed(books: Books, intent: Json, charge: Json) -> None:
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
    fee = balances.fee_of(books, charge["amount"])
    charge["balance_transaction"] = balances.note(books, "charge", charge, charge["amount"], fee)
    intent |= {"status": "succeeded", "amount_received": charge["amount"]}
    books.entries[charge["id"]].settle("succeeded", "succeeded", books.world.now())


def _dispute(books: Books, charge: Json) -> None:
    """The payer's bank takes the payment back for a week, then the shop wins."""
    charge["disputed"] = True
    fields = {name: charge[name] for name in ("amount", "currency", "payment_intent")}
    state: JsonObject = {"metadata": {}, "reason": "fraudulent", "status": "needs_response"}
    dispute = books.add("dispute", {**fields, **state, "charge": charge["id"]})
    books.emit("charge.dispute.created", dispute)

    def close() -> None:
        dispute["status"] = "won"
        books.emit("charge.dispute.closed", dispute)

    books.world.later(DISPUTE_LASTS_SECONDS, close)
