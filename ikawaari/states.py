"""Every status, the allowed moves between them, and the event of each move.

A status only changes by these tables: the store's compare-and-set takes its `WHERE status IN (…)` from here.
A row that has moved owes the event which stands at its move, or `SILENT`: see `checkout.outbox`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar


class SessionStatus(StrEnum):
    """Life of a checkout session."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class PaymentStatus(StrEnum):
    """What became of the money of a checkout session."""

    UNPAID = "unpaid"
    PROCESSING = "processing"
    PAID = "paid"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    NO_PAYMENT_REQUIRED = "no_payment_required"


class IntentStatus(StrEnum):
    """Life of a payment intent."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class AttemptStatus(StrEnum):
    """Life of one attempt to move money at a provider."""

    SUBMITTING = "submitting"  # stored; the provider's call is about to run, is running, or was interrupted
    UNKNOWN = "unknown"  # the call got no usable answer: neither paid nor failed
    PROCESSING = "processing"  # the provider has it, and the payer was asked
    REQUIRES_ACTION = "requires_action"  # the payer has something to do: type a code, open a page
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundStatus(StrEnum):
    """Life of a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ProviderState(StrEnum):
    """Whether a provider accepts new charges. Enquiries, callbacks and refunds continue in both states."""

    OPEN = "open"
    CLOSED = "closed"


class OpenedBy(StrEnum):
    """Who opened a checkout session."""

    MERCHANT = "merchant"
    VISIT = "visit"  # somebody at a payment link's address, where visitors may find it again
    RENEWAL = "renewal"  # we did, for an invoice that is not its subscription's first


class DeliveryStatus(StrEnum):
    """Life of an event on its way to one endpoint."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # all retries failed


class SubscriptionStatus(StrEnum):
    """Life of a subscription."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    CANCELED = "canceled"


class InvoiceStatus(StrEnum):
    """Life of a subscription's invoice."""

    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"  # nobody paid it in time
    VOID = "void"  # the subscription ended before it was paid


S = TypeVar("S", bound=StrEnum)
SILENT: None = None
"""This move publishes no event of its own: another object's event covers it, or nobody needs to know."""


@dataclass(frozen=True)
class Moves(Generic[S]):
    """The allowed moves of one kind of status: from each status to which, and the type of the event that each has."""

    table: Mapping[S, Mapping[S, str | None]]

    def allow(self, origin: S, target: S) -> bool:
        """Whether `origin` may become `target`. Staying put is no move."""
        return target in self.table[origin]

    def event(self, origin: S, target: S) -> str | None:
        """The type of the event of that move; None when it has none, or there is no such move."""
        return self.table[origin].get(target)

    def origins(self, target: S, event: str | None) -> list[S]:
        """Every status that may become `target` with that event."""
        return [origin for origin, moves in self.table.items() if target in moves and moves[target] == event]

    def arrival(self, target: S) -> str:
        """The event that tells of `target`, wherever the move came from."""
        (event,) = {moves[target] for moves in self.table.values() if moves.get(target)}
        return str(event)


ATTEMPT = Moves[AttemptStatus](
    {
        AttemptStatus.SUBMITTING: {
            AttemptStatus.UNKNOWN: SILENT,
            AttemptStatus.PROCESSING: SILENT,
            AttemptStatus.REQUIRES_ACTION: SILENT,
            AttemptStatus.SUCCEEDED: SILENT,
            AttemptStatus.FAILED: SILENT,
        },
        AttemptStatus.UNKNOWN: {
            AttemptStatus.PROCESSING: SILENT,
            AttemptStatus.REQUIRES_ACTION: SILENT,
            AttemptStatus.SUCCEEDED: SILENT,
            AttemptStatus.FAILED: SILENT,
        },
        AttemptStatus.PROCESSING: {
            AttemptStatus.REQUIRES_ACTION: SILENT,
            AttemptStatus.SUCCEEDED: SILENT,
            AttemptStatus.FAILED: SILENT,
        },
        AttemptStatus.REQUIRES_ACTION: {
            # The payer typed the code and the provider is called again under the same id.
            AttemptStatus.SUBMITTING: SILENT,
            AttemptStatus.PROCESSING: SILENT,
            AttemptStatus.SUCCEEDED: SILENT,
            AttemptStatus.FAILED: SILENT,
        },
        # Providers correct themselves: the money moved after all.
        AttemptStatus.FAILED: {AttemptStatus.SUCCEEDED: SILENT},
        AttemptStatus.SUCCEEDED: {},  # paid never becomes failed
    }
)

INTENT = Moves[IntentStatus](
    {
        IntentStatus.REQUIRES_PAYMENT_METHOD: {
            IntentStatus.REQUIRES_CONFIRMATION: SILENT,
            IntentStatus.PROCESSING: "payment_intent.processing",
            IntentStatus.CANCELED: "payment_intent.canceled",
        },
        IntentStatus.REQUIRES_CONFIRMATION: {
            IntentStatus.PROCESSING: "payment_intent.processing",
            IntentStatus.CANCELED: "payment_intent.canceled",
        },
        IntentStatus.PROCESSING: {
            IntentStatus.REQUIRES_ACTION: "payment_intent.requires_action",
            IntentStatus.SUCCEEDED: "payment_intent.succeeded",
            IntentStatus.FAILED: "payment_intent.payment_failed",
        },
        IntentStatus.REQUIRES_ACTION: {
            IntentStatus.PROCESSING: SILENT,  # the same attempt goes on
            IntentStatus.SUCCEEDED: "payment_intent.succeeded",
            IntentStatus.FAILED: "payment_intent.payment_failed",
        },
        IntentStatus.FAILED: {
            IntentStatus.PROCESSING: "payment_intent.processing",
            IntentStatus.SUCCEEDED: "payment_intent.succeeded",  # a correction is published like any other success
            IntentStatus.CANCELED: "payment_intent.canceled",
        },
        IntentStatus.CANCELED: {IntentStatus.SUCCEEDED: "payment_intent.succeeded"},  # only by money that arrives late
        IntentStatus.SUCCEEDED: {},
    }
)

SESSION = Moves[SessionStatus](
    {
        SessionStatus.OPEN: {
            SessionStatus.COMPLETE: "checkout.session.completed",
            SessionStatus.EXPIRED: "checkout.session.expired",
        },
        SessionStatus.COMPLETE: {},
        SessionStatus.EXPIRED: {},
    }
)

PAYMENT = Moves[PaymentStatus](
    {
        PaymentStatus.UNPAID: {
            PaymentStatus.PROCESSING: SILENT,
            PaymentStatus.PAID: SILENT,
            PaymentStatus.NO_PAYMENT_REQUIRED: SILENT,
        },
        PaymentStatus.PROCESSING: {
            PaymentStatus.UNPAID: SILENT,
            PaymentStatus.PAID: SILENT,
            PaymentStatus.NO_PAYMENT_REQUIRED: SILENT,
        },
        PaymentStatus.PAID: {PaymentStatus.PARTIALLY_REFUNDED: SILENT, PaymentStatus.REFUNDED: SILENT},
        PaymentStatus.PARTIALLY_REFUNDED: {PaymentStatus.REFUNDED: SILENT, PaymentStatus.PAID: SILENT},
        # If a refund fails after all, its part counts as paid again.
        PaymentStatus.REFUNDED: {PaymentStatus.PARTIALLY_REFUNDED: SILENT, PaymentStatus.PAID: SILENT},
        PaymentStatus.NO_PAYMENT_REQUIRED: {},
    }
)

REFUND = Moves[RefundStatus](
    {
        RefundStatus.PENDING: {
            RefundStatus.SUCCEEDED: "refund.succeeded",
            RefundStatus.FAILED: "refund.failed",
        },
        # Corrections: a bank sends it back days later; one that was reported failed has been paid out after all. Which
        # of the two reports is newer, only the provider knows: see `refund_checks`.
        RefundStatus.SUCCEEDED: {RefundStatus.FAILED: "refund.failed"},
        RefundStatus.FAILED: {RefundStatus.SUCCEEDED: "refund.succeeded"},
    }
)

DELIVERY = Moves[DeliveryStatus](
    {
        DeliveryStatus.PENDING: {DeliveryStatus.SUCCEEDED: SILENT, DeliveryStatus.FAILED: SILENT},
        DeliveryStatus.SUCCEEDED: {DeliveryStatus.PENDING: SILENT},  # the merchant requested it again
        DeliveryStatus.FAILED: {DeliveryStatus.PENDING: SILENT},
    }
)

INVOICE = Moves[InvoiceStatus](
    {
        InvoiceStatus.OPEN: {
            InvoiceStatus.PAID: "invoice.paid",
            InvoiceStatus.UNCOLLECTIBLE: "invoice.uncollectible",
            InvoiceStatus.VOID: "invoice.voided",
        },
        InvoiceStatus.UNCOLLECTIBLE: {InvoiceStatus.PAID: "invoice.paid"},  # money that arrives late
        InvoiceStatus.VOID: {InvoiceStatus.PAID: "invoice.paid"},
        InvoiceStatus.PAID: {},
    }
)

SUBSCRIPTION = Moves[SubscriptionStatus](
    {
        SubscriptionStatus.TRIALING: {
            SubscriptionStatus.ACTIVE: "subscription.updated",
            SubscriptionStatus.PAST_DUE: "subscription.past_due",
            SubscriptionStatus.CANCELED: "subscription.canceled",
        },
        SubscriptionStatus.ACTIVE: {
            SubscriptionStatus.PAST_DUE: "subscription.past_due",
            SubscriptionStatus.CANCELED: "subscription.canceled",
        },
        SubscriptionStatus.PAST_DUE: {
            SubscriptionStatus.ACTIVE: "subscription.updated",
            SubscriptionStatus.UNPAID: "subscription.unpaid",
            SubscriptionStatus.CANCELED: "subscription.canceled",
        },
        SubscriptionStatus.UNPAID: {
            SubscriptionStatus.ACTIVE: "subscription.updated",
            SubscriptionStatus.CANCELED: "subscription.canceled",
        },
        SubscriptionStatus.CANCELED: {},
    }
)

UNSETTLED = (
    AttemptStatus.SUBMITTING,
    AttemptStatus.UNKNOWN,
    AttemptStatus.PROCESSING,
    AttemptStatus.REQUIRES_ACTION,
)
"""While an attempt has one of these statuses, money may still move, so no second attempt may start."""

PAYABLE = (IntentStatus.REQUIRES_PAYMENT_METHOD, IntentStatus.REQUIRES_CONFIRMATION, IntentStatus.FAILED)
"""While an intent is in one of these, no money moves or has moved: an attempt may start, its merchant may change it."""
