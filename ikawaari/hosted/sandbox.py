"""The sandbox's screens, test mode only: a wallet or a bank to approve or refuse at, and a card form's tokenizer."""

import re
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import sessions, views
from ikawaari.errors import NotFound
from ikawaari.hosted import csp, drafts, pages
from ikawaari.money import Money
from ikawaari.providers import sandbox
from ikawaari.providers.sandbox import tokens

bp = Blueprint("sandbox_screens", __name__)
bp.record(pages.know_session_ids)
bp.before_request(pages.refuse_foreign_posts)
bp.after_request(pages.dress)

_EXPIRY = re.compile(r"\s*([0-9]{1,2})\s*[/ .-]\s*(?:20)?([0-9]{2})\s*|\s*([0-9]{2})([0-9]{2})\s*")


@bp.post("/<session:session_id>/card")
def card(session_id: str) -> BaseResponse:
    """Pay with a test card: its number becomes a token here and goes nowhere else, neither log, cookie nor page."""
    now = clock.now()
    view = views.public(sessions.find(session_id, now), now)
    if view["livemode"] or "card" not in [offer["type"] for offer in view["payment_methods"]]:
        raise NotFound("page")
    try:
        token = _token()
    except ValueError as error:
        draft = replace(drafts.typed(request.form), faults=(str(error),))
        return drafts.keep(pages.back(session_id), session_id, draft, now)
    return pages.start(session_id, token, now)


@bp.get("/sandbox/<reference>")
def screen(reference: str) -> Response:
    """The simulated wallet or bank."""
    charge = _charge(reference)
    locale = pages.header_locale()
    amount = Money(charge.amount, charge.currency).format(locale)
    html, style = pages.screen("checkout/sandbox.html", locale, None, charge=charge, amount=amount)
    return csp.protect(make_response(html), style, leads_to=charge.return_url)


@bp.post("/sandbox/<reference>")
def decide(reference: str) -> BaseResponse:
    """Approve or refuse, then back to where the payment began; deciding twice only leads back."""
    decision = request.form.get("decision")
    if decision not in {"approve", "refuse"}:
        abort(400)
    _charge(reference)
    return redirect(sandbox.screens.decide(reference, decision == "approve", clock.now()), 303)


def _charge(reference: str) -> Any:
    charge = sandbox.screens.find(reference)
    if charge is None:
        raise NotFound("page")
    return charge


def _token() -> str:
    expiry = _EXPIRY.fullmatch(request.form.get("expiry", ""))
    if not expiry:
        raise ValueError("expiry")
    number = re.sub(r"[\s-]", "", request.form.get("number", ""))
    month, year = int(expiry[1] or expiry[3]), 2000 + int(expiry[2] or expiry[4])
    return str(tokens.tokenize(number, month, year, request.form.get("cvc", "").strip()))
