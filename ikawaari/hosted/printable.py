"""A receipt to keep: one page to print, or to save as a PDF. It has nothing that pays, or stops a subscription."""

from datetime import datetime

from flask import Blueprint, Response, make_response, render_template
from flask_babel import force_locale
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import public_view, sessions
from ikawaari.errors import NotFound
from ikawaari.hosted import context, csp, page_state, pages, receipts, sharing, web

bp = Blueprint("printable", __name__)
bp.after_request(web.finish_page)


@bp.get("/<session:session_id>/receipt")
def show(session_id: str) -> BaseResponse:
    """The receipt of a session; a session that has none leads to its page."""
    return _receipt(session_id, clock.now(), is_shared=False) or pages.back(session_id)


@bp.get("/r/<string:token>")
def shared(token: str) -> BaseResponse:
    """The same for anybody to whom it was sent: nothing on it reveals the address of the session's page."""
    found = _receipt(receipts.session_of(token), clock.now(), is_shared=True)
    if found is None:
        raise NotFound("receipt")
    return found


def _receipt(session_id: str, now: datetime, *, is_shared: bool) -> Response | None:
    shown = sessions.look_up(session_id, now)
    view = public_view.public(shown, now)
    state = page_state.of(view, now, stays=True)
    if state.name not in sharing.RECEIPTS:
        return None
    facts = pages.facts_of(shown, view, state, now)
    style = csp.style(view["merchant"]["color"])
    variables = context.of(facts) | {"style": style, "refresh": None, "slow_refresh": None}
    with force_locale(facts.locale):
        html = render_template("checkout/receipt.html", **variables, is_shared=is_shared)
    return csp.protect(make_response(html), style, logo=view["merchant"]["logo_url"])
