"""Balance transactions: what a charge adds to the account's balance, and a refund takes from it."""

from ikawaari.simulators.shapes import Json
from ikawaari.simulators.stripe.books import Books

_AVAILABLE_AFTER_SECONDS = 7 * 86_400


def note(books: Books, kind: str, source: Json, amount: int, fee: int = 0) -> str:
    """Note a movement, in the currency of its source. Returns its id."""
    details = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    fields = {
        "amount": amount,
        "available_on": books.now + _AVAILABLE_AFTER_SECONDS,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [details] if fee else [],
        "net": amount - fee,
        "reporting_category": kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }
    transaction = books.add("balance_transaction", fields)
    del transaction["livemode"]  # it says no mode
    return str(transaction["id"])


def fee_of(books: Books, amount: int) -> int:
    """What Stripe keeps of a charge: a made-up share."""
    return round(amount * float(books.world.knobs["fee_percent"]) / 100)
