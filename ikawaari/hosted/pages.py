"""The hosted page: one address per session, whole for a browser, only `#checkout` for htmx; every POST leads back."""

import gzip
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import segno
from babel.dates import format_date, format_time
from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import force_locale
from markupsafe import Markup
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock, countries, operators
from ikawaari.checkout import attempts, resources, returns, sessions, views
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.errors import Conflict, Declined, Gone, IkawaariError, NotAllowed, ValidationFailed
from ikawaari.hosted import csp, drafts, page_state, prefixes, wording
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.page_state import PageState, View
from ikawaari.money import Money

LOCALES = ("fr", "en")
_LANGUAGE = "lang"
_OWN_PAGE = re.compile(r"/(cs_[A-Za-z0-9]{16,64})/")
_CODE = re.compile(r"[0-9]{4,12}")  # what an operator sends; anything else would only spend the customer's one try
_RETRY_SECONDS = 8  # how soon a page that met an error of ours tries again
_WORTH_COMPRESSING = 1_000  # bytes


class SessionId(BaseConverter):
    """A session's id in an address; nothing else, so that the page swallows no other route."""

    regex = r"cs_[A-Za-z0-9]{16,64}"


def know_session_ids(state: BlueprintSetupState) -> None:
    """Teach the app the `session` converter, before the blueprint's routes need it."""
    state.app.url_map.converters["session"] = SessionId


bp = Blueprint("pages", __name__)
bp.record(know_session_ids)


@bp.before_request
def refuse_foreign_posts() -> None:
    """A form elsewhere must not act here: whoever has the address has the page, but only this page may post to it."""
    if request.method != "POST":
        return
    site = request.headers.get("Sec-Fetch-Site")
    own = site in {"same-origin", "none"} if site else _own_origin()
    if not own:
        raise NotAllowed("IKW-AUTHZ-003")


@bp.after_request
def dress(response: Response) -> Response:
    """What redirects need too: a stricter referrer policy would empty the Origin of a form that is sent on."""
    response.headers.setdefault("Referrer-Policy", csp.REFERRER_POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    return compress(response)


def compress(response: Response) -> Response:
    """A third of the bytes for whoever takes gzip: the first page must fit in a connection's first flight.

    Nothing that others may choose is repeated in a page, so its length tells them nothing (BREACH).
    """
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] and len(response.data) >= _WORTH_COMPRESSING:
        response.data = gzip.compress(response.data, 6, mtime=0)
        response.content_encoding = "gzip"
    return response


@bp.get("/<session:session_id>")
def show(session_id: str) -> BaseResponse:
    """The page as things stand; back from a wallet, ask how it went first."""
    now = clock.now()
    if request.args.get(_LANGUAGE) in LOCALES:
        return _remember_language(session_id, request.args[_LANGUAGE])
    if "returned" in request.args:
        attempts.check(session_id, now)
        return back(session_id)
    view = views.public(sessions.find(session_id, now), now)
    return _answer(session_id, view, now)


@bp.get("/return")
def returned() -> BaseResponse:
    """Where a payer lands whose merchant named no address to come back to."""
    html, style = screen("checkout/return.html", header_locale(), None)
    return csp.protect(make_response(html), style)


@bp.post("/<session:session_id>/pay")
def pay(session_id: str) -> BaseResponse:
    """Start a payment with what was typed; whatever comes of it, the page tells."""
    now = clock.now()
    token = request.form.get("card_token")
    if request.form.get("method") == "card" and not token and request.form.get("number"):
        return redirect(url_for("sandbox_screens.card", session_id=session_id), 307)
    return start(session_id, token, now)


@bp.post("/<session:session_id>/otp")
def otp(session_id: str) -> BaseResponse:
    """Hand in the code that the operator sent."""
    now, code = clock.now(), re.sub(r"\s", "", request.form.get("otp", ""))
    draft = drafts.load(session_id, now)
    if _CODE.fullmatch(code):
        draft = attempted(draft, lambda: attempts.submit_otp(session_id, code, now))
    else:
        draft = draft.blame({"otp": []})
    return drafts.keep(back(session_id), session_id, draft, now)


@bp.post("/<session:session_id>/check")
def check(session_id: str) -> BaseResponse:
    """«I have approved»: ask the provider now."""
    attempts.check(session_id, clock.now())
    return back(session_id, checked=1)


def start(session_id: str, card_token: str | None, now: datetime) -> BaseResponse:
    """Pay with the submitted form and, for a card, its token; keep what was typed and go back to the page."""
    draft = drafts.typed(request.form)
    if "show_country" in request.form:
        moved = drafts.move(draft, request.form["show_country"])
        return drafts.keep(back(session_id), session_id, moved, now)
    view = views.public(sessions.find(session_id, now), now)
    draft = attempted(draft, lambda: attempts.pay(session_id, _pay_request(session_id, draft, view, card_token), now))
    return drafts.keep(back(session_id), session_id, draft, now)


def attempted(draft: Draft, act: Callable[[], None]) -> Draft:
    """Run `act`; the draft names the fields it found at fault. What else went wrong, the page's state tells."""
    try:
        act()
    except ValidationFailed as error:
        return draft.blame(error.details)
    except (Conflict, Declined, Gone):
        pass
    return draft.blame({})


def back(session_id: str, **query: Any) -> BaseResponse:
    """See other: the page itself, so that a reload never pays again."""
    return redirect(url_for("pages.show", session_id=session_id, **query), 303)


def error_page(error: IkawaariError | None, status: int) -> Response:
    """A page for what cannot be shown, without any look-up; a failure of ours tries again by itself."""
    own = _OWN_PAGE.match(request.path + "/")
    page = f"/{own[1]}" if own else None
    retry = (page or request.path) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    html, style = screen(
        "checkout/error_part.html" if _is_partial() else "checkout/error.html",
        header_locale(),
        None,
        notice=wording.error(error, status),
        own_page=page if status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE} else None,
        retry=retry,
        refresh=f"{_RETRY_SECONDS};url={retry}" if retry else None,
        scripts=_scripts()[1:] if retry else [],
    )
    return csp.protect(make_response(html, status), style)


def screen(template: str, locale: str, color: str | None, **context: Any) -> tuple[str, csp.Style]:
    """A template of the page's family in a language and a colour, and the style that it carries."""
    style = csp.style(color)
    with force_locale(locale):
        return render_template(template, style=style, locale=locale, **context), style


def locale_of(view: View) -> str:
    """The customer's choice, the session's, the country's, the browser's: the first that is known."""
    country = countries.find(view["country"] or view["merchant"]["country"] or "")
    wanted = (request.cookies.get(_LANGUAGE), view["locale"], country.language if country else None)
    return next((locale for locale in wanted if locale in LOCALES), None) or header_locale()


def _scripts() -> list[str]:
    version = csp.script_version(current_app.static_folder or "")
    return [url_for("static", filename=csp.HTMX), url_for("static", filename=csp.SCRIPT, v=version)]


def _answer(session_id: str, view: View, now: datetime) -> BaseResponse:
    told = view["status"] != "complete" or returns.is_told(session_id)
    state = page_state.of(view, now, told=told, save_data=request.headers.get("Save-Data") == "on")
    seen, _, every = request.args.get("seen", "").partition(".")
    if seen == state.seen and _is_partial():
        return _unchanged(session_id, state, every)
    draft = drafts.load(session_id, now)
    context = _context(session_id, view, draft, state, now)
    template = "checkout/part.html" if _is_partial() else "checkout/page.html"
    html, style = screen(template, context.pop("locale"), view["merchant"]["color"], **context)
    response = csp.protect(make_response(html, state.http_status), style, logo=view["merchant"]["logo_url"])
    return drafts.forget(response, session_id) if state.name in {"paid", "trial", "refunded"} else response


def _unchanged(session_id: str, state: PageState, every: str) -> Response:
    """Nothing new: htmx leaves the page alone, and only the poll's own element slows down."""
    if every == str(state.poll_seconds or ""):
        response = make_response("", 204)
    else:
        response = make_response(render_template("checkout/poll.html", session_id=session_id, state=state))
        response.headers["HX-Retarget"] = "#poll"
    return csp.protect(response, csp.style(None))


def _context(session_id: str, view: View, draft: Draft, state: PageState, now: datetime) -> dict[str, Any]:
    locale = locale_of(view)
    payment: Mapping[str, Any] = view["payment"] or {}
    payment = payment and {**payment, "phone": _tied(payment["phone"])}
    error = view["last_payment_error"]
    return {
        "scripts": _scripts(),
        "session_id": session_id,
        "view": view,
        "prefilled_phone": _tied(view["customer"]["phone"]),
        "draft": draft,
        "state": state,
        "payment": payment,
        "locale": locale,
        "other_locale": "en" if locale == "fr" else "fr",
        "amount": view["amount"] or (None if state.name == "choose" else payment.get("amount")),
        "money": lambda amount: Money(amount, view["currency"]).format(locale),
        "operator": _operator_name(view, payment.get("operator")),
        "failure": wording.failure(error["code"]) if error else None,
        "words": wording,
        "trial": wording.trial(view["recurring"]),
        "logo": view["merchant"]["logo_url"] if csp.origin(view["merchant"]["logo_url"]) else None,
        "unit": re.sub(r"[\d\s.,]", "", Money(0, view["currency"]).format(locale)),
        "whole": Money(0, view["currency"]).exponent == 0,
        "cancel_url": page_state.safe_url(view["cancel_url"]),
        "success_url": page_state.safe_url(view["success_url"]),
        "checked": "checked" in request.args,
        "refresh": _refresh(session_id, state),
        **_choices(view, draft, locale),
        **_moments(view, payment, locale, now),
    } | ({"qr": _qr(view)} if state.name == "qr" else {})


def _choices(view: View, draft: Draft, locale: str) -> dict[str, Any]:
    """What the open form offers, and what stands chosen in it."""
    country = drafts.country_of(draft, view)
    return {
        "method": drafts.method(draft, view),
        "methods": [m for m in view["payment_methods"] if m["type"] != "card" or not view["livemode"]],
        "country": country,
        "country_name": lambda code: countries.name(code, locale),
        "offers": drafts.offers(view),
        "offer": next((offer for offer in drafts.offers(view) if offer["country"] == country), None),
        "chosen_operator": drafts.operator_of(draft, view),
        "prefixes": prefixes,
        "fault": lambda name: wording.fault(name, empty=not draft.get(name)) if name in draft.faults else None,
    }


def _moments(view: View, payment: View, locale: str, now: datetime) -> dict[str, Any]:
    country = view["country"] or view["merchant"]["country"]
    days = (view["recurring"] or {}).get("trial_period_days") or 0
    first = page_state.moment(clock.unix(now + timedelta(days=days)), country)
    paid = page_state.moment(page_state.settled(payment), country) if payment else None
    return {
        "first_payment": format_date(first, "long", locale),
        "paid_at": f"{format_date(paid, 'long', locale)}, {format_time(paid, 'short', locale=locale)}" if paid else "",
    }


def _tied(phone: str | None) -> str | None:
    """A masked number that no line break tears apart."""
    return phone.replace(" ", "\u00a0") if phone else None


def _refresh(session_id: str, state: PageState) -> str | None:
    """What a browser without script does by itself; never while a code is being typed."""
    if state.forward and state.name != "redirect":
        return f"{state.forward.after_seconds};url={state.forward.url}"
    if not state.poll_seconds or state.name == "otp":
        return None
    return f"{max(5, state.poll_seconds)};url={url_for('pages.show', session_id=session_id)}"


def _operator_name(view: View, operator: str | None) -> str | None:
    known = (offer for country in drafts.offers(view) for offer in country["operators"])
    names = {offer["id"]: str(offer["name"]) for offer in known}
    found = operators.find(operator, None) if operator else None
    return names.get(operator or "") or (found.name if found else operator)


def _qr(view: View) -> dict[str, Any]:
    data = view["next_action"]["display_qr_code"]["data"]
    svg = segno.make(data, error="m").svg_inline(border=3, dark="#000", light="#fff", omitsize=True)
    return {"svg": Markup(svg), "url": page_state.safe_url(data)}  # noqa: S704  segno draws it, the data is only dots


def _pay_request(session_id: str, draft: Draft, view: View, card_token: str | None) -> PayRequest:
    return drafts.to_request(
        draft,
        view,
        card_token=card_token,
        return_url=f"{resources.page_url(session_id)}?returned=1",
        desktop=not re.search("Mobi|Android", request.headers.get("User-Agent", "")),
    )


def _remember_language(session_id: str, locale: str) -> BaseResponse:
    response = back(session_id)
    response.set_cookie(_LANGUAGE, locale, path=f"/{session_id}", secure=request.is_secure, samesite="Lax")
    return response


def header_locale() -> str:
    """The customer's choice, else the browser's, else French."""
    # Not best_match: it would rather have the "en" of "fr-SN,en;q=0.8" than a French of another country.
    accepted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((locale for locale in (request.cookies.get(_LANGUAGE), *accepted) if locale in LOCALES), LOCALES[0])


def _is_partial() -> bool:
    return request.headers.get("HX-Request") == "true"


def _own_origin() -> bool:
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
