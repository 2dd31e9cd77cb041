"""Subscriptions over REST: they are made by checkout sessions, so here they are seen and ended."""

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from ikawaari import clock, errors
from ikawaari.checkout import invoices, resources, subscriptions
from ikawaari.edge import examples, parts
from ikawaari.edge.answers import As, Instant, Kind, Money, OneOf, Output, Parts, Words
from ikawaari.edge.documenting import Blueprint, operation
from ikawaari.edge.fields import Choice, Flag, Text
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.auth import caller, requires
from ikawaari.merchant_api.idempotency import idempotent
from ikawaari.merchant_api.paging import Page, PageQuery, place_of
from ikawaari.merchants.credentials import Scope
from ikawaari.states import InvoiceStatus, SubscriptionStatus

SUBSCRIPTION_ID = {
    "in": "path",
    "name": "subscription_id",
    "description": "The subscription's id, `sub_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "sub_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}

bp = Blueprint(
    "Subscriptions",
    __name__,
    url_prefix="/api/v1/billing/subscriptions",
    description="Agreements to pay again each period, made by a paid or trial session in subscription mode.",
)


class CancellationInput(Input):
    """How to end a subscription."""

    at_period_end = Flag(
        load_default=False,
        metadata={"description": "Let the period that runs come to its end; else it ends now, with its open invoices."},
    )


class SubscriptionQuery(PageQuery):
    """Filters of the list, and the place in it."""

    status = Choice(SubscriptionStatus)
    customer = Text(64)


class InvoiceQuery(PageQuery):
    """Filters of a subscription's invoices, and the place among them."""

    status = Choice(InvoiceStatus)


class Subscription(Output):
    """An agreement to pay again each period."""

    id = Words(pattern="^sub_[A-Za-z0-9]+$")
    object = Kind("subscription")
    checkout_session = Words("The session that made it.")
    customer = Words("`cus_…`", nullable=True)
    client_reference_id = Words("That session's.", nullable=True)
    status = OneOf(SubscriptionStatus)
    amount = Money("Of each period, in the currency's smallest unit.")
    currency = Words("Lower case.")
    interval = OneOf(parts.INTERVALS)
    interval_count = fields.Integer(required=True)
    current_period_start = Instant()
    current_period_end = Instant("When it is renewed, or ends.")
    trial_end = Instant(nullable=True)
    cancel_at_period_end = fields.Boolean(required=True)
    canceled_at = Instant(nullable=True)
    latest_invoice = Words("`in_…`; null during a trial.", nullable=True)
    metadata = fields.Dict(required=True, metadata={"description": "That session's."})
    livemode = fields.Boolean(required=True)
    created = Instant()


class SubscriptionList(Page):
    """A page of subscriptions, newest first."""

    data = Parts(Subscription)


class Invoice(Output):
    """One period of a subscription, to be paid once."""

    id = Words(pattern="^in_[A-Za-z0-9]+$")
    object = Kind("invoice")
    subscription = Words()
    customer = Words("`cus_…`", nullable=True)
    checkout_session = Words("The session whose page it is paid on.")
    payment_intent = Words(nullable=True)
    status = OneOf(InvoiceStatus)
    period = fields.Integer(required=True, metadata={"description": "Its number, from 1."})
    period_start = Instant()
    period_end = Instant()
    amount = Money()
    fee_amount = Money("What the customer pays on top: the fee agreed to when the subscription began.")
    currency = Words("Lower case.")
    hosted_invoice_url = Words("Where the customer can pay it; send it when a payment failed.", format="uri")
    attempt_count = fields.Integer(required=True)
    next_payment_attempt = Instant(
        "When the saved payment method is charged next; null: the page alone asks.", nullable=True
    )
    last_payment_error = As(parts.Failure, allow_none=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    paid_at = Instant(nullable=True)


class InvoiceList(Page):
    """A page of a subscription's invoices, newest period first."""

    data = Parts(Invoice)


@bp.route("")
class Subscriptions(MethodView):
    """All of a merchant's subscriptions."""

    @operation("listSubscriptions")
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.arguments(SubscriptionQuery(), location="query")
    @bp.response(200, SubscriptionList(), example=examples.SUBSCRIPTIONS)
    def get(self, query: dict[str, Any]) -> Mapping[str, Any]:
        """List subscriptions, newest first."""
        place = place_of(query)
        return subscriptions.listed(caller().owner, query, place)


@bp.route("/<string:subscription_id>", parameters=[SUBSCRIPTION_ID])
class OneSubscription(MethodView):
    """One subscription."""

    @operation("retrieveSubscription", errors.OBJECT_UNKNOWN)
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.response(200, Subscription(), example=examples.SUBSCRIPTION)
    def get(self, subscription_id: str) -> Mapping[str, Any]:
        """Retrieve a subscription."""
        return resources.subscription(subscriptions.owned(subscription_id, caller().owner))


@bp.route("/<string:subscription_id>/cancel", parameters=[SUBSCRIPTION_ID])
class Cancellation(MethodView):
    """The end of one subscription."""

    @operation("cancelSubscription", errors.OBJECT_UNKNOWN, errors.STATE_FORBIDS)
    @requires(Scope.SUBSCRIPTIONS_WRITE)
    @idempotent
    @bp.arguments(CancellationInput(), required=False, example=examples.CANCELLATION)
    @bp.response(200, Subscription(), example=examples.CANCELED_SUBSCRIPTION)
    def post(self, body: dict[str, Any], subscription_id: str) -> Mapping[str, Any]:
        """Cancel a subscription, now or at the end of the period that runs. Nothing is paid back by this."""
        subscription = subscriptions.owned(subscription_id, caller().owner)
        return resources.subscription(subscriptions.cancel(subscription, clock.now(), **body))


@bp.route("/<string:subscription_id>/invoices", parameters=[SUBSCRIPTION_ID])
class Invoices(MethodView):
    """The periods of one subscription."""

    @operation("listInvoices", errors.OBJECT_UNKNOWN)
    @requires(Scope.SUBSCRIPTIONS_READ)
    @bp.arguments(InvoiceQuery(), location="query")
    @bp.response(200, InvoiceList(), example=examples.INVOICES)
    def get(self, query: dict[str, Any], subscription_id: str) -> Mapping[str, Any]:
        """List a subscription's invoices, newest period first."""
        place = place_of(query)
        subscription = subscriptions.owned(subscription_id, caller().owner)
        return invoices.listed(subscription, query, place)
