"""What a payment costs: the merchant's amount, plus the fee if the customer pays it.

A quote is a value. It is stored when a payment claims its session, and again when an attempt turns out to be the one
that paid: amount, fee and quantities of a session always belong together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ikawaari import errors
from ikawaari.errors import Details, ValidationFailed
from ikawaari.merchants import fees
from ikawaari.money import MAX_AMOUNT
from ikawaari.shapes import ColumnValues, FeeMode, FeeTerms, LineItem
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt

_WHOLE = 10_000  # basis points
_AMOUNT, _QUANTITIES = "amount", "quantities"


@dataclass(frozen=True)
class Quote:
    """What one payment costs, in the currency's smallest unit.

    `quantities` has one number for each line item; None where there is none to choose.
    """

    amount: int
    fee: int
    quantities: Sequence[int] | None

    @property
    def total(self) -> int:
        """What the payer is charged."""
        return self.amount + self.fee


def of(session: CheckoutSession, method_type: str, chosen: int | None, quantities: Sequence[int] | None) -> Quote:
    """The quote for the payer's choices; None for the session's own. Raises ValidationFailed by field."""
    problems: Details = {}
    counts = _counts(quantities, session, problems)
    amount = _amount(chosen, _price(session, counts), session, problems)
    fee = fee_on(amount, _schedule(session, method_type))
    if amount + fee > MAX_AMOUNT:
        problems.setdefault(_AMOUNT, ["is more than an amount can be, with the fee"])
    if problems:
        raise ValidationFailed(problems, errors.PAYMENT_INVALID)
    return Quote(amount, fee, counts if is_adjustable(session) else None)


def agreed(attempt: PaymentAttempt) -> Quote:
    """The quote that the payer of `attempt` agreed to."""
    return Quote(attempt.amount - attempt.fee_amount, attempt.fee_amount, attempt.quantities)


def columns(session: CheckoutSession, quote: Quote) -> ColumnValues:
    """The columns of the session that `quote` decides. A chosen amount stays open: it stands in the intent."""
    if quote.quantities is None:
        return {"fee_amount": quote.fee}
    items = [item | {"quantity": count} for item, count in zip(session.line_items, quote.quantities, strict=True)]
    return {"fee_amount": quote.fee, "amount": quote.amount, "line_items": items}


def must_be_agreed(session: CheckoutSession) -> bool:
    """Whether a page must show the total first, because it is neither the session's amount nor the one just typed."""
    return is_adjustable(session) or any(any(_schedule(session, kind)) for kind in session.payment_method_types)


def is_adjustable(session: CheckoutSession) -> bool:
    """Whether the payer may choose a quantity."""
    return bool(session.line_items) and any(item.get("adjustable_quantity") for item in session.line_items)


def fee_on(amount: int, schedule: tuple[int, int]) -> int:
    """The fee of a schedule (basis points, fixed), rounded up to a whole unit, in integers."""
    basis_points, fixed = schedule
    return -(-amount * basis_points // _WHOLE) + fixed


def _schedule(session: CheckoutSession, method_type: str) -> tuple[int, int]:
    """Basis points and fixed fee that the customer pays for this kind of method."""
    if session.fee_mode != FeeMode.CUSTOMER_PAYS:
        return 0, 0
    merchant: Merchant = session.merchant
    terms: FeeTerms | None = merchant.fees.get(method_type)
    if terms is None:
        return 0, 0
    # A fixed fee that its merchant has moved to another currency since: it is never added as if it were in this one.
    return terms["basis_points"], fees.fixed_in(terms, merchant, session.currency) or 0


def _counts(quantities: Sequence[int] | None, session: CheckoutSession, problems: Details) -> list[int]:
    """The quantity of each line item; missing or invalid ones are the session's."""
    own = [item["quantity"] for item in session.line_items]
    if quantities is None:
        return own
    if len(quantities) != len(own):
        problems[_QUANTITIES] = [f"must have one number for each of the {len(own)} line items"]
        return own
    for index, (item, count) in enumerate(zip(session.line_items, quantities, strict=True)):
        least, most = quantity_bounds(item)
        if not least <= count <= most:
            problems[f"{_QUANTITIES}.{index}"] = [f"must be between {least} and {most}"]
    return list(quantities)


def quantity_bounds(item: LineItem) -> tuple[int, int]:
    """The minimum and maximum of a line item; the same number twice if it is fixed."""
    adjustable = item.get("adjustable_quantity")
    return (adjustable["minimum"], adjustable["maximum"]) if adjustable else (item["quantity"], item["quantity"])


def _price(session: CheckoutSession, counts: Sequence[int]) -> int | None:
    """What the session costs with these quantities; None if its payer chooses an amount."""
    if not is_adjustable(session):
        own: int | None = session.amount
        return own
    return sum(int(item["amount"]) * count for item, count in zip(session.line_items, counts, strict=True))


def _amount(chosen: int | None, price: int | None, session: CheckoutSession, problems: Details) -> int:
    if price is not None:
        if not 0 < price <= MAX_AMOUNT:
            problems.setdefault(_QUANTITIES, ["must come to more than nothing, and to no more than an amount can be"])
        elif chosen not in (None, price):
            problems[_AMOUNT] = ["the amount of this session is fixed"]
        return price
    least, most = session.amount_min or 1, session.amount_max or MAX_AMOUNT
    if chosen is None:
        problems[_AMOUNT] = ["is required"]
    elif not least <= chosen <= most:
        problems[_AMOUNT] = [f"must be between {least} and {most}"]
    else:
        return chosen
    return least
