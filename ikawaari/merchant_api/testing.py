"""Test mode's own routes: tell the sandbox how a mobile money payment ends; let a subscription's time come."""

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from ikawaari import clock, errors
from ikawaari.checkout import resources, testing
from ikawaari.edge import examples, parts
from ikawaari.edge.answers import OneOf, Output, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Choice, Text
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.subscriptions import SUBSCRIPTION_ID, Subscription
from ikawaari.merchants.credentials import Scope
from ikawaari.states import IntentStatus

bp = Blueprint(
    "Test mode",
    __name__,
    url_prefix="/api/test",
    description="Tools for your tests. They find test objects only.",
)


class CallbackInput(Input):
    """How the payment ends."""

    payment_intent_id = Text(64, required=True)
    status = Choice(("succeeded", "failed"), required=True)
    failure_reason = Text(
        100,
        load_default=None,
        metadata={"description": f"One of {', '.join(parts.FAILURE_CODES)}; anything else is told as `unknown`."},
    )


class CallbackResult(Output):
    """What became of the intent."""

    received = fields.Boolean(required=True)
    payment_intent_id = Words()
    status = OneOf(IntentStatus)


@bp.route("/mobile-money/callback")
class MobileMoneyCallback(MethodView):
    """The payer's decision."""

    @operation("settleTestPayment", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @bp.arguments(CallbackInput(), example=examples.CALLBACK)
    @bp.response(200, CallbackResult(), example=examples.CALLBACK_RESULT)
    def post(self, body: dict[str, Any]) -> Mapping[str, Any]:
        """Settle the latest attempt of a test payment intent."""
        intent = testing.decide(
            body["payment_intent_id"],
            succeeded=body["status"] == "succeeded",
            failure_reason=body["failure_reason"],
            now=clock.now(),
        )
        return {"received": True, "payment_intent_id": intent.id, "status": intent.status}


@bp.route("/subscriptions/<string:subscription_id>/advance", parameters=[SUBSCRIPTION_ID])
class Advance(MethodView):
    """Time that passes at once."""

    @operation("advanceTestSubscription", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS, errors.ATTEMPT_UNSETTLED)
    @requires(Scope.SUBSCRIPTIONS_WRITE)
    @idempotent
    @bp.response(200, Subscription(), example=examples.SUBSCRIPTION)
    def post(self, subscription_id: str) -> Mapping[str, Any]:
        """Bring what is due next for a test subscription forward to now.

        A reminder, a renewal, a day of dunning, or the end: a worker does it within a second or two.
        """
        who = caller()
        return resources.subscription(testing.advance(subscription_id, who.owner, clock.now()))
