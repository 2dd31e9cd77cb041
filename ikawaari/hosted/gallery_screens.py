"""The pages that are no session's, frozen: errors, links, codes, and the sandbox's wallet."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ikawaari.hosted import qr, shops, wording
from ikawaari.hosted.gallery_states import PAID_BEFORE
from ikawaari.hosted.gallery_views import HOME, NOW, SESSION, SHOP, Screen
from ikawaari.hosted.sharing import Sending
from ikawaari.money import Money
from ikawaari.shapes import Variables

_PRICE = Money(5_000, "XOF")
_LINK: Variables = {
    "view": {
        "url": "https://pay.example/pay/wax",
        "description": "Wax hollandais, 6 yards",
        "amount": _PRICE.amount,
        "currency": _PRICE.currency,
        "country": "SN",
        "locale": "auto",
        "livemode": False,
        "merchant": SHOP,
        "paid_session": None,
        "ended_at": None,
    },
    "amount": _PRICE,
    "logo": None,
    "shop": shops.of(SHOP),
    "words": wording,
    "carried": {},
    "query": "",
}
_DEVICE = {
    "view": {"merchant": SHOP, "livemode": False},
    "page": HOME,
    "query": "",
    "svg": qr.svg("https://pay.example/K7M4-4Q2X"),
    "host": "pay.example",
    "code": "K7M4-4Q2X",
    "renewed_after": 540,
    "sending": Sending(HOME, HOME),
}


def _ended(why: str, **more: Any) -> Screen:
    variables = {**_LINK, "notice": wording.UNAVAILABLE[why], "earlier": None, **more}
    return Screen(template="checkout/link_ended.html", variables=variables)


def _error(status: int, *, own_page: str | None = None, retry: str | None = None) -> Screen:
    variables = {"notice": wording.error(None, status), "own_page": own_page, "retry": retry}
    return Screen(template="checkout/error.html", variables=variables)


def _wallet(kind: str) -> Screen:
    charge = SimpleNamespace(kind=kind, merchant=SHOP["name"], reference="gallery", return_url=HOME, status="")
    return Screen(template="checkout/sandbox.html", variables={"charge": charge, "amount": _PRICE})


def _code(typed: str = "", fault: str = "") -> Screen:
    return Screen(template="checkout/code.html", variables={"typed": typed, "fault": fault})


SCREENS: Mapping[str, Screen] = {
    "link.open": Screen(template="checkout/link.html", variables=_LINK),
    "link-paid.again": Screen(template="checkout/link_paid.html", variables={**_LINK, "earlier": PAID_BEFORE}),
    "link-ended.inactive": _ended("inactive", ended_on=NOW),
    "link-ended.used": _ended("used"),
    "link-ended.expired": _ended("expired"),
    "link-ended.paid": _ended("used", view={**_LINK["view"], "paid_session": SESSION}),
    "link-ended.paid-before": _ended("used", earlier={**PAID_BEFORE, "may_repeat": False}),
    "device.code": Screen(template="checkout/device.html", variables=_DEVICE),
    "code.empty": _code(),
    "code.form": _code("K7M", "form"),
    "code.wrong": _code("K7M4-4Q2X", "wrong"),
    "code.wait": _code("K7M4-4Q2X", "wait"),
    "return.plain": Screen(template="checkout/return.html"),
    "sandbox.wallet": _wallet("wallet"),
    "sandbox.bank": _wallet("bank"),
    **{f"error.{status}": _error(status) for status in (400, 403, 404, 410, 429)},
    "error.429-pay": _error(429, own_page=HOME),
    "error.500": _error(500, retry=HOME),
}
