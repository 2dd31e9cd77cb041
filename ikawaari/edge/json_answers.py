"""JSON answers, made in few steps: what Flask does for any answer takes longer than writing the JSON."""

from collections.abc import Iterable
from json import JSONEncoder
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Response
from flask.json.provider import DefaultJSONProvider

_WITHOUT_BODY = {204, 304}


class Json(DefaultJSONProvider):
    """Flask's JSON, in the order in which the domain renders it."""

    sort_keys = False
    _encode = staticmethod(
        JSONEncoder(separators=(",", ":"), default=DefaultJSONProvider.default, check_circular=False).encode
    )

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """The answer for `jsonify`."""
        body = self._encode(self._prepare_response_obj(args, kwargs))
        return JsonAnswer(f"{body}\n".encode())


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
