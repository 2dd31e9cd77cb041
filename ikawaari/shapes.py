"""The shapes of what is kept, sent and shown as JSON."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
"""An object of the API that is only sent on, or what a merchant keeps with us: nobody here looks into it."""


class Page(TypedDict):
    """A part of a list."""

    object: str
    data: Sequence[JsonObject]
    has_more: bool
    next_cursor: str | None
