"""Refunds: most succeed at once, some later, and some fail long after they have succeeded."""

from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.shapes import Checked, Json
from ikawaari.simulators.stripe import balances
from ikawaari.simulators.stripe.books import Books
from ikawaari.simulators.stripe.cards import Refunds
from ikawaari.simulators.stripe.errors import Refused, invalid


def create(books: Books, given: Checked) -> Json:
    """Return money of a charge: `amount`, or what is left of it. Raises Refused."""
    charge = _refundable(books, given)
    amount = given.get("amount", charge["amount"] - charge["amount_refunded"])
    _refuse_too_much(charge, amount)
    behavior = books.cards[charge["payment_method"]].refunds
    will_fail = behavior is Refunds.FAIL or books.world.ordered("refund_fails", "refund") is not None
    refund = books.add(
        "refund",
        {
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "failure_reason": None,
            "metadata": given.get("metadata", {}),
            "payment_intent": charge["payment_intent"],
            "reason": given.get("reason"),
            "status": "pending" if behavior is Refunds.PEND else "succeeded",
        },
    )
    del refund["livemode"]  # refunds say no mode
    refund["balance_transaction"] = balances.note(books, "refund", refund, -amount)
    _enter(books, refund)
    _give(charge, amount)
    books.emit("refund.created", refund)
    books.emit("charge.refunded", charge)
    if behavior is Refunds.PEND:
        books.world.later(float(books.world.knobs["refund_settles_after"]), lambda: _succeed(books, refund))
    if will_fail:
        books.world.later(float(books.world.knobs["refund_fails_after"]), lambda: _fail(books, refund, charge))
    return refund


def _refundable(books: Books, given: Checked) -> Json:
    """The charge that is to be refunded."""
    if ("payment_intent" in given) == ("charge" in given):
        raise invalid("You must provide exactly one of payment_intent and charge.", "payment_intent")
    identifier = given.get("charge")
    if identifier is None:
        intent = books.find("payment_intent", given["payment_intent"], "payment_intent")
        identifier = intent["latest_charge"] if intent["status"] == "succeeded" else None
        if identifier is None:
            raise _nothing_taken("payment_intent", "This PaymentIntent does not have a successful charge to refund.")
    charge = books.find("charge", identifier, "charge")
    if charge["status"] != "succeeded":
        raise _nothing_taken("charge", f"Charge {identifier} did not succeed, so it cannot be refunded.")
    return charge


def _nothing_taken(param: str, message: str) -> Refused:
    return invalid(message, param, "charge_not_refundable")


def _refuse_too_much(charge: Json, amount: int) -> None:
    rest = charge["amount"] - charge["amount_refunded"]
    if not rest:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge", "charge_already_refunded")
    if amount > rest:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})", "amount")


def _enter(books: Books, refund: Json) -> None:
    """Into the ledger."""
    status = refund["status"]
    entry = Entry(
        id=refund["metadata"].get("refund", refund["id"]),
        amount=str(refund["amount"]),
        currency=refund["currency"],
        operator="card",
        payer=books.entries[refund["charge"]].payer,
        created=books.world.now(),
        status=status,
        of=books.entries[refund["charge"]].id,
    )
    if status == "succeeded":
        entry.settle(status, "succeeded", books.world.now())
    books.entries[refund["id"]] = entry
    books.world.refunded.append(entry)


def _give(charge: Json, amount: int) -> None:
    """Count `amount` as given back; a negative one as come back to the shop."""
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def _succeed(books: Books, refund: Json) -> None:
    refund["status"] = "succeeded"
    books.entries[refund["id"]].settle("succeeded", "succeeded", books.world.now())
    books.emit("refund.updated", refund, {"status": "pending"})


def _fail(books: Books, refund: Json, charge: Json) -> None:
    """The money comes back to the shop, although the refund may have succeeded days ago."""
    previous = {"status": refund["status"], "failure_reason": None}
    refund |= {"status": "failed", "failure_reason": "lost_or_stolen_card"}
    books.entries[refund["id"]].settle("failed", "failed", books.world.now())
    _give(charge, -refund["amount"])
    refund["failure_balance_transaction"] = balances.note(books, "refund_failure", refund, refund["amount"])
    books.emit("refund.updated", refund, previous)
    books.emit("refund.failed", refund)
