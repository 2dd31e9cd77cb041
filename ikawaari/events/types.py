"""The types of events that merchants may subscribe to, and what each of them means."""

import re
from collections.abc import Mapping

_BY_OBJECT: Mapping[str, Mapping[str, str]] = {
    "checkout.session": {
        "created": "A checkout session was opened.",
        "completed": "A checkout session is complete: it was paid, or its trial began.",
        "expired": "A checkout session expired without being paid.",
        "late_payment": "Money arrived after the checkout session had expired. By your policy it is kept or returned.",
    },
    "payment_intent": {
        "created": "A payment intent was created.",
        "processing": "An attempt to pay started.",
        "requires_action": "The payer has something to do: `next_action` says what.",
        "succeeded": "The money was taken. A payment intent that succeeded never becomes a failed one.",
        "payment_failed": "An attempt to pay failed: `last_payment_error` says why. The payer may try again.",
        "canceled": "A payment intent was canceled.",
        "unresolved": "The provider has not reported the end of an attempt in time. We ask it once a day from now on.",
    },
    "refund": {
        "created": "A refund was created: at your request, or automatically (`automatic`).",
        "succeeded": "The money was returned to the payer; possibly after the refund had been reported as failed.",
        "failed": "The provider did not return the money, or it came back later. It may be refunded again.",
    },
    "payment_link": {
        "created": "A payment link was created.",
        "deactivated": "A payment link was deactivated: it no longer accepts payments.",
    },
    "subscription": {
        "created": "A subscription started, with its first payment or with its trial.",
        "updated": "A subscription changed.",
        "canceled": "A subscription ended.",
        "trial_will_end": "A trial is about to end, and the first payment follows.",
        "past_due": "A payment of a subscription failed, and will be retried.",
        "unpaid": "All attempts to collect the payment of a subscription failed.",
    },
    "customer": {
        "created": "A customer was created.",
        "updated": "A customer changed.",
    },
    "invoice": {
        "created": "An invoice was created.",
        "paid": "An invoice was paid.",
        "payment_failed": "A payment of an invoice failed.",
        "voided": "An invoice was voided: its subscription ended before it was paid. It is no longer collected.",
        "uncollectible": "An invoice was not paid in time, and is no longer collected.",
    },
}
TEST = "webhook_endpoint.test"
"""Sent by `POST /webhook-endpoints/{id}/test` to that endpoint alone."""

MEANINGS: Mapping[str, str] = {
    f"{name}.{what}": meaning for name, whats in _BY_OBJECT.items() for what, meaning in whats.items()
}
"""What each type means."""

EVENT_TYPES = frozenset(MEANINGS)

UNSENT = r"invoice\.finalized|customer\.deleted|(payout|dispute|balance)\.(\*|[a-z_]+(\.[a-z_]+)*)"
"""Names in Ikawaari's documentation for events that we never send. An endpoint may list them anyway."""


def may_be_asked_for(name: str) -> bool:
    """Whether an endpoint may list `name`: a type that we send, `*` for all of them, or one that is never sent."""
    return name in EVENT_TYPES or name == "*" or re.fullmatch(UNSENT, name) is not None
