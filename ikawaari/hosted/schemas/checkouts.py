"""The public view of a checkout session on the wire."""

from typing import Any

from marshmallow import fields

from ikawaari.checkout.payment_methods import METHOD_TYPES
from ikawaari.edge import examples, parts
from ikawaari.edge.answers import As, Instant, Kind, Money, NextAction, OneOf, Output, Parts, Words
from ikawaari.edge.fields import Choice
from ikawaari.states import AttemptStatus, PaymentStatus, SessionStatus, SubscriptionStatus

UNAVAILABLE = ("inactive", "used")


class Operator(Output):
    """A wallet of a country."""

    id = Words("What `operator` of a payment takes.")
    name = Words("What customers call it.")
    flows = fields.List(
        Choice(parts.FLOWS), required=True, metadata={"description": "How it asks payers; its own way first."}
    )
    available = fields.Boolean(required=True)


class PayingCountry(Output):
    """A country whose wallets can pay."""

    country = Words("ISO 3166 alpha-2.")
    dial_code = Words("Without the +.")
    operators = Parts(Operator)


class PaymentMethodOffer(Output):
    """A way to pay this session."""

    type = OneOf(METHOD_TYPES)
    countries = Parts(
        PayingCountry, required=False, metadata={"description": "Of mobile money; the session's country first."}
    )


class Fee(Output):
    """What paying with one kind of method comes to."""

    type = OneOf(METHOD_TYPES)
    fee_amount = Money("Comes on top of the amount; 0 unless `fee_mode` is `customer_pays`.")
    amount_total = Money("What is charged: the amount and the fee.")


class PublicSubscription(Output):
    """The subscription that this session started."""

    status = OneOf(SubscriptionStatus)
    current_period_end = Instant("When the next payment is due, unless the subscription ends then.")
    cancel_at_period_end = fields.Boolean(required=True)
    canceled_at = Instant(nullable=True)


class PublicInvoice(Output):
    """The period of a subscription that this session pays."""

    period_start = Instant()
    period_end = Instant()


class PublicMerchant(Output):
    """Who sells."""

    name = Words()
    logo_url = Words(nullable=True)
    color = Words("#rrggbb", nullable=True)
    country = Words("ISO 3166 alpha-2.")


class MaskedCustomer(Output):
    """Whom the merchant, or an earlier try, named. Masked: whoever has the link may not be that person."""

    name = Words(nullable=True)
    email = Words("Masked.", nullable=True)
    phone = Words("Masked.", nullable=True)


class PublicPayment(Output):
    """The attempt that paid, else the latest one."""

    status = OneOf(AttemptStatus)
    type = OneOf(METHOD_TYPES)
    operator = Words(nullable=True)
    phone = Words("Masked.", nullable=True)
    amount = Money("What was asked of the payer: the amount and the fee.")
    fee_amount = Money()
    currency = Words()
    created = Instant()
    deadline_at = Instant("When the payer's prompt, code or page ends.", nullable=True)
    settled_at = Instant(nullable=True)
    reference = Words("Short, for receipts.")


class PublicCheckout(Output):
    """What the customer may see of a session."""

    id = Words(pattern="^cs_[A-Za-z0-9]+$")
    object = Kind("checkout.session")
    status = OneOf(SessionStatus)
    payment_status = OneOf(PaymentStatus)
    mode = OneOf(parts.MODES)
    recurring = As(parts.Recurring, allow_none=True)
    amount = Money("In the currency's smallest unit; null while the customer still may choose it.", nullable=True)
    amount_min = Money(nullable=True)
    amount_max = Money(nullable=True)
    amount_presets = fields.List(fields.Integer(metadata={"format": "int64"}), required=True)
    fee_mode = OneOf(parts.FEE_MODES)
    fee_amount = Money("What the latest payer agreed to pay on top; 0 before.")
    fees = Parts(Fee, metadata={"description": "By kind of method; empty while the amount is not known."})
    currency = Words("ISO 4217, upper case.")
    country = Words("ISO 3166 alpha-2.", nullable=True)
    description = Words(nullable=True)
    line_items = Parts(parts.LineItem)
    custom_fields = Parts(parts.CustomField)
    answered_fields = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Keys of the custom fields that an earlier try answered; the answers are not told."},
    )
    merchant = As(PublicMerchant)
    payment_methods = Parts(PaymentMethodOffer)
    customer = As(MaskedCustomer)
    next_action = NextAction()
    payment = As(PublicPayment, allow_none=True)
    last_payment_error = As(parts.Failure, allow_none=True)
    late = fields.Boolean(required=True)
    subscription = As(PublicSubscription, allow_none=True)
    invoice = As(PublicInvoice, allow_none=True)
    unavailable = OneOf(UNAVAILABLE, "Why the session's payment link takes no payment any more.", nullable=True)
    thank_you = Words("The shop's word to who has paid.", nullable=True)
    success_url = Words("Once paid.", nullable=True)
    cancel_url = Words(nullable=True)
    expires_at = Instant()
    completed_at = Instant(nullable=True)
    livemode = fields.Boolean(required=True)
    locale = OneOf(parts.LOCALES)


_WALLETS = [
    {"id": "orange_sn", "name": "Orange Money", "flows": ["ussd_push", "otp", "redirect"], "available": True},
    {"id": "wave_sn", "name": "Wave", "flows": ["ussd_push", "redirect", "qr"], "available": True},
]
CHECKOUT: dict[str, Any] = {
    "id": examples.SESSION_ID,
    "object": "checkout.session",
    "status": "open",
    "payment_status": "unpaid",
    "mode": "payment",
    "recurring": None,
    "amount": 25000,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "fee_mode": "merchant_pays",
    "fee_amount": 0,
    "fees": [
        {"type": "mobile_money", "fee_amount": 0, "amount_total": 25000},
        {"type": "card", "fee_amount": 0, "amount_total": 25000},
    ],
    "currency": "XOF",
    "country": "SN",
    "description": "Commande 1042",
    "line_items": examples.LINE_ITEMS,
    "custom_fields": [examples.CUSTOM_FIELD],
    "answered_fields": [],
    "merchant": {"name": "Boutique Teranga", "logo_url": None, "color": "#0b6e4f", "country": "SN"},
    "payment_methods": [
        {"type": "mobile_money", "countries": [{"country": "SN", "dial_code": "221", "operators": _WALLETS}]},
        {"type": "card"},
    ],
    "customer": {"name": None, "email": None, "phone": "+221 77 ••• •• 67"},
    "next_action": None,
    "payment": None,
    "last_payment_error": None,
    "late": False,
    "subscription": None,
    "invoice": None,
    "unavailable": None,
    "thank_you": None,
    "success_url": None,
    "cancel_url": f"{examples.SHOP}/panier",
    "expires_at": 1767312000,
    "completed_at": None,
    "livemode": False,
    "locale": "auto",
}
PAYING_CHECKOUT: dict[str, Any] = CHECKOUT | {
    "payment_status": "processing",
    "answered_fields": ["taille"],
    "customer": {"name": "Awa Diop", "email": None, "phone": "+221 77 ••• •• 67"},
    "next_action": examples.NEXT_ACTION,
    "payment": {
        "status": "requires_action",
        "type": "mobile_money",
        "operator": "orange_sn",
        "phone": "+221 77 ••• •• 67",
        "amount": 25000,
        "fee_amount": 0,
        "currency": "XOF",
        "created": 1767225660,
        "deadline_at": 1767225720,
        "settled_at": None,
        "reference": "5F1C0A7E",
    },
}
