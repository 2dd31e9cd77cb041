"""Subscriptions: agreements to pay again each period. The first payment creates one, and paid invoices continue it.

To change one, lock it first, then intents and sessions, then write its invoices: see `lock_for_payment`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from peewee import JOIN

from ikawaari import errors, ids, store
from ikawaari.checkout import (
    accounts,
    customers,
    invoices,
    merchant_view,
    outbox,
    payment_methods,
    provider_states,
    references,
    routing,
    snapshots,
)
from ikawaari.checkout.payment_methods import PaymentMethod
from ikawaari.checkout.routing import Wanted
from ikawaari.errors import Conflict, Unavailable
from ikawaari.money import Money
from ikawaari.paging import PageRequest
from ikawaari.providers.base import FailureCode
from ikawaari.providers.capabilities import Renewals
from ikawaari.providers.channel import Channel
from ikawaari.shapes import ColumnValues, Interval, JsonObject, MethodType, Mode, Page
from ikawaari.states import InvoiceStatus, SubscriptionStatus
from ikawaari.store import due
from ikawaari.store.listing import Listing
from ikawaari.store.models import (
    CheckoutSession,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    Subscription,
)
from ikawaari.store.owner import Owner

RENEW, REMIND = "subscription.renew", "subscription.remind"
ENDED = (SubscriptionStatus.UNPAID, SubscriptionStatus.CANCELED)  # nothing more is due
NOTICE = timedelta(days=3)  # how long before its end a trial's end is announced
_UNITS = {Interval.DAY: "days", Interval.WEEK: "weeks", Interval.MONTH: "months", Interval.YEAR: "years"}


@dataclass(frozen=True)
class Agreement:
    """The payment method that a payer agreed to, and its fee, in the currency's smallest unit.

    They are one value: another method has another fee, to which nobody agreed.
    """

    method: PaymentMethod
    fee: int

    @classmethod
    def of(cls, attempt: PaymentAttempt) -> "Agreement":
        """What the payer of `attempt` agreed to."""
        return cls(payment_methods.of(attempt), attempt.fee_amount)

    @property
    def columns(self) -> ColumnValues:
        """The columns of the subscription that store it."""
        return {"payment_method": asdict(self.method), "fee_amount": self.fee}


def agreed(subscription: Subscription) -> Agreement | None:
    """How the subscription is charged off session: by the method that paid last, at the fee agreed to then.

    None if only its invoices' pages take payments. Raises Unavailable if no account takes it now.
    """
    method = payment_methods.saved(subscription.payment_method)
    renewing = _renewing(subscription, method)
    if renewing == [] or not may_be_asked(subscription):
        return None
    for one in renewing or ():
        if not routing.is_down(one.id, method.operator):
            return Agreement(replace(method, provider=one.id), subscription.fee_amount)
    raise Unavailable(errors.NO_PROVIDER)


def can_be_charged(subscription_id: str) -> bool:
    """Whether the try that is due can be made now: by an account, or else by the invoice's page."""
    subscription = Subscription.get_by_id(subscription_id)
    method = payment_methods.saved(subscription.payment_method)
    renewing = _renewing(subscription, method)
    return renewing == [] or any(not routing.is_down(one.id, method.operator) for one in renewing or ())


def account_of(subscription: Subscription) -> str | None:
    """The account whose call a renewal that begins now would wait for; None if its page alone takes the payment."""
    method = payment_methods.saved(subscription.payment_method)
    renewing = _renewing(subscription, method)
    if renewing is None:
        return method.provider
    return renewing[0].id if renewing else None


def _renewing(subscription: Subscription, method: PaymentMethod) -> Sequence[Channel] | None:
    """The accounts that charge the method without its payer, also those whose breaker is open: they are waited for.

    None if no account takes it at all. Empty if each needs the payer on a page, or with a code, or does not take so
    much: then nobody waits for what may never come.
    """
    channels = _channels(subscription, method)
    money = Money(subscription.amount + subscription.fee_amount, subscription.currency)
    reaches = [(one, one.reach_now(method.operator)) for one in channels]
    able = [one for one, reach in reaches if reach and reach.renewals is not Renewals.NONE and reach.takes(money)]
    return able if channels else None


def _channels(subscription: Subscription, method: PaymentMethod) -> Sequence[Channel]:
    """Where the method can be charged: what an account keeps, such as a card, there alone; a wallet anywhere."""
    if method.type == MethodType.CARD or method.saved:
        holding = accounts.channel(method.provider)
        return [holding] if holding and provider_states.takes_charges(method.provider) else []
    return routing.reaching(
        Wanted(
            merchant_id=subscription.merchant_id,
            livemode=subscription.livemode,
            method_type=method.type,
            operator=method.operator,
            currency=subscription.currency,
        )
    )


def period_end(anchor: datetime, interval: str, interval_count: int, periods: int = 1) -> datetime:
    """The end of the `periods`-th period from the anchor: 31 January, then 28 February, then 31 March again."""
    step: dict[str, Any] = {_UNITS[Interval(interval)]: interval_count * periods}
    return anchor + relativedelta(**step)


def end_of_period(subscription: Subscription, number: int) -> datetime:
    """The end of the subscription's period of that number; 0: the trial, or the beginning."""
    return period_end(subscription.anchor_at, subscription.interval, subscription.interval_count, number)


def lacks_contact(session: CheckoutSession) -> bool:
    """Whether nobody could be notified of a failed renewal of the subscription: no email and no number is known.

    A wallet that pays provides its number.
    """
    told = session.customer_details
    known = (session.customer_email, session.customer_phone, told.get("email"), told.get("phone"))
    return session.mode == Mode.SUBSCRIPTION and not any(known)


def trial_days(session: CheckoutSession) -> int:
    """How many days the session's subscription runs before its first payment; 0 without a trial."""
    return (session.recurring or {}).get("trial_period_days") or 0


_LISTING = Listing(Subscription, "subscription", {"status": Subscription.status, "customer": Subscription.customer})
owned = _LISTING.owned


def listed(owner: Owner, wanted: PageRequest) -> Page:
    """A page of the owner's subscriptions."""
    return _LISTING.page(_LISTING.rows(owner), wanted, _rendered)


def _rendered(rows: Sequence[Subscription]) -> list[JsonObject]:
    return [merchant_view.subscription(shown) for shown in snapshots.of_subscriptions(rows)]


def activate(session: CheckoutSession, agreement: Agreement, now: datetime) -> None:
    """Start the subscription of a session in subscription mode, in the caller's transaction. Once per session.

    With a trial the first period is the trial and nothing was paid for it; without one, `paid` pays the first invoice.
    Periods are counted from `now`; if the money was late, from its arrival.
    """
    if session.mode != Mode.SUBSCRIPTION:
        return
    every = (session.recurring["interval"], session.recurring["interval_count"])
    trial_end = now + timedelta(days=trial_days(session)) if trial_days(session) else None
    subscription_id = ids.new("sub")
    made = Subscription.insert_once(
        id=subscription_id,
        merchant=session.merchant_id,
        livemode=session.livemode,
        session=session.id,
        status=SubscriptionStatus.TRIALING if trial_end else SubscriptionStatus.ACTIVE,
        amount=session.amount,
        currency=session.currency,
        interval=every[0],
        interval_count=every[1],
        **agreement.columns,
        anchor_at=trial_end or now,
        period=0 if trial_end else 1,
        current_period_start=now,
        current_period_end=trial_end or period_end(now, *every),
        trial_end=trial_end,
        reference=references.of_trial(session.id) if trial_end else None,
        customer=session.customer_id,
        created_at=now,
    )
    if made:
        _begin(Subscription.get_by_id(subscription_id), session, now)


def lock_for_payment(attempt_id: str) -> str:
    """Lock the subscription whose invoice the attempt pays, if there is one. Returns the id of the attempt's intent.

    It is locked before the intent itself. A cancellation could hold the subscription and wait for its
    sessions, while a payment report holds the session and wants the subscription.
    """
    paying = PaymentAttempt.select(PaymentAttempt.intent, Invoice.subscription).join(PaymentIntent)
    paying = paying.join(Invoice, JOIN.LEFT_OUTER, on=(Invoice.session == PaymentIntent.session))
    found: Any = paying.where(PaymentAttempt.id == attempt_id).tuples().get()
    intent_id, subscription_id = found
    if subscription_id is not None:
        Subscription.lock(subscription_id)
    return str(intent_id)


def has_been_canceled(session: CheckoutSession) -> bool:
    """Whether the session is an invoice's page, and the subscription was canceled: it has ended."""
    invoice = invoices.of(session)
    return invoice is not None and Subscription.get_by_id(invoice.subscription_id).status == SubscriptionStatus.CANCELED


def paid(session: CheckoutSession, agreement: Agreement, now: datetime) -> None:
    """The session is paid: pay its invoice, too, and store the method that paid it for the next one."""
    invoice = invoices.of(session)
    if invoice is None or not outbox.try_move(invoice, InvoiceStatus.PAID, now, paid_at=now, next_try_at=None):
        return
    subscription = Subscription.get_by_id(invoice.subscription_id)
    subscription.change(**agreement.columns)
    _recover(subscription, now)


def failed(session: CheckoutSession, attempt: PaymentAttempt, now: datetime) -> None:
    """An attempt of the session failed: if it is an open invoice's page, retries continue.

    An outage is not a failed payment. Our try is postponed; the payer's own try does not change our schedule.
    """
    invoice = invoices.of(session)
    if invoice is None or invoice.status != InvoiceStatus.OPEN:
        return
    if attempt.failure_code != FailureCode.PROVIDER_UNAVAILABLE:
        subscription = Subscription.get_by_id(invoice.subscription_id)
        _note_spent(subscription, attempt)
        alone = account_of(subscription) is None or not may_be_asked(subscription)
        invoices.schedule_retry(invoice, now, by_page_alone=alone)
        outbox.publish("invoice.payment_failed", invoice, now)
        outbox.try_move(subscription, SubscriptionStatus.PAST_DUE, now)
    elif attempt.off_session:
        invoices.wait_out_outage(invoice, now)


def _note_spent(subscription: Subscription, attempt: PaymentAttempt) -> None:
    """A bank may say that its card will never pay again: it is not charged again, until another card has paid."""
    tried, kept = attempt.saved_method or {}, subscription.payment_method.get("saved") or {}
    if tried.get("is_spent") and tried["id"] == kept.get("id"):
        subscription.change(payment_method={**subscription.payment_method, "saved": tried})


def may_be_asked(subscription: Subscription) -> bool:
    """Whether the saved method may be charged off session: not a card that never pays again.

    A trial does not prove that a phone number is the payer's; it may be a stranger's. Such a number gets one prompt,
    unless it has paid this merchant before. This applies to the subscription: its next period does not prompt again.
    """
    if (subscription.payment_method.get("saved") or {}).get("is_spent"):
        return False
    phone = subscription.payment_method.get("phone")
    if phone is None or customers.has_paid(subscription.merchant_id, subscription.livemode, phone):
        return True
    prompts = PaymentAttempt.select().join(PaymentIntent).join(Invoice, on=(Invoice.session == PaymentIntent.session))
    reached = PaymentAttempt.failure_code.is_null() | (
        PaymentAttempt.failure_code != FailureCode.PROVIDER_UNAVAILABLE.value
    )
    sent = (PaymentAttempt.off_session == True) & (PaymentAttempt.phone == phone) & reached  # noqa: E712 - SQL
    return not prompts.where(Invoice.subscription == subscription.id, sent).exists()


def give_up(invoice_id: str, now: datetime) -> None:
    """Nobody paid the invoice in time: end its subscription by the merchant's setting, as `unpaid` or `canceled`."""
    with store.atomic():
        invoice = Invoice.get_by_id(invoice_id)
        subscription = Subscription.lock(invoice.subscription_id)
        # Late money, or a cancellation, may have arrived while this waited for the lock.
        if not outbox.try_move(invoice, InvoiceStatus.UNCOLLECTIBLE, now, next_try_at=None):
            return
        if Merchant.get_by_id(subscription.merchant_id).unpaid_subscriptions == "canceled":
            end(subscription, now)
            return
        outbox.try_move(subscription, SubscriptionStatus.PAST_DUE, now)
        _void_open_invoices(subscription, now)
        outbox.move(subscription, SubscriptionStatus.UNPAID, now)


def cancel(
    subscription: Subscription, now: datetime, *, at_period_end: bool = False, by_payer: bool = False
) -> Subscription:
    """Cancel a subscription: now, with its open invoices, or at its next renewal. Raises Conflict if it has ended.

    `by_payer`: its payer stops it on the page, and may change their mind. What its merchant stops stays stopped.
    """
    with store.atomic():
        locked = Subscription.lock(subscription.id)
        if locked.status == SubscriptionStatus.CANCELED:
            raise Conflict(errors.STATE_FORBIDS, "The subscription is canceled already.")
        if not at_period_end or locked.status == SubscriptionStatus.UNPAID:  # an unpaid one has no next renewal
            end(locked, now)
        elif not locked.cancel_at_period_end:
            locked.change(cancel_at_period_end=True, stopped_by_payer=by_payer)
            outbox.publish("subscription.updated", locked, now)
        elif locked.stopped_by_payer and not by_payer:
            locked.change(stopped_by_payer=False)
    return locked


def may_be_resumed(subscription: Subscription, now: datetime) -> bool:
    """Whether its payer stopped it, and it has not ended: at the end of its period, even if no worker was there yet."""
    stopped = subscription.cancel_at_period_end and subscription.stopped_by_payer
    return bool(stopped and subscription.status not in ENDED and subscription.current_period_end > now)


def resume(subscription: Subscription, now: datetime) -> None:
    """Take up a subscription that its payer stopped: its renewals go on. Raises Conflict if that is not possible."""
    with store.atomic():
        # If the period ends at once, `renewals.renew` waits for this lock, or has ended the subscription before.
        locked = Subscription.lock(subscription.id)
        if not may_be_resumed(locked, now):
            raise Conflict(errors.STATE_FORBIDS, "The subscription cannot be resumed.")
        locked.change(cancel_at_period_end=False, stopped_by_payer=False)
        outbox.publish("subscription.updated", locked, now)


def end(subscription: Subscription, now: datetime) -> None:
    """Cancel a locked subscription: its payer is charged no more."""
    _void_open_invoices(subscription, now)
    outbox.move(subscription, SubscriptionStatus.CANCELED, now, canceled_at=now)


def _begin(subscription: Subscription, session: CheckoutSession, now: datetime) -> None:
    """Publish a new subscription, open its first invoice unless it starts with a trial, and schedule its renewal."""
    if subscription.trial_end is None:
        invoice = invoices.open_first(subscription, session, now)
        outbox.publish("subscription.created", subscription, now)
        outbox.publish("invoice.created", invoice, now)
    else:
        outbox.publish("subscription.created", subscription, now)
        due.schedule(REMIND, subscription.id, max(now, subscription.trial_end - NOTICE))
    due.schedule(RENEW, subscription.id, subscription.current_period_end)


def _recover(subscription: Subscription, now: datetime) -> None:
    """An invoice was paid: the subscription is active again, unless another open one has failed."""
    stood_still = subscription.status == SubscriptionStatus.UNPAID
    if invoices.has_failed(subscription) or not subscription.try_move("status", SubscriptionStatus.ACTIVE):
        return
    if stood_still:
        _catch_up(subscription, now)
    outbox.publish_move(subscription, now)


def _void_open_invoices(subscription: Subscription, now: datetime) -> None:
    for invoice in invoices.open_of(subscription):
        invoices.void(invoice, now)


def _catch_up(subscription: Subscription, now: datetime) -> None:
    """Schedule its renewal again. Periods that passed meanwhile are not charged; the current one is."""
    last = subscription.period
    while end_of_period(subscription, last + 1) <= now:
        last += 1
    if last > subscription.period:
        starts_at, ends_at = end_of_period(subscription, last - 1), end_of_period(subscription, last)
        subscription.change(period=last, current_period_start=starts_at, current_period_end=ends_at)
    due.schedule(RENEW, subscription.id, subscription.current_period_end)
