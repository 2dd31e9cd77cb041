"""The sandbox's screens, test mode only: a wallet or a bank to approve or refuse at, and a card form's tokenizer."""

import re
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import cards, clock, texts
from ikawaari.checkout import public_view, sessions
from ikawaari.errors import NotFound
from ikawaari.hosted import csp, drafts, pages, web
from ikawaari.money import Money
from ikawaari.providers import sandbox
from ikawaari.providers.sandbox import tokens
from ikawaari.shapes import MethodType

bp = Blueprint("sandbox_screens", __name__)
bp.record(web.know_session_ids)
bp.before_request(web.refuse_foreign_posts)
bp.after_request(web.finish_page)

_SHORTEST_CARD, _LAST_MONTH = 15, 12
_LONGEST_ON_A_CARD = 40  # characters of its number, including separators
_EXPIRY = re.compile(r"([0-9]{1,2})[/.-](?:20)?([0-9]{2})|([0-9]{1,2})\s(?:20)?([0-9]{2})|([0-9]{2})([0-9]{2})")


@bp.post("/<session:session_id>/card")
def card(session_id: str) -> BaseResponse:
    """Pay with a test card: its number becomes a token here, and reaches no log, cookie or page."""
    now = clock.now()
    shown = sessions.look_up_for_payment(session_id, now)
    view = public_view.public(shown, now)
    if view["livemode"] or MethodType.CARD not in [offer["type"] for offer in view["payment_methods"]]:
        raise NotFound("page")
    try:
        token = _token()
    except ValueError as error:
        name, *why = error.args
        draft = replace(drafts.typed(request.form), faults=(name,), reasons={name: "".join(why)})
        return drafts.keep(pages.back(session_id), session_id, draft, now)
    return pages.start(shown, token, now)


@bp.get("/sandbox/<reference>")
def screen(reference: str) -> Response:
    """The simulated wallet or bank."""
    charge = _charge(reference)
    locale = web.header_locale()
    amount = Money(charge.amount, charge.currency).format(locale)
    html, style = web.screen("checkout/sandbox.html", locale, None, charge=charge, amount=amount)
    return csp.protect(make_response(html), style, leads_to=charge.return_url)


@bp.post("/sandbox/<reference>")
def decide(reference: str) -> BaseResponse:
    """Approve or refuse, then return to where the payment started; a second decision changes nothing."""
    _charge(reference)
    decision = request.form.get("decision")
    if decision not in {"approve", "refuse"}:
        abort(400)
    return redirect(sandbox.screens.decide(reference, decision == "approve", clock.now()), 303)


def _charge(reference: str) -> Any:
    charge = sandbox.screens.find(reference)
    if charge is None:
        raise NotFound("page")
    return charge


def _token() -> str:
    """The token of the typed card. Raises ValueError with the field at fault, and why if that is known."""
    expiry = _EXPIRY.fullmatch(_typed("expiry"))
    if not expiry:
        raise ValueError("expiry")
    month, year = (int(part) for part in expiry.groups() if part)
    number = re.sub(r"[\s-]", "", _typed("number"))
    try:
        return str(tokens.tokenize(number, month, 2000 + year, _typed("cvc")))
    except ValueError as error:
        raise ValueError(str(error), _why(str(error), number, month)) from None


def _why(name: str, number: str, month: int) -> str:
    """Which rule the field `name` of a card breaks; empty if its own sentence says it."""
    if name == "number":
        return "few" if len(number) < _SHORTEST_CARD else "test" if cards.is_number(number) else "wrong"
    return "past" if name == "expiry" and 1 <= month <= _LAST_MONTH else ""


def _typed(name: str) -> str:
    """What was typed of a card, without blanks around its separators; empty if it is too long for a card."""
    text = request.form.get(name, "")
    return re.sub(r"\s?([/.-])\s?", r"\1", texts.trimmed(text)) if len(text) <= _LONGEST_ON_A_CARD else ""
