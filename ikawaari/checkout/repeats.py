"""Paying again by the same link: a payer who may be paying twice is told first, and asked once. Nothing is refused.

Only the page asks, and only if a visit to the link's address opened the session. Public JSON, and sessions that a
merchant opened, are charged without a question.
"""

from datetime import datetime, timedelta
from typing import NotRequired, TypedDict

from ikawaari import clock, store
from ikawaari.checkout import customers, references, snapshots
from ikawaari.checkout.collected import Collected
from ikawaari.checkout.payment_methods import PaymentMethod
from ikawaari.errors import AskedFirst
from ikawaari.states import UNSETTLED, AttemptStatus, OpenedBy, PaymentStatus, SubscriptionStatus
from ikawaari.store.models import CheckoutSession, Customer, PaymentAttempt, PaymentIntent, PaymentLink, Subscription

RECENT = timedelta(minutes=10)
_ANSWERABLE = timedelta(minutes=30)  # how long a page may go on asking about one earlier payment
_LONGEST_PAYMENT = timedelta(days=1)  # older attempts are ignored, which bounds the query
_KEPT = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED)
_LIVE = (SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)


class Earlier(TypedDict):
    """A payment, or a subscription, that its payer is asked about before another one begins.

    The amount is in the smallest unit, `at` in Unix seconds.
    """

    id: str
    kind: str  # payment, waiting, subscription
    amount: int
    currency: str
    at: int
    reference: NotRequired[str]
    type: NotRequired[str]  # of a payment: how it was paid
    operator: NotRequired[str | None]
    session: NotRequired[str]  # the page of it
    may_repeat: NotRequired[bool]  # whether the link takes another one
    interval: NotRequired[str]  # of a subscription
    interval_count: NotRequired[int]


def of_browser(session: CheckoutSession, link: PaymentLink) -> Earlier | None:
    """What to show to a browser that remembers `session` of `link`: its payment, or its running subscription.

    None if nothing is paid any more, or if the link lets people subscribe again without being asked.
    """
    running = snapshots.subscription_of(session)
    if link.recurring and (link.allow_repeat_subscriptions or (running and running.status in _LIVE)):
        return _subscription(running) if running and not link.allow_repeat_subscriptions else None
    if session.payment_status not in _KEPT:
        return None
    paid = PaymentAttempt.select().join(PaymentIntent)
    attempt = paid.where(PaymentIntent.session == session.id, PaymentAttempt.counted > 0).get_or_none()
    return _payment(attempt) if attempt else None


def require_asked(
    session: CheckoutSession, method: PaymentMethod, answers: Collected, asked: str | None, now: datetime
) -> None:
    """Raise AskedFirst if this payer has just paid by the session's link, or is already subscribed by it.

    `asked`: the earlier payment or subscription that the payer was asked about, "" for none; None: nobody is asked.
    In the transaction that claims the session. If one person pays in two tabs at once, they pass here one by one, and
    the second one sees what the first one stored.
    """
    if asked is None or session.payment_link_id is None or session.opened_by != OpenedBy.VISIT:
        return
    link = PaymentLink.get_by_id(session.payment_link_id)
    payer = customers.identity_of(method.phone, answers.email)
    if payer is None or (link.recurring and link.allow_repeat_subscriptions):
        return
    store.take_turns(f"phone {payer}" if method.phone else f"payer {payer}")
    found = _running(link, payer) if link.recurring else None
    earlier = found or (_latest(link, method.phone, now) if method.phone else None)
    if earlier is not None and earlier.id != asked:
        raise AskedFirst(earlier.id)


def about(session: CheckoutSession, earlier_id: str, now: datetime) -> Earlier | None:
    """What the page shows when it asks: a payment or a subscription by the same link. None for an old one.

    Only the payer who was asked gets the id, so that no address shows what others paid.
    """
    subscription = Subscription.get_or_none(Subscription.id == earlier_id)
    if subscription is not None:
        first = CheckoutSession.get_by_id(subscription.session_id)
        return _subscription(subscription) if _shares_link(first, session) else None
    attempt = PaymentAttempt.get_or_none(PaymentAttempt.id == earlier_id)
    if attempt is None or now - (attempt.settled_at or attempt.created_at) > _ANSWERABLE:
        return None
    paid = CheckoutSession.get_or_none(CheckoutSession.id == PaymentIntent.get_by_id(attempt.intent_id).session_id)
    return _payment(attempt) if paid is not None and _shares_link(paid, session) else None


def _running(link: PaymentLink, payer: str) -> Subscription | None:
    """The payer's live subscription that the link started, the latest one."""
    own = Subscription.select().join(CheckoutSession, on=(Subscription.session == CheckoutSession.id))
    own = own.switch(Subscription).join(Customer, on=(Subscription.customer == Customer.id))
    known = (
        (Customer.merchant == link.merchant_id) & (Customer.livemode == link.livemode) & (Customer.identity == payer)
    )
    live = Subscription.status.in_(_LIVE) & (CheckoutSession.payment_link == link.id)
    return next(iter(own.where(known, live).order_by(Subscription.created_at.desc()).limit(1)), None)


def _latest(link: PaymentLink, phone: str, now: datetime) -> PaymentAttempt | None:
    """The latest payment of that number by the link: paid, or started and unsettled, in the last ten minutes."""
    rows = PaymentAttempt.select().join(PaymentIntent).join(CheckoutSession)
    begun = PaymentAttempt.created_at >= now - _LONGEST_PAYMENT
    paid = (PaymentAttempt.status == AttemptStatus.SUCCEEDED) & (PaymentAttempt.settled_at >= now - RECENT)
    paid &= CheckoutSession.payment_status.in_(_KEPT) & (PaymentAttempt.counted > 0)
    waiting = PaymentAttempt.status.in_(UNSETTLED) & (PaymentAttempt.created_at >= now - RECENT)
    own = rows.where(PaymentAttempt.phone == phone, begun, CheckoutSession.payment_link == link.id, paid | waiting)
    return next(iter(own.order_by(PaymentAttempt.created_at.desc()).limit(1)), None)


def _shares_link(one: CheckoutSession, other: CheckoutSession) -> bool:
    return one.payment_link_id is not None and one.payment_link_id == other.payment_link_id


def _payment(attempt: PaymentAttempt) -> Earlier:
    return {
        "id": attempt.id,
        "kind": "payment" if attempt.status == AttemptStatus.SUCCEEDED else "waiting",
        "amount": attempt.amount,
        "currency": attempt.currency,
        "at": clock.unix(attempt.settled_at or attempt.created_at),
        "reference": references.of_attempt(attempt),
        "type": attempt.type,
        "operator": attempt.operator,
    }


def _subscription(subscription: Subscription) -> Earlier:
    return {
        "id": subscription.id,
        "kind": "subscription",
        "amount": subscription.amount + subscription.fee_amount,
        "currency": subscription.currency,
        "interval": subscription.interval,
        "interval_count": subscription.interval_count,
        "at": clock.unix(subscription.created_at),
    }
