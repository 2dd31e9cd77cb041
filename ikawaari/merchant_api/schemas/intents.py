"""Payment intents on the wire. snake_case throughout, unlike checkout sessions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, post_load, pre_load

from ikawaari import cards, errors
from ikawaari.checkout.intents import NewIntent
from ikawaari.edge import examples, naming, parts, warnings
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
    Prefill,
    Prose,
    Reference,
    Text,
)
from ikawaari.edge.parsing import Changes, Input, Loaded
from ikawaari.errors import ValidationFailed
from ikawaari.merchant_api.paging import Page, PageQuery
from ikawaari.merchant_api.schemas.attempts import ATTEMPT, PaymentAttempt
from ikawaari.merchant_api.schemas.sessions import LEFT_OUT
from ikawaari.shapes import ColumnValues, MethodType
from ikawaari.states import IntentStatus

A_CARD = "(?:tok|ctoken)_[A-Za-z0-9_]{1,200}"
_NUMBERS = ("msisdn", "phone_number", "phone")


@dataclass(frozen=True)
class GivenMethod:
    """The payment method as a client gave it: the fields of a PayRequest, and the client's names for them."""

    payment: Mapping[str, Any]
    number: str = "msisdn"
    is_token: bool = False
    field: str = "payment_method_data"

    def name(self, name: str) -> str:
        """The client's name of a field of the domain."""
        if self.is_token and name in ("card_token", "type"):
            return self.field
        return naming.payment(name, self.field, self.number)


NOTHING_GIVEN = GivenMethod({})


class IntentWalletInput(Input):
    """A wallet. Clients name the number in three ways."""

    country = CountryCode()
    operator = Text(40, metadata={"description": "`orange_sn`, or `orange_money` with a country."})
    msisdn = Text(32, metadata={"description": "The payer's number; `phone` and `phone_number` are the same."})
    phone = Text(32, metadata={"description": "The same as `msisdn`."})
    phone_number = Text(32, metadata={"description": "The same as `msisdn`."})
    preferred_flow = Text(
        20,
        metadata={
            "description": f"One of {', '.join(parts.FLOWS)}; taken when the operator can, else its own way. Another "
            "word is ignored."
        },
    )
    otp = Matching(
        "[0-9]{4,8}", metadata={"description": "The code that the payer received, in a second confirmation."}
    )


class IntentCardInput(Input):
    """A card, as a token."""

    token = Matching(A_CARD, required=True)

    @pre_load
    def refuse_card_numbers(self, data: Any, **_options: Any) -> Any:
        """A card number is refused whatever it is called, and never repeated."""
        for name, value in data.items() if isinstance(data, Mapping) else ():
            if cards.holds_number(str(value)):
                raise CardNumberSent(str(name))
        return data


class CardNumberSent(Exception):
    """A card number was sent instead of a token; the message names the member."""


class IntentPaymentMethodInput(Input):
    """What the payer pays with. Only the member that `type` names counts; unknown members are ignored."""

    class Meta:
        """The official client's type allows any other members."""

        unknown = EXCLUDE

    type = Choice(MethodType, required=True)
    mobile_money = fields.Nested(IntentWalletInput)
    card = fields.Nested(IntentCardInput)

    @pre_load
    def take_what_is_meant(self, data: Any, **_options: Any) -> Any:
        """If both members are given, only the one that counts is read."""
        kind = data.get("type") if isinstance(data, Mapping) else None
        return {name: data[name] for name in ("type", kind) if name in data} if kind in list(MethodType) else data

    @post_load
    def make(self, data: Loaded, **_options: Any) -> GivenMethod:
        """What was given."""
        details: Loaded | None = data.get(data["type"])
        if details is None:
            raise ValidationError({data["type"]: ["Is required."]})
        if data["type"] == "card":
            return GivenMethod({"type": "card", "card_token": details["token"]})
        number = next((name for name in _NUMBERS if details.get(name)), "msisdn")
        kept = {name: details.get(name) for name in ("country", "operator", "preferred_flow", "otp")}
        return GivenMethod({"type": "mobile_money", "phone_number": details.get(number), **kept}, number)


class PaymentMethodField(fields.Nested):
    """A payment method: the object, or a card token where the client calls it `payment_method`."""

    def __init__(self, *, token: bool, **options: Any) -> None:
        self.takes_text = token
        super().__init__(IntentPaymentMethodInput, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, *args: Any, **options: Any) -> GivenMethod:
        name = str(attr)
        if isinstance(value, str) and self.takes_text:
            return _token(value, name)
        try:
            given: GivenMethod = super()._deserialize(value, attr, data, *args, **options)
        except CardNumberSent as sent:
            raise ValidationFailed({f"{name}.card.{sent}": [cards.REFUSAL]}, errors.CARD_NUMBER_SENT) from None
        return replace(given, field=name)


def _token(text: str, name: str) -> GivenMethod:
    if cards.holds_number(text):
        raise ValidationFailed({name: [cards.REFUSAL]}, errors.CARD_NUMBER_SENT)
    if not re.fullmatch(A_CARD, text):
        raise ValidationError("Must be a card token (tok_…), or an object.")
    return GivenMethod({"type": "card", "card_token": text}, is_token=True, field=name)


_OBJECT = {"$ref": "#/components/schemas/IntentPaymentMethodInput"}
_TOKEN = {"type": "string", "pattern": f"^{A_CARD}$", "description": "A card token."}


class PaymentMethodChoice(Input):
    """The payment method, in either of the two fields that clients use; both must mean the same."""

    payment_method = PaymentMethodField(token=True, metadata={"anyOf": [_TOKEN, _OBJECT, {"type": "null"}]})
    payment_method_data = PaymentMethodField(token=False)
    return_url = HttpUrl(metadata={"description": "Where the payer comes back to after a wallet's or a bank's page."})


@dataclass(frozen=True)
class IntentBody:
    """An intent to create, and whether and with what to confirm it immediately."""

    intent: NewIntent
    confirm: bool
    return_url: str | None
    given: Sequence[GivenMethod]


class IntentInput(PaymentMethodChoice):
    """A payment intent to create."""

    amount = Amount(required=True, metadata={"description": "In the currency's smallest unit."})
    currency = Currency(required=True)
    payment_method_types = fields.Raw(metadata={"description": "Accepted, but without effect."})
    transaction_country = CountryCode(metadata={"description": "Where the payer is; absent: where you are."})
    customer = Reference(255, metadata={"description": "Your own reference for the payer; `customer_id` is the same."})
    customer_id = Reference(255, metadata={"description": "The same as `customer`."})
    customer_email = Prefill(metadata={"description": LEFT_OUT})
    customer_phone = Prefill(metadata={"description": f"As typed, or E.164. {LEFT_OUT}"})
    description = Prose(500)
    metadata = Metadata(load_default=dict)
    confirm = Flag(load_default=False, metadata={"description": "Confirm immediately; this requires a payment method."})

    @post_load
    def make(self, data: Loaded, **_options: Any) -> IntentBody:
        """The domain's values."""
        given = given_in(data)
        if data["confirm"] and not given:
            raise ValidationError({"payment_method_data": ["Is required to confirm."]})
        kept = ("amount", "currency", "customer_email", "customer_phone", "description", "metadata")
        new = NewIntent(
            **{name: data[name] for name in kept if name in data},
            country=data.get("transaction_country"),
            customer=data.get("customer") or data.get("customer_id"),
            payment=given[0].payment if given else None,
            confirm=data["confirm"],
        )
        return IntentBody(new, data["confirm"], data.get("return_url"), given)


class IntentChanges(Changes):
    """What may change while no money moves. null and "" clear; `metadata` is replaced as a whole."""

    LASTING = frozenset({"amount", "currency"})

    amount = Amount(
        metadata={"description": "In the currency's smallest unit. Not of an intent that belongs to a session."}
    )
    currency = Currency()
    customer = Reference(255, metadata={"description": "Your own reference for the payer; `customer_id` is the same."})
    customer_id = Reference(255, metadata={"description": "The same as `customer`."})
    customer_email = Email()
    customer_phone = Text(32)
    description = Prose(500)
    metadata = Metadata()

    @post_load
    def make(self, data: Loaded, **_options: Any) -> ColumnValues:
        """The intent's columns."""
        if "customer_id" in data:
            data.setdefault("customer", data.pop("customer_id"))
        if "metadata" in data:
            data["metadata"] = data["metadata"] or {}
        return data


class ConfirmInput(PaymentMethodChoice):
    """The payment method; if absent, the one that the intent was created with."""

    @post_load
    def make(self, data: Loaded, **_options: Any) -> tuple[Sequence[GivenMethod], str | None]:
        """The payment method of either field, and the return address."""
        return given_in(data), data.get("return_url")


class IntentQuery(PageQuery):
    """Filters of the list, and the page."""

    status = Choice(IntentStatus)
    customer = Reference(255)


class PaymentIntent(Output):
    """The intent to collect one amount, once, however many attempts that takes."""

    id = TextField(pattern="^pi_[A-Za-z0-9]+$")
    object = ObjectName("payment_intent")
    status = OneOf(IntentStatus, "`failed` may be confirmed again; `succeeded` stays so.")
    amount = Money()
    amount_received = Money("What was taken: 0 until it `succeeded`.")
    amount_refunded = Money("How much of that was refunded, or is being refunded.")
    currency = TextField("ISO 4217, lower case.", pattern="^[a-z]{3}$")
    customer_email = TextField(nullable=True)
    customer_phone = TextField("E.164.", nullable=True)
    customer = TextField("Your own reference for the payer.", nullable=True)
    country = TextField("ISO 3166 alpha-2: where the payer is.", nullable=True)
    description = TextField(nullable=True)
    metadata = fields.Dict(required=True)
    checkout_session = TextField("`cs_…`, if a session created it.", nullable=True)
    livemode = fields.Boolean(required=True)
    created = Instant()
    canceled_at = Instant("Null unless it was canceled.", nullable=True)
    next_action = NextAction()
    last_payment_error = Embedded(parts.Failure, allow_none=True)
    attempts = EmbeddedList(
        PaymentAttempt, metadata={"description": "All attempts, oldest first; in events the latest ten."}
    )
    attempts_count = fields.Integer(required=True, metadata={"description": "The total number of attempts."})
    warnings = warnings.field()


class PaymentIntentList(Page):
    """A page of payment intents, newest first."""

    data = EmbeddedList(PaymentIntent)


def given_in(data: Loaded) -> Sequence[GivenMethod]:
    """The payment method in each of the two fields that the client used."""
    return [data[name] for name in ("payment_method", "payment_method_data") if data.get(name)]


NEW_INTENT: Example = {
    "amount": 25000,
    "currency": "xof",
    "transaction_country": "SN",
    "description": "Commande 1042",
    "metadata": {"order": 1042},
}
INTENT: Example = {
    "id": examples.INTENT_ID,
    "object": "payment_intent",
    "status": "requires_payment_method",
    "amount": 25000,
    "amount_received": 0,
    "amount_refunded": 0,
    "currency": "xof",
    "customer_email": None,
    "customer_phone": None,
    "customer": None,
    "country": "SN",
    "description": "Commande 1042",
    "metadata": {"order": 1042},
    "checkout_session": None,
    "livemode": False,
    "created": 1767225600,
    "canceled_at": None,
    "next_action": None,
    "last_payment_error": None,
    "attempts": [],
    "attempts_count": 0,
}
INTENTS: Example = examples.page(INTENT)
INTENT_CHANGES: Example = {"description": "Commande 1042, 1043", "metadata": {"orders": [1042, 1043]}}
CONFIRMATION: Example = {
    "payment_method_data": {
        "type": "mobile_money",
        "mobile_money": {"country": "SN", "operator": "orange_sn", "msisdn": "+221771234567"},
    },
    "return_url": f"{examples.SHOP}/retour",
}
CONFIRMED_INTENT: Example = INTENT | {
    "status": "requires_action",
    "next_action": examples.NEXT_ACTION,
    "attempts": [ATTEMPT],
    "attempts_count": 1,
}
CANCELED_INTENT: Example = INTENT | {"status": "canceled", "canceled_at": 1767225700}
