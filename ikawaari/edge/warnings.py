"""Warnings in the answer to a creation: which values were left out."""

from collections.abc import Mapping
from typing import Any

from ikawaari.edge.answers import EmbeddedList, Output, TextField
from ikawaari.edge.parsing import spelling


class Warning(Output):  # noqa: A001 - the word of the API
    """A field that could not be used. The object was created without it."""

    field = TextField("In the spelling that you used.")
    message = TextField()


def of(left_out: Mapping[str, str]) -> list[dict[str, str]]:
    """The warnings about fields that were left out, in the spelling of this request."""
    return [{"field": spelling(name), "message": message} for name, message in left_out.items()]


def field() -> Any:
    """The field of an answer that has the warnings."""
    words = "Only in the answer to a creation: values that could not be used and were left out. Usually empty."
    return EmbeddedList(Warning, required=False, metadata={"description": words})
