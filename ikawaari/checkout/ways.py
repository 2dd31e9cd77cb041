"""What a page's visitor can do beside paying and waiting: read once, before the page is rendered, as one value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ikawaari import clock
from ikawaari.checkout import abandonment, accounts, enquiry, invoices, subscriptions, trials
from ikawaari.checkout.snapshots import Snapshot
from ikawaari.states import UNSETTLED, PaymentStatus, RefundStatus, SessionStatus, SubscriptionStatus
from ikawaari.store.models import CardSetup, Invoice, PaymentAttempt, Refund, Subscription

_REFUNDED = (PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED)
_SHOWN = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)


@dataclass(frozen=True)
class OpenInvoice:
    """A period of a subscription that is not paid. Its page is at `/{session}`; instants in Unix seconds.

    `amount`, in the currency's smallest unit, has the fee that was agreed last; `ends_at`: when the subscription ends
    if nobody pays, None if that is not known yet.
    """

    session: str
    amount: int
    period_start: int
    period_end: int
    ends_at: int | None


@dataclass(frozen=True)
class RefundRow:
    """A part of the payment on its way back. `at`: when it was returned, or is under way since, in Unix seconds."""

    amount: int
    at: int
    is_pending: bool


@dataclass(frozen=True, kw_only=True)
class Ways:
    """The ways on, as templates read them under the name `ways`. A way that is None or empty is left out of the page.

    `check`: whether a form without fields may post to `{page}/check`, to have the provider asked now: also about a
    payment that failed lately, and on a page that has expired since.
    `cancel`: the name of the running payment, if it can be called off. A form posts it to `{page}/cancel` as `payment`;
    then the open form returns. `asks_until`: until when, at least, the provider of the running payment is asked what
    became of it, in Unix seconds; it does not say when another payment may start. None once that is over.
    `invoice`: the oldest period that a past-due subscription owes. `resume`: whether a form without fields may post to
    `{page}/resume`, so that a stopped subscription goes on.
    `refunds`: oldest first, once some of the payment was returned; `left_paid`: what the shop keeps of it.
    """

    check: bool = False
    cancel: str = ""
    asks_until: int | None = None
    invoice: OpenInvoice | None = None
    resume: bool = False
    refunds: Sequence[RefundRow] = ()
    left_paid: int = 0


NONE = Ways()


def of(shown: Snapshot, now: datetime) -> Ways:
    """The ways on from a session's page."""
    if (running := _running(shown)) is not None:
        return _while_running(running, now)
    if shown.session.payment_status in _REFUNDED:
        return _after_refunds(shown)
    subscription = shown.subscription
    if subscription is None:
        return Ways(check=enquiry.worth_a_check(shown.attempts, now) is not None)
    return Ways(invoice=_open_invoice(subscription, now), resume=subscriptions.may_be_resumed(subscription, now))


def _while_running(running: PaymentAttempt | CardSetup, now: datetime) -> Ways:
    name = abandonment.name_of(running) if abandonment.is_possible(running) else ""
    channel = accounts.channel(running.provider)
    # A code that is sent begins this time again, so it is at least this.
    until = running.created_at + channel.times.settles_within if channel else now
    return Ways(check=True, cancel=name, asks_until=clock.unix(until) if until > now else None)


def _running(shown: Snapshot) -> PaymentAttempt | CardSetup | None:
    """The payment, or the card of a trial, that its payer waits for."""
    session, running = shown.session, next((one for one in shown.attempts if one.status in UNSETTLED), None)
    begins_trial = session.livemode and session.status == SessionStatus.OPEN and subscriptions.trial_days(session)
    return trials.running(session.id) if running is None and begins_trial else running


def _after_refunds(shown: Snapshot) -> Ways:
    paid = next((one for one in shown.attempts if one.counted), None)
    if paid is None:
        return NONE
    own = (Refund.attempt == paid.id) & ~Refund.held & Refund.status.in_([one.value for one in _SHOWN])
    rows = [_row(refund) for refund in Refund.select().where(own).order_by(Refund.created_at, Refund.id)]
    returned = sum(row.amount for row in rows if not row.is_pending)
    return Ways(refunds=tuple(rows), left_paid=paid.amount - returned)


def _row(refund: Refund) -> RefundRow:
    is_pending = refund.status == RefundStatus.PENDING
    return RefundRow(refund.amount, clock.unix(refund.settled_at or refund.created_at), is_pending)


def _open_invoice(subscription: Subscription, now: datetime) -> OpenInvoice | None:
    if subscription.status != SubscriptionStatus.PAST_DUE:
        return None
    return next((_told(one) for one in invoices.payable_of(subscription, now)), None)


def _told(invoice: Invoice) -> OpenInvoice:
    ends_at = invoices.end_of(invoice)
    return OpenInvoice(
        session=invoice.session_id,
        amount=invoice.amount + invoice.session.fee_amount,
        period_start=clock.unix(invoice.period_start),
        period_end=clock.unix(invoice.period_end),
        ends_at=clock.unix(ends_at) if ends_at else None,
    )
