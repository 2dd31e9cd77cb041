"""Reading a JSON body: values that the database, the logs or another parser cannot handle are refused, with a reason.

The size is checked first, then the text, then its values: the cost is proportional to the bytes that were sent.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request

from ikawaari import cards, errors, texts
from ikawaari.errors import RequestRefused, ValidationFailed
from ikawaari.shapes import JsonValue

MOST_VALUES = 20_000  # a merchant's largest request has fewer: 20 dropdowns of 200 options
_DEEPEST = 32  # levels; each one costs every later parser a frame of its stack
_MOST_DIGITS = 100  # of one number, including its sign and its point
_LONGEST_STEP = 100  # characters of a key in an error
_CHARSETS = {"", "utf-8", "utf8", "us-ascii"}
_GZIP = b"\x1f\x8b"

Path = tuple[str, ...]


def read(request: Request, most_values: int = MOST_VALUES) -> dict[str, JsonValue]:
    """The body as an object of at most `most_values` values; no body at all is an empty one.

    Raises RequestRefused: 400 for what is not a JSON object, 413 when too large, 415 for another content type, another
    charset or a compressed body.
    """
    raw = request.get_data()
    if not raw:
        return {}
    if request.content_length is None and len(raw) == request.max_content_length:
        raise RequestRefused(errors.BODY_TOO_LARGE)  # werkzeug stops reading a chunked body there, silently
    _refuse_other_encodings(request, raw)
    body = _parsed(raw)
    if body == []:  # PHP's empty object
        body = {}
    if not isinstance(body, dict):
        raise RequestRefused(errors.BODY_MALFORMED, "The body must be a JSON object.")
    _refuse_unstorable(body, most_values)
    return body


def _refuse_other_encodings(request: Request, raw: bytes) -> None:
    """Say so if a body is compressed or in another charset: "not JSON" would mislead its author."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    charset = request.mimetype_params.get("charset", "").strip().lower()
    if not request.is_json:
        raise RequestRefused(errors.CONTENT_TYPE_UNSUPPORTED)
    if encoding not in {"", "identity"} or raw.startswith(_GZIP):
        raise _unsupported("Content-Encoding", "The body is compressed; send it as it is, without Content-Encoding.")
    if charset not in _CHARSETS:
        raise _unsupported("Content-Type", "The body has another charset than UTF-8; JSON is sent in UTF-8.")


def _unsupported(header: str, message: str) -> RequestRefused:
    return RequestRefused(errors.CONTENT_TYPE_UNSUPPORTED, message, details={header: [message]})


def _parsed(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")  # PHP and Windows put a byte order mark before it
    except UnicodeDecodeError:
        raise RequestRefused(errors.BODY_MALFORMED, "The body is not UTF-8.") from None
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise RequestRefused(errors.BODY_MALFORMED) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("more digits than anybody needs")
    return int(text)


def _float(text: str) -> float:
    if len(text) > _MOST_DIGITS:
        raise ValueError("more digits than anybody needs")
    number = float(text)
    if math.isinf(number):
        raise ValueError("1e400 is JSON, and still no number that anybody could send back")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, JsonValue]:
    """An object. Of a duplicate key each parser would take another value."""
    members = dict(pairs)
    if len(members) < len(pairs):
        for key, _ in pairs:
            if members.pop(key, pairs) is pairs:  # it is no longer there: it came before
                raise ValidationFailed({_shown((key,)): ["is given twice"]})
    return members


_DECODER = json.JSONDecoder(  # `json.loads` would make one for each body
    parse_constant=_refuse_constant, parse_int=_int, parse_float=_float, object_pairs_hook=_object
)


def _refuse_unstorable(body: dict[str, JsonValue], most_values: int) -> None:
    for count, (path, value) in enumerate(_walk(body, ())):
        if count > most_values:
            raise ValidationFailed({"body": [f"must have at most {most_values} values"]})
        if len(path) >= _DEEPEST and isinstance(value, list | dict):
            raise ValidationFailed({_shown(path[:1]): [f"is nested deeper than {_DEEPEST} levels"]})
        if path and not texts.is_storable(path[-1]):
            raise ValidationFailed({_shown(path[:-1]): ["a key must not hold control characters"]})
        if isinstance(value, str) and not texts.is_storable(value):
            raise ValidationFailed({_shown(path): ["must not hold control characters or half a surrogate pair"]})


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value, containers before their contents, and never deeper than allowed."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, str(index)))


def _shown(path: Path) -> str:
    """The path for an error, up to a part that holds a card number or cannot be printed."""
    steps = []
    for step in path:
        if cards.stands_in(step) or not texts.is_storable(step):
            break
        steps.append(step[:_LONGEST_STEP])
    return ".".join(steps) or "body"
