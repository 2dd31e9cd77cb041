"""For load balancers: `/healthz` says that the process serves, `/readyz` that its database does, too."""

from flask import Blueprint, Response, jsonify

from ikawaari import errors, logs, store
from ikawaari.checkout import breakers
from ikawaari.errors import Unavailable

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """The process serves."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def readyz() -> Response:
    """The database answers, and has every migration that this version needs; a newer version may have applied more.

    `log_lines_dropped`: how many this process could not write. `clock_skew_seconds`: how far its clock is ahead.
    `breakers`: which operators do not answer, by provider account: no reason to take this process out of service.
    """
    if words := store.why_not_ready():
        raise Unavailable(errors.UNAVAILABLE, words, retry_after_seconds=5)
    skew = round(store.shared_clock.skew().total_seconds(), 3)
    return jsonify(
        {
            "status": "ok",
            "log_lines_dropped": logs.WRITER.dropped,
            "clock_skew_seconds": skew,
            "breakers": breakers.listed(),
        }
    )
