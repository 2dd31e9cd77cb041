"""Payment attempts on the wire: as sessions and intents show them."""

from marshmallow import fields

from ikawaari.edge import parts
from ikawaari.edge.answers import Instant, Money, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.shapes import MethodType
from ikawaari.states import AttemptStatus


class PaymentAttempt(Output):
    """One attempt to pay."""

    id = TextField()
    reference = TextField("What the payer reads on the receipt.")
    provider = TextField()
    type = OneOf(MethodType)
    operator = TextField(nullable=True)
    country = TextField(nullable=True)
    phone = TextField("Masked.", nullable=True)
    amount = Money("What the payer was asked to pay, including the fee.")
    fee_amount = Money("The fee's part of it.")
    amount_received = Money("Everything that the provider took; null until that is known.", nullable=True)
    amount_returned = Money("The sum of its refunds that succeeded.")
    amount_held = Money("What was taken, but pays nothing and was not returned: refund it by `attempt`. Normally 0.")
    currency = TextField("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    status = OneOf(AttemptStatus)
    failure_code = OneOf(parts.FAILURE_CODES, nullable=True)
    surplus = fields.Boolean(required=True, metadata={"description": "The money was not needed: see `amount_held`."})
    created = Instant()
    settled_at = Instant("Null until it succeeded or failed.", nullable=True)


ATTEMPT: Example = {
    "id": "0198c5a4-6e0f-7c52-9d53-3f4d8a4f2b10",
    "reference": "0198C5A4",
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
