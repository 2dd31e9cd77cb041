"""Checkout sessions of Wave, and how they are shown."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from ikawaari.simulators.ledger import Entry
from ikawaari.simulators.shapes import Checked
from ikawaari.simulators.timeline import stamp
from ikawaari.simulators.wave.rules import CURRENCIES, operator

OPEN, COMPLETE, EXPIRED = "open", "complete", "expired"
_PAYMENTS: Mapping[str, str] = {OPEN: "processing", COMPLETE: "succeeded", EXPIRED: "cancelled"}
# `last_payment_error`: a payer's failed try, which leaves the session open.
PAYER_ERRORS: Mapping[str, str] = {
    "insufficient-funds": "The customer has not enough money.",
    "blocked-account": "The customer's account is blocked.",
    "payer-mobile-mismatch": "The customer's number is not the one to which the session is restricted.",
    "cross-border-payment-not-allowed": "The customer's wallet is of another country.",
    "customer-age-restricted": "The customer is too young.",
    "kyb-limits-exceeded": "The business has reached its limit.",
    "payment-failure": "The payment failed.",
}


@dataclass(kw_only=True)
class Session(Entry):
    """A checkout session of the wallet of a country; `id` is the caller's reference, `status` the checkout's."""

    session_id: str
    transaction_id: str
    wallet: str
    business: str
    success_url: str
    error_url: str
    expires: float
    reference: str | None
    mobile: str | None
    merchant_id: str | None
    last_error: Mapping[str, str] | None = None
    refund_asked: bool = False
    refunded: float | None = None

    @classmethod
    def opened(cls, body: Checked, wallet: str, business: str, now: float, seconds: float) -> Self:
        """A session that has been asked for, open for so many seconds."""
        session_id = f"cos-1{secrets.token_hex(6)}"
        return cls(
            id=body.get("client_reference") or session_id,
            amount=body["amount"],
            currency=CURRENCIES[wallet],
            operator=operator(wallet),
            payer="",
            created=now,
            status=OPEN,
            session_id=session_id,
            transaction_id=f"T{secrets.token_hex(5).upper()}",
            wallet=wallet,
            business=business,
            success_url=body["success_url"],
            error_url=body["error_url"],
            expires=now + seconds,
            reference=body.get("client_reference"),
            mobile=body.get("restrict_payer_mobile") or body.get("enforce_payer_mobile"),
            merchant_id=body.get("aggregated_merchant_id"),
        )

    @property
    def is_open(self) -> bool:
        """Whether it can be paid, or expired by the merchant."""
        return self.status == OPEN

    def fail_try(self, code: str) -> None:
        """Note a payer's failed try."""
        self.last_error = {"code": code, "message": PAYER_ERRORS[code]}

    def path(self) -> str:
        """Where the payer is sent, below the address of Wave's pages."""
        query = {"a": self.amount, "c": self.currency, "m": self.business.split(maxsplit=1)[0]}
        return f"/c/{self.session_id}?{urlencode(query)}"

    def shown(self, base_url: str) -> dict[str, object]:
        """As Wave shows it."""
        return {
            "id": self.session_id,
            "amount": self.amount,
            "currency": self.currency,
            "checkout_status": self.status,
            "payment_status": _PAYMENTS[self.status],
            "client_reference": self.reference,
            "wave_launch_url": base_url + self.path(),
            "transaction_id": self.transaction_id,  # also of one that is not paid
            "last_payment_error": self.last_error,
            "business_name": self.business,
            "success_url": self.success_url,
            "error_url": self.error_url,
            "restrict_payer_mobile": self.mobile,
            "aggregated_merchant_id": self.merchant_id,
            "when_created": stamp(self.created),
            "when_expires": stamp(self.expires),
            "when_completed": stamp(self.settled) if self.status == COMPLETE and self.settled else None,
            "when_refunded": stamp(self.refunded) if self.refunded else None,
        }
