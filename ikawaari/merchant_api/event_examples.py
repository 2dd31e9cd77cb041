"""Examples of events: each type's own moment in the life of the example order."""

from collections.abc import Mapping
from typing import Any

from ikawaari.edge import examples

_THEN = 1767225960  # after all that the other examples tell
_PAID_ATTEMPT = examples.ATTEMPT | {"status": "succeeded", "amount_received": 25000, "settled_at": _THEN}
_FAILED_ATTEMPT = examples.ATTEMPT | {"status": "failed", "failure_code": "payer_declined", "settled_at": _THEN}
_PAID: Mapping[str, Any] = {
    "payment_status": "paid",
    "completed_at": _THEN,
    "customer_details": {"name": "Awa Diop"},
    "custom_fields": [examples.SESSION["custom_fields"][0] | {"value": "L"}],
    "attempts": [_PAID_ATTEMPT],
}
_REFUSED = {"code": "payer_declined", "message": "The last payment attempt failed: payer declined."}
_CHANGES: Mapping[str, Mapping[str, Any]] = {
    "checkout.session.completed": {"status": "complete", **_PAID},
    "checkout.session.expired": {"status": "expired"},
    "checkout.session.late_payment": {"status": "expired", "late": True, **_PAID},
    "payment_intent.processing": {"status": "processing", "attempts": [examples.ATTEMPT | {"status": "submitting"}]},
    "payment_intent.unresolved": {"status": "processing", "attempts": [examples.ATTEMPT | {"status": "unknown"}]},
    "payment_intent.requires_action": examples.CONFIRMED_INTENT,
    "payment_intent.succeeded": {"status": "succeeded", "amount_received": 25000, "attempts": [_PAID_ATTEMPT]},
    "payment_intent.payment_failed": {
        "status": "failed",
        "last_payment_error": _REFUSED,
        "attempts": [_FAILED_ATTEMPT],
    },
    "payment_intent.canceled": examples.CANCELED_INTENT | {"canceled_at": _THEN},
    "refund.succeeded": {"status": "succeeded", "settled_at": _THEN},
    "refund.failed": {"status": "failed", "failure_code": "wallet_limit", "settled_at": _THEN},
    "payment_link.deactivated": {"active": False, "status": "inactive"},
    "subscription.created": {"status": "active"},
    "subscription.updated": {"status": "active"},
    "subscription.canceled": {"status": "canceled", "canceled_at": _THEN},
    "subscription.trial_will_end": {"status": "trialing", "trial_end": examples.SUBSCRIPTION["current_period_end"]},
    "subscription.past_due": {"status": "past_due"},
    "subscription.unpaid": {"status": "unpaid"},
    "invoice.created": {"attempt_count": 0, "last_payment_error": None},
    "invoice.voided": {"status": "void", "next_payment_attempt": None},
    "invoice.uncollectible": {"status": "uncollectible", "next_payment_attempt": None},
    "invoice.paid": {
        "status": "paid",
        "paid_at": _THEN,
        "next_payment_attempt": None,
        "last_payment_error": None,
    },
}


def event(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The event `type_` about the example object `data`, as it is at that moment."""
    told = {**data, **_CHANGES.get(type_, {})}
    return {
        "id": examples.EVENT_ID,
        "object": "event",
        "type": type_,
        "created": told["created"] if type_.endswith(".created") else _THEN,
        "livemode": False,
        "data": told | {"currency": told["currency"].lower()} if "currency" in told else told,
    }


EVENT = event("checkout.session.completed", examples.SESSION)
EVENTS: Mapping[str, Any] = {"object": "list", "data": [EVENT], "has_more": False, "next_cursor": None}
