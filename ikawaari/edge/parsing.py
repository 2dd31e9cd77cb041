"""How smorest's blueprints read requests here: strict JSON, and every bad field named in one 400."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NoReturn

from flask import Request
from marshmallow import RAISE, Schema, ValidationError, pre_load
from marshmallow.fields import Field
from webargs.flaskparser import FlaskParser

from ikawaari import cards, texts
from ikawaari.edge import strict_json
from ikawaari.errors import Details, ValidationFailed

SESSION_ID = {
    "in": "path",
    "name": "session_id",
    "description": "The session's id, `cs_…`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "example": "cs_8dK2mQx7RtVb4nYc1LzWp5SgHfA",
}


class Parser(FlaskParser):
    """webargs' parser, with our JSON and our errors."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body as an object."""
        return strict_json.read(req, getattr(schema, "most_values", strict_json.MOST_VALUES))

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query, of texts that the store can bear."""
        for name, text in req.args.items(multi=True):
            if not texts.is_storable(name):
                raise ValidationFailed({"query": ["a name must not hold control characters"]})
            if not texts.is_storable(text):
                raise ValidationFailed({name: ["must not hold control characters"]})
        return super().load_querystring(req, schema)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **options: Any) -> NoReturn:
        """One ValidationFailed for all bad fields."""
        messages = error.messages_dict
        details = flatten(messages.get("json") or messages.get("query") or messages)
        raise ValidationFailed(*_without_cards(details))


class Query(Schema):
    """The parameters of a query. Unknown ones are refused: a typing error must not pass as an absent filter."""

    class Meta:
        """See above."""

        unknown = RAISE


class Input(Schema):
    """A request body. Unknown fields are refused, null says the same as absence, and the snake_case spelling of each
    field is understood too.
    """

    class Meta:
        """A typing error must not pass as an absent field."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Many clients send null for what they have no value for."""
        field_obj.allow_none = not field_obj.required

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Every spelling of a field, and its name in the document."""
        names = [field.data_key or name for name, field in self.fields.items()]
        return {spelling: name for name in names for spelling in (name, snake(name))}

    @pre_load
    def understand_spellings(self, data: Any, **_options: Any) -> Any:
        """Rename `success_url` to `successUrl` and forget nulls; both spellings at once are an error of the first."""
        if not isinstance(data, Mapping):
            return data
        known: dict[str, Any] = {}
        for key, value in data.items():
            name = self._names.get(key, key)
            if name in known:
                raise ValidationError({name: [f"is given twice, also as {snake(name)}"]})
            known[name] = value
        return {name: value for name, value in known.items() if value is not None or name not in self._names}


def _without_cards(details: Details) -> tuple[Details, str]:
    """The details and their code; a field that is named by a card number is not named in them."""
    named = {path if not cards.holds_number(path) else "body": problems for path, problems in details.items()}
    if "body" in named and "body" not in details:
        named["body"] = [cards.REFUSAL]
    return named, cards.refusal_code(named, "IKW-REQ-001")


def snake(name: str) -> str:
    """`successUrl` as `success_url`, `paymentLinkV2Id` as `payment_link_v2_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def flatten(messages: Any, path: str = "") -> Details:
    """marshmallow's nested messages as {"lineItems.0.amount": ["…"]}."""
    if isinstance(messages, Mapping):
        flat: Details = {}
        for key, inner in messages.items():
            # "_schema" is about the object itself, "value" about a mapping's value: neither is a step of the path.
            step = path if key in ("_schema", "value") and path else f"{path}.{key}" if path else str(key)
            for field, texts in flatten(inner, step).items():
                flat.setdefault(field, []).extend(texts)
        return flat
    texts = messages if isinstance(messages, list) else [messages]
    return {path or "body": [str(text).removesuffix(".") for text in texts]}
