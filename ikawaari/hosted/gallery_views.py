"""What the gallery's states are made of: one frozen instant, one shop, and the views of its sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from ikawaari import clock, operators
from ikawaari.checkout import notes, ways
from ikawaari.checkout.notes import Notes
from ikawaari.checkout.public_view import OfferedCountry, OfferedMethod, PublicCheckout, PublicMerchant
from ikawaari.checkout.quotes import Quote
from ikawaari.checkout.repeats import Earlier
from ikawaari.checkout.ways import Ways
from ikawaari.countries import COUNTRIES
from ikawaari.hosted.drafts import Draft
from ikawaari.hosted.totals import Total
from ikawaari.shapes import CardFields, JsonObject, NextAction, Variables

NOW = datetime(2026, 11, 25, 21, 45, 17, tzinfo=UTC)
AT = clock.unix(NOW)
DAY = 86_400
SESSION = f"cs_{'0' * 32}"  # no session has this id
HOME = "/sandbox/gallery"  # where every way back leads
SHOP: PublicMerchant = {
    "name": "Boutique Teranga",
    "logo_url": None,
    "color": None,
    "country": "SN",
    "legal_name": "Boutique Teranga SARL",
    "town": "Dakar",
    "help_phone": "+221338000000",
    "whatsapp": "+221778000000",
    "terms_url": f"{HOME}#terms",
    "refunds_url": f"{HOME}#refunds",
    "privacy_url": f"{HOME}#privacy",
    "payer_name": "IKAWAARI TERANGA",
}
Changed = dict[str, Any]
"""Fields in which a view, or the payment in it, differs from the plain one."""
OF_FRANC = ("SN", "CI", "ML", "BF", "BJ", "TG", "NE")


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """One state: what its page is drawn from. `more`: further facts of the page, by the names of `Facts`.

    `network`, `message` and `is_busy`: what a script adds, as `checkout.js` does.
    """

    view: PublicCheckout
    draft: Draft = field(default_factory=Draft)
    total: Total = field(default_factory=lambda: Total(asked=False, quote=None))
    notes: Notes = notes.NONE
    ways: Ways = ways.NONE
    earlier: Earlier | None = None
    told: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)
    template: str = "checkout/page.html"
    network: str = ""  # the line at the foot of the window
    message: str = ""  # in the place of the press
    is_busy: bool = False


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A page that is no session's: its template, and its variables."""

    template: str
    variables: Variables = field(default_factory=dict)


def offer(country: str, *, hindered: tuple[str, ...] = (), led: tuple[str, ...] = ()) -> OfferedCountry:
    """A country with all its operators; those that cannot be paid by come last. `led`: those with a page."""
    offered: list[Any] = [
        {
            "id": one.id,
            "name": one.name,
            "flows": ["redirect" if one.id in led else "ussd_push"],
            "available": one.id not in hindered,
        }
        for one in operators.in_country(country)
    ]
    dial_code = COUNTRIES[country].dial_code
    return {
        "country": country,
        "dial_code": dial_code,
        "operators": sorted(offered, key=lambda one: not one["available"]),
    }


def mobile_money(*countries: str, hindered: tuple[str, ...] = (), led: tuple[str, ...] = ()) -> OfferedMethod:
    """Mobile money in these countries, the first one chosen."""
    return {"type": "mobile_money", "countries": [offer(code, hindered=hindered, led=led) for code in countries]}


CARD = {"type": "card"}
BOTH = [mobile_money(*OF_FRANC), CARD]


def view(**changes: Any) -> PublicCheckout:
    """The view of an open session of 5,000 FCFA, with these differences."""
    shown: PublicCheckout = {
        "id": SESSION,
        "object": "checkout.session",
        "status": "open",
        "payment_status": "unpaid",
        "mode": "payment",
        "recurring": None,
        "amount": 5_000,
        "amount_min": None,
        "amount_max": None,
        "amount_presets": [],
        "fee_mode": "merchant_pays",
        "fee_amount": 0,
        "fees": [],
        "currency": "XOF",
        "country": "SN",
        "locale": "auto",
        "description": "Wax hollandais, 6 yards",
        "custom_text": None,
        "line_items": [],
        "custom_fields": [],
        "answered_fields": [],
        "merchant": SHOP,
        "payment_methods": cast("Any", BOTH),
        "customer": {"name": None, "email": None, "phone": None},
        "next_action": None,
        "payment": None,
        "last_payment_error": None,
        "late": False,
        "reference": "86D9E7EA",
        "subscription": None,
        "invoice": None,
        "unavailable": None,
        "thank_you": None,
        "success_url": None,
        "cancel_url": HOME,
        "expires_at": AT + DAY,
        "completed_at": None,
        "livemode": False,
    }
    return cast("PublicCheckout", {**shown, **changes})


def payment(status: str = "processing", **changes: Any) -> JsonObject:
    """A payment by Orange Money that began 17 seconds ago, with 43 seconds left."""
    return {
        "status": status,
        "type": "mobile_money",
        "operator": "orange_sn",
        "phone": "+221 77 ••• •• 67",
        "amount": 5_000,
        "fee_amount": 0,
        "currency": "XOF",
        "created": AT - 17,
        "deadline_at": AT + 43,
        "settled_at": None,
        "reference": "86D9E7EA",
        **changes,
    }


BY_CARD = {"type": "card", "operator": None, "phone": None}


def waiting(action: NextAction | None = None, *, of: Changed | None = None, **changes: Any) -> Any:
    """A view whose payer is waited for. `of`: what is different about the payment."""
    status = "requires_action" if action else "processing"
    running = payment(**{"status": status, **(of or {})})
    return view(payment_status="processing", payment=running, next_action=action, **changes)


def failed(code: str, *, of: Changed | None = None, **changes: Any) -> PublicCheckout:
    """An open form whose latest payment failed."""
    ended = payment("failed", settled_at=AT - 5, **(of or {}))
    return view(payment=ended, last_payment_error={"code": code, "message": ""}, **changes)


def paid(status: str = "paid", *, of: Changed | None = None, **changes: Any) -> PublicCheckout:
    """A receipt."""
    received = payment("succeeded", settled_at=AT - 3, **(of or {}))
    return view(status="complete", payment_status=status, payment=received, completed_at=AT - 3, **changes)


def subscription(status: str = "active", *, stopped: bool = False, **changes: Any) -> Changed:
    """What a session of a monthly subscription has in its view."""
    agreed = {
        "status": status,
        "current_period_end": AT + 30 * DAY,
        "cancel_at_period_end": stopped,
        "canceled_at": AT if stopped else None,
    }
    return {
        "mode": "subscription",
        "recurring": {"interval": "month", "interval_count": 1},
        "subscription": agreed,
        **changes,
    }


def costs(amount: int, fee: int, *quantities: int) -> Total:
    """A total that the form shows."""
    return Total(asked=True, quote=Quote(amount, fee, quantities or None))


NO_QUOTE = Total(asked=True, quote=None)


def a_code(dial: str | None) -> NextAction:
    """The operator's one-time code: dialed for, or sent by SMS."""
    return {"type": "mobile_money_otp", "mobile_money_otp": {"message": "", "dial_code": dial}}


PROMPT: NextAction = {"type": "mobile_money_ussd", "mobile_money_ussd": {"message": "", "dial_code": None}}
DIALED: NextAction = {"type": "mobile_money_ussd", "mobile_money_ussd": {"message": "", "dial_code": "#144#"}}
LEAD: NextAction = {"type": "redirect_to_url", "redirect_to_url": {"url": HOME, "return_url": HOME}}
SCAN: NextAction = {"type": "display_qr_code", "display_qr_code": {"data": "https://pay.example/86D9E7EA"}}
LIVE_CARD = CardFields(ours="stripe.js", script="", key="", scripts=(), frames=(), calls=())
