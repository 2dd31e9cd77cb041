"""The address that providers call back."""

from flask import Blueprint, Response, jsonify, request

from ikawaari import clock
from ikawaari.checkout import callbacks

bp = Blueprint("callbacks", __name__)


@bp.route("/callbacks/<provider>", methods=["POST", "PUT"])
def receive(provider: str) -> Response:
    """Receive a callback; 200 tells the provider not to send it again."""
    message = callbacks.Message(
        headers=dict(request.headers), body=request.get_data(), method=request.method, path=request.path
    )
    callbacks.receive(provider, message, clock.now())
    return jsonify({"received": True})
