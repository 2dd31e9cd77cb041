"""JSON answers, made in few steps: what Flask does for any answer takes longer than writing the JSON."""

import secrets
from collections.abc import Iterable
from json import JSONEncoder
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Response
from flask.json.provider import DefaultJSONProvider

from ikawaari.shapes import Repeated

_WITHOUT_BODY = {204, 304}
_MARK = secrets.token_hex(12)  # nobody can send it
_encode = JSONEncoder(separators=(",", ":"), default=DefaultJSONProvider.default, check_circular=False).encode


class Json(DefaultJSONProvider):
    """Flask's JSON, in the order in which the domain renders it."""

    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """The answer for `jsonify`."""
        return JsonAnswer(f"{text(self._prepare_response_obj(args, kwargs))}\n".encode())


def text(value: Any) -> str:
    """The JSON of `value`. What many answers repeat is written once, and filled in."""
    repeated = [each for each in value.items() if type(each[1]) is Repeated] if isinstance(value, dict) else ()
    written = _encode({**value, **{name: _MARK + name for name, _ in repeated}} if repeated else value)
    for name, each in repeated:
        written = written.replace(f'"{_MARK}{name}"', text_of(each), 1)
    return written


def text_of(repeated: list[Any]) -> str:
    """The JSON of a list: written once, if many answers repeat it."""
    if not isinstance(repeated, Repeated):
        return _encode(repeated)
    if repeated.json is None:
        repeated.json = _encode(repeated)
    return repeated.json


class JsonAnswer(Response):
    """An answer whose body is known, and none of whose headers depends on the request."""

    def __init__(self, body: bytes) -> None:
        super().__init__([body], headers=[("Content-Type", "application/json"), ("Content-Length", str(len(body)))])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer at once: werkzeug would look through the headers, and wrap the body, for what is not there."""
        if environ["REQUEST_METHOD"] == "HEAD" or self.status_code in _WITHOUT_BODY:
            return super().__call__(environ, start_response)
        start_response(self.status, list(self.headers))
        return self.iter_encoded()
