"""Warnings in the answer to a creation: which values were left out."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g

from ikawaari.edge.answers import EmbeddedList, Output, TextField
from ikawaari.edge.naming import camel
from ikawaari.edge.parsing import spelling


class Warning(Output):  # noqa: A001 - the word of the API
    """A field that could not be used, so that the object was created without it; or one of which nobody takes all."""

    field = TextField("In the spelling that you used.")
    message = TextField()


def of(left_out: Mapping[str, str]) -> list[dict[str, str]]:
    """The warnings about fields that were left out, in the spelling of this request."""
    return [{"field": spelling(name), "message": message} for name, message in left_out.items()]


def about(name: str, words: Iterable[str]) -> list[dict[str, str]]:
    """Warnings about what a field allows, whether the request has it or not; in its usual spelling if it has not."""
    named = name if name in g.get("body", ()) else camel(name)
    return [{"field": named, "message": each} for each in words]


def field() -> Any:
    """The field of an answer that has the warnings."""
    words = (
        "Only in the answer to a creation: values that could not be used and were left out, and payment methods that "
        "no provider account takes now. Usually empty."
    )
    return EmbeddedList(Warning, required=False, metadata={"description": words})
