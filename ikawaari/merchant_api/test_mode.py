"""Routes of test mode: decide how a mobile money payment ends; bring a subscription's next due date forward."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import merchant_view, snapshots, test_mode
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.parsing import Loaded
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.schemas import subscriptions
from ikawaari.merchant_api.schemas import test_mode as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.shapes import JsonObject

bp = Blueprint(
    "Test mode",
    __name__,
    url_prefix="/api/test",
    description="Tools for your tests. They work on test objects only.",
)


@bp.route("/mobile-money/callback")
class MobileMoneyCallback(MethodView):
    """The payer's decision."""

    @operation("settleTestPayment", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @bp.arguments(schemas.CallbackInput(), example=schemas.CALLBACK)
    @bp.response(200, schemas.CallbackResult(), example=schemas.CALLBACK_RESULT)
    def post(self, body: Loaded) -> JsonObject:
        """Settle the latest attempt of a test payment intent."""
        intent = test_mode.decide(
            body["payment_intent_id"],
            succeeded=body["status"] == "succeeded",
            failure_reason=body["failure_reason"],
            now=clock.now(),
        )
        return {"received": True, "payment_intent_id": intent.id, "status": intent.status}


@bp.route("/subscriptions/<string:subscription_id>/advance", parameters=[subscriptions.SUBSCRIPTION_ID])
class Advance(MethodView):
    """Time that passes immediately."""

    @operation("advanceTestSubscription", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS, errors.ATTEMPT_UNSETTLED)
    @requires(Scope.SUBSCRIPTIONS_WRITE)
    @idempotent
    @bp.response(200, subscriptions.Subscription(), example=subscriptions.SUBSCRIPTION)
    def post(self, subscription_id: str) -> JsonObject:
        """Bring what is due next for a test subscription forward to now.

        A reminder, a renewal, a retry, or the end: a worker does it within a second or two.
        """
        who = caller()
        advanced = test_mode.advance(subscription_id, who.owner, clock.now())
        return merchant_view.subscription(snapshots.of_subscription(advanced))
