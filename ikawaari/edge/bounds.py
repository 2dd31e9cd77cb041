"""Limits of a request, checked before anything reads it: a request that will be refused must not cost much work."""

from functools import cached_property
from typing import Any

import flask
from flask import Flask, request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, RequestURITooLarge

MOST_FIELDS = 100  # of a form, and of a query
_LONGEST_QUERY = 8_192  # bytes
_NO_COOKIES: ImmutableMultiDict[str, str] = ImmutableMultiDict()
_FORM = "application/x-www-form-urlencoded"


class Request(flask.Request):
    """Flask's request. A body that its sender malformed is a 400, not an error of ours."""

    @cached_property
    def stream(self) -> Any:
        """The body, as it arrives."""
        return _Body(super().stream)

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies. werkzeug looks through all headers for them."""
        return super().cookies if "HTTP_COOKIE" in self.environ else _NO_COOKIES


class _Body:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Servers raise various exceptions for a malformed chunk, or for a client that disconnects."""
        try:
            return bytes(self._stream.read(size))
        except (HTTPException, TimeoutError):
            raise
        except Exception:
            raise BadRequest from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def register(app: Flask) -> None:
    """Apply the limits to every request of `app`. Call it before anything that reads a request."""
    app.request_class = Request
    app.config["MAX_FORM_PARTS"] = MOST_FIELDS  # of a multipart form
    app.before_request(_refuse_too_much)


def _refuse_too_much() -> None:
    environ = request.environ
    query, is_form = environ.get("QUERY_STRING", ""), _FORM in environ.get("CONTENT_TYPE", "").lower()
    if query and (len(query) > _LONGEST_QUERY or query.count("&") >= MOST_FIELDS):
        raise RequestURITooLarge
    if is_form and _is_long_form():
        raise RequestEntityTooLarge


def _is_long_form() -> bool:
    """Whether it has too many fields. Providers' callbacks are read by their adapters, from the bytes."""
    is_ours = request.mimetype == _FORM and request.blueprint != "callbacks"
    return is_ours and request.get_data().count(b"&") >= MOST_FIELDS
