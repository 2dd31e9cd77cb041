"""Checkout sessions on the wire: the input, and the output."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from ikawaari import cards
from ikawaari.checkout.payment_methods import METHOD_TYPES
from ikawaari.checkout.sessions import NewSession
from ikawaari.edge import examples, parts, warnings
from ikawaari.edge.answers import Embedded, EmbeddedList, Instant, Money, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import (
    Amount,
    Choice,
    CountryCode,
    Currency,
    Flag,
    HttpUrl,
    Matching,
    Metadata,
    Prefill,
    Prose,
    Reference,
    Text,
)
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.paging import LAST_INSTANT, Page, PageQuery
from ikawaari.merchant_api.schemas.attempts import PaymentAttempt
from ikawaari.states import PaymentStatus, SessionStatus

LEFT_OUT = "If it cannot be used, it is left out and named in `warnings`."
_OPTION = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"$ref": "#/components/schemas/Option"}]}


class LineItemInput(Input):
    """One item of the order."""

    name = Prose(200, required=True)
    amount = Amount(required=True, metadata={"description": "Price of one, in the currency's smallest unit."})
    quantity = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 1_000_000))
    currency = Currency(metadata={"description": "If given, it must be the session's."})


class RecurringInput(Input):
    """How often a subscription is charged."""

    interval = Choice(parts.INTERVALS, required=True)
    interval_count = fields.Integer(
        data_key="intervalCount", strict=True, load_default=1, validate=validate.Range(1, 365)
    )
    trial_period_days = fields.Integer(
        data_key="trialPeriodDays", strict=True, load_default=None, validate=validate.Range(1, 730)
    )


class CustomFieldInput(Input):
    """A question that the page asks for the merchant."""

    key = Matching("[A-Za-z0-9_-]{1,40}", required=True)
    label = Prose(100, required=True)
    type = Choice(parts.FIELD_TYPES, required=True)
    options = fields.List(
        fields.Raw(metadata=_OPTION),
        load_default=None,
        validate=validate.Length(1, 200),
        metadata={
            "description": "Required for a dropdown, and only allowed there. A plain text is both label and value."
        },
    )
    required = Flag(load_default=False)

    @post_load
    def spell_options_out(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """A dropdown's options as {label, value}; a plain text is both."""
        if (data["type"] == "dropdown") != bool(data["options"]):
            raise ValidationError({"options": ["Are required for a dropdown, and only there."]})
        data["options"] = [_option(option) for option in data["options"]] if data["options"] else None
        return data


class CheckoutSessionInput(Input):
    """A checkout session to open. Every field is optional; `{}` is a valid request."""

    amount = Amount(
        metadata={"description": "In the currency's smallest unit; if absent, the customer chooses it on the page."}
    )
    currency = Currency()
    country = CountryCode()
    payment_method_types = fields.List(
        Choice(METHOD_TYPES),
        data_key="paymentMethodTypes",
        validate=validate.Length(1, 10),
        metadata={"description": "If absent, all that you have."},
    )
    success_url = HttpUrl(
        data_key="successUrl",
        metadata={
            "description": "Where the customer is sent after paying; `{CHECKOUT_SESSION_ID}` becomes the id, and "
            "`{CHECKOUT_SIGNATURE}` the signature that the introduction describes."
        },
    )
    cancel_url = HttpUrl(data_key="cancelUrl", metadata={"description": "Where the customer may go back to."})
    customer_email = Prefill(data_key="customerEmail", metadata={"description": LEFT_OUT})
    customer_phone = Prefill(data_key="customerPhone", metadata={"description": f"As typed, or E.164. {LEFT_OUT}"})
    payment_link_id = fields.UUID(data_key="paymentLinkId")
    payment_link_v2_id = fields.UUID(data_key="paymentLinkV2Id", metadata={"description": "Not with paymentLinkId."})
    defer_payment_intent_creation = Flag(
        data_key="deferPaymentIntentCreation",
        load_default=False,
        metadata={"description": "Create the payment intent when the customer pays; it is null until then."},
    )
    metadata = Metadata(load_default=dict)
    mode = Choice(parts.MODES, metadata={"description": "If absent, the link's, or else `payment`."})
    recurring = fields.Nested(
        RecurringInput, metadata={"description": "Required in subscription mode, and only allowed there."}
    )
    description = Prose(500)
    line_items = fields.List(
        fields.Nested(LineItemInput),
        data_key="lineItems",
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "They must add up to the amount, or determine it."},
    )
    client_reference_id = Reference(255, data_key="clientReferenceId")
    locale = Choice(parts.LOCALES, metadata={"description": "If absent, the link's, or else `auto`."})
    expires_at = fields.Integer(
        data_key="expiresAt",
        strict=True,
        validate=validate.Range(0, LAST_INSTANT),
        metadata={"format": "int64", "description": "Unix seconds, 30 minutes to 7 days ahead; if absent, 24 hours."},
    )
    custom_fields = fields.List(
        fields.Nested(CustomFieldInput), data_key="customFields", load_default=list, validate=validate.Length(max=20)
    )
    amount_min = Amount(data_key="amountMin", metadata={"description": "Only without an amount."})
    amount_max = Amount(data_key="amountMax", metadata={"description": "Only without an amount."})
    amount_presets = fields.List(
        Amount(), data_key="amountPresets", load_default=list, validate=validate.Length(max=10)
    )

    @validates_schema
    def check_together(self, data: dict[str, Any], **_options: Any) -> None:
        """Checks of two fields together."""
        if data.get("payment_link_id") and data.get("payment_link_v2_id"):
            both = ["Give one of paymentLinkId and paymentLinkV2Id."]
            raise ValidationError({"paymentLinkId": both, "paymentLinkV2Id": both})
        keys = [field["key"] for field in data.get("custom_fields", ())]
        if len(keys) != len(set(keys)):
            raise ValidationError("Keys must differ.", "customFields")

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> NewSession:
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


def _option(option: Any) -> dict[str, str]:
    given = {"label": option, "value": option} if isinstance(option, str) else option
    if not isinstance(given, dict) or set(given) != {"label", "value"}:
        raise ValidationError({"options": ["Must be texts, or objects of label and value."]})
    if not all(isinstance(text, str) and 1 <= len(text) <= 200 for text in given.values()):
        raise ValidationError({"options": ["Labels and values have 1 to 200 characters."]})
    if any(cards.stands_in(text) for text in given.values()):
        raise ValidationError({"options": [cards.REFUSAL]})
    return {"label": given["label"], "value": given["value"]}


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


class CheckoutSession(Output):
    """A checkout session: one page that a customer may pay on, once."""

    id = TextField(pattern="^cs_[A-Za-z0-9]+$")
    object = ObjectName("checkout.session")
    url = TextField("The page to send the customer to.", format="uri")
    status = OneOf(SessionStatus)
    payment_status = OneOf(PaymentStatus)
    mode = OneOf(parts.MODES)
    recurring = Embedded(parts.Recurring, allow_none=True)
    amount = Money("In the currency's smallest unit; null while the customer may still choose it.", nullable=True)
    fee_mode = OneOf(parts.FEE_MODES)
    fee_amount = Money("The fee that the latest payer agreed to; 0 before that.")
    amount_total = Money("The amount plus the fee: what is charged.", nullable=True)
    amount_min = Money(nullable=True)
    amount_max = Money(nullable=True)
    amount_presets = fields.List(fields.Integer(metadata={"format": "int64"}), required=True)
    currency = TextField("ISO 4217, upper case.", pattern="^[A-Z]{3}$")
    country = TextField("ISO 3166 alpha-2.", nullable=True)
    payment_method_types = fields.List(Choice(METHOD_TYPES), required=True)
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
    description = TextField(nullable=True)
    locale = OneOf(parts.LOCALES)
    metadata = fields.Dict(required=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    expires_at = Instant()
    completed_at = Instant(nullable=True)
    late = fields.Boolean(required=True, metadata={"description": "The money arrived after the session had expired."})
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
    "recurring": None,
    "amount": 25000,
    "fee_mode": "merchant_pays",
    "fee_amount": 0,
    "amount_total": 25000,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "currency": "XOF",
    "country": "SN",
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
    "description": "Commande 1042",
    "locale": "auto",
    "metadata": {"order": 1042},
    "livemode": False,
    "created": 1767225600,
    "expires_at": 1767312000,
    "completed_at": None,
    "late": False,
    "last_payment_error": None,
    "attempts": [],
    "attempts_count": 0,
}
EXPIRED_SESSION: Example = SESSION | {"status": "expired"}
SESSIONS: Example = examples.page(SESSION)
