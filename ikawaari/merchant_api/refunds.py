"""Refunds over REST."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import merchant_view, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.schemas import refunds as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Refunds",
    __name__,
    url_prefix="/api/v1/refunds",
    description="Money on its way back: in part, repeatedly, but never more than was paid.",
)


@bp.route("")
class Refunds(MethodView):
    """All of a merchant's refunds."""

    @operation("createRefund", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS, errors.REFUND_UNSUPPORTED)
    @requires(Scope.REFUNDS_WRITE)
    @idempotent
    @bp.arguments(schemas.RefundInput(), example=schemas.NEW_REFUND)
    @bp.response(201, schemas.Refund(), example=schemas.REFUND)
    def post(self, new: NewRefund) -> JsonObject:
        """Refund a payment, in part or in full.

        It is `pending` until the provider has returned the money: wait for `refund.succeeded` or `refund.failed`. After
        `refund.failed` the amount may be refunded again. It may follow days after `refund.succeeded`, if a bank sends
        the money back; and `refund.succeeded` may follow `refund.failed`, if the money has gone after all. A refund of
        more than is left of the payment is refused, even if two arrive at the same moment.

        With `attempt` a refund returns what that attempt holds (`amount_held`): money that pays no intent, such as a
        second payment or a wrong amount whose automatic refund failed. It does not change the intent or its session.
        """
        return merchant_view.refund(refunds.create(caller().owner, new, clock.now()))

    @operation("listRefunds")
    @requires(Scope.PAYMENTS_READ)
    @bp.arguments(schemas.RefundQuery(), location="query")
    @bp.response(200, schemas.RefundList(), example=schemas.REFUNDS)
    def get(self, query: PageRequest) -> Page:
        """List refunds, newest first."""
        return refunds.listed(caller().owner, query)


@bp.route("/<string:refund_id>", parameters=[schemas.REFUND_ID])
class OneRefund(MethodView):
    """One refund."""

    @operation("retrieveRefund", errors.OBJECT_UNKNOWN)
    @requires(Scope.PAYMENTS_READ)
    @bp.response(200, schemas.Refund(), example=schemas.REFUND)
    def get(self, refund_id: str) -> JsonObject:
        """Retrieve a refund."""
        return merchant_view.refund(refunds.owned(refund_id, caller().owner))
