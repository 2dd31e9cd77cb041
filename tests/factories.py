"""What tests need before they begin, made with one call each. Every function takes overrides by the field's own name.

They write through the domain, so they need the models and the providers connected (`ikawaari.start`, an `app` fixture,
or the `world` fixture of the domain's tests). `now` is always the clock's: move it with time-machine.
"""

from datetime import datetime
from typing import Any

from ikawaari import clock
from ikawaari.checkout import links, sessions
from ikawaari.checkout.links import NewLink
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.checkout.sessions import NewSession
from ikawaari.merchants import credentials, merchants
from ikawaari.merchants.credentials import Scope
from ikawaari.store.models import CheckoutSession, Merchant, PaymentLink
from ikawaari.store.owner import Owner

_NUMBERS = {
    "SN": "+221771234",
    "CI": "+2250700000",
    "ML": "+22365123",
    "BF": "+22670123",
    "GN": "+224601234",
    "CM": "+237677123",
    "CD": "+243812345",
    "BJ": "+2290197123",
    "TG": "+22890123",
    "NE": "+22790123",
}

BRAND: dict[str, Any] = {
    "logo_url": "https://teranga.example/logo.png",
    "color": "#0b6e4f",
    "legal_name": "Boutique Teranga SARL",
    "town": "Dakar",
    "help_phone": "+221338000000",
    "whatsapp": "+221778000000",
    "terms_url": "https://teranga.example/conditions",
    "refunds_url": "https://teranga.example/remboursements",
    "privacy_url": "https://teranga.example/confidentialite",
    "payer_name": "IKAWAARI TERANGA",
}
"""What customers see of a merchant, as it is stored."""


def merchant(name: str = "Boutique", **overrides: Any) -> Merchant:
    """A merchant, of Senegal unless `country` says otherwise. Overrides: those of `merchants.create`."""
    return merchants.create(name, overrides.pop("now", clock.now()), **overrides)


def owner(merchant: Merchant, *, livemode: bool = False) -> Owner:
    """The merchant in a mode, test mode unless said otherwise."""
    return Owner(merchant, livemode)


def credential(owner: Merchant | None = None, *, livemode: bool = False, **overrides: Any) -> str:
    """The text of a key with every scope. Overrides: `scopes`, `allowed_networks`, `expires_at`, `installation`, …"""
    given: dict[str, Any] = {"scopes": list(Scope), "now": clock.now()} | overrides
    return credentials.create(owner or merchant(), livemode=livemode, **given)


def session(
    owner: Merchant | None = None, *, livemode: bool = False, now: datetime | None = None, **overrides: Any
) -> CheckoutSession:
    """An open session over 5,000 XOF. Overrides: the fields of `NewSession`; `amount=None` lets the customer choose."""
    fields = {"amount": None if "line_items" in overrides else 5_000} | overrides
    return sessions.open_session(Owner(owner or merchant(), livemode), NewSession(**fields), now or clock.now()).session


def link(
    owner: Merchant | None = None,
    *,
    livemode: bool = False,
    version: int = 2,
    now: datetime | None = None,
    **overrides: Any,
) -> PaymentLink:
    """A payment link over 5,000 XOF, used as often as people like. Overrides: the fields of `NewLink`."""
    fields = {"amount": None if "line_items" in overrides else 5_000} | overrides
    return links.create(Owner(owner or merchant(), livemode), version, NewLink(**fields), now or clock.now())


def custom_field(key: str = "size", type: str = "text", **overrides: Any) -> dict[str, Any]:  # noqa: A002
    """The definition of a custom field, complete as the edge makes it; a dropdown offers s, m and l."""
    options = [{"label": value.upper(), "value": value} for value in "sml"] if type == "dropdown" else None
    return {"key": key, "label": key.title(), "type": type, "options": options, "required": False} | overrides


def phone(ending: str = "500", country: str = "SN") -> str:
    """A mobile number whose last three digits are `ending`: they tell the sandbox what to do. 500 pays."""
    return _NUMBERS[country] + ending


def pay_request(
    phone: str = _NUMBERS["SN"] + "500", operator: str | None = "orange_sn", **overrides: Any
) -> PayRequest:
    """A mobile money payment. Overrides: the fields of `PayRequest`, such as `amount` or `preferred_flow`."""
    return PayRequest(**{"type": "mobile_money", "phone_number": phone, "operator": operator} | overrides)


def card_request(token: str = "tok_test_card", **overrides: Any) -> PayRequest:
    """A card payment. Overrides: the fields of `PayRequest`."""
    return PayRequest(**{"type": "card", "card_token": token} | overrides)
