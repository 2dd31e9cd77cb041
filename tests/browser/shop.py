"""The shop's side of a payment: it opens sessions, asks the API what became of them, and reads the sandbox's ledger."""

from dataclasses import dataclass
from typing import Any

import requests

import ikawaari
from ikawaari.config import Config
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, Merchant
from tests import conftest
from tests.serving import Served

HOME = "https://shop.example"
FEES = {"mobile_money": {"basis_points": 150, "fixed": 0}, "card": {"basis_points": 250, "fixed": 100}}
ORDER = [
    {"name": "Wax, 6 yards", "amount": 1_500, "quantity": 3, "adjustable_quantity": {"minimum": 1, "maximum": 10}},
    {"name": "Couture", "amount": 700, "quantity": 0, "adjustable_quantity": {"minimum": 0, "maximum": 500}},
    {"name": "Livraison", "amount": 500, "quantity": 1},
]
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Shop:
    """A merchant's key on a served server."""

    served: Served
    key: str


def open_session(shop: Shop, **fields: Any) -> dict[str, Any]:
    """A fresh session over 5,000 XOF, in the API's own field names; None leaves a field out."""
    order = {
        "amount": 5_000,
        "description": "Commande 17",
        "successUrl": f"{HOME}/thanks?session={{CHECKOUT_SESSION_ID}}",
        "cancelUrl": f"{HOME}/cart",
    } | fields
    return _call(
        shop, "POST", "/api/v1/checkout/sessions", {name: value for name, value in order.items() if value is not None}
    )


def open_order(shop: Shop, **columns: Any) -> dict[str, Any]:
    """A session over 5,000 XOF as a payment link opens it: the customer pays the fee, and `columns` say the rest."""
    session = open_session(shop)
    ikawaari.start(Config(database_url=shop.served.environment["IKAWAARI_DATABASE_URL"]))
    try:
        row = CheckoutSession.get_by_id(session["id"])
        Merchant.get_by_id(row.merchant_id).change(fees=FEES)
        row.change(**({"fee_mode": "customer_pays"} | columns))
    finally:
        conftest.disconnect()
    return session


def make_link(shop: Shop, **fields: Any) -> dict[str, Any]:
    """A payment link of the second version over 5,000 XOF, in the API's own field names."""
    return _call(shop, "POST", "/api/v2/payment_links", {"amount": 5_000, "description": "Cotisation"} | fields)


def end_link(shop: Shop, link: dict[str, Any]) -> None:
    """Deactivate a link."""
    _call(shop, "POST", f"/api/v2/payment_links/{link['id']}/deactivate")


def listen(shop: Shop, url: str) -> None:
    """Have the shop told by webhook of every payment."""
    _call(shop, "POST", "/api/v1/webhook-endpoints", {"url": url, "enabled_events": ["checkout.session.completed"]})


def ask(shop: Shop, session: dict[str, Any]) -> dict[str, Any]:
    """The session as the API tells it now."""
    return _call(shop, "GET", f"/api/v1/checkout/sessions/{session['id']}")


def expire(shop: Shop, session: dict[str, Any]) -> None:
    """End the session on the merchant's word."""
    _call(shop, "POST", f"/api/v1/checkout/sessions/{session['id']}/expire")


def pay_over_api(shop: Shop, session: dict[str, Any], **mobile_money: str) -> None:
    """Begin a payment by phone as a page of the shop's own would."""
    method = {"type": "mobile_money", "mobile_money": mobile_money}
    url = f"{shop.served.url}/api/checkout/{session['id']}/pay"
    answer = requests.post(url, json={"payment_method": method}, timeout=_TIMEOUT_SECONDS)
    assert answer.ok, answer.text


def tell(shop: Shop, session: dict[str, Any], status: str) -> None:
    """Let the operator say how the payment ended: `succeeded` or `failed`, and later perhaps the other."""
    body = {"payment_intent_id": ask(shop, session)["payment_intent"], "status": status}
    answer = requests.post(f"{shop.served.url}/api/test/mobile-money/callback", json=body, timeout=_TIMEOUT_SECONDS)
    assert answer.ok, answer.text


def charges(shop: Shop, session: dict[str, Any]) -> list[int]:
    """What the sandbox says it took for the session and kept, charge by charge."""
    intent = ask(shop, session)["payment_intent"]
    ledger.connect(shop.served.environment["IKAWAARI_DATABASE_URL"], pool=1)
    try:
        entries = list(ledger.entries())
    finally:
        ledger.disconnect()
    kept = [entry["amount"] - entry["refunded"] for entry in entries if entry["payment_intent"] == intent]
    return [amount for amount in kept if amount]


def assert_paid_once(shop: Shop, session: dict[str, Any], amount: int = 5_000) -> None:
    """The API says paid, and the ledger has one charge."""
    assert ask(shop, session)["payment_status"] == "paid"
    assert charges(shop, session) == [amount]


def _call(shop: Shop, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = requests.request(
        method,
        f"{shop.served.url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {shop.key}"},
        timeout=_TIMEOUT_SECONDS,
    )
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found
