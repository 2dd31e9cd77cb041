"""The hosted page: one address per session, whole for a browser, only `#checkout` for htmx; every POST leads back."""

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import (
    abandonment,
    attempts,
    contacts,
    enquiry,
    links,
    merchant_view,
    notes,
    pay_keys,
    public_view,
    repeats,
    returns,
    sessions,
    snapshots,
    subscriptions,
    ways,
)
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.snapshots import PaymentSnapshot, Snapshot
from ikawaari.edge import idempotency_key
from ikawaari.errors import (
    AskedFirst,
    CodeNeeded,
    Conflict,
    Declined,
    Details,
    Gone,
    NotFound,
    TooManyRequests,
    Unavailable,
    ValidationFailed,
)
from ikawaari.hosted import context, csp, drafts, drawing, guesses, page_state, receipts, totals, web
from ikawaari.hosted.context import Facts
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.page_state import PageState
from ikawaari.shapes import MethodType

_AGAIN = "again"  # in the address: the earlier payment or subscription that the payer is asked about
ASKED = "asked"  # in the address and in the form: what the payer has been asked about already
_EARLIER = re.compile("[A-Za-z0-9_-]{1,64}")
_KEY, _CARD = "request_key", {"number", "expiry", "cvc", "card_token"}
_CODE = re.compile(r"[0-9]{4,12}")  # what an operator sends; anything else would only waste the customer's one try
_SETTLED = {"paid", "trial", "past_due", "refunded", "late"}  # nothing more to pay
_RESEND = "resend"  # in the form that leaves a payment: the same request is to be sent again
_CANCELING = "canceling"  # in the address: the payer has asked to leave the payment, and it has not ended
_REST = "rest"  # until when, in Unix seconds, no further try is accepted: in the address, so that no cookie is needed
_LONGEST_REST_SECONDS = 86_400


bp = Blueprint("pages", __name__)
bp.record(web.know_session_ids)
bp.before_request(web.refuse_foreign_posts)
bp.after_request(web.finish_page)


@bp.get("/<session:session_id>")
def show(session_id: str) -> BaseResponse:
    """The page in its current state. After a return from a wallet, the provider is asked first."""
    now = clock.now()
    if "returned" in request.args:
        enquiry.check(session_id, now)
        return back(session_id)
    shown = sessions.look_up(session_id, now)
    return _answer(shown, now)


@bp.get("/return")
def returned() -> BaseResponse:
    """Where a payer returns to if the merchant gave no return address."""
    html, style = web.screen("checkout/return.html", web.header_locale(), None)
    return csp.protect(make_response(html), style)


@bp.post("/<session:session_id>/pay")
def pay(session_id: str) -> BaseResponse:
    """Start a payment with what was typed; the page shows the result."""
    now = clock.now()
    shown = sessions.look_up_for_payment(session_id, now)
    if language := request.form.get(web.LANGUAGE):
        response = drafts.keep(
            back(session_id, lang=language, **_still_asked()), session_id, drafts.typed(request.form), now
        )
        return web.remember_language(response, language)
    if edited := _edited(shown, drafts.typed(request.form), now):
        return drafts.keep(back(session_id, **_still_asked()), session_id, edited, now)
    token = request.form.get("card_token")
    if request.form.get("method") == MethodType.CARD and not token and request.form.get("number"):
        return redirect(url_for("sandbox_screens.card", session_id=session_id, **web.carried()), 307)
    return start(shown, token, now)


@bp.post("/<session:session_id>/otp")
def otp(session_id: str) -> BaseResponse:
    """Submit the code that the operator sent."""
    now = clock.now()
    sessions.find(session_id, now)
    code, draft = _code(), drafts.load(session_id, now)
    if code:
        return _tried(session_id, draft, lambda: attempts.submit_otp(session_id, code, now), now)
    return drafts.keep(back(session_id), session_id, draft.blame({"otp": []}), now)


@bp.post("/<session:session_id>/stop")
def stop(session_id: str) -> BaseResponse:
    """The button "Stop the subscription": the period that was paid for runs to its end."""
    now = clock.now()
    with suppress(Conflict):  # it has already ended; the page says so
        subscriptions.cancel(_subscription(session_id, now), now, at_period_end=True, by_payer=True)
    return back(session_id)


@bp.post("/<session:session_id>/resume")
def resume(session_id: str) -> BaseResponse:
    """The button "Resume the subscription", which its customer has stopped: it goes on as before."""
    now = clock.now()
    with suppress(Conflict):  # it has ended, or goes on already; the page says so
        subscriptions.resume(_subscription(session_id, now), now)
    return back(session_id)


@bp.post("/<session:session_id>/check")
def check(session_id: str) -> BaseResponse:
    """The button "I have approved": ask the provider now."""
    enquiry.check(session_id, clock.now())
    return back(session_id, checked=1)


@bp.post("/<session:session_id>/cancel")
def cancel(session_id: str) -> BaseResponse:
    """Leave the payment that the page showed: for another number or method, or to have the same request sent again.

    If it has not ended, the page says so, and nothing is sent.
    """
    now, name = clock.now(), request.form.get("payment", "")
    if not abandonment.abandon(session_id, name, now):
        return back(session_id, **{_CANCELING: 1})
    return _sent_again(session_id, name, now) if _RESEND in request.form else back(session_id)


@bp.post("/<session:session_id>/contact")
def contact(session_id: str) -> BaseResponse:
    """The form of the receipt: who paid leaves a name and an email address. The page names what is wrong with them."""
    now = clock.now()
    draft = drafts.typed({name: request.form.get(name, "") for name in ("name", "email")})
    faults: Details = {}
    try:
        if not draft.faults:
            contacts.leave(sessions.look_up(session_id, now), draft.values, now)
            return back(session_id, **{receipts.STAY: 1})
    except ValidationFailed as error:
        faults = error.details
    except Conflict:  # somebody has, or it is too late; the page says so
        return back(session_id, **{receipts.STAY: 1})
    shown_again = draft.blame(faults) if faults else draft
    return drafts.keep(back(session_id, **{receipts.STAY: 1}), session_id, shown_again, now)


def start(shown: PaymentSnapshot, card_token: str | None, now: datetime) -> BaseResponse:
    """Pay with the submitted form and, for a card, its token; keep what was typed, and redirect to the page."""
    draft, session_id = drafts.typed(request.form), str(shown.session.id)
    draft = guesses.no_landline(drafts.renew(draft))
    if not draft.faults:
        draft = guesses.shown_first(draft, public_view.public(shown, now))
    if draft.faults:
        return drafts.keep(back(session_id, **_still_asked()), session_id, draft, now)
    key = _request_key(session_id, card_token, now)
    return _tried(
        session_id,
        draft,
        lambda: attempts.pay_once(shown, _pay_request(shown, draft, card_token, now), key, now),
        now,
    )


def _sent_again(session_id: str, name: str, now: datetime) -> BaseResponse:
    """Pay as before, in place of the payment of that name, which was called off: once, however often it is asked."""
    shown, draft = sessions.look_up_for_payment(session_id, now), drafts.load(session_id, now)
    if not draft.values or not abandonment.was_called_off(shown.attempts, name):
        return back(session_id)
    key = pay_keys.Key(session_id=session_id, text=f"{_RESEND} {name}", body_digest="", now=now)
    return _tried(
        session_id,
        draft,
        lambda: attempts.pay_once(shown, _pay_request(shown, draft, None, now), key, now),
        now,
    )


def _subscription(session_id: str, now: datetime) -> Any:
    found = snapshots.subscription_of(sessions.find(session_id, now))
    if found is None:
        raise NotFound("subscription")
    return found


def _edited(shown: PaymentSnapshot, draft: Draft, now: datetime) -> Draft | None:
    """The draft after a button of the form that changes it and does not pay; None if the form was sent to pay."""
    if "recount" in request.form:
        return draft
    if country := request.form.get("show_country"):
        return drafts.move(draft, country)
    if change := request.form.get("step"):
        return drafts.step(draft, change, public_view.public(shown, now))
    if ending := request.form.get("try_phone"):
        return draft if public_view.public(shown, now)["livemode"] else drafts.try_number(draft, ending)
    return None


def _code() -> str | None:
    """The operator's code in the form; None if there is none that could be one."""
    code = re.sub(r"\s", "", request.form.get("otp", ""))
    return code if _CODE.fullmatch(code) else None


def _request_key(session_id: str, card_token: str | None, now: datetime) -> pay_keys.Key | None:
    """The idempotency key in the form: the same form, sent again, does not pay again. Its digest contains no card."""
    text = request.form.get(_KEY, "")
    if not 1 <= len(text) <= idempotency_key.LONGEST or not text.isprintable():
        return None
    said = sorted((name, value) for name, value in request.form.items(multi=True) if name not in _CARD)
    digest = hashlib.sha256(repr((said, card_token)).encode("utf-8", "replace")).hexdigest()
    return pay_keys.Key(session_id=session_id, text=text, body_digest=digest, now=now)


def _tried(session_id: str, draft: Draft, act: Callable[[], object], now: datetime) -> BaseResponse:
    """Run `act` and redirect to the page, which names wrong fields, or says for how long no further try is accepted.

    The page's state shows what else went wrong. A payer who may be paying twice is asked: the address says about what.
    """
    faults: Details = {}
    query: dict[str, int | str] = {}
    try:
        act()
    except CodeNeeded as error:
        draft = draft.ask_code(error.dial)
        faults = error.details if "otp" in request.form else {}
        query |= _still_asked()
    except ValidationFailed as error:
        faults = error.details
        query |= _still_asked()
    except AskedFirst as error:
        query[_AGAIN] = error.earlier
    except TooManyRequests as error:
        query[_REST] = clock.unix(now) + (error.retry_after_seconds or 0)
    except (Conflict, Declined, Gone):
        pass
    except Unavailable as error:
        if error.retryable:
            raise
        faults = error.details
    return drafts.keep(back(session_id, **query), session_id, draft.blame(faults), now)


def _still_asked() -> dict[str, int | str]:
    """The question that the form has already asked, for the page that is shown again."""
    asked = request.form.get(ASKED, "")
    return {_AGAIN: asked} if _EARLIER.fullmatch(asked) else {}


def _rest(now: datetime) -> int:
    """For how many seconds no further try is accepted from this browser; 0 if it may try now."""
    until = request.args.get(_REST, "")
    seconds = int(until) - clock.unix(now) if re.fullmatch("[0-9]{1,12}", until) else 0
    return seconds if 0 < seconds <= _LONGEST_REST_SECONDS else 0


def back(session_id: str, **query: Any) -> BaseResponse:
    """Redirect to the page itself (303), so that a reload never pays again."""
    return redirect(url_for("pages.show", session_id=session_id, **{**web.carried(), **query}), 303)


def _answer(shown: Snapshot, now: datetime) -> BaseResponse:
    session_id: str = shown.session.id
    view = public_view.public(shown, now)
    told = not page_state.may_be_held(view, now) or returns.is_acknowledged(session_id)
    save_data = request.headers.get("Save-Data") == "on"
    state = page_state.of(
        view, now, told=told, stays=receipts.stays(), save_data=save_data, besides=notes.last_error(shown)
    )
    seen, _, every = request.args.get("seen", "").partition(".")
    if seen == state.seen and web.is_partial():
        return _unchanged(session_id, state, every)
    facts = facts_of(shown, view, state, now)
    style = csp.style(view["merchant"]["color"])
    page = make_response(drawing.html(facts), state.http_status)
    response = csp.protect(page, style, logo=view["merchant"]["logo_url"], card=facts.card)
    if state.name in {"choose", "otp"}:
        return drafts.probe(response, session_id)
    return drafts.forget(response, session_id) if state.name in _SETTLED - {"late"} else response


def facts_of(shown: Snapshot, view: PublicCheckout, state: PageState, now: datetime) -> Facts:
    """What the page shows, and what the request adds to it."""
    session = shown.session
    draft, locale = _fit(drafts.load(session.id, now, shows=not state.waiting), state), web.locale_of(view)
    carried = {name: text for name, text in web.carried().items() if state.waiting or name != web.DRAFT}
    if not draft.values and not draft.faults and not links.is_shared(session, shown.link):
        draft = drafts.of_earlier(view)
    if view["next_action"]:  # in the page's language, which its payer may have chosen
        view = {**view, "next_action": merchant_view.next_action(shown.attempts, locale)}
    total = totals.shown(session, view, draft, state)
    return Facts(
        part=web.is_partial(),
        locale=locale,
        view=view,
        draft=draft,
        state=state,
        total=total,
        own=context.own(session.id, view, state, total, locale, carried=carried),
        notes=notes.of(shown, totals.charged(view, draft, total)),
        asked=_asked(),
        earlier=context.earlier(_earlier(session, state, now), view["country"], locale, now),
        asks_email=subscriptions.lacks_contact(session),
        asks_contact=contacts.are_asked(shown, now),
        checked=clock.unix(now) if "checked" in request.args else 0,
        canceling=_CANCELING in request.args,
        ways=ways.of(shown, now),
        rest=_rest(now),
        card=None if state.name in _SETTLED else public_view.card_fields(session, view),
        next_payment=context.next_payment(view["recurring"], now),
    )


def _fit(draft: Draft, state: PageState) -> Draft:
    """The draft without the fault of a code that no field of the page asks for any more: it would hide why it ended."""
    if state.name == "otp" or draft.get("dial"):
        return draft
    return replace(draft, faults=tuple(name for name in draft.faults if name != "otp"))


def _earlier(session: Any, state: PageState, now: datetime) -> Earlier | None:
    """What the payer is asked about before the open form charges again."""
    about = request.args.get(_AGAIN, "")
    return repeats.about(session, about, now) if state.name == "choose" and _EARLIER.fullmatch(about) else None


def _asked() -> str:
    """What the link's page has already asked about, for the form to send; a question of this page takes precedence."""
    about = "" if request.args.get(_AGAIN) else request.args.get(ASKED, "")
    return about if _EARLIER.fullmatch(about) else ""


def _unchanged(session_id: str, state: PageState, every: str) -> Response:
    """Nothing has changed: htmx leaves the page alone, and only the interval of the poll may change."""
    if every == str(state.poll_seconds or ""):
        response = make_response("", 204)
    else:
        own = {"page": f"/{session_id}", "query": urlencode(web.carried())}
        response = make_response(render_template("checkout/parts/poll.html", **own, state=state))
        response.headers["HX-Retarget"] = "#poll"
    return csp.protect(response, csp.style(None))


def _pay_request(shown: Snapshot, draft: Draft, card_token: str | None, now: datetime) -> PayRequest:
    session, view = shown.session, public_view.public(shown, now)
    by_card = drafts.method(draft, view) == MethodType.CARD
    if by_card and not draft.get("email") and subscriptions.lacks_contact(session):
        raise ValidationFailed({"customer.email": ["is required"]})
    return drafts.to_request(
        draft,
        view,
        agreed_total=totals.seen(session, request.form),
        asked=request.form.get(ASKED, ""),
        card_token=card_token,
        otp=_code(),
        return_url=f"{merchant_view.page_url(session.id)}?returned=1",
        desktop=not re.search("Mobi|Android", request.headers.get("User-Agent", "")),
    )
