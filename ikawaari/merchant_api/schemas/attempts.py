"""Payment attempts on the wire: every try to pay, as sessions and intents show it."""

from typing import Any

from marshmallow import fields

from ikawaari.checkout.payment_methods import METHOD_TYPES
from ikawaari.edge import parts
from ikawaari.edge.answers import Instant, Money, OneOf, Output, Words
from ikawaari.states import AttemptStatus


class PaymentAttempt(Output):
    """One try to pay."""

    id = Words()
    provider = Words()
    type = OneOf(METHOD_TYPES)
    operator = Words(nullable=True)
    country = Words(nullable=True)
    phone = Words("Masked.", nullable=True)
    amount = Money("What the payer was asked for, with the fee.")
    fee_amount = Money("The part of it that is the fee.")
    amount_received = Money("All that the provider took; null until that is known.", nullable=True)
    amount_returned = Money("The sum of its refunds that succeeded.")
    amount_held = Money("What was taken, pays nothing and has not gone back: refund it by `attempt`. Normally 0.")
    currency = Words("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    status = OneOf(AttemptStatus)
    failure_code = OneOf(parts.FAILURE_CODES, nullable=True)
    surplus = fields.Boolean(required=True, metadata={"description": "Money that was not needed: see `amount_held`."})
    created = Instant()
    settled_at = Instant("Null until it succeeded or failed.", nullable=True)


ATTEMPT: dict[str, Any] = {
    "id": "0198c5a4-6e0f-7c52-9d53-3f4d8a4f2b10",
    "provider": "sandbox",
    "type": "mobile_money",
    "operator": "orange_sn",
    "country": "SN",
    "phone": "+221 77 ••• •• 67",
    "amount": 25000,
    "fee_amount": 0,
    "amount_received": None,
    "amount_returned": 0,
    "amount_held": 0,
    "currency": "xof",
    "status": "requires_action",
    "failure_code": None,
    "surplus": False,
    "created": 1767225660,
    "settled_at": None,
}
