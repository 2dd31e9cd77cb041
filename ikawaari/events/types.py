"""The types of events that merchants may subscribe to."""

from collections.abc import Mapping

_BY_OBJECT: Mapping[str, tuple[str, ...]] = {
    "checkout.session": ("created", "completed", "expired", "late_payment"),
    "payment_intent": ("created", "processing", "requires_action", "succeeded", "payment_failed", "canceled"),
    "refund": ("created", "succeeded", "failed"),
    "payment_link": ("created", "deactivated"),
    "subscription": ("created", "updated", "canceled", "trial_will_end", "past_due", "unpaid"),
    "customer": ("created", "updated"),
    "invoice": ("created", "paid", "payment_failed"),
}
TEST = "webhook_endpoint.test"
"""Sent by `POST /webhook-endpoints/{id}/test` to that endpoint alone."""

EVENT_TYPES = frozenset(f"{name}.{what}" for name, whats in _BY_OBJECT.items() for what in whats)
