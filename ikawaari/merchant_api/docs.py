"""The API's documentation: the OpenAPI document for programs, and Swagger UI, vendored, for people."""

import hashlib
import json
import threading
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, current_app, make_response, render_template

from ikawaari.merchant_api import openapi

bp = Blueprint("docs", __name__)
_KEPT = "ikawaari-openapi"
_ONE_WRITER = threading.Lock()
_SCRIPT = "docs.js"
_SWAGGER_UI = "vendor/swagger-ui/5.35.0"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@bp.get("/openapi.json")
def document() -> Response:
    """The OpenAPI document."""
    with _ONE_WRITER:  # a caller that asks while it is being written waits for it
        if _KEPT not in current_app.extensions:
            told = openapi.document(current_app)
            current_app.extensions[_KEPT] = json.dumps(told, indent=2, ensure_ascii=False)
    return Response(current_app.extensions[_KEPT], mimetype="application/json")


@bp.get("/docs")
def page() -> Response:
    """Swagger UI on that document."""
    script = f"/static/{_SCRIPT}?v={_version(current_app.static_folder or '')}"
    html = render_template("docs/page.html", swagger_ui=_SWAGGER_UI, script=script)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@cache
def _version(folder: str) -> str:
    """A version that changes with our script, so that browsers may cache it for a year."""
    return hashlib.sha256((Path(folder) / _SCRIPT).read_bytes()).hexdigest()[:8]
