"""Going on with another device: the QR code and the short code of a page, and where such a code is typed."""

from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import force_locale
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock
from ikawaari.checkout import budgets, devices, merchant_view, public_view, sessions
from ikawaari.config import Config
from ikawaari.errors import TooManyRequests
from ikawaari.hosted import csp, qr, sharing, web
from ikawaari.shapes import Variables

_RENEWED_AFTER_SECONDS = int(devices.LIFE.total_seconds()) - 60  # who has just begun to type has a minute left
_LETTERS = f"[{devices.ALPHABET}{devices.ALPHABET.lower()}]{{{devices.LENGTH // 2}}}"

bp = Blueprint("devices", __name__)
bp.after_request(web.finish_page)


class DeviceCodeAddress(BaseConverter):
    """A short code in an address, as it is shown, in any case and also without the dash."""

    regex = f"{_LETTERS}-?{_LETTERS}"


def register(app: Flask, config: Config) -> None:
    """Serve the codes; at `/`, too, unless the demo shop is there."""
    app.url_map.converters["device_code"] = DeviceCodeAddress
    app.register_blueprint(bp)
    if not config.demo:
        app.add_url_rule("/", endpoint="devices.ask")
    app.config["DEVICE_HOST"] = urlsplit(config.pay_url).netloc + ("/code" if config.demo else "")


@bp.get("/<session:session_id>/device")
def show(session_id: str) -> Response:
    """A new code for a page that is open on a wide screen: for htmx the part, without JavaScript a page of its own."""
    now = clock.now()
    view = public_view.public(sessions.look_up(session_id, now), now)
    carried = web.carried()
    context: Variables = {
        "page": f"/{session_id}",
        "query": urlencode(carried),
        "svg": qr.svg(merchant_view.page_url(session_id)),
        "host": _host(),
        "code": devices.written(devices.new_code(session_id, now)),
        "renewed_after": _RENEWED_AFTER_SECONDS,
    }
    locale = web.locale_of(view)
    if web.is_partial():
        with force_locale(locale):
            part = render_template("checkout/parts/device_code.html", **context)
        return csp.protect(make_response(part), csp.style(None))
    refresh = f"{_RENEWED_AFTER_SECONDS};url={url_for('devices.show', session_id=session_id, **carried)}"
    color = view["merchant"]["color"]
    with force_locale(locale):
        context |= {"refresh": refresh, "sending": sharing.page(view), "scripts": web.scripts()}
    html, style = web.screen("checkout/device.html", locale, color, view=view, **context)
    return csp.protect(make_response(html), style)


@bp.get("/<device_code:code>")
def follow(code: str) -> BaseResponse:
    """The address of a code, typed as it is shown."""
    return _entered(code)


@bp.get("/code")
def ask() -> BaseResponse:
    """Where a code is typed. The form is a GET, so that a reload never asks whether to send it again."""
    typed = request.args.get("code", "")
    return _entered(typed) if typed.strip() else _form("", 200)


def _entered(typed: str) -> BaseResponse:
    """Lead to the page of that code, or show the form again: the code cannot be one, is wrong, or must wait."""
    code = devices.read(typed)
    if code is None:
        return _form(typed, 400, fault="form")
    try:
        session_id = devices.session_of(code, budgets.network(request.remote_addr or ""), clock.now())
    except TooManyRequests as error:
        response = _form(typed, 429, fault="wait")
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    if session_id is None:
        return _form(typed, 404, fault="wrong")
    return redirect(url_for("pages.show", session_id=session_id), 303)


def _form(typed: str, status: int, fault: str = "") -> Response:
    asks = url_for("devices.ask")  # not the address itself: that of a code tries it again
    html, style = web.screen(
        "checkout/code.html", web.header_locale(), None, typed=typed[:64], fault=fault, language_page=asks
    )
    return csp.protect(make_response(html, status), style)


def _host() -> str:
    host: str = current_app.config["DEVICE_HOST"]
    return host
