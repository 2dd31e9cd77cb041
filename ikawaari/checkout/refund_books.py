"""The books of refunds: what the end of one changes in its attempt, its intent and its session.

Always in the caller's transaction and under the intent's lock. Ends are corrected in both directions, in any order, so
every change of an amount is an addition that the opposite correction takes back: `held` may go below zero.
"""

from datetime import datetime
from typing import Any

from peewee import fn

from ikawaari.checkout import incidents, outbox
from ikawaari.providers.base import Outcome
from ikawaari.states import PaymentStatus, RefundStatus
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, Refund

_RETURNED = (PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED)


def paying_attempt(intent: PaymentIntent) -> PaymentAttempt | None:
    """The attempt that paid the intent."""
    return PaymentAttempt.get_or_none(PaymentAttempt.intent == intent.id, PaymentAttempt.counted > 0)


def left_of(attempt: PaymentAttempt, intent: PaymentIntent, *, held: bool) -> int:
    """What may still be refunded: of held money, or of the intent's payment."""
    payment = intent.amount_received - intent.amount_refunded if attempt.counted else 0
    return max(0, min(_unspoken(attempt), _own_held(attempt) if held else payment))


def holds_more(attempt: PaymentAttempt) -> bool:
    """Whether the attempt holds money that no pending refund returns."""
    return _own_held(attempt) > 0


def is_overdrawn(attempt: PaymentAttempt) -> bool:
    """Whether more has gone back, or is promised, than there is to return."""
    of_payment = sum_of(attempt, RefundStatus.PENDING, RefundStatus.SUCCEEDED, held=False)
    return _unspoken(attempt) < 0 or _own_held(attempt) < 0 or of_payment > attempt.counted


def is_all_spoken_for(attempt: PaymentAttempt) -> bool:
    """Whether everything has gone back, is promised, or was closed."""
    return _unspoken(attempt) <= 0


def _unspoken(attempt: PaymentAttempt) -> int:
    return int((attempt.amount_received or 0) - attempt.returned - attempt.promised - attempt.closed)


def _own_held(attempt: PaymentAttempt) -> int:
    return int(attempt.held - sum_of(attempt, RefundStatus.PENDING, held=True))


def sum_of(attempt: PaymentAttempt, *statuses: RefundStatus, held: bool) -> int:
    """The sum of the attempt's refunds in those statuses, of held money or of the payment."""
    of_them = Refund.select(fn.SUM(Refund.amount)).where(Refund.attempt == attempt.id, Refund.status.in_(statuses))
    return int(of_them.where(Refund.held == held).scalar() or 0)


def reserve(attempt: PaymentAttempt, amount: int) -> bool:
    """Promise `amount` of the attempt to a refund. False if there is not so much left."""
    # The race of two refunds that begin at once, should the intent's lock ever be forgotten: each reserves its part by
    # this one statement, which asks for the room that it takes.
    unspoken = PaymentAttempt.amount_received - PaymentAttempt.returned - PaymentAttempt.closed - amount
    room = PaymentAttempt.promised <= unspoken
    reserved = PaymentAttempt.update(promised=PaymentAttempt.promised + amount).where(
        PaymentAttempt.id == attempt.id, room
    )
    return bool(reserved.execute())


def settle(refund: Refund, intent: PaymentIntent, target: RefundStatus, outcome: Outcome, now: datetime) -> None:
    """Move a refund to `target`, an end or the correction of one, with its amount, and publish that."""
    origin, amount = refund.status, refund.amount
    reference = outcome.reference or refund.provider_reference
    refund.intent = intent
    refund.move("status", target, settled_at=now, provider_reference=reference, failure_code=outcome.failure)
    succeeded, promised = target is RefundStatus.SUCCEEDED, origin == RefundStatus.PENDING
    gone = amount if succeeded else -amount if origin == RefundStatus.SUCCEEDED else 0
    _write(refund, intent, now, promised=-amount if promised else 0, gone=gone)
    outbox.publish_move(refund, now)


def book(refund: Refund, intent: PaymentIntent, now: datetime) -> None:
    """Book a refund that was stored as succeeded."""
    _write(refund, intent, now, promised=0, gone=refund.amount)


def _write(refund: Refund, intent: PaymentIntent, now: datetime, *, promised: int, gone: int) -> None:
    """Add to what is promised and to what has gone: one statement updates all the books of the attempt."""
    unpromised = max(0, promised + gone)
    rows = PaymentAttempt.update(
        promised=PaymentAttempt.promised + promised,
        returned=PaymentAttempt.returned + gone,
        held=PaymentAttempt.held - (gone if refund.held else 0),
        unpromised=PaymentAttempt.unpromised + unpromised,
    ).where(PaymentAttempt.id == refund.attempt_id)
    (attempt,) = rows.returning(PaymentAttempt).execute()
    if promised + gone and not refund.held:
        live = sum_of(attempt, RefundStatus.PENDING, RefundStatus.SUCCEEDED, held=False)
        intent.change(amount_refunded=min(live, intent.amount_received))
    incidents.record_excess(attempt, now)


def follow(intent: PaymentIntent) -> None:
    """The session's payment status shows how much of the payment was returned; a pending refund does not count."""
    session: Any = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
    paying = paying_attempt(intent)
    if session is None or paying is None:
        return
    returned = sum_of(paying, RefundStatus.SUCCEEDED, held=False)
    if returned:
        whole = returned >= intent.amount_received
        session.try_move("payment_status", PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED)
    elif session.payment_status in _RETURNED:  # all refunds failed after all: the merchant has the money again
        session.try_move("payment_status", PaymentStatus.PAID)
