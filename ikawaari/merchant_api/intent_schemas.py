"""The shapes of payment intents on the wire. snake_case throughout, unlike checkout sessions."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, post_load

from ikawaari.checkout.intents import NewIntent
from ikawaari.checkout.payment_methods import METHOD_TYPES, PayRequest
from ikawaari.edge import parts
from ikawaari.edge.answers import As, Instant, Kind, Money, NextAction, OneOf, Output, Parts, Words
from ikawaari.edge.fields import (
    Amount,
    Choice,
    CountryCode,
    Currency,
    Email,
    Flag,
    HttpUrl,
    Matching,
    Metadata,
    Prose,
    Reference,
    Text,
)
from ikawaari.edge.parsing import Input
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.merchant_api.schemas import PaymentAttempt
from ikawaari.states import IntentStatus

A_CARD = "tok_[A-Za-z0-9_]{1,200}"


class IntentWalletInput(Input):
    """A wallet. Known clients name the number in three ways."""

    country = CountryCode()
    operator = Text(40, metadata={"description": "`orange_sn`, or `orange_money` with a country."})
    msisdn = Text(32, metadata={"description": "The payer's number; `phone` and `phone_number` are the same."})
    phone = Text(32, metadata={"description": "The same as `msisdn`."})
    phone_number = Text(32, metadata={"description": "The same as `msisdn`."})
    preferred_flow = Choice(
        parts.FLOWS, metadata={"description": "Taken when the operator can; else the operator's own way."}
    )
    otp = Matching("[0-9]{4,8}", metadata={"description": "The code that the payer got, with a second confirmation."})


class IntentCardInput(Input):
    """A card, as a token."""

    token = Matching(A_CARD, required=True)


class IntentPaymentMethodInput(Input):
    """What the payer pays with."""

    type = Choice(METHOD_TYPES, required=True)
    mobile_money = fields.Nested(IntentWalletInput)
    card = fields.Nested(IntentCardInput)

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """The fields of a PayRequest."""
        details: dict[str, Any] | None = data.get(data["type"])
        if details is None:
            raise ValidationError({data["type"]: ["Is required."]})
        if data["type"] == "card":
            return {"type": "card", "card_token": details["token"]}
        return {"type": "mobile_money", **_wallet(details)}


def _wallet(given: dict[str, Any]) -> dict[str, Any]:
    number = given.get("msisdn") or given.get("phone_number") or given.get("phone")
    kept = {name: given.get(name) for name in ("country", "operator", "preferred_flow", "otp")}
    return {"phone_number": number, **kept}


class PaymentMethodChoice(Input):
    """What to pay with, in either of the two ways in which clients say it."""

    payment_method = Matching(A_CARD, metadata={"description": "A card token."})
    payment_method_data = fields.Nested(IntentPaymentMethodInput)
    return_url = HttpUrl(metadata={"description": "Where the payer comes back to after a wallet's or a bank's page."})


@dataclass(frozen=True)
class IntentBody:
    """An intent to make, and with what and whether to confirm it at once."""

    intent: NewIntent
    confirm: bool
    return_url: str | None


class IntentInput(PaymentMethodChoice):
    """A payment intent to make."""

    amount = Amount(required=True, metadata={"description": "In the currency's smallest unit."})
    currency = Currency(required=True)
    payment_method_types = fields.Raw(metadata={"description": "Accepted, and without effect."})
    transaction_country = CountryCode(metadata={"description": "Where the payer is; absent: where you are."})
    customer = Reference(255, metadata={"description": "Your word for who pays; `customer_id` is the same."})
    customer_id = Reference(255, metadata={"description": "The same as `customer`."})
    customer_email = Email()
    customer_phone = Text(32, metadata={"description": "As typed, or E.164."})
    description = Prose(500)
    metadata = Metadata(load_default=dict)
    confirm = Flag(load_default=False, metadata={"description": "Confirm at once; say then what to pay with."})

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> IntentBody:
        """The domain's values."""
        payment = payment_of(data)
        if data["confirm"] and payment is None:
            raise ValidationError({"payment_method_data": ["Is required to confirm."]})
        kept = ("amount", "currency", "customer_email", "customer_phone", "description", "metadata")
        new = NewIntent(
            **{name: data[name] for name in kept if name in data},
            country=data.get("transaction_country"),
            customer=data.get("customer") or data.get("customer_id"),
            payment=payment,
        )
        return IntentBody(new, data["confirm"], data.get("return_url"))


class IntentChanges(Input):
    """What may change while no money moves."""

    amount = Amount(
        metadata={"description": "In the currency's smallest unit. Not of an intent that belongs to a session."}
    )
    currency = Currency()
    customer = Reference(255, metadata={"description": "Your word for who pays; `customer_id` is the same."})
    customer_id = Reference(255, metadata={"description": "The same as `customer`."})
    customer_email = Email()
    customer_phone = Text(32)
    description = Prose(500)
    metadata = Metadata()

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """The intent's columns."""
        if "customer_id" in data:
            data.setdefault("customer", data.pop("customer_id"))
        return data


class ConfirmInput(PaymentMethodChoice):
    """With what to confirm; absent: with what the intent was made."""

    @post_load
    def make(self, data: dict[str, Any], **_options: Any) -> tuple[dict[str, Any] | None, str | None]:
        """The fields of a PayRequest, if any, and the return address."""
        return payment_of(data), data.get("return_url")


class IntentQuery(PageQuery):
    """Filters of the list, and the place in it."""

    status = Choice(IntentStatus)
    customer = Reference(255)


class PaymentIntent(Output):
    """The will to collect one amount once, however many attempts that takes."""

    id = Words(pattern="^pi_[A-Za-z0-9]+$")
    object = Kind("payment_intent")
    status = OneOf(IntentStatus, "`failed` may be confirmed again; `succeeded` stays so.")
    amount = Money()
    amount_received = Money("What was taken: 0 until it `succeeded`.")
    amount_refunded = Money("How much of that was promised back or given back.")
    currency = Words("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    customer_email = Words(nullable=True)
    customer_phone = Words("E.164.", nullable=True)
    customer = Words("Your word for who pays.", nullable=True)
    country = Words("ISO 3166 alpha-2: where the payer is.", nullable=True)
    description = Words(nullable=True)
    metadata = fields.Dict(required=True)
    checkout_session = Words("`cs_…`, when a session made it.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    canceled_at = Instant("Null unless it was canceled.", nullable=True)
    next_action = NextAction()
    last_payment_error = As(parts.Failure, allow_none=True)
    attempts = Parts(PaymentAttempt, metadata={"description": "Every try, oldest first; in events the latest ten."})
    attempts_count = fields.Integer(required=True, metadata={"description": "How many tries there were in all."})


class PaymentIntentList(Page):
    """A page of payment intents, newest first."""

    data = Parts(PaymentIntent)


def payment_of(data: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of a PayRequest, from whichever way the client used."""
    given: dict[str, Any] | None = data.get("payment_method_data")
    if given is None and data.get("payment_method"):
        given = {"type": "card", "card_token": data["payment_method"]}
    return given


def pay_request(payment: dict[str, Any], return_url: str | None) -> PayRequest:
    """The domain's value."""
    return PayRequest(**payment, return_url=return_url)
