"""Refunds over REST."""

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields, post_load

from ikawaari import clock, errors
from ikawaari.checkout import refunds, resources
from ikawaari.checkout.refunds import NewRefund
from ikawaari.edge import examples, parts
from ikawaari.edge.answers import Instant, Kind, Money, OneOf, Output, Parts, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Amount, Choice, Metadata, Prose, Text
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.paging import Page, PageQuery, place_of
from ikawaari.merchants.credentials import Scope
from ikawaari.states import RefundStatus

REFUND_ID = {
    "in": "path",
    "name": "refund_id",
    "description": "The refund's id, `re_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "re_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}

bp = Blueprint(
    "Refunds",
    __name__,
    url_prefix="/api/v1/refunds",
    description="Money on its way back: in part, repeatedly, never more than was paid.",
)


class RefundInput(Input):
    """A refund to make."""

    payment_intent = Text(64, metadata={"description": "`pi_…`; a session names its own. Required without `attempt`."})
    attempt = Text(
        64,
        metadata={
            "description": "One of the intent's attempts, for money that did not pay it (`amount_held`). With"
            " `payment_intent` it must be one of that intent's."
        },
    )
    amount = Amount(
        metadata={
            "description": "In the currency's smallest unit; absent: all that is left, or all that the attempt holds."
        }
    )
    reason = Prose(255, metadata={"description": "Yours, and never shown to the customer."})
    metadata = Metadata(load_default=dict)

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> NewRefund:
        """The domain's value."""
        return NewRefund(**data)


class RefundQuery(PageQuery):
    """Filters of the list, and the place in it."""

    payment_intent = Text(64)
    status = Choice(RefundStatus)


class Refund(Output):
    """Money on its way back from one payment."""

    id = Words(pattern="^re_[A-Za-z0-9]+$")
    object = Kind("refund")
    payment_intent = Words("`pi_…`: the payment that it is taken from.")
    attempt = Words("The payment attempt whose money goes back.")
    amount = Money()
    currency = Words("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    status = OneOf(RefundStatus, "`pending` until the provider has given the money back, or refused to.")
    reason = Words("Yours; or `duplicate`, `late`, `link_used`, `wrong_amount` when `automatic`.", nullable=True)
    automatic = fields.Boolean(required=True, metadata={"description": "Made by rule, for money that was not due."})
    failure_code = OneOf(parts.FAILURE_CODES, "Null unless it `failed`.", nullable=True)
    metadata = fields.Dict(required=True)
    created = Instant()
    settled_at = Instant("Null while it is `pending`.", nullable=True)


class RefundList(Page):
    """A page of refunds, newest first."""

    data = Parts(Refund)


@bp.route("")
class Refunds(MethodView):
    """All of a merchant's refunds."""

    @operation("createRefund", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS, errors.REFUND_UNSUPPORTED)
    @requires(Scope.REFUNDS_WRITE)
    @idempotent
    @bp.arguments(RefundInput(), example=examples.NEW_REFUND)
    @bp.response(201, Refund(), example=examples.REFUND)
    def post(self, new: NewRefund) -> Mapping[str, Any]:
        """Refund a payment, in part or in whole.

        It is `pending` until the provider has given the money back: wait for `refund.succeeded` or `refund.failed`.
        After the latter the amount may be refunded again; it may come days after the former, when a bank sends the
        money back. More than is left of the payment is refused, also when asked for at once from two sides.

        With `attempt` a refund returns what that attempt holds (`amount_held`): money that pays no intent, such as a
        second payment or a wrong amount whose automatic refund failed. It leaves the intent and its session alone.
        """
        return resources.refund(refunds.create(caller().owner, new, clock.now()))

    @operation("listRefunds")
    @requires(Scope.PAYMENTS_READ)
    @bp.arguments(RefundQuery(), location="query")
    @bp.response(200, RefundList(), example=examples.REFUNDS)
    def get(self, query: dict[str, Any]) -> Mapping[str, Any]:
        """List refunds, newest first."""
        place = place_of(query)
        return refunds.listed(caller().owner, query, place)


@bp.route("/<string:refund_id>", parameters=[REFUND_ID])
class OneRefund(MethodView):
    """One refund."""

    @operation("retrieveRefund", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp.response(200, Refund(), example=examples.REFUND)
    def get(self, refund_id: str) -> Mapping[str, Any]:
        """Retrieve a refund."""
        return resources.refund(refunds.owned(refund_id, caller().owner))
