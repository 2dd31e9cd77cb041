"""Subscriptions over REST. Checkout sessions create them; here they are listed and canceled."""

from flask.views import MethodView

from ikawaari import clock, errors
from ikawaari.checkout import invoices, merchant_view, snapshots, subscriptions
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.schemas import subscriptions as schemas
from ikawaari.merchants.credentials import Scope
from ikawaari.paging import PageRequest
from ikawaari.shapes import JsonObject, Page

bp = Blueprint(
    "Subscriptions",
    __name__,
    url_prefix="/api/v1/billing/subscriptions",
    description="Agreements to pay again each period, created by a paid or trial session in subscription mode.",
)


@bp.route("")
class Subscriptions(MethodView):
    """All of a merchant's subscriptions."""

    @operation("listSubscriptions")
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.arguments(schemas.SubscriptionQuery(), location="query")
    @bp.response(200, schemas.SubscriptionList(), example=schemas.SUBSCRIPTIONS)
    def get(self, query: PageRequest) -> Page:
        """List subscriptions, newest first."""
        return subscriptions.listed(caller().owner, query)


@bp.route("/<string:subscription_id>", parameters=[schemas.SUBSCRIPTION_ID])
class OneSubscription(MethodView):
    """One subscription."""

    @operation("retrieveSubscription", errors.OBJECT_UNKNOWN)
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.response(200, schemas.Subscription(), example=schemas.SUBSCRIPTION)
    def get(self, subscription_id: str) -> JsonObject:
        """Retrieve a subscription."""
        subscription = subscriptions.owned(subscription_id, caller().owner)
        return merchant_view.subscription(snapshots.of_subscription(subscription))


@bp.route("/<string:subscription_id>/cancel", parameters=[schemas.SUBSCRIPTION_ID])
class Cancellation(MethodView):
    """Cancellation of one subscription."""

    @operation("cancelSubscription", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @requires(Scope.SUBSCRIPTIONS_WRITE)
    @idempotent
    @bp.arguments(schemas.CancellationInput(), required=False, example=schemas.CANCELLATION)
    @bp.response(200, schemas.Subscription(), example=schemas.CANCELED_SUBSCRIPTION)
    def post(self, body: dict[str, bool], subscription_id: str) -> JsonObject:
        """Cancel a subscription, now or at the end of the current period. This refunds nothing."""
        subscription = subscriptions.owned(subscription_id, caller().owner)
        return merchant_view.subscription(
            snapshots.of_subscription(subscriptions.cancel(subscription, clock.now(), **body))
        )


@bp.route("/<string:subscription_id>/invoices", parameters=[schemas.SUBSCRIPTION_ID])
class Invoices(MethodView):
    """The periods of one subscription."""

    @operation("listInvoices", errors.OBJECT_UNKNOWN)
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.arguments(schemas.InvoiceQuery(), location="query")
    @bp.response(200, schemas.InvoiceList(), example=schemas.INVOICES)
    def get(self, query: PageRequest, subscription_id: str) -> Page:
        """List a subscription's invoices, newest period first."""
        subscription = subscriptions.owned(subscription_id, caller().owner)
        return invoices.listed(subscription, query)
