"""Subscriptions: an agreement to pay again each period. Made by the first payment; renewals build on these rows."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from ikawaari import ids, store
from ikawaari.checkout import resources
from ikawaari.checkout.payment_methods import PaymentMethod
from ikawaari.errors import Conflict
from ikawaari.events import events
from ikawaari.states import SubscriptionStatus
from ikawaari.store.models import CheckoutSession, Subscription

_UNITS = {"day": "days", "week": "weeks", "month": "months", "year": "years"}


def period_end(anchor: datetime, interval: str, interval_count: int, periods: int = 1) -> datetime:
    """The end of the `periods`-th period from the anchor: 31 January, then 28 February, then 31 March again."""
    step: dict[str, Any] = {_UNITS[interval]: interval_count * periods}
    return anchor + relativedelta(**step)


def trial_days(session: CheckoutSession) -> int:
    """How many days the session's subscription runs before its first payment; 0 without a trial."""
    return (session.recurring or {}).get("trial_period_days") or 0


def of_session(session: CheckoutSession) -> Subscription | None:
    """The subscription that the session started, if it has."""
    if session.mode != "subscription":
        return None
    return Subscription.get_or_none(Subscription.session == session.id)


def cancel(subscription: Subscription, now: datetime, *, at_period_end: bool) -> None:
    """End the subscription now, or when the period that is paid for ends. Raises Conflict when it has ended."""
    with store.atomic():
        row = Subscription.lock(subscription.id)
        if row.status == SubscriptionStatus.CANCELED:
            raise Conflict("IKW-RES-002", "The subscription has ended.")
        if at_period_end:
            row.change(cancel_at_period_end=True)
            _tell("subscription.updated", row, now)
        else:
            row.move("status", SubscriptionStatus.CANCELED, canceled_at=now)
            _tell("subscription.canceled", row, now)


def activate(session: CheckoutSession, method: PaymentMethod, now: datetime) -> None:
    """Start the subscription of a session in subscription mode, in the caller's transaction. Once per session.

    With a trial the first period is the trial and nothing was paid for it; without one, the first payment was.
    """
    if session.mode != "subscription":
        return
    every = (session.recurring["interval"], session.recurring["interval_count"])
    trial_end = now + timedelta(days=trial_days(session)) if trial_days(session) else None
    subscription_id = ids.new("sub")
    made = (
        Subscription.insert(
            id=subscription_id,
            merchant=session.merchant_id,
            livemode=session.livemode,
            session=session.id,
            status=SubscriptionStatus.TRIALING if trial_end else SubscriptionStatus.ACTIVE,
            amount=session.amount,
            currency=session.currency,
            interval=every[0],
            interval_count=every[1],
            payment_method=asdict(method),
            anchor_at=trial_end or now,
            current_period_start=now,
            current_period_end=trial_end or period_end(now, *every),
            trial_end=trial_end,
            created_at=now,
        )
        .on_conflict_ignore()
        .as_rowcount()
        .execute()
    )
    if made:
        _tell("subscription.created", Subscription.get_by_id(subscription_id), now)


def _tell(event_type: str, subscription: Subscription, now: datetime) -> None:
    events.append(
        event_type,
        resources.subscription(subscription),
        merchant_id=subscription.merchant_id,
        livemode=subscription.livemode,
        now=now,
    )
