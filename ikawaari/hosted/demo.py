"""The demo shop at `/`: one button opens a session, as a merchant would with the demo key, and goes to its page.

It does what the API does with that key, in this process. A request that called the same server would hold a thread
while it waits for another one, and sixteen of them would stop everything.
"""

from flask import Blueprint, Response, current_app, make_response, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from ikawaari import clock, errors
from ikawaari.checkout import merchant_view, sessions
from ikawaari.checkout.sessions import NewSession
from ikawaari.config import INSTANCE, Config
from ikawaari.errors import AuthenticationFailed, NotFound, Unavailable
from ikawaari.hosted import csp, web
from ikawaari.merchants import credentials
from ikawaari.merchants.credentials import Caller
from ikawaari.money import Money
from ikawaari.shapes import JsonObject

KEY_FILE = INSTANCE / "demo.key"
PRICE = Money(5000, "XOF")
PRODUCT = "Wax hollandais, 6 yards"

bp = Blueprint("demo", __name__)
bp.before_request(web.refuse_foreign_posts)


@bp.get("/")
def shop() -> Response:
    """The shop; after a payment, what the API returns for it."""
    order, locale = _order(request.args.get("session", "")), web.header_locale()
    html, style = web.screen("demo/shop.html", locale, None, order=order, price=PRICE.format(locale), product=PRODUCT)
    return csp.protect(make_response(html), style, leads_to=_home())


@bp.post("/")
def buy() -> BaseResponse:
    """Open a session and send the customer to its page."""
    new = NewSession(
        amount=PRICE.amount,
        currency=PRICE.currency,
        description=PRODUCT,
        success_url=f"{_home()}/?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{_home()}/",
    )
    who = _caller(_key())
    shown = sessions.open_session(who.owner, new, clock.now(), credential_id=who.credential_id)
    return redirect(merchant_view.page_url(shown.session.id), 303)


def _home() -> str:
    config: Config = current_app.config["IKAWAARI"]
    return config.pay_url


def _key() -> str:
    return KEY_FILE.read_text().strip()


def _caller(key: str) -> Caller:
    try:
        return credentials.authenticate(key, "127.0.0.1", clock.now())
    except AuthenticationFailed:
        raise Unavailable(errors.UNAVAILABLE, gettext("The demo shop cannot reach the API.")) from None


def _order(session_id: str) -> JsonObject | None:
    """The session as its merchant sees it; None for an unknown id."""
    if not web.is_session_id(session_id):
        return None
    who, now = _caller(_key()), clock.now()
    try:
        return merchant_view.checkout_session(sessions.owned(session_id, who.owner, now))
    except NotFound:
        return None
