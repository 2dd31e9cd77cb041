"""`GET /metrics`, for whoever knows the token. It is no part of the API, and nothing limits how often it is read."""

import hmac
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from ikawaari import errors
from ikawaari.config import Config
from ikawaari.edge import measuring
from ikawaari.errors import AuthenticationFailed
from ikawaari.monitoring import exposition

PATH = "/metrics"


def register(app: Flask, config: Config) -> None:
    """Measure the requests of `app`, and serve what was measured."""
    exposition.switch_on()

    def metrics() -> Response:
        if not may_read(request.environ.get("HTTP_AUTHORIZATION", ""), config):
            raise AuthenticationFailed(errors.CREDENTIAL_UNKNOWN)
        return Response(exposition.text(), content_type=exposition.CONTENT_TYPE)

    app.add_url_rule(PATH, view_func=metrics)
    inner: WSGIApplication = app.wsgi_app
    app.wsgi_app = measuring.Measured(inner)  # type: ignore[method-assign]


def may_read(authorization: str, config: Config) -> bool:
    """Whether the header has the token."""
    return hmac.compare_digest(authorization.encode(), f"Bearer {config.metrics_token}".encode())
