"""The public address of a payment link: it redirects to a checkout session's page, or explains why not."""

import io
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import segno
from flask import Blueprint, Response, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import budgets, links, merchant_view, visits
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.visits import LinkView
from ikawaari.edge.requests import is_https
from ikawaari.errors import Gone, TooManyRequests
from ikawaari.hosted import context, csp, moments, page_state, pages, shops, web, wording
from ikawaari.money import Money
from ikawaari.shapes import LinkEnd, Variables

_COOKIE = "visit"
_PRESSED = {"open", "again"}  # what the buttons of a link's pages add to its address
_REMEMBERED_SECONDS = 7 * 86_400  # the longest life of a session
_QR_SECONDS = 86_400
_QR_SCALE = 12  # pixels of a module of the PNG: sharp on paper too
# User agents that fetch link previews. A browser mistaken for one still gets a button. (CUBOT is a phone, and people
# open links inside the apps of Snapchat, TikTok or Instagram.)
_ROBOT = re.compile(
    r"^WhatsApp/|^Viber|externalhit|meta-external|Facebot|Bing[Pp]review|[A-Za-z](?:bot|Bot)[/ ;),-]|\b[Bb]ot\b"
    r"|\+https?:"
    r"|[Ss]pider|[Cc]rawler|[Ss]craper|URL Preview|UriPreview|LinkPreview|PageRenderer|Google-?Messages|Slack-ImgProxy"
    r"|Iframely|Embedly|Bytespider|line-poker|kakaotalk-scrap|Cardyb"
)
_LONGEST_AGENT = 512  # characters that are searched
_PREFETCHES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_AHEAD = re.compile("prefetch|prerender|preview", re.IGNORECASE)


bp = Blueprint("links", __name__, url_prefix="/pay")
bp.after_request(web.finish_page)


@bp.get("/<string:slug>")
def visit(slug: str) -> BaseResponse:
    """Send the visitor to a session's page. Show robots what is there, but open no session for them."""
    now, known = clock.now(), _known_session()
    paid = None
    try:
        if request.method == "HEAD" or _only_looks():
            return _page("checkout/link.html", visits.look(slug, now), 200)
        paid = visits.earlier(slug, known, now)
        if paid and paid["may_repeat"] and "again" not in request.args:
            return _asked(visits.view(slug, known), paid, now)
        visitor = budgets.visitor(request.remote_addr or "", request.headers.get("User-Agent", ""))
        session = visits.open_session(slug, known, now, visitor=visitor, pressed=bool(_PRESSED & set(request.args)))
    except TooManyRequests:  # a crowd, or a robot: people can press the button
        return _page("checkout/link.html", visits.look(slug, now), 200)
    except Gone as error:
        return _refusal(visits.view(slug, known), error, paid, now)
    # A payer who was asked here is not asked about the same payment again after typing the number.
    asked: dict[str, Any] = {pages.ASKED: paid["id"]} if paid else {}
    response = redirect(url_for("pages.show", session_id=session.id, **web.carried(), **asked), 303)
    path, secure = url_for("links.visit", slug=slug), is_https()
    response.set_cookie(
        _COOKIE, session.id, _REMEMBERED_SECONDS, path=path, secure=secure, httponly=True, samesite="Lax"
    )
    return response


@bp.get("/<string:slug>/qr.svg")
def qr_svg(slug: str) -> Response:
    """The link's address as a QR code, for screens."""
    return _qr(slug, "svg", "image/svg+xml", xmldecl=True, omitsize=True)


@bp.get("/<string:slug>/qr.png")
def qr_png(slug: str) -> Response:
    """The link's address as a QR code, for paper."""
    return _qr(slug, "png", "image/png", scale=_QR_SCALE)


def _qr(slug: str, kind: str, mimetype: str, **options: Any) -> Response:
    out = io.BytesIO()
    segno.make(merchant_view.link_url(links.at(slug).slug), error="m").save(
        out, kind=kind, border=4, light="#fff", **options
    )
    response = Response(out.getvalue(), mimetype=mimetype)
    response.headers["Cache-Control"] = f"public, max-age={_QR_SECONDS}"
    return response


def _known_session() -> str | None:
    """The session that the visitor's browser remembers. A cookie may contain anything."""
    known = request.cookies.get(_COOKIE, "")
    return known if web.is_session_id(known) else None


def _only_looks() -> bool:
    """Whether this is no visitor: a robot, or a browser that prefetches the page."""
    ahead = any(_AHEAD.search(request.headers.get(name, "")) for name in _PREFETCHES)
    robot = _ROBOT.search(request.headers.get("User-Agent", "")[:_LONGEST_AGENT])
    return "open" not in request.args and (ahead or robot is not None)


def _asked(view: LinkView, paid: Earlier, now: datetime) -> Response:
    """This browser has already paid by the link: say so first, and let its customer pay again."""
    return _page("checkout/link_paid.html", view, 200, earlier=_told(view, paid, now), words=wording)


def _refusal(view: LinkView, error: Gone, paid: Earlier | None, now: datetime) -> Response:
    """The link accepts no more payments. A browser that has paid by it is told that first."""
    why, told = error.details["payment_link"][0], _told(view, paid, now)
    notice, ended_on = wording.UNAVAILABLE[why], _ended_on(view) if why == LinkEnd.INACTIVE else ""
    told_of = {"notice": notice, "earlier": told, "ended_on": ended_on, "words": wording}
    return _page("checkout/link_ended.html", view, error.http_status, **told_of)


def _ended_on(view: LinkView) -> str:
    """The day on which the shop closed the link; empty if it was not noted."""
    if view["ended_at"] is None:
        return ""
    country = view["country"] or view["merchant"]["country"]
    return moments.day(page_state.moment(view["ended_at"], country), web.locale_of(view))


def _told(view: LinkView, paid: Earlier | None, now: datetime) -> Variables | None:
    return context.earlier(paid, view["country"] or view["merchant"]["country"], web.locale_of(view), now)


def _page(template: str, view: LinkView, status: int, **context: Any) -> Response:
    locale = web.locale_of(view)
    amount = Money(view["amount"], view["currency"]).format(locale) if view["amount"] else None
    merchant = view["merchant"]
    logo = merchant["logo_url"] if csp.origin(merchant["logo_url"]) else None
    carried = web.carried()
    query = urlencode(carried) + "&" if carried else ""
    context |= {"view": view, "amount": amount, "logo": logo, "shop": shops.of(merchant), "carried": carried}
    context["query"] = query
    html, style = web.screen(template, locale, merchant["color"], **context)
    return csp.protect(make_response(html, status), style, logo=merchant["logo_url"])
