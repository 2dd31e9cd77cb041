"""An offer on the wire: what sessions and payment links have in common, in the input and in the output."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from ikawaari import cards
from ikawaari.edge import parts
from ikawaari.edge.answers import Embedded, Money, OneOf, Output, TextField
from ikawaari.edge.examples import Example
from ikawaari.edge.fields import Amount, Choice, Currency, Flag, Line, Matching, Metadata, Prose
from ikawaari.edge.parsing import Input, Loaded
from ikawaari.shapes import FeeMode, FieldType, Interval, Locale, MethodType

_OPTION = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"$ref": "#/components/schemas/Option"}]}


class LineItemInput(Input):
    """One item of the order."""

    name = Prose(200, required=True)
    amount = Amount(required=True, metadata={"description": "Price of one, in the currency's smallest unit."})
    quantity = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 1_000_000))
    currency = Currency(metadata={"description": "If given, it must be the session's."})


class RecurringInput(Input):
    """How often a subscription is charged."""

    interval = Choice(Interval, required=True)
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
    type = Choice(FieldType, required=True)
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
    def spell_options_out(self, data: Loaded, **_options: Any) -> Loaded:
        """A dropdown's options as {label, value}; a plain text is both."""
        if (data["type"] == FieldType.DROPDOWN) != bool(data["options"]):
            raise ValidationError({"options": ["Are required for a dropdown, and only there."]})
        data["options"] = [_option(option) for option in data["options"]] if data["options"] else None
        return data


class OfferInput(Input):
    """The fields of an offer that sessions and payment links describe alike."""

    description = Prose(500)
    payment_method_types = fields.List(
        Choice(MethodType),
        data_key="paymentMethodTypes",
        validate=validate.Length(1, 10),
        metadata={"description": "If absent, all that you have."},
    )
    custom_fields = fields.List(
        fields.Nested(CustomFieldInput), data_key="customFields", load_default=list, validate=validate.Length(max=20)
    )
    amount_min = Amount(data_key="amountMin", metadata={"description": "Only without an amount."})
    amount_max = Amount(data_key="amountMax", metadata={"description": "Only without an amount."})
    amount_presets = fields.List(
        Amount(), data_key="amountPresets", load_default=list, validate=validate.Length(max=10)
    )
    custom_text = Line(500, data_key="customText", metadata={"description": "Shown above the pay button."})
    metadata = Metadata(load_default=dict)

    @validates_schema
    def check_keys(self, data: Loaded, **_options: Any) -> None:
        """Each answer belongs to one question."""
        keys = [field["key"] for field in data.get("custom_fields", ())]
        if len(keys) != len(set(keys)):
            raise ValidationError("Keys must differ.", "customFields")


class Offer(Output):
    """The fields of an offer that sessions, payment links and the public view answer alike."""

    recurring = Embedded(parts.Recurring, allow_none=True)
    fee_mode = OneOf(FeeMode)
    amount_min = Money(nullable=True)
    amount_max = Money(nullable=True)
    amount_presets = fields.List(fields.Integer(metadata={"format": "int64"}), required=True)
    country = TextField("ISO 3166 alpha-2.", nullable=True)
    description = TextField(nullable=True)
    custom_text = TextField("One sentence above the pay button.", nullable=True)
    locale = OneOf(Locale)


def _option(option: Any) -> dict[str, str]:
    given = {"label": option, "value": option} if isinstance(option, str) else option
    if not isinstance(given, dict) or set(given) != {"label", "value"}:
        raise ValidationError({"options": ["Must be texts, or objects of label and value."]})
    if not all(isinstance(text, str) and 1 <= len(text) <= 200 for text in given.values()):
        raise ValidationError({"options": ["Labels and values have 1 to 200 characters."]})
    if any(cards.stands_in(text) for text in given.values()):
        raise ValidationError({"options": [cards.REFUSAL]})
    return {"label": given["label"], "value": given["value"]}


OFFER: Example = {
    "recurring": None,
    "amount_min": None,
    "amount_max": None,
    "amount_presets": [],
    "fee_mode": "merchant_pays",
    "country": "SN",
    "description": "Commande 1042",
    "custom_text": None,
    "locale": "auto",
}
