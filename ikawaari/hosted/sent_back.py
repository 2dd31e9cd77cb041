"""Where a provider's page sends its payer back by POST: the page is shown by GET, and nothing is done."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from ikawaari.hosted import web

bp = Blueprint("sent_back", __name__)  # of its own: the page's other forms are refused if they come from another site
bp.record(web.know_session_ids)
bp.after_request(web.finish_page)


@bp.post("/<session:session_id>")
def to_session(session_id: str) -> Response:
    """Back to a session's page. What was posted proves nothing, and is not read: the provider is asked."""
    return redirect(url_for("pages.show", session_id=session_id, returned=1), 303)


@bp.post("/return")
def to_return() -> Response:
    """Back to where a payer returns to whose merchant gave no address."""
    return redirect(url_for("pages.returned"), 303)
