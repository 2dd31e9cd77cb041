"""What a parameter may be. A kind is a function of a parameter's name and its text; it returns the value or refuses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ikawaari.simulators.shapes import Body
from ikawaari.simulators.stripe.errors import invalid

Kind = Callable[[str, Any], Any]

_WHOLE = re.compile(r"-?\d{1,18}")
_MOST_METADATA, _LONGEST_METADATA_NAME, _LONGEST_METADATA_VALUE = 50, 40, 500


def text(longest: int = 5_000) -> Kind:
    """A text of 1 to `longest` characters."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", name)
        if not value:
            raise invalid(
                f"You passed an empty string for '{name}'. Leave the parameter out instead.",
                name,
                "parameter_invalid_empty",
            )
        if len(value) > longest:
            raise invalid(f"Invalid string: {name} may have {longest} characters", name)
        return value

    return check


def integer(least: int = 0, most: int = 10**18) -> Kind:
    """A whole number in decimal digits: neither 10.00 nor 1e3."""

    def check(name: str, value: Any) -> int:
        if not isinstance(value, str) or _WHOLE.fullmatch(value) is None:
            raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        if not least <= int(value) <= most:
            raise invalid(
                f"Invalid integer: {value}. It must be from {least} to {most}", name, "parameter_invalid_integer"
            )
        return int(value)

    return check


def boolean(name: str, value: Any) -> bool:
    """`true` or `false`."""
    if value not in ("true", "false"):  # no set: a value may be a hash
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def one_of(*words: str) -> Kind:
    """One of `words`."""

    def check(name: str, value: Any) -> str:
        if value not in words:
            raise invalid(f"Invalid {name}: must be one of {', '.join(words)}", name)
        return str(value)

    return check


def either(first: Kind, *words: str) -> Kind:
    """One of `words`, or else of the kind `first`."""

    def check(name: str, value: Any) -> Any:
        return value if value in words else first(name, value)

    return check


def list_of(kind: Kind) -> Kind:
    """A list with at least one element."""

    def check(name: str, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise invalid("Invalid array", name)
        return [kind(f"{name}[{position}]", one) for position, one in enumerate(value)]

    return check


@dataclass(frozen=True)
class Hash:
    """The kind of a hash that has no other names than those `known`."""

    known: Mapping[str, Kind]
    required: frozenset[str] = frozenset()

    def __call__(self, name: str, value: Any) -> dict[str, Any]:
        """The values of the hash. Raises Refused."""
        if not isinstance(value, dict):
            raise invalid(f"Invalid hash: {name}", name)
        return checked(value, self.known, self.required, name)


def checked(
    given: Body, kinds: Mapping[str, Kind], required: frozenset[str] = frozenset(), within: str = ""
) -> dict[str, Any]:
    """The values of `given`. Raises Refused for unknown names, missing ones and wrong values."""
    for name in given:
        if name not in kinds:
            raise invalid(
                f"Received unknown parameter: {_full(within, name)}", _full(within, name), "parameter_unknown"
            )
    for name in sorted(required):
        if name not in given:
            raise invalid(f"Missing required param: {_full(within, name)}.", _full(within, name), "parameter_missing")
    return {name: kinds[name](_full(within, name), value) for name, value in given.items()}


def moment(name: str, value: Any) -> dict[str, int]:
    """Bounds of a time in Unix seconds; a number alone is that second."""
    bounds = value if isinstance(value, dict) else {"gte": value, "lte": value}
    read: dict[str, int] = checked(bounds, dict.fromkeys(("gt", "gte", "lt", "lte"), integer()), within=name)
    return read


def metadata(name: str, value: Any) -> dict[str, str]:
    """Up to 50 names of up to 40 characters, with values of up to 500."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise invalid(f"Invalid hash: {name}", name)
    if len(value) > _MOST_METADATA:
        raise invalid(f"Metadata may have {_MOST_METADATA} keys", name)
    for key, one in value.items():
        if len(key) > _LONGEST_METADATA_NAME or len(one) > _LONGEST_METADATA_VALUE:
            raise invalid(f"Metadata keys have up to 40 characters, and values up to 500: {key}", f"{name}[{key}]")
    return {key: one for key, one in value.items() if one}


def address(name: str, value: Any) -> str:
    """An absolute URL."""
    checked_text: str = text()(name, value)
    try:
        parts = urlsplit(checked_text)
        is_absolute = parts.scheme in {"https", "http"} and bool(parts.hostname)
    except ValueError:
        is_absolute = False
    if not is_absolute:
        raise invalid("Not a valid URL", name, "url_invalid")
    return checked_text


def email(name: str, value: Any) -> str:
    """An e-mail address, roughly."""
    checked_text: str = text(512)(name, value)
    if re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", checked_text) is None:
        raise invalid(f"Invalid email address: {checked_text}", name, "email_invalid")
    return checked_text


def suffix(name: str, value: Any) -> str:
    """What is added to the words on the payer's statement: up to 22 characters, one of them a letter."""
    checked_text: str = text(22)(name, value)
    if re.search("[A-Za-z]", checked_text) is None or re.search(r"[<>\\'\"*]", checked_text):
        raise invalid("The statement descriptor suffix needs a letter, and none of < > \\ ' \" *", name)
    return checked_text


def _full(within: str, name: str) -> str:
    return f"{within}[{name}]" if within else name
