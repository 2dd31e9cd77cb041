"""Payment links on the wire, of the first version and of the second."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from ikawaari.checkout.links import NewLink
from ikawaari.edge import examples, offers, parts, warnings
from ikawaari.edge.answers import EmbeddedList, Instant, Money, ObjectName, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Amount, Choice, CountryCode, Currency, Flag, HttpUrl, IsoInstant, Prose
from ikawaari.edge.offers import LineItemInput, Offer, OfferInput, RecurringInput
from ikawaari.edge.parsing import Input, Loaded
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.merchant_api.schemas.sessions import OrderedItem
from ikawaari.shapes import FeeMode, Locale, MethodType

_MOST = 1_000_000
_STATUSES = ("active", "inactive", "expired", "used")


class PaymentLinkInput(Input):
    """A payment link to create. Every field is optional; `{}` is a valid request."""

    amount = Amount(metadata={"description": "In the currency's smallest unit; absent: the customer chooses it."})
    currency = Currency(metadata={"description": "If absent, the country's, or else yours."})
    country = CountryCode()
    fee_mode = Choice(
        FeeMode,
        data_key="feeMode",
        load_default="merchant_pays",
        metadata={"description": "Who pays the fee: you, or the customer on top of the amount."},
    )
    description = Prose(500)
    payment_method_types = fields.List(
        Choice(MethodType),
        data_key="paymentMethodTypes",
        validate=validate.Length(1, 10),
        metadata={"description": "If absent, all that you have."},
    )
    expires_at = IsoInstant(
        data_key="expiresAt", metadata={"description": "ISO 8601, in the future; if absent, the link does not expire."}
    )
    is_single_use = Flag(data_key="isSingleUse", load_default=False)

    @post_load
    def make(self, data: Loaded, **_options: Any) -> NewLink:
        """The domain's value."""
        if data.pop("is_single_use"):
            data["max_uses"] = 1
        return NewLink(**data)


class QuantityBoundsInput(Input):
    """How many of an item the customer may take."""

    minimum = fields.Integer(strict=True, load_default=1, validate=validate.Range(0, _MOST))
    maximum = fields.Integer(strict=True, required=True, validate=validate.Range(1, _MOST))


class LinkItemInput(LineItemInput):
    """One item of the order; the customer may choose how many."""

    adjustable_quantity = fields.Nested(
        QuantityBoundsInput,
        data_key="adjustableQuantity",
        metadata={"description": "The bounds of `quantity`; if absent, it is fixed."},
    )

    @validates_schema
    def check_bounds(self, data: Loaded, **_options: Any) -> None:
        """The quantity shown first lies inside its own bounds."""
        bounds = data.get("adjustable_quantity")
        if bounds and not bounds["minimum"] <= data["quantity"] <= bounds["maximum"]:
            raise ValidationError("Must have quantity between minimum and maximum.", "adjustableQuantity")


class PaymentLinkV2Input(OfferInput, PaymentLinkInput):
    """A payment link of the second version. Every field is optional; `{}` is a valid request."""

    line_items = fields.List(
        fields.Nested(LinkItemInput),
        data_key="lineItems",
        load_default=list,
        validate=validate.Length(max=100),
        metadata={"description": "They must add up to the amount, or determine it."},
    )
    recurring = fields.Nested(
        RecurringInput, metadata={"description": "Each payment starts a subscription; needs an amount."}
    )
    allow_repeat_subscriptions = Flag(
        data_key="allowRepeatSubscriptions",
        load_default=False,
        metadata={
            "description": "With `recurring`: true lets a customer whose subscription runs begin another one at once; "
            "false has the page show the running one, and ask. Nothing is refused."
        },
    )
    max_uses = fields.Integer(
        data_key="maxUses",
        strict=True,
        validate=validate.Range(1, _MOST),
        metadata={"description": "How many payments it accepts; if absent, any number."},
    )
    success_url = HttpUrl(
        data_key="successUrl",
        metadata={"description": "Where the customer is sent once paid; `{CHECKOUT_SESSION_ID}` becomes the id."},
    )
    thank_you = Prose(500, data_key="thankYou", metadata={"description": "Shown on the receipt."})
    locale = Choice(Locale, load_default="auto")

    @validates_schema
    def check_together(self, data: Loaded, **_options: Any) -> None:
        """Checks of two fields together."""
        if data.get("is_single_use") and data.get("max_uses", 1) != 1:
            raise ValidationError("Must be 1 for a single-use link.", "maxUses")


class PaymentLinkQuery(PageQuery):
    """Filters of the list, and the page."""

    active = Choice(("true", "false"), metadata={"description": "Deactivated or not; a used link stays active."})


class PaymentLink(Output):
    """An address to pay at: `url`."""

    id = TextField("A UUID.", format="uuid")
    object = ObjectName("payment_link")
    version = fields.Integer(required=True)
    url = TextField("The address to give to your customers.", format="uri")
    slug = TextField("The end of `url`.")
    active = fields.Boolean(required=True, metadata={"description": "True until you deactivate it."})
    status = OneOf(_STATUSES, "Whether it accepts payments, or why not.")
    uses = fields.Integer(
        required=True,
        metadata={"description": "Payments that have started or succeeded; a refund does not reduce it."},
    )
    is_single_use = fields.Boolean(required=True)
    amount = Money("In the currency's smallest unit; null: the customer chooses.", nullable=True)
    currency = TextField("ISO 4217, upper case.")
    country = TextField("ISO 3166 alpha-2.", nullable=True)
    fee_mode = OneOf(FeeMode)
    description = TextField(nullable=True)
    payment_method_types = fields.List(Choice(MethodType), required=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    expires_at = TextField("ISO 8601.", nullable=True, format="date-time")
    warnings = warnings.field()


class PaymentLinkV2(Offer, PaymentLink):
    """An address to pay at: `url`. The second version."""

    line_items = EmbeddedList(OrderedItem)
    custom_fields = EmbeddedList(parts.CustomField)
    allow_repeat_subscriptions = fields.Boolean(required=True)
    max_uses = fields.Integer(required=True, allow_none=True)
    success_url = TextField(nullable=True)
    thank_you = TextField(nullable=True)
    metadata = fields.Dict(required=True)


class PaymentLinkList(Page):
    """A page of payment links, newest first."""

    data = EmbeddedList(PaymentLink)


class PaymentLinkV2List(Page):
    """A page of payment links of the second version, newest first."""

    data = EmbeddedList(PaymentLinkV2)


_PLACES = ("Balcon", "Parterre")
_QUESTION: Example = {"key": "place", "label": "Place", "type": "dropdown", "options": list(_PLACES)}
_OPTIONS = [{"label": name, "value": name} for name in _PLACES]
_FIELD: Example = _QUESTION | {"options": _OPTIONS, "required": False}

NEW_LINK: Example = {
    "amount": 10000,
    "currency": "XOF",
    "country": "SN",
    "description": "Cotisation de mars",
    "feeMode": "merchant_pays",
    "expiresAt": "2099-12-31T23:59:59Z",
    "isSingleUse": False,
}
LINK: Example = {
    "id": "6f1c2f0a-3b5d-4c2e-9a71-0d4f8e6b2c15",
    "object": "payment_link",
    "version": 1,
    "url": "https://pay.example/pay/q7RtVb4nYc1LzWp5",
    "slug": "q7RtVb4nYc1LzWp5",
    "active": True,
    "status": "active",
    "uses": 0,
    "is_single_use": False,
    "amount": 10000,
    "currency": "XOF",
    "country": "SN",
    "fee_mode": "merchant_pays",
    "description": "Cotisation de mars",
    "payment_method_types": ["mobile_money", "card"],
    "livemode": False,
    "created": 1767225600,
    "expires_at": "2099-12-31T23:59:59Z",
}
INACTIVE_LINK: Example = LINK | {"active": False, "status": "inactive"}
LINKS: Example = examples.page(LINK)
_TICKET: Example = {"name": "Concert du samedi", "amount": 5000, "quantity": 1}
NEW_LINK_V2: Example = {
    "description": "Billets",
    "feeMode": "customer_pays",
    "lineItems": [_TICKET | {"adjustableQuantity": {"minimum": 1, "maximum": 6}}],
    "customFields": [_QUESTION],
    "maxUses": 200,
    "thankYou": "Merci, à samedi !",
    "metadata": {"event": "concert-7"},
}
LINK_V2: Example = (
    LINK
    | offers.OFFER
    | {
        "version": 2,
        "amount": 5000,
        "fee_mode": "customer_pays",
        "description": "Billets",
        "expires_at": None,
        "line_items": [_TICKET | {"adjustable_quantity": {"minimum": 1, "maximum": 6}}],
        "custom_fields": [_FIELD],
        "allow_repeat_subscriptions": False,
        "max_uses": 200,
        "success_url": None,
        "thank_you": "Merci, à samedi !",
        "metadata": {"event": "concert-7"},
    }
)
INACTIVE_LINK_V2: Example = LINK_V2 | {"active": False, "status": "inactive"}
LINKS_V2: Example = examples.page(LINK_V2)
