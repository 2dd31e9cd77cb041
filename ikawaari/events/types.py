"""The types of events that merchants may subscribe to, and what each tells."""

import re
from collections.abc import Mapping

_BY_OBJECT: Mapping[str, Mapping[str, str]] = {
    "checkout.session": {
        "created": "A checkout session was opened.",
        "completed": "A checkout session is complete: it was paid, or its trial began.",
        "expired": "A checkout session ended without being paid.",
        "late_payment": "Money came after the checkout session had ended; by your policy it is yours, or goes back.",
    },
    "payment_intent": {
        "created": "A payment intent was made.",
        "processing": "An attempt to pay began.",
        "requires_action": "The payer has something to do: `next_action` says what.",
        "succeeded": "The money was taken. A paid intent never becomes a failed one.",
        "payment_failed": "An attempt to pay failed: `last_payment_error` says why. The payer may try again.",
        "canceled": "A payment intent was canceled.",
        "unresolved": "The provider has not said in its time how an attempt ended. It is asked once a day from now on.",
    },
    "refund": {
        "created": "A refund was promised: on your word, or by rule when it is `automatic`.",
        "succeeded": "The payer has the money back.",
        "failed": "The provider did not give the money back, or it came back later. Its amount may be refunded again.",
    },
    "payment_link": {
        "created": "A payment link was made.",
        "deactivated": "A payment link takes no further payments.",
    },
    "subscription": {
        "created": "A subscription began, with its first payment or with its trial.",
        "updated": "A subscription changed.",
        "canceled": "A subscription ended.",
        "trial_will_end": "A trial is about to end: the first payment is near.",
        "past_due": "A payment of a subscription failed, and will be tried again.",
        "unpaid": "Every try to get a subscription's payment was in vain.",
    },
    "customer": {
        "created": "A customer was entered.",
        "updated": "A customer changed.",
    },
    "invoice": {
        "created": "An invoice was made.",
        "paid": "An invoice was paid.",
        "payment_failed": "A payment of an invoice failed.",
        "voided": "An invoice is void: its subscription ended before it was paid, and nobody is asked for it any more.",
        "uncollectible": "Nobody paid an invoice in time, and nobody is asked for it any more.",
    },
}
TEST = "webhook_endpoint.test"
"""Sent by `POST /webhook-endpoints/{id}/test` to that endpoint alone."""

MEANINGS: Mapping[str, str] = {
    f"{name}.{what}": meaning for name, whats in _BY_OBJECT.items() for what, meaning in whats.items()
}
"""Of each type, what happened."""

EVENT_TYPES = frozenset(MEANINGS)

UNSENT = r"invoice\.finalized|customer\.deleted|(payout|dispute|balance)\.(\*|[a-z_]+(\.[a-z_]+)*)"
"""Names that Ikawaari's documentation has and that we never send, whole: an endpoint may ask for them in silence."""


def may_be_asked_for(name: str) -> bool:
    """Whether an endpoint may list `name`: a type that we send, `*` for all of them, or one that is never sent."""
    return name in EVENT_TYPES or name == "*" or re.fullmatch(UNSENT, name) is not None
