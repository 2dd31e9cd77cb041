"""Payments on the public wire."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load, validate

from ikawaari import cards, errors
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.edge import parts
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Amount, Choice, HttpUrl, Matching, Text
from ikawaari.edge.parsing import Input, Loaded
from ikawaari.errors import ValidationFailed
from ikawaari.shapes import MethodType

# A phone number may look like a card number. These fields only accept phone numbers, so they are not searched.
_PHONES = {
    "payment_method.mobile_money.phone_number",
    "collected.customerDetails.phone",
    "collected.customer_details.phone",
}


_LONGEST_READ = 4_096  # characters of a text that are searched for a card number: no field accepts a longer one


@dataclass(frozen=True)
class PayBody:
    """A pay request, and the session id in its body."""

    request: PayRequest
    session_id: str | None

    def check_session(self, path_id: str) -> None:
        """Raise ValidationFailed if body and path name different sessions."""
        if self.session_id not in (None, path_id):
            raise ValidationFailed({"session_id": ["must equal the id in the path"]}, errors.PAYMENT_INVALID)


class MobileMoneyInput(Input):
    """A wallet."""

    country = Text(2, metadata={"description": "ISO 3166 alpha-2; if absent, the operator's, or else the session's."})
    operator = Text(
        40, metadata={"description": "`orange_sn`, or a name within the country; if absent, by the number."}
    )
    phone_number = Text(32, metadata={"description": "E.164, or as dialed there; if absent, the session's."})
    preferred_flow = Text(
        20,
        metadata={
            "description": f"One of {', '.join(parts.FLOWS)}; used if the provider supports it, otherwise its own."
        },
    )
    otp = Matching("[0-9]{4,8}", metadata={"description": "The code that the payer received, in a second call."})


class CardInput(Input):
    """A card, as a token."""

    token = Text(210, required=True, metadata={"description": "`tok_…`, live `ctoken_…`; a card number is refused."})


class PaymentMethodInput(Input):
    """What the payer pays with."""

    type = Choice(MethodType, required=True)
    mobile_money = fields.Nested(MobileMoneyInput)
    card = fields.Nested(CardInput, metadata={"description": "Required for a card."})

    @pre_load
    def pass_over_the_empty_other(self, data: Any, **_options: Any) -> Any:
        """Shops send both members, and leave the unused one empty."""
        if not isinstance(data, dict):
            return data
        meant = ("type", data.get("type"))
        return {name: value for name, value in data.items() if name in meant or value not in ([], {}, "")}


class Address(fields.Field[Any]):
    """A text of at most 500 characters, or an object of at most ten texts of at most 200 each."""

    takes_text = True

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and len(value) <= 500:
            return value
        lines = {} if value == [] else value
        if not isinstance(lines, dict):
            raise ValidationError("Must be a text of at most 500 characters, or an object of texts.")
        kept = {name: text for name, text in lines.items() if text is not None}
        if len(kept) > 10 or not all(isinstance(text, str) for text in kept.values()):
            raise ValidationError("Must hold at most 10 members, all of them texts.")
        if any(len(text) > 200 for text in (*kept, *kept.values())):
            raise ValidationError("Its members must have at most 200 characters.")
        return kept


class CustomerDetailsInput(Input):
    """The payer's details, as collected by the page."""

    name = fields.String(validate=validate.Length(max=500))
    email = fields.String(validate=validate.Length(max=500))
    phone = fields.String(validate=validate.Length(max=500))
    address = Address(
        metadata={
            "anyOf": [
                {"type": "string", "maxLength": 500},
                {
                    "type": "object",
                    "maxProperties": 10,
                    "additionalProperties": {"type": "string", "maxLength": 200},
                },
                {"type": "null"},
            ],
            "description": "A text, or an object of texts; it is returned as given.",
        }
    )


class CollectedInput(Input):
    """What else the page collected."""

    amount = Amount(metadata={"description": "Only if the session has none; within its bounds."})
    quantities = fields.List(
        fields.Integer(strict=True, validate=validate.Range(0, 1_000_000)),
        validate=validate.Length(max=100),
        metadata={
            "description": "One number for each line item, in order; another than its own only for an adjustable one. "
            "Absent: those that the session shows."
        },
    )
    customer_details = fields.Nested(CustomerDetailsInput, data_key="customerDetails")
    custom_fields = fields.Dict(
        keys=fields.String(),
        values=fields.Raw(allow_none=True, metadata={"type": ["string", "integer"]}),
        data_key="customFields",
        metadata={"description": "Answers, by the keys of the session's custom fields."},
    )


class PaymentInput(Input):
    """A try to pay."""

    most_values = 2_000  # whoever has the address may send it

    session_id = Text(64, metadata={"description": "If given, it must be the id in the path."})
    return_url = HttpUrl(
        metadata={"description": "Where a wallet returns the payer to: this host, or a host of the session's URLs."}
    )
    payment_method = fields.Nested(PaymentMethodInput, required=True)
    collected = fields.Nested(CollectedInput)

    @pre_load
    def refuse_card_numbers(self, data: Any, **_options: Any) -> Any:
        """Refuse a raw card number anywhere in the body. The error names where it was, never the number."""
        paths = list(_card_numbers(data, ""))
        if paths:
            refusal = [cards.REFUSAL]
            raise ValidationFailed(dict.fromkeys(paths, refusal), errors.CARD_NUMBER_SENT)
        return data

    @post_load
    def make(self, data: Loaded, **_options: Any) -> PayBody:
        """The domain's value."""
        method, collected = data["payment_method"], data.get("collected", {})
        wallet, card = method.get("mobile_money", {}), method.get("card", {})
        if method["type"] == "card" and not card:
            raise ValidationError({"payment_method": {"card": ["Is required."]}})
        answers = collected.get("custom_fields", {})
        return PayBody(
            PayRequest(
                type=method["type"],
                **wallet,
                card_token=card.get("token"),
                amount=collected.get("amount"),
                quantities=collected.get("quantities"),
                customer=collected.get("customer_details", {}),
                custom_fields={key: _as_text(key, value) for key, value in answers.items()},
                return_url=data.get("return_url"),
            ),
            data.get("session_id"),
        )


def _as_text(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValidationError({"collected": {"customFields": {key: ["Must be a text or a whole number."]}}})
    return str(value)


def _card_numbers(value: Any, path: str) -> Iterator[str]:
    """The paths at which there is a card number."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if cards.holds_number(key):
                yield path or "body"  # and no step deeper: the path would contain the number
            else:
                yield from _card_numbers(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _card_numbers(inner, f"{path}.{index}")
    elif path not in _PHONES and cards.holds_number(str(value)[:_LONGEST_READ]):
        yield path


PAYMENT: Example = {
    "payment_method": {
        "type": "mobile_money",
        "mobile_money": {"country": "SN", "operator": "orange_sn", "phone_number": "+221771234567"},
    },
    "collected": {"customerDetails": {"name": "Awa Diop"}, "customFields": {"taille": "L"}},
}
