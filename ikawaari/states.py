"""Every status of the house and the only moves between them.

A status changes by these tables or not at all: the store's compare-and-set takes its `WHERE status IN (…)` from here.
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

    SUBMITTING = "submitting"  # stored; the provider's call is about to run, runs, or was cut off
    UNKNOWN = "unknown"  # the call got no usable answer: neither paid nor failed
    PROCESSING = "processing"  # the provider has it, the payer was asked
    REQUIRES_ACTION = "requires_action"  # the payer has something to do: type a code, open a page
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundStatus(StrEnum):
    """Life of a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ProviderState(StrEnum):
    """Whether a provider takes new charges. What it has already goes on in both: look-ups, callbacks, refunds."""

    OPEN = "open"
    CLOSED = "closed"


class DeliveryStatus(StrEnum):
    """Life of an event on its way to one endpoint."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # every retry was in vain


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


@dataclass(frozen=True)
class Moves(Generic[S]):
    """The allowed moves of one kind of status: from each status to which."""

    table: Mapping[S, frozenset[S]]

    def allow(self, origin: S, target: S) -> bool:
        """Whether `origin` may become `target`. Staying put is no move."""
        return target in self.table[origin]

    def origins(self, target: S) -> list[S]:
        """Every status that may become `target`."""
        return [origin for origin, targets in self.table.items() if target in targets]


_A, _I, _P, _R, _C, _B = AttemptStatus, IntentStatus, PaymentStatus, RefundStatus, SessionStatus, SubscriptionStatus
_D, _N = DeliveryStatus, InvoiceStatus
_SETTLED = {_A.SUCCEEDED, _A.FAILED}

ATTEMPT = Moves[AttemptStatus](
    {
        _A.SUBMITTING: frozenset({_A.UNKNOWN, _A.PROCESSING, _A.REQUIRES_ACTION} | _SETTLED),
        _A.UNKNOWN: frozenset({_A.PROCESSING, _A.REQUIRES_ACTION} | _SETTLED),
        _A.PROCESSING: frozenset({_A.REQUIRES_ACTION} | _SETTLED),
        # Back to submitting: the payer typed the code and the provider is called again under the same id.
        _A.REQUIRES_ACTION: frozenset({_A.SUBMITTING, _A.PROCESSING} | _SETTLED),
        _A.FAILED: frozenset({_A.SUCCEEDED}),  # providers correct themselves: the money had moved after all
        _A.SUCCEEDED: frozenset(),  # paid never becomes failed
    }
)

INTENT = Moves[IntentStatus](
    {
        _I.REQUIRES_PAYMENT_METHOD: frozenset({_I.REQUIRES_CONFIRMATION, _I.PROCESSING, _I.CANCELED}),
        _I.REQUIRES_CONFIRMATION: frozenset({_I.PROCESSING, _I.CANCELED}),
        _I.PROCESSING: frozenset({_I.REQUIRES_ACTION, _I.SUCCEEDED, _I.FAILED}),
        _I.REQUIRES_ACTION: frozenset({_I.PROCESSING, _I.SUCCEEDED, _I.FAILED}),
        _I.FAILED: frozenset({_I.PROCESSING, _I.SUCCEEDED, _I.CANCELED}),
        _I.CANCELED: frozenset({_I.SUCCEEDED}),  # only by money that arrives late
        _I.SUCCEEDED: frozenset(),
    }
)

SESSION = Moves[SessionStatus](
    {
        _C.OPEN: frozenset({_C.COMPLETE, _C.EXPIRED}),
        _C.COMPLETE: frozenset(),
        _C.EXPIRED: frozenset(),
    }
)

PAYMENT = Moves[PaymentStatus](
    {
        _P.UNPAID: frozenset({_P.PROCESSING, _P.PAID, _P.NO_PAYMENT_REQUIRED}),
        _P.PROCESSING: frozenset({_P.UNPAID, _P.PAID, _P.NO_PAYMENT_REQUIRED}),
        _P.PAID: frozenset({_P.PARTIALLY_REFUNDED, _P.REFUNDED}),
        _P.PARTIALLY_REFUNDED: frozenset({_P.REFUNDED, _P.PAID}),
        _P.REFUNDED: frozenset({_P.PARTIALLY_REFUNDED, _P.PAID}),  # a refund that fails after all gives its part back
        _P.NO_PAYMENT_REQUIRED: frozenset(),
    }
)

REFUND = Moves[RefundStatus](
    {
        _R.PENDING: frozenset({_R.SUCCEEDED, _R.FAILED}),
        _R.SUCCEEDED: frozenset({_R.FAILED}),  # a bank sends it back, days later
        _R.FAILED: frozenset(),
    }
)

DELIVERY = Moves[DeliveryStatus](
    {
        _D.PENDING: frozenset({_D.SUCCEEDED, _D.FAILED}),
        _D.SUCCEEDED: frozenset({_D.PENDING}),  # the merchant wants it again
        _D.FAILED: frozenset({_D.PENDING}),
    }
)

INVOICE = Moves[InvoiceStatus](
    {
        _N.OPEN: frozenset({_N.PAID, _N.UNCOLLECTIBLE, _N.VOID}),
        _N.UNCOLLECTIBLE: frozenset({_N.PAID}),  # money that arrives late
        _N.VOID: frozenset({_N.PAID}),
        _N.PAID: frozenset(),
    }
)

SUBSCRIPTION = Moves[SubscriptionStatus](
    {
        _B.TRIALING: frozenset({_B.ACTIVE, _B.PAST_DUE, _B.CANCELED}),
        _B.ACTIVE: frozenset({_B.PAST_DUE, _B.CANCELED}),
        _B.PAST_DUE: frozenset({_B.ACTIVE, _B.UNPAID, _B.CANCELED}),
        _B.UNPAID: frozenset({_B.ACTIVE, _B.CANCELED}),
        _B.CANCELED: frozenset(),
    }
)

UNSETTLED = (_A.SUBMITTING, _A.UNKNOWN, _A.PROCESSING, _A.REQUIRES_ACTION)
"""While an attempt is in one of these, money may still move: no second attempt may start."""
