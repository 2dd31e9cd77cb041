"""Checkout sessions on the wire: the input, and the output."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from ikawaari.checkout.sessions import NewSession
from ikawaari.edge import examples, offers, parts, warnings
from ikawaari.edge.answers import Embedded, EmbeddedList, Instant, Money, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import (
    Amount,
    Choice,
    CountryCode,
    Currency,
    Flag,
    HttpUrl,
    Prefill,
    Reference,
    Text,
)
from ikawaari.edge.offers import LineItemInput, Offer, OfferInput, RecurringInput
from ikawaari.edge.parsing import Loaded
from ikawaari.merchant_api.paging import LAST_INSTANT, Page, PageQuery
from ikawaari.merchant_api.schemas.attempts import PaymentAttempt
from ikawaari.shapes import Locale, MethodType, Mode
from ikawaari.states import PaymentStatus, SessionStatus

LEFT_OUT = "If it cannot be used, it is left out and named in `warnings`."


class CheckoutSessionInput(OfferInput):
    """A checkout session to open. Every field is optional; `{}` is a valid request."""

    amount = Amount(
        metadata={"description": "In the currency's smallest unit; if absent, the customer chooses it on the page."}
    )
    currency = Currency()
    country = CountryCode()
    success_url = HttpUrl(
        data_key="successUrl",
        metadata={
            "description": "Where the customer is sent after paying; `{CHECKOUT_SESSION_ID}` becomes the id, and "
            "`{CHECKOUT_SIGNATURE}` the signature that the introduction describes."
        },
    )
    cancel_url = HttpUrl(
        data_key="cancelUrl",
        metadata={
            "description": "Where the customer may go back to: without having paid, or while the end of a payment is "
            "not known. What became of the payment is in the events."
        },
    )
    customer_email = Prefill(data_key="customerEmail", metadata={"description": LEFT_OUT})
    customer_phone = Prefill(data_key="customerPhone", metadata={"description": f"As typed, or E.164. {LEFT_OUT}"})
    payment_link_id = fields.UUID(data_key="paymentLinkId")
    payment_link_v2_id = fields.UUID(data_key="paymentLinkV2Id", metadata={"description": "Not with paymentLinkId."})
    defer_payment_intent_creation = Flag(
        data_key="deferPaymentIntentCreation",
        load_default=False,
        metadata={"description": "Create the payment intent when the customer pays; it is null until then."},
    )
    mode = Choice(Mode, metadata={"description": "If absent, the link's, or else `payment`."})
    recurring = fields.Nested(
        RecurringInput, metadata={"description": "Required in subscription mode, and only allowed there."}
    )
    line_items = fields.List(
        fields.Nested(LineItemInput),
        data_key="lineItems",
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "They must add up to the amount, or determine it."},
    )
    client_reference_id = Reference(255, data_key="clientReferenceId")
    locale = Choice(Locale, metadata={"description": "If absent, the link's, or else `auto`."})
    expires_at = fields.Integer(
        data_key="expiresAt",
        strict=True,
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds, 30 minutes to 7 days ahead; if absent, 24 hours."},
    )

    @validates_schema
    def check_together(self, data: Loaded, **_options: Any) -> None:
        """Checks of two fields together."""
        if data.get("payment_link_id") and data.get("payment_link_v2_id"):
            both = ["Give one of paymentLinkId and paymentLinkV2Id."]
            raise ValidationError({"paymentLinkId": both, "paymentLinkV2Id": both})

    @post_load
    def make(self, data: Loaded, **_options: Any) -> NewSession:
        """The domain's value."""
        for link in ("payment_link_id", "payment_link_v2_id"):
            data[link] = str(data[link]) if data.get(link) else None
        return NewSession(**data)


class CheckoutSessionQuery(PageQuery):
    """Filters of the list, and the page."""

    status = Choice(SessionStatus)
    payment_status = Choice(PaymentStatus)
    payment_intent = Text(64)
    payment_link = Text(64)
    client_reference_id = Reference(255)
    customer_email = Text(320)
    customer = Text(64)
    reference = Text(
        255,
        metadata={
            "description": "What the payer reads on the receipt, in any case, or a provider's own reference, whole."
        },
    )


class OrderedItem(parts.LineItem):
    """One item of the order."""

    currency = fields.String(metadata={"description": "Present only if it was given; always the session's currency."})


class AnsweredField(parts.CustomField):
    """A question of the page, and what the customer answered."""

    value = TextField("The answer; null while there is none.", nullable=True)


class CustomerDetails(Output):
    """The customer's details; fields left blank are omitted."""

    name = fields.String()
    email = fields.String()
    phone = fields.String(metadata={"description": "E.164."})
    address = fields.Raw(
        metadata={
            "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}],
            "description": "As it was given: a text, or an object of texts.",
        }
    )


class CheckoutSession(Offer):
    """A checkout session: one page that a customer may pay on, once."""

    id = TextField(pattern="^cs_[A-Za-z0-9]+$")
    object = ObjectName("checkout.session")
    url = TextField("The page to send the customer to.", format="uri")
    status = OneOf(SessionStatus)
    payment_status = OneOf(PaymentStatus)
    mode = OneOf(Mode)
    amount = Money("In the currency's smallest unit; null while the customer may still choose it.", nullable=True)
    fee_amount = Money("The fee that the latest payer agreed to; 0 before that.")
    amount_total = Money("The amount plus the fee: what is charged.", nullable=True)
    currency = TextField("ISO 4217, upper case.", pattern="^[A-Z]{3}$")
    payment_method_types = fields.List(Choice(MethodType), required=True)
    success_url = TextField(nullable=True)
    cancel_url = TextField(nullable=True)
    customer_email = TextField(nullable=True)
    customer_phone = TextField("E.164.", nullable=True)
    customer_details = Embedded(CustomerDetails, allow_none=True)
    customer = TextField("`cus_…`: who paid, once that is known.", nullable=True)
    custom_fields = EmbeddedList(AnsweredField)
    payment_intent = TextField("`pi_…`; null until there is one.", nullable=True)
    subscription = TextField("`sub_…`, once it was created.", nullable=True)
    payment_link = TextField(nullable=True)
    payment_link_v2 = TextField(nullable=True)
    client_reference_id = TextField(nullable=True)
    line_items = EmbeddedList(OrderedItem)
    metadata = fields.Dict(required=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    expires_at = Instant()
    completed_at = Instant(nullable=True)
    late = fields.Boolean(required=True, metadata={"description": "The money arrived after the session had expired."})
    reference = TextField("What the payer reads on the receipt; null before the first attempt.", nullable=True)
    last_payment_error = Embedded(parts.Failure, allow_none=True)
    attempts = EmbeddedList(
        PaymentAttempt, metadata={"description": "All attempts, oldest first; in events the latest ten."}
    )
    attempts_count = fields.Integer(required=True, metadata={"description": "The total number of attempts."})
    warnings = warnings.field()


class CheckoutSessionList(Page):
    """A page of the list, newest first."""

    data = EmbeddedList(CheckoutSession)


NEW_SESSION: Example = {
    "amount": 25000,
    "currency": "XOF",
    "country": "SN",
    "description": "Commande 1042",
    "lineItems": examples.LINE_ITEMS,
    "clientReferenceId": "1042",
    "customerPhone": "77 123 45 67",
    "successUrl": f"{examples.SHOP}/merci?session={{CHECKOUT_SESSION_ID}}",
    "cancelUrl": f"{examples.SHOP}/panier",
    "customFields": [{"key": "taille", "label": "Taille", "type": "dropdown", "options": ["M", "L"]}],
    "metadata": {"order": 1042},
}
SESSION: Example = {
    "id": examples.SESSION_ID,
    "object": "checkout.session",
    "url": f"https://pay.example/{examples.SESSION_ID}",
    "status": "open",
    "payment_status": "unpaid",
    "mode": "payment",
    "amount": 25000,
    "fee_amount": 0,
    "amount_total": 25000,
    "currency": "XOF",
    **offers.OFFER,
    "payment_method_types": ["mobile_money", "card"],
    "success_url": NEW_SESSION["successUrl"],
    "cancel_url": f"{examples.SHOP}/panier",
    "customer_email": None,
    "customer_phone": "+221771234567",
    "customer_details": None,
    "customer": None,
    "custom_fields": [examples.CUSTOM_FIELD | {"value": None}],
    "payment_intent": examples.INTENT_ID,
    "subscription": None,
    "payment_link": None,
    "payment_link_v2": None,
    "client_reference_id": "1042",
    "line_items": examples.LINE_ITEMS,
    "metadata": {"order": 1042},
    "livemode": False,
    "created": 1767225600,
    "expires_at": 1767312000,
    "completed_at": None,
    "late": False,
    "reference": None,
    "last_payment_error": None,
    "attempts": [],
    "attempts_count": 0,
}
EXPIRED_SESSION: Example = SESSION | {"status": "expired"}
SESSIONS: Example = examples.page(SESSION)
