"""The public view of a checkout session on the wire."""

from marshmallow import fields

from ikawaari.edge import examples, offers, parts
from ikawaari.edge.answers import (
    Embedded,
    EmbeddedList,
    Instant,
    Money,
    NextAction,
    ObjectName,
    OneOf,
    Output,
    TextField,
)
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Choice
from ikawaari.edge.offers import Offer
from ikawaari.shapes import LinkEnd, MethodType, Mode
from ikawaari.states import AttemptStatus, PaymentStatus, SessionStatus, SubscriptionStatus


class Operator(Output):
    """A wallet of a country."""

    id = TextField("The value for `operator` in a payment.")
    name = TextField("The name that customers know.")
    flows = fields.List(
        Choice(parts.FLOWS), required=True, metadata={"description": "How it asks payers, the default first."}
    )
    available = fields.Boolean(
        required=True,
        metadata={"description": "False while it does not answer, or if it does not take the session's amount."},
    )


class PayingCountry(Output):
    """A country whose wallets can pay."""

    country = TextField("ISO 3166 alpha-2.")
    dial_code = TextField("Without the +.")
    operators = EmbeddedList(Operator)


class PaymentMethodOffer(Output):
    """A way to pay this session."""

    type = OneOf(MethodType)
    countries = EmbeddedList(
        PayingCountry, required=False, metadata={"description": "Only of mobile money; the session's country first."}
    )


class Fee(Output):
    """What paying with one type of method costs."""

    type = OneOf(MethodType)
    fee_amount = Money("Added to the amount; 0 unless `fee_mode` is `customer_pays`.")
    amount_total = Money("What is charged: the amount plus the fee.")


class PublicSubscription(Output):
    """The subscription that this session started."""

    status = OneOf(SubscriptionStatus)
    current_period_end = Instant("When the next payment is due, unless the subscription ends before it.")
    cancel_at_period_end = fields.Boolean(required=True)
    canceled_at = Instant(nullable=True)


class PublicInvoice(Output):
    """The period of a subscription that this session pays."""

    period_start = Instant()
    period_end = Instant()


class PublicMerchant(Output):
    """Who sells."""

    name = TextField()
    logo_url = TextField(nullable=True)
    color = TextField("#rrggbb", nullable=True)
    country = TextField("ISO 3166 alpha-2.")
    legal_name = TextField("Whose shop it is by law.", nullable=True)
    town = TextField(nullable=True)
    help_phone = TextField("Whom a customer can call, in E.164.", nullable=True)
    whatsapp = TextField("Whom a customer can write to, in E.164.", nullable=True)
    terms_url = TextField(nullable=True)
    refunds_url = TextField(nullable=True)
    privacy_url = TextField(nullable=True)
    payer_name = TextField(
        "Whom the operator's prompt names, unless `payee_name` of `next_action` says it.", nullable=True
    )


class MaskedCustomer(Output):
    """The customer's details from the merchant or an earlier attempt. Masked: anybody may have the link."""

    name = TextField(nullable=True)
    email = TextField("Masked.", nullable=True)
    phone = TextField("Masked.", nullable=True)


class PublicPayment(Output):
    """The attempt that paid, or else the latest one."""

    status = OneOf(AttemptStatus)
    type = OneOf(MethodType)
    operator = TextField(nullable=True)
    phone = TextField("Masked.", nullable=True)
    amount = Money("What the payer was asked to pay: the amount plus the fee.")
    fee_amount = Money()
    currency = TextField()
    created = Instant()
    deadline_at = Instant("When the payer's prompt, code or page expires.", nullable=True)
    settled_at = Instant(nullable=True)
    reference = TextField("What the payer reads on the receipt.")


class PublicCheckout(Offer):
    """What the customer may see of a session."""

    id = TextField(pattern="^cs_[A-Za-z0-9]+$")
    object = ObjectName("checkout.session")
    status = OneOf(SessionStatus)
    payment_status = OneOf(PaymentStatus)
    mode = OneOf(Mode)
    amount = Money("In the currency's smallest unit; null while the customer may still choose it.", nullable=True)
    fee_amount = Money("The fee that the latest payer agreed to; 0 before that.")
    fees = EmbeddedList(Fee, metadata={"description": "By type of method; empty while the amount is not known."})
    currency = TextField("ISO 4217, upper case.")
    line_items = EmbeddedList(parts.LineItem)
    custom_fields = EmbeddedList(parts.CustomField)
    answered_fields = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "The keys of custom fields that an earlier attempt answered; the answers are not shown."
        },
    )
    merchant = Embedded(PublicMerchant)
    payment_methods = EmbeddedList(PaymentMethodOffer)
    customer = Embedded(MaskedCustomer)
    next_action = NextAction()
    payment = Embedded(PublicPayment, allow_none=True)
    last_payment_error = Embedded(parts.Failure, allow_none=True)
    late = fields.Boolean(required=True)
    reference = TextField("What the receipt shows: the payment's, or the trial's.", nullable=True)
    subscription = Embedded(PublicSubscription, allow_none=True)
    invoice = Embedded(PublicInvoice, allow_none=True)
    unavailable = OneOf(LinkEnd, "Why the session's payment link no longer accepts payments.", nullable=True)
    thank_you = TextField("The shop's thank-you message, shown after payment.", nullable=True)
    success_url = TextField("Once paid.", nullable=True)
    cancel_url = TextField(nullable=True)
    expires_at = Instant()
    completed_at = Instant(nullable=True)
    livemode = fields.Boolean(required=True)


_WALLETS: list[Example] = [
    {"id": "orange_sn", "name": "Orange Money", "flows": ["ussd_push", "otp", "redirect"], "available": True},
    {"id": "wave_sn", "name": "Wave", "flows": ["ussd_push", "redirect", "qr"], "available": True},
]
CHECKOUT: Example = {
    "id": examples.SESSION_ID,
    "object": "checkout.session",
    "status": "open",
    "payment_status": "unpaid",
    "mode": "payment",
    **offers.OFFER,
    "amount": 25000,
    "fee_amount": 0,
    "fees": [
        {"type": "mobile_money", "fee_amount": 0, "amount_total": 25000},
        {"type": "card", "fee_amount": 0, "amount_total": 25000},
    ],
    "currency": "XOF",
    "line_items": examples.LINE_ITEMS,
    "custom_fields": [examples.CUSTOM_FIELD],
    "answered_fields": [],
    "merchant": {
        "name": "Boutique Teranga",
        "logo_url": None,
        "color": "#0b6e4f",
        "country": "SN",
        "legal_name": "Boutique Teranga SARL",
        "town": "Dakar",
        "help_phone": "+221338000000",
        "whatsapp": "+221778000000",
        "terms_url": f"{examples.SHOP}/conditions",
        "refunds_url": f"{examples.SHOP}/remboursements",
        "privacy_url": f"{examples.SHOP}/confidentialite",
        "payer_name": "IKAWAARI TERANGA",
    },
    "payment_methods": [
        {"type": "mobile_money", "countries": [{"country": "SN", "dial_code": "221", "operators": _WALLETS}]},
        {"type": "card"},
    ],
    "customer": {"name": None, "email": None, "phone": "+221 77 ••• •• 67"},
    "next_action": None,
    "payment": None,
    "last_payment_error": None,
    "late": False,
    "reference": None,
    "subscription": None,
    "invoice": None,
    "unavailable": None,
    "thank_you": None,
    "success_url": None,
    "cancel_url": f"{examples.SHOP}/panier",
    "expires_at": 1767312000,
    "completed_at": None,
    "livemode": False,
}
PAYING_CHECKOUT: Example = CHECKOUT | {
    "payment_status": "processing",
    "reference": "5F1C0A7E",
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
