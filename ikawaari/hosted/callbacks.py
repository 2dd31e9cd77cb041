"""The addresses that providers call back."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, jsonify, request

from ikawaari import clock
from ikawaari.checkout import callbacks
from ikawaari.config import Config

bp = Blueprint("callbacks", __name__)


@bp.route("/callbacks/<account>", methods=["GET", "HEAD", "POST", "PUT"])
@bp.route("/callbacks/<account>/<tag>", methods=["GET", "HEAD", "POST", "PUT"])
@bp.route("/callbacks/<account>/<charge>/<tag>", methods=["GET", "HEAD", "POST", "PUT"])
def receive(account: str, charge: str = "", tag: str | None = None) -> Response:
    """Receive a callback; 200 tells the provider not to send it again. Providers probe addresses by HEAD or GET."""
    if request.method in {"POST", "PUT"}:
        callbacks.receive(account, _message(tag), clock.now())
    return jsonify({"received": True})


def _message(tag: str | None) -> callbacks.Message:
    """The request as its signature sees it: raw, and under the address that the world knows."""
    config: Config = current_app.config["IKAWAARI"]
    public = urlsplit(config.api_url)
    path, _, query = str(request.environ.get("RAW_URI") or request.full_path).partition("?")
    return callbacks.Message(
        method=request.method,
        path=f"{public.path}{path}",
        query=query,
        authority=public.netloc.lower(),
        headers=list(request.headers.items()),
        body=request.get_data(),
        tag=tag,
    )
