"""Reading a JSON body: what the store, the log or the next reader could not bear is refused here, with a reason."""

import json
import math
import re
from typing import Any, NoReturn

from flask import Request

from ikawaari.errors import IkawaariError, ValidationFailed

_UNBEARABLE = re.compile("[\x00\ud800-\udfff]")  # NUL ends PostgreSQL's texts; half a surrogate pair has no UTF-8
_DEEPEST = 32  # levels; each one costs every later reader a frame of its stack


def read(request: Request) -> dict[str, Any]:
    """The body as an object; no body at all is an empty one.

    Raises IkawaariError: 400 for what is not a JSON object, 413 when too large, 415 for another content type.
    """
    raw = request.get_data()
    if not raw:
        return {}
    if request.content_length is None and len(raw) == request.max_content_length:
        raise IkawaariError("IKW-REQ-004")  # werkzeug stops reading a chunked body there, and says nothing
    if not request.is_json:
        raise IkawaariError("IKW-REQ-003")
    try:
        body = json.loads(raw.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise IkawaariError("IKW-REQ-002") from None
    if not isinstance(body, dict):
        raise IkawaariError("IKW-REQ-002", "The body must be a JSON object.")
    _refuse_unbearable(body, "", _DEEPEST)
    return body


def is_bearable(text: str) -> bool:
    """Whether `text` can be stored and printed anywhere."""
    return _UNBEARABLE.search(text) is None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("1e400 is JSON, and still no number that anybody could send back")
    return number


def _refuse_unbearable(value: Any, path: str, levels: int) -> None:
    if isinstance(value, str) and not is_bearable(value):
        raise ValidationFailed({path: ["must not hold NUL or half a surrogate pair"]})
    if not isinstance(value, list | dict):
        return
    if levels == 0:
        raise ValidationFailed({path.partition(".")[0]: [f"is nested deeper than {_DEEPEST} levels"]})
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(key, str) and not is_bearable(key):
            raise ValidationFailed({path or "body": ["a key must not hold NUL or half a surrogate pair"]})
        _refuse_unbearable(item, f"{path}.{key}" if path else str(key), levels - 1)
