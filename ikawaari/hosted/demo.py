"""The demo shop at `/`: one button opens a session through the real API, with the demo key, and goes to its page."""

from typing import Any

import requests
from flask import Blueprint, Response, current_app, make_response, redirect, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from ikawaari.config import INSTANCE, Config
from ikawaari.errors import Unavailable
from ikawaari.hosted import csp, pages
from ikawaari.money import Money

KEY_FILE = INSTANCE / "demo.key"
PRICE = Money(5000, "XOF")
PRODUCT = "Wax hollandais, 6 yards"
_TIMEOUT_SECONDS = 10

bp = Blueprint("demo", __name__)
bp.before_request(pages.refuse_foreign_posts)


@bp.get("/")
def shop() -> Response:
    """The shop; after a payment, what the API says of it."""
    session_id = request.args.get("session", "")
    order = _call("GET", f"/{session_id}") if session_id.isidentifier() else None
    locale = pages.header_locale()
    html, style = pages.screen("demo/shop.html", locale, None, order=order, price=PRICE.format(locale), product=PRODUCT)
    return csp.protect(make_response(html), style, leads_to=_config().pay_url)


@bp.post("/")
def buy() -> BaseResponse:
    """Open a session and send the customer to its page."""
    home = _config().pay_url
    order = {
        "amount": PRICE.amount,
        "currency": PRICE.currency,
        "description": PRODUCT,
        "successUrl": f"{home}/?session={{CHECKOUT_SESSION_ID}}",
        "cancelUrl": f"{home}/",
    }
    return redirect(_call("POST", "", order)["url"], 303)


def _config() -> Config:
    config: Config = current_app.config["IKAWAARI"]
    return config


def _call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the API answers, as any merchant's server would ask it. Raises Unavailable."""
    url = f"{_config().api_url}/api/v1/checkout/sessions{path}"
    headers = {"Authorization": f"Bearer {KEY_FILE.read_text().strip()}"}
    try:
        answer = requests.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
    except requests.RequestException:
        raise Unavailable("IKW-SYS-002", gettext("The demo shop cannot reach the API.")) from None
    found: dict[str, Any] = answer.json()
    return found
