"""How our blueprints read requests: strict JSON, and one 400 that names every wrong field."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from flask import Request, g
from marshmallow import RAISE, Schema, ValidationError, fields, pre_load
from marshmallow.fields import Field
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict

from ikawaari import cards, errors, texts
from ikawaari.edge import strict_json
from ikawaari.edge.naming import camel, snake
from ikawaari.errors import Details, ValidationFailed
from ikawaari.shapes import JsonObject, JsonValue

Loaded = dict[str, Any]
"""The fields of a body or a query that a schema has read and checked, by their names in the program."""

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
        g.body = strict_json.read(req, getattr(schema, "most_values", strict_json.MOST_VALUES))
        return g.body

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The query, whose texts the database can store."""
        for name, text in req.args.items(multi=True):
            if not texts.is_storable(name):
                raise ValidationFailed({"query": ["a name must not hold control characters"]})
            if not texts.is_storable(text):
                raise ValidationFailed({name: ["must not hold control characters"]})
        # Forms and PHP send every parameter: an empty one is absent.
        given = [(name, text) for name, text in req.args.items(multi=True) if text.strip() or name not in schema.fields]
        return self._makeproxy(MultiDict(given), schema)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **options: Any) -> NoReturn:
        """One ValidationFailed for all wrong fields."""
        messages = error.messages_dict
        details = flatten(messages.get("json") or messages.get("query") or messages)
        raise ValidationFailed(*_without_cards(details))


class Query(Schema):
    """The parameters of a query. Unknown ones are refused: a typo must not pass as an absent filter."""

    class Meta:
        """See above."""

        unknown = RAISE


class Input(Schema):
    """A request body. Unknown fields are refused. The snake_case spelling of each field is accepted, too.

    null is treated as absent, and so is the empty string of an optional text; an empty array in place of an object is
    treated as an empty object. PHP sends both.
    """

    class Meta:
        """A typo must not pass as an absent field."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Many clients send null for fields without a value."""
        field_obj.allow_none = not field_obj.required

    @cached_property
    def _names(self) -> Mapping[str, Field[Any]]:
        """The fields by their names in the document."""
        return {field.data_key or name: field for name, field in self.fields.items()}

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        """Those names by each of their two spellings."""
        return {spelling: name for name in self._names for spelling in (name, snake(name))}

    @pre_load
    def understand(self, data: Any, **_options: Any) -> Any:
        """Convert what clients send to the one form that the fields accept."""
        if data == []:
            return {}
        if not isinstance(data, Mapping):
            return data
        return self._without_absent({name: self._meant(name, value) for name, value in self._spelled(data).items()})

    def _spelled(self, data: JsonObject) -> dict[str, JsonValue]:
        """Rename `success_url` to `successUrl`; giving both spellings is an error of the first."""
        known: dict[str, JsonValue] = {}
        for key, value in data.items():
            name = self._spellings.get(key, key)
            if name in known:
                raise ValidationError({name: [f"is given twice, also as {snake(name)}"]})
            known[name] = value
        return known

    def _meant(self, name: str, value: Any) -> Any:
        field = self._names.get(name)
        if isinstance(field, fields.Dict) and value == []:
            return {}
        if is_text(field) and isinstance(value, str) and not value.strip():
            return "" if field and field.required else None
        return value

    def _without_absent(self, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return {name: value for name, value in data.items() if value is not None or name not in self._names}


class Changes(Input):
    """The body of a PATCH: null and the empty string clear a field; an absent field stays as it is."""

    LASTING: ClassVar[frozenset[str]] = frozenset()  # fields that cannot be cleared

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Fields that cannot be cleared refuse null."""
        field_obj.allow_none = field_name not in self.LASTING

    def _without_absent(self, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return data


def is_text(field: Field[Any] | None) -> bool:
    """Whether a field accepts a text."""
    return isinstance(field, fields.String | fields.UUID) or getattr(field, "takes_text", False)


def spelling(name: str) -> str:
    """The spelling of the field `success_url` that this request's body uses: that, or `successUrl`."""
    return camel(name) if camel(name) in g.get("body", ()) else name


def _without_cards(details: Details) -> tuple[Details, errors.Code[ValidationFailed]]:
    """The details and their code; a field whose name is a card number is not named in them."""
    named = {path if not cards.holds_number(path) else "body": problems for path, problems in details.items()}
    if "body" in named and "body" not in details:
        named["body"] = [cards.REFUSAL]
    return named, cards.refusal_code(named, errors.FIELD_INVALID)


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
