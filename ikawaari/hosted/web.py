"""What all pages on this side share: who may post, how a page is rendered and sent, and its language."""

import gzip
import re
import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from flask import Response, current_app, make_response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import force_locale
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import countries, errors, texts
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.checkout.visits import LinkView
from ikawaari.edge.requests import is_https
from ikawaari.errors import IkawaariError, NotAllowed
from ikawaari.hosted import csp, wording
from ikawaari.shapes import CardFields

LANGUAGE = "lang"  # the cookie and the parameter with the customer's choice
LOCALES = ("fr", "en")
DRAFT = "d"  # the parameter with the token of what was typed
_TOKEN = re.compile("[A-Za-z0-9]{22}")
_LANGUAGE_SECONDS = 365 * 86_400
_OWN_PAGE = re.compile(r"/(cs_[A-Za-z0-9]{16,64})/")
_RETRY_SECONDS = 8  # how soon a page with an error of ours reloads
_WORTH_COMPRESSING = 1_000  # bytes
_COMMON_END = b"</style>"
_GZIP = zlib.MAX_WBITS + 16  # how zlib is told to write gzip's own head and foot


class SessionId(BaseConverter):
    """A session's id in an address, and nothing else, so that the page matches no other route."""

    regex = r"cs_[A-Za-z0-9]{16,64}"


def is_session_id(text: str) -> bool:
    """Whether `text` has the shape of a session's id."""
    return re.fullmatch(SessionId.regex, text) is not None


def know_session_ids(state: BlueprintSetupState) -> None:
    """Register the `session` converter in the app before the blueprint's routes need it."""
    state.app.url_map.converters["session"] = SessionId


def refuse_foreign_posts() -> None:
    """Refuse forms of other sites. Whoever has the address may see the page, but only this page may post to it."""
    if request.method != "POST":
        return
    site = request.headers.get("Sec-Fetch-Site")
    own = site in {"same-origin", "none"} if site else _own_origin()
    if not own:
        raise NotAllowed(errors.FOREIGN_SITE)


def finish_page(response: Response) -> Response:
    """Headers for redirects, too: a stricter referrer policy would empty the Origin of a redirected form."""
    response.headers.setdefault("Referrer-Policy", csp.REFERRER_POLICY)
    response.headers.setdefault("Cache-Control", "no-store")
    if response.mimetype == "text/html":
        remember_language(response, request.args.get(LANGUAGE))
    return compress(response)


def compress(response: Response) -> Response:
    """Compress the page to a third of its size if the client accepts gzip: it must fit in a connection's first flight.

    A page does not repeat anything that an attacker may choose, so its length reveals nothing (BREACH).
    """
    varies = response.headers.get("Vary")
    response.headers["Vary"] = f"{varies}, Accept-Encoding" if varies else "Accept-Encoding"
    page = response.get_data()
    if len(page) >= _WORTH_COMPRESSING and _takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", "")):
        response.data = _compressed(page)
        response.content_encoding = "gzip"
    return response


@lru_cache(1_000)
def _takes_gzip(accepted: str) -> bool:
    """Whether the header `Accept-Encoding` includes gzip. There are few different ones."""
    return bool(parse_accept_header(accepted, Accept)["gzip"])


def _compressed(page: bytes) -> bytes:
    """The page in gzip. Its beginning, up to its stylesheet, is that of many pages and more than half of the work."""
    end = page.find(_COMMON_END)
    if end < 0:
        return gzip.compress(page, 6, mtime=0)
    head, begun = _begun(page[:end])
    rest = begun.copy()
    return b"".join((head, rest.compress(page[end:]), rest.flush()))


@lru_cache(16)
def _begun(common: bytes) -> tuple[bytes, "zlib._Compress"]:
    """What gzip makes of a common beginning: the bytes so far, and the state to copy and go on from."""
    begun = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    return begun.compress(common), begun


def error_page(error: IkawaariError | None, status: int) -> Response:
    """An error page, without any database access; it reloads by itself if the error is ours."""
    own = _OWN_PAGE.match(request.path + "/")
    page = f"/{own[1]}" if own else None
    here = "/" + request.path.lstrip("/")  # two slashes would begin the address of another host
    retry = (page or here) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
    html, style = screen(
        "checkout/error_part.html" if is_partial() else "checkout/error.html",
        header_locale(),
        None,
        notice=wording.error(error, status),
        own_page=page if status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE} else None,
        retry=retry,
        language_page="" if request.method in {"GET", "HEAD"} else page,
        slow_refresh=f"{_RETRY_SECONDS};url={retry}" if retry else None,
    )
    response = make_response(html, status)
    if error is not None and error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    remember_language(response, request.args.get(LANGUAGE))
    return csp.protect(response, style)


def screen(
    template: str, locale: str, color: str | None, *, sheet: csp.Style | None = None, **context: Any
) -> tuple[str, csp.Style]:
    """Render a template in a language and a color, or with a stylesheet of its own. Returns the page, and its style."""
    style = sheet or csp.style(color)
    context = {"other_locale": other_locale(locale), "language_page": ""} | context
    with force_locale(locale):
        return render_template(template, style=style, locale=locale, **context), style


def other_locale(locale: str) -> str:
    """The language that the page offers instead of its own."""
    return LOCALES[1 - LOCALES.index(locale)]


def locale_of(view: PublicCheckout | LinkView) -> str:
    """The first known language of: the customer's choice, the session, the country, the browser."""
    country = countries.find(view["country"] or view["merchant"]["country"] or "")
    wanted = (chosen_locale(), view["locale"], country.language if country else None)
    return next((locale for locale in wanted if locale in LOCALES), None) or header_locale()


def scripts(card: CardFields | None = None) -> list[str]:
    """The addresses of the page's scripts: htmx, and our own; the last one is for a live card's fields."""
    own = [csp.SCRIPT, card.ours] if card else [csp.SCRIPT]
    return [url_for("static", filename=csp.HTMX), *(_versioned(name) for name in own)]


def _versioned(name: str) -> str:
    return url_for("static", filename=name, v=csp.script_version(current_app.static_folder or "", name))


def header_locale() -> str:
    """The customer's choice, or else the browser's, or else French."""
    # Not best_match: for "fr-SN,en;q=0.8" it prefers "en" to the French of another country.
    accepted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((locale for locale in (chosen_locale(), *accepted) if locale in LOCALES), LOCALES[0])


def chosen_locale() -> str | None:
    """The language that the customer chose: on this page, as its address says, or on an earlier one."""
    said = (request.args.get(LANGUAGE), request.cookies.get(LANGUAGE))
    return next((locale for locale in said if locale in LOCALES), None)


def remember_language(response: BaseResponse, locale: str | None) -> BaseResponse:
    """Let the browser remember the chosen language for all of our pages; nothing if none was chosen."""
    set_before = any(cookie.startswith(f"{LANGUAGE}=") for cookie in response.headers.getlist("Set-Cookie"))
    if locale in LOCALES and request.cookies.get(LANGUAGE) != locale and not set_before:
        response.set_cookie(LANGUAGE, locale, _LANGUAGE_SECONDS, secure=is_https(), httponly=True, samesite="Lax")
    return response


def draft_token() -> str:
    """The token in the address; empty if there is none."""
    token = request.args.get(DRAFT, "")
    return token if _TOKEN.fullmatch(token) else ""


def carried() -> dict[str, Any]:
    """What the addresses on a page carry on for a browser that keeps no cookies."""
    language = chosen_locale() if request.args.get(LANGUAGE) in LOCALES else None
    known = {LANGUAGE: language if language != request.cookies.get(LANGUAGE) else None, DRAFT: draft_token()}
    return {name: text for name, text in known.items() if text}


def is_partial() -> bool:
    """Whether htmx sent the request: it needs `#checkout` only."""
    return request.headers.get("HX-Request") == "true"


def _own_origin() -> bool:
    origin = request.headers.get("Origin")
    return origin is None or texts.origin(origin) == texts.origin(request.host_url)
