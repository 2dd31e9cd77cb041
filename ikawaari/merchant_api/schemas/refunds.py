"""Refunds on the wire."""

from typing import Any

from marshmallow import fields, post_load

from ikawaari.checkout.refunds import NewRefund
from ikawaari.edge import examples, parts
from ikawaari.edge.answers import EmbeddedList, Instant, Money, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Amount, Choice, Metadata, Prose, Text
from ikawaari.edge.parsing import Input, Loaded
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.merchant_api.schemas.attempts import ATTEMPT
from ikawaari.states import RefundStatus

REFUND_ID = {
    "in": "path",
    "name": "refund_id",
    "description": "The refund's id, `re_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "re_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}


class RefundInput(Input):
    """A refund to create."""

    payment_intent = Text(
        64, metadata={"description": "`pi_…`, as in a session's `payment_intent`. Required without `attempt`."}
    )
    attempt = Text(
        64,
        metadata={
            "description": "One of the intent's attempts, for money that did not pay it (`amount_held`). With"
            " `payment_intent` it must be one of that intent's."
        },
    )
    amount = Amount(
        metadata={
            "description": "In the currency's smallest unit; if absent, all that is left, or that the attempt holds."
        }
    )
    reason = Prose(255, metadata={"description": "For you; never shown to the customer."})
    metadata = Metadata(load_default=dict)

    @post_load
    def make(self, data: Loaded, **_options: Any) -> NewRefund:
        """The domain's value."""
        return NewRefund(**data)


class RefundQuery(PageQuery):
    """Filters of the list, and the page."""

    payment_intent = Text(64)
    status = Choice(RefundStatus)


class Refund(Output):
    """Money on its way back from one payment."""

    id = TextField(pattern="^re_[A-Za-z0-9]+$")
    object = ObjectName("refund")
    payment_intent = TextField("`pi_…`: the payment that it is taken from.")
    attempt = TextField("The payment attempt whose money is returned.")
    amount = Money()
    currency = TextField("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    status = OneOf(RefundStatus, "`pending` until the provider has returned the money, or refused to.")
    reason = TextField(
        "Yours; `duplicate`, `late`, `link_used`, `wrong_amount` when `automatic`; `made_at_provider` if it was made"
        " there, not through this API.",
        nullable=True,
    )
    automatic = fields.Boolean(
        required=True, metadata={"description": "Created automatically, for money that was not due."}
    )
    failure_code = OneOf(parts.FAILURE_CODES, "Null unless it `failed`.", nullable=True)
    metadata = fields.Dict(required=True)
    created = Instant()
    settled_at = Instant("Null while it is `pending`.", nullable=True)


class RefundList(Page):
    """A page of refunds, newest first."""

    data = EmbeddedList(Refund)


NEW_REFUND: Example = {"payment_intent": examples.INTENT_ID, "amount": 12500, "reason": "Un article manque"}
REFUND: Example = {
    "id": "re_5hT8pWzC2mKx7VbQ4nYd1LsRfJg",
    "object": "refund",
    "payment_intent": examples.INTENT_ID,
    "attempt": ATTEMPT["id"],
    "amount": 12500,
    "currency": "xof",
    "status": "pending",
    "reason": "Un article manque",
    "automatic": False,
    "failure_code": None,
    "metadata": {},
    "created": 1767225900,
    "settled_at": None,
}
REFUNDS: Example = examples.page(REFUND)
