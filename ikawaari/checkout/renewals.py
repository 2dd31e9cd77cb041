"""Renewals: the scheduled part of subscriptions. Each period is invoiced once, and each invoice is charged until it is
paid or given up. All of it is due work: it may run twice, late, or in many workers at once.
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
    """Start the next period if it is due, or end the subscription. Returns when the following one is due.

    One period per call: after an outage the missed ones are started one after the other.
    """
    with store.atomic():
        # If two workers race, the lock admits one at a time, and the second finds the period started.
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
    """Publish, once, that a trial is about to end."""
    with store.atomic():
        subscription = Subscription.lock(subscription_id)
        trialing = subscription.status == SubscriptionStatus.TRIALING
        if trialing and not events.was_recorded("subscription.trial_will_end", subscription_id):
            outbox.publish("subscription.trial_will_end", subscription, now)


def collect(invoice_id: str, now: datetime) -> datetime | None:
    """Charge the saved payment method for an open invoice if a try is due, or give the invoice up at its end.

    Returns when to run again at the latest: a payment that fails schedules the next try itself.
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
        # Declined, or not sent: retries continue. Gone, or somebody is paying now: the result of that decides.
        with suppress(Declined, Conflict, Gone, Unavailable):
            attempts.pay_saved(invoice, now)
    return _next(Invoice.get_by_id(invoice_id), now)


def _next(invoice: Invoice, now: datetime) -> datetime | None:
    """When to check again: at the end, unless a try is due that another payment has delayed."""
    if invoice.status != InvoiceStatus.OPEN:
        return None
    if invoice.next_try_at is None:
        return invoices.end_of(invoice)
    held_up: datetime = max(invoice.next_try_at, now + _LATER)
    return held_up


def _begin_period(subscription: Subscription, now: datetime) -> datetime:
    """Advance the subscription by one period, counted from its anchor, and open its invoice. Returns its end."""
    number, starts_at = subscription.period + 1, subscription.current_period_end
    ends_at = subscriptions.end_of_period(subscription, number)
    account_id = subscriptions.account_of(subscription)
    invoice = invoices.open_next(subscription, (number, starts_at, ends_at), account_id, now)
    subscription.change(period=number, current_period_start=starts_at, current_period_end=ends_at)
    outbox.publish("subscription.updated", subscription, now)
    outbox.publish("invoice.created", invoice, now)
    return ends_at


def _give_up(invoice: Invoice, now: datetime) -> datetime | None:
    """The retry days are over. A payment that started in time may still end, as on every page."""
    running_until = sessions.expire_when_due(invoice.session_id, now)
    if running_until is None:
        subscriptions.give_up(invoice.id, now)
    return running_until
