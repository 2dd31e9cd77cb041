"""Wave's sessions and errors, as they are written in its protocol card, and an account that is to meet them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from ikawaari.money import Money
from ikawaari.providers.outcomes import Outcome
from ikawaari.providers.values import Account, Charge, RefundOrder
from ikawaari.providers.wave import Wave
from ikawaari.shapes import JsonValue
from tests.providers.scripted import Written, scripted

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
ID, SESSION = "8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11", "cos-1test0000001"
URL = "https://pay.wave.com/c/cos-1test0000001?a=1000&c=XOF&m=Boutique"
KEY, WHS, AKS = "wave_sn_prod_made_up", "wave_sn_WHS_made_up_secret", "wave_sn_AKS_made_up_secret"
CHARGE = Charge(
    id=ID,
    intent_id="pi_1",
    money=Money(1_000, "XOF"),
    method_type="mobile_money",
    operator="wave_sn",
    country="SN",
    phone="+221773456789",
    return_url="https://pay.example.com/r",
)
KNOWN = replace(CHARGE, reference=SESSION)
ORDER = RefundOrder(
    id="0d2a8e8e-9f63-4a11-8d0e-000000000001",
    charge_id=ID,
    charge_reference=SESSION,
    charge_money=CHARGE.money,
    money=CHARGE.money,
)
NONE: Written = (200, {"result": []})
OPEN = {
    "id": SESSION,
    "amount": "1000",
    "currency": "XOF",
    "checkout_status": "open",
    "payment_status": "processing",
    "client_reference": ID,
    "wave_launch_url": URL,
    "transaction_id": "TTEST00001",
    "last_payment_error": None,
    "when_created": "2026-11-25T10:00:00Z",
    "when_expires": "2026-11-25T10:30:00Z",
    "when_completed": None,
    "when_refunded": None,
}
PAID = {**OPEN, "checkout_status": "complete", "payment_status": "succeeded", "when_completed": "2026-11-25T10:01:00Z"}
EXPIRED = {**OPEN, "checkout_status": "expired", "payment_status": "cancelled"}


def account(base_url: str = "http://127.0.0.1:1", **settings: JsonValue) -> Account:
    return Account(
        id="acc_0000000000000001",
        provider="wave",
        settings={"api_key": KEY, "webhook_secret": WHS, "base_url": base_url, **settings},
        country="SN",
        livemode=True,
        callback_url="https://pay.example.com/callbacks/acc_0000000000000001",
    )


def charged(provider: Wave, *answers: Written, charge: Charge = CHARGE) -> Outcome:
    with scripted(*answers) as peer:
        return provider.charge(account(peer.base_url), charge, NOW)


def looked_up(provider: Wave, *answers: Written, charge: Charge = KNOWN) -> Outcome:
    with scripted(*answers) as peer:
        return provider.lookup(account(peer.base_url), charge, NOW)


def failure(code: str, *, nested: bool = False, **more: object) -> Mapping[str, object]:
    """An error in one of its two forms."""
    error = {"code": code, "message": "Made up.", **more}
    return {"error": error} if nested else error
