"""Field types that the schemas of both edges share."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate

from ikawaari import cards, countries, money, texts
from ikawaari.shapes import JsonObject

_METADATA_KEYS, _METADATA_BYTES, _METADATA_KEY_LENGTH = 50, 16_384, 255
_WHOLE = re.compile("[0-9]{1,19}")
# `\x22` is the quotation mark: `\"` is no valid escape in an ECMA-262 pattern, and breaks generated clients.
_NOT_IN_HOST = r"\s\x00-\x1f\x7f-\x9f@/?#\\<>\x22"
_NOT_IN_PATH = r"\s\x00-\x1f\x7f-\x9f\\<>\x22"
_ONE_LINE = r"^[^\x0a-\x0d\x1c-\x1e\x85\u2028\u2029]*$"  # what `str.splitlines` splits at
_URL_PATTERN = rf"^[Hh][Tt][Tt][Pp][Ss]?://[^{_NOT_IN_HOST}]+([/?#][^{_NOT_IN_PATH}]*)?$"


class Amount(fields.Integer):
    """A whole number of the currency's smallest unit, from 1 to the largest int64."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            strict=True, validate=validate.Range(1, money.MAX_AMOUNT), **_described(options, format="int64")
        )


class Text(fields.String):
    """A text of 1 to `longest` characters."""

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(validate=validate.Length(1, longest), **options)


class Prose(Text):
    """A text that a merchant wrote for people, of 1 to `longest` characters: it must not contain a card number."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if cards.stands_in(text):
            raise ValidationError(cards.REFUSAL)
        return text


class Line(Prose):
    """The same on one line."""

    def __init__(self, longest: int, **options: Any) -> None:
        super().__init__(longest, **_described(options, pattern=_ONE_LINE))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if text.splitlines() != [text]:
            raise ValidationError("Must not contain line breaks.")
        return text


class Reference(Text):
    """A merchant's own reference, such as an order number: refused only if all of it is a card number."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if cards.is_number(text):
            raise ValidationError(cards.REFUSAL)
        return text


class Whole(fields.Integer):
    """An integer in a query, of the digits 0 to 9; Python's own `int` would accept `1_0`, ` 10` and `١٠`, too."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **options)


class Matching(fields.String):
    """A text that matches `pattern` as a whole."""

    def __init__(self, pattern: str, **options: Any) -> None:
        # `$` alone would let a final line feed pass in Python, and `\Z` is unknown to the readers of the document.
        whole = validate.Regexp(rf"(?:{pattern})\Z")
        super().__init__(validate=whole, **_described(options, pattern=f"^{pattern}$"))


class Choice(fields.String):
    """One of `choices`."""

    def __init__(self, choices: type[StrEnum] | Iterable[str], **options: Any) -> None:
        super().__init__(validate=validate.OneOf([str(choice) for choice in choices]), **options)


class Flag(fields.Boolean):
    """true or false, and nothing that only resembles it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class IsoInstant(fields.String):
    """An instant in ISO 8601, as an aware UTC datetime of whole seconds; without a zone it is UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, format="date-time"))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            read = datetime.fromisoformat(text)
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
        except (ValueError, OverflowError):
            raise ValidationError("Must be an instant in ISO 8601.") from None


class Day(fields.String):
    """A calendar day, as 2026-01-31."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, format="date"))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            return texts.day(text)
        except ValueError:
            raise ValidationError("Must be a day, written as YYYY-MM-DD.") from None


class HttpUrl(fields.String):
    """An absolute http(s) URL without credentials. Live mode also requires https, which the domain checks."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=_check_url, **_described(options, pattern=_URL_PATTERN, maxLength=texts.LONGEST_URL))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        return texts.in_ascii_host(str(super()._deserialize(value, attr, data, **options)))


class Currency(fields.String):
    """An ISO 4217 code that we know; any case."""

    def __init__(self, **options: Any) -> None:
        words = "ISO 4217, any case: " + ", ".join(sorted(money.EXPONENTS)) + "."
        super().__init__(**_described(options, pattern="^[A-Za-z]{3}$", description=words))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        code = _upper(super()._deserialize(value, attr, data, **options))
        if code not in money.EXPONENTS:
            raise ValidationError(f"Must be one of {', '.join(sorted(money.EXPONENTS))}.")
        return code


class CountryCode(fields.String):
    """An ISO 3166 alpha-2 code; any case."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, pattern="^[A-Za-z]{2}$", description="ISO 3166 alpha-2, any case."))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        code = _upper(super()._deserialize(value, attr, data, **options))
        if not countries.is_country(code):
            raise ValidationError("Must be an ISO 3166 alpha-2 country code.")
        return code


class Email(fields.String):
    """An email address, without surrounding blanks."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, format="email", maxLength=texts.LONGEST_EMAIL))

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        if cards.stands_in(str(text)):
            raise ValidationError(cards.REFUSAL)
        try:
            return texts.email(str(text))
        except ValueError:
            raise ValidationError("Must be an e-mail address.") from None


class Prefill(fields.String):
    """A prefilled value, which saves the payer typing. One that cannot be used is left out and named in `warnings`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        # Some shops store phone numbers as numbers; "?" can be neither an address nor a phone number.
        text = texts.trimmed(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else "?"
        if "@" in text and cards.stands_in(text):
            raise ValidationError(cards.REFUSAL)
        return text


class Metadata(fields.Dict):
    """The merchant's own data: any JSON, 50 keys, 16 KiB."""

    def __init__(self, **options: Any) -> None:
        words = (
            f"Any JSON, returned to you and never shown to the customer: {_METADATA_KEYS} keys of at most "
            f"{_METADATA_KEY_LENGTH} characters, {_METADATA_BYTES} bytes in all."
        )
        described = _described(options, maxProperties=_METADATA_KEYS, description=words)
        super().__init__(keys=fields.String(), validate=_check_metadata, **described)


def _described(options: dict[str, Any], **described: Any) -> dict[str, Any]:
    """`options` with a description for the OpenAPI document; the schema's own takes precedence."""
    return options | {"metadata": described | options.get("metadata", {})}


def _upper(text: Any) -> str:
    # Beyond ASCII, upper() invents codes: "ß" would become "SS", which is South Sudan.
    return str(text).upper() if str(text).isascii() else ""


def _check_url(text: str) -> None:
    if not texts.is_web_url(text):
        raise ValidationError(f"Must be an absolute http(s) URL of at most {texts.LONGEST_URL} characters.")


def _check_metadata(value: JsonObject) -> None:
    if len(value) > _METADATA_KEYS:
        raise ValidationError(f"Must have at most {_METADATA_KEYS} keys.")
    if any(len(key) > _METADATA_KEY_LENGTH for key in value):
        raise ValidationError(f"A key must have at most {_METADATA_KEY_LENGTH} characters.")
    if len(json.dumps(value, ensure_ascii=False).encode()) > _METADATA_BYTES:
        raise ValidationError(f"Must have at most {_METADATA_BYTES} bytes as JSON.")
    if any(cards.is_number(text) for text in _texts_in(value)):
        raise ValidationError(cards.REFUSAL)


def _texts_in(value: Any) -> Iterator[str]:
    """Every key and value of a JSON value, as a text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
    else:
        yield str(value)
