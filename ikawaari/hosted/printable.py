"""A receipt to keep: one page to print, or to save as a PDF. It has nothing that pays, or stops a subscription."""

from flask import Blueprint, make_response, render_template
from flask_babel import force_locale
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import public_view, sessions
from ikawaari.hosted import context, csp, page_state, pages, sharing, web

bp = Blueprint("printable", __name__)
bp.after_request(web.finish_page)


@bp.get("/<session:session_id>/receipt")
def show(session_id: str) -> BaseResponse:
    """The receipt of a session; a session that has none leads to its page."""
    now = clock.now()
    shown = sessions.look_up(session_id, now)
    view = public_view.public(shown, now)
    state = page_state.of(view, now, stays=True)
    if state.name not in sharing.RECEIPTS:
        return pages.back(session_id)
    facts = pages.facts_of(shown, view, state, now)
    style = csp.style(view["merchant"]["color"])
    with force_locale(facts.locale):
        html = render_template("checkout/receipt.html", style=style, **context.of(facts))
    return csp.protect(make_response(html), style, logo=view["merchant"]["logo_url"])
