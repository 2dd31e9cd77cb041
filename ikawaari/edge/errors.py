"""The only renderer of errors: JSON on API routes, a page elsewhere. A stack trace is never sent."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, request
from peewee import InterfaceError, OperationalError
from playhouse.pool import MaxConnectionsExceeded
from werkzeug.exceptions import HTTPException

from ikawaari import errors, logs
from ikawaari.edge import families
from ikawaari.errors import Failed, IkawaariError, NotFound, Unavailable
from ikawaari.shapes import JsonObject

log = structlog.get_logger()
ErrorPage = Callable[[IkawaariError, int], Response]
_JSON_ROUTES = ("/api/", "/callbacks/", "/openapi.json", "/healthz", "/readyz", "/metrics")
_SERVERS_FAULT = HTTPStatus.INTERNAL_SERVER_ERROR
_BY_STATUS: Mapping[int, errors.AnyCode] = {
    400: errors.REQUEST_MALFORMED,
    404: errors.OBJECT_UNKNOWN,
    405: errors.METHOD_NOT_ALLOWED,
    408: errors.REQUEST_TIMEOUT,
    412: errors.PRECONDITION_FAILED,
    413: errors.BODY_TOO_LARGE,
    414: errors.ADDRESS_TOO_LONG,
    415: errors.CONTENT_TYPE_UNSUPPORTED,
    429: errors.RATE_LIMITED,
    431: errors.HEADERS_TOO_LARGE,
    503: errors.UNAVAILABLE,
}


def register(app: Flask, page: ErrorPage) -> None:
    """Handle every error of `app`; `page` renders it for people. Call it after smorest's `Api`."""

    def answer(error: IkawaariError) -> Response:
        return render(error) if request.path.startswith(_JSON_ROUTES) else page(error, error.http_status)

    def from_http(error: HTTPException) -> Response:
        not_offered = families.refusal(request.path) if error.code == HTTPStatus.NOT_FOUND else None
        if not_offered:
            return answer(NotFound("part of the API", errors.NOT_OFFERED, not_offered))
        response = answer(_translate(error))
        if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
        return response

    def from_database(error: Exception) -> Response:
        log.error("database_unavailable", error=str(error), path=request.path)
        return answer(Unavailable(errors.UNAVAILABLE, retry_after_seconds=5))

    def from_bug(error: Exception) -> Response:
        log.exception("unexpected_error", path=request.path)  # noqa: LOG004 - Flask calls this in its own handler
        return answer(Failed(errors.UNEXPECTED))

    app.url_map.merge_slashes = False  # otherwise `//api/…` is redirected, with a page: no address is guessed here
    app.register_error_handler(IkawaariError, answer)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(OperationalError, from_database)
    app.register_error_handler(InterfaceError, from_database)
    app.register_error_handler(MaxConnectionsExceeded, from_database)
    app.register_error_handler(Exception, from_bug)


def render(error: IkawaariError) -> Response:
    """The JSON envelope of `error`."""
    response = jsonify({"error": envelope(error)})
    response.status_code = error.http_status
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def envelope(error: IkawaariError) -> JsonObject:
    """The value of `error` in the body."""
    return {
        "code": error.code,
        "message": error.message,
        "type": error.row.error_type,
        "retryable": error.retryable,
        "details": error.details,
        "request_id": logs.REQUEST_ID.get(),
    }


def _translate(error: HTTPException) -> IkawaariError:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    unlisted: errors.AnyCode = errors.REQUEST_MALFORMED if status < _SERVERS_FAULT else errors.UNEXPECTED
    return IkawaariError(_BY_STATUS.get(status, unlisted))
