"""Renewals: what time does to subscriptions. Each period is invoiced once, each invoice charged until paid or given up.

All of it is due work: it may run twice, late, or in many workers at once.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from ikawaari import store
from ikawaari.checkout import attempts, invoices, outbox, sessions, subscriptions
from ikawaari.errors import Conflict, Declined, Gone, Unavailable
from ikawaari.events import events
from ikawaari.states import InvoiceStatus, SubscriptionStatus
from ikawaari.store.models import Invoice, Subscription

_LATER = timedelta(hours=1)


def renew(subscription_id: str, now: datetime) -> datetime | None:
    """Begin the next period if its time has come, or end the subscription. Returns when the one after is due.

    One period a call: after an outage each missed one is begun in turn.
    """
    with store.atomic():
        # The race of two workers: the lock lets them in one by one, and the second finds the period begun.
        subscription = Subscription.lock(subscription_id)
        if subscription.status in subscriptions.ENDED:
            return None
        ends_at: datetime = subscription.current_period_end
        if ends_at > now:
            return ends_at
        if subscription.cancel_at_period_end:
            subscriptions.end(subscription, now)
            return None
        return _begin_period(subscription, now)


def remind(subscription_id: str, now: datetime) -> None:
    """Tell, once, that a trial ends."""
    with store.atomic():
        subscription = Subscription.lock(subscription_id)
        trialing = subscription.status == SubscriptionStatus.TRIALING
        if trialing and not events.was_recorded("subscription.trial_will_end", subscription_id):
            outbox.publish("subscription.trial_will_end", subscription, now)


def collect(invoice_id: str, now: datetime) -> datetime | None:
    """Charge the saved payment method for an open invoice when a try is due, or give the invoice up at its end.

    Returns when to come again, at the latest: a payment that fails says by itself when the next try is.
    """
    invoice = Invoice.get_by_id(invoice_id)
    if invoice.status != InvoiceStatus.OPEN:
        return None
    ends_at = invoices.end_of(invoice)
    if ends_at and ends_at <= now:
        return _give_up(invoice, now)
    if invoice.next_try_at and invoice.next_try_at <= now:
        if not subscriptions.can_be_charged(invoice.subscription_id):
            return invoices.wait_for_provider(invoice.id, now)
        # Declined, or not sent: dunning goes on. Gone, or somebody pays just now: what becomes of that decides.
        with suppress(Declined, Conflict, Gone, Unavailable):
            attempts.pay_saved(invoice, now)
    return _next(Invoice.get_by_id(invoice_id), now)


def _next(invoice: Invoice, now: datetime) -> datetime | None:
    """When to look again: at the end, unless a try is still to come that somebody else's payment has held up."""
    if invoice.status != InvoiceStatus.OPEN:
        return None
    if invoice.next_try_at is None:
        return invoices.end_of(invoice)
    held_up: datetime = max(invoice.next_try_at, now + _LATER)
    return held_up


def _begin_period(subscription: Subscription, now: datetime) -> datetime:
    """Move the subscription on by one period, counted from its anchor, and open that period's invoice. Its end."""
    number, starts_at = subscription.period + 1, subscription.current_period_end
    ends_at = subscriptions.end_of_period(subscription, number)
    invoice = invoices.open_next(subscription, (number, starts_at, ends_at), now)
    subscription.change(period=number, current_period_start=starts_at, current_period_end=ends_at)
    outbox.publish("subscription.updated", subscription, now)
    outbox.publish("invoice.created", invoice, now)
    return ends_at


def _give_up(invoice: Invoice, now: datetime) -> datetime | None:
    """The days of dunning are over; a payment that began in time is waited for, as on every page."""
    running_until = sessions.expire_when_due(invoice.session_id, now)
    if running_until is None:
        subscriptions.give_up(invoice.id, now)
    return running_until
