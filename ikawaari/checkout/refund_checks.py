"""Refunds that have ended, and are asked about once more: one that succeeded may fail, one that failed may succeed.

The first is a move like any other. The second has none, because its part may be promised again by then; so before the
same money is returned once more, its provider must say that it has not gone.
"""

from datetime import datetime

import structlog

from ikawaari import store
from ikawaari.checkout import accounts, charges, refunds
from ikawaari.money import Money
from ikawaari.providers.base import Outcome, Result, unknown
from ikawaari.states import RefundStatus
from ikawaari.store.models import PaymentAttempt, PaymentIntent, Refund

log = structlog.get_logger()
_OPEN = (Result.UNKNOWN, Result.PROCESSING)


def recheck(refund_id: str, now: datetime) -> datetime | None:
    """Ask again about a refund that succeeded. Returns when to ask next, while it may fail: after 1, 2, 4 … days."""
    refund = Refund.get_by_id(refund_id)
    if refund.status != RefundStatus.SUCCEEDED:
        return None
    attempt = PaymentAttempt.get_by_id(refund.attempt_id)
    refunds.apply(refund.id, _looked_up(refund, attempt, now), now)
    age = now - refund.settled_at
    next_at: datetime = now + max(age, refunds.FIRST_RECHECK)
    is_over = Refund.get_by_id(refund_id).status != RefundStatus.SUCCEEDED or age >= refunds.may_fail_for(attempt)
    return None if is_over else next_at


def retry(attempt_id: str, now: datetime) -> datetime | None:
    """Try the automatic refund of an attempt again, with a new id: for the old id the answer would be the same.

    Returns when to run again, or None if nothing remains to be returned, or the failed one has succeeded after all: a
    person must then close what is held.
    """
    attempt = PaymentAttempt.get_by_id(attempt_id)
    failed = refunds.failed_of(attempt).order_by(Refund.created_at.desc()).get()
    if failed.sent_at is not None:
        result = _looked_up(failed, attempt, now).result
        if result is Result.SUCCEEDED:
            log.error("refund_succeeded_after_all", refund=failed.id, attempt=attempt_id)
            return None
        if result in _OPEN:
            return now + refunds.RETRIES[0]
    with store.atomic():
        intent = PaymentIntent.lock(attempt.intent_id)
        attempt = PaymentAttempt.get_by_id(attempt_id)
        if attempt.promised:  # the merchant's own refund is pending; if it fails, ours continues
            return now + refunds.RETRIES[0]
        amount = min(failed.amount, refunds.left_of(attempt, intent, held=failed.held))
        if amount:
            refunds.give_back(attempt, Money(amount, failed.currency), failed.reason, now)
    return None


def _looked_up(refund: Refund, attempt: PaymentAttempt, now: datetime) -> Outcome:
    channel = accounts.channel(attempt.provider)
    if channel is None:
        return unknown("its provider is not here")
    order = charges.refund(refund, attempt)
    store.leave()
    return channel.lookup_refund(order, now)
