"""Subscriptions and their invoices on the wire."""

from marshmallow import fields

from ikawaari.edge import examples, parts
from ikawaari.edge.answers import Embedded, EmbeddedList, Instant, Money, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Choice, Flag, Text
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.shapes import Interval
from ikawaari.states import InvoiceStatus, SubscriptionStatus

SUBSCRIPTION_ID = {
    "in": "path",
    "name": "subscription_id",
    "description": "The subscription's id, `sub_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "sub_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}


class CancellationInput(Input):
    """How to end a subscription."""

    at_period_end = Flag(
        load_default=False,
        metadata={
            "description": "End it when the current period ends; else it ends now, and its open invoices are voided."
        },
    )


class SubscriptionQuery(PageQuery):
    """Filters of the list, and the page."""

    status = Choice(SubscriptionStatus)
    customer = Text(64)


class InvoiceQuery(PageQuery):
    """Filters of a subscription's invoices, and the page."""

    status = Choice(InvoiceStatus)


class Subscription(Output):
    """An agreement to pay again each period."""

    id = TextField(pattern="^sub_[A-Za-z0-9]+$")
    object = ObjectName("subscription")
    checkout_session = TextField("The session that created it.")
    customer = TextField("`cus_…`", nullable=True)
    client_reference_id = TextField("That session's.", nullable=True)
    status = OneOf(SubscriptionStatus)
    amount = Money("Per period, in the currency's smallest unit.")
    currency = TextField("Lower case.")
    interval = OneOf(Interval)
    interval_count = fields.Integer(required=True)
    current_period_start = Instant()
    current_period_end = Instant("When it is renewed, or ends.")
    trial_end = Instant(nullable=True)
    cancel_at_period_end = fields.Boolean(required=True)
    canceled_at = Instant(nullable=True)
    latest_invoice = TextField("`in_…`; null during a trial.", nullable=True)
    metadata = fields.Dict(required=True, metadata={"description": "That session's."})
    livemode = fields.Boolean(required=True)
    created = Instant()


class SubscriptionList(Page):
    """A page of subscriptions, newest first."""

    data = EmbeddedList(Subscription)


class Invoice(Output):
    """One period of a subscription, to be paid once."""

    id = TextField(pattern="^in_[A-Za-z0-9]+$")
    object = ObjectName("invoice")
    subscription = TextField()
    customer = TextField("`cus_…`", nullable=True)
    checkout_session = TextField("The session whose page it is paid on.")
    payment_intent = TextField(nullable=True)
    status = OneOf(InvoiceStatus)
    period = fields.Integer(required=True, metadata={"description": "Its number, starting from 1."})
    period_start = Instant()
    period_end = Instant()
    amount = Money()
    fee_amount = Money("What the customer pays on top: the fee agreed to when the subscription started.")
    currency = TextField("Lower case.")
    hosted_invoice_url = TextField("Where the customer can pay it; send it when a payment failed.", format="uri")
    attempt_count = fields.Integer(required=True)
    next_payment_attempt = Instant(
        "When the saved payment method is charged next; null if only the page takes the payment.", nullable=True
    )
    last_payment_error = Embedded(parts.Failure, allow_none=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    paid_at = Instant(nullable=True)


class InvoiceList(Page):
    """A page of a subscription's invoices, newest period first."""

    data = EmbeddedList(Invoice)


_SUBSCRIPTION_ID = "sub_8dK2mQx7RtVb4nYc1LzWp5SgHfA"
INVOICE: Example = {
    "id": "in_3vN9cTfY6wEj2kRb8XhQs1MzLdG",
    "object": "invoice",
    "subscription": _SUBSCRIPTION_ID,
    "customer": None,
    "checkout_session": examples.SESSION_ID,
    "payment_intent": examples.INTENT_ID,
    "status": "open",
    "period": 2,
    "period_start": 1767225600,
    "period_end": 1769904000,
    "amount": 5000,
    "fee_amount": 0,
    "currency": "xof",
    "hosted_invoice_url": f"https://pay.example/{examples.SESSION_ID}",
    "attempt_count": 1,
    "next_payment_attempt": 1767484801,
    "last_payment_error": {
        "code": "payment_timeout",
        "message": "The last payment attempt failed: payment timeout.",
    },
    "livemode": False,
    "created": 1767225600,
    "paid_at": None,
}
INVOICES: Example = examples.page(INVOICE)
SUBSCRIPTION: Example = {
    "id": _SUBSCRIPTION_ID,
    "object": "subscription",
    "checkout_session": "cs_5hT8pWzC2mKx7VbQ4nYd1LsRfJg",
    "customer": None,
    "client_reference_id": "abonnement-77",
    "status": "past_due",
    "amount": 5000,
    "currency": "xof",
    "interval": "month",
    "interval_count": 1,
    "current_period_start": 1767225600,
    "current_period_end": 1769904000,
    "trial_end": None,
    "cancel_at_period_end": False,
    "canceled_at": None,
    "latest_invoice": INVOICE["id"],
    "metadata": {"plan": "mensuel"},
    "livemode": False,
    "created": 1764547200,
}
SUBSCRIPTIONS: Example = examples.page(SUBSCRIPTION)
CANCELLATION: Example = {"at_period_end": False}
CANCELED_SUBSCRIPTION: Example = SUBSCRIPTION | {"status": "canceled", "canceled_at": 1767312000}
