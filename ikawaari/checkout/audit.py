"""Whether the data is consistent: missing due rows, and books that do not balance. It reads and reports.

It looks for problems that no CHECK can detect, because they span rows. The hourly run and `mend` recreate missing due
rows; nothing here changes money or a status.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import JOIN, SQL, Case, fn

from ikawaari import meters
from ikawaari.checkout import enquiry, invoices, merchant_view, refunds, sessions, snapshots, subscriptions
from ikawaari.events import delivery
from ikawaari.shapes import Mode
from ikawaari.states import (
    UNSETTLED,
    AttemptStatus,
    IntentStatus,
    InvoiceStatus,
    OpenedBy,
    PaymentStatus,
    RefundStatus,
    SessionStatus,
)
from ikawaari.store import due
from ikawaari.store.models import (
    CheckoutSession,
    DueWork,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    Refund,
    Subscription,
    WebhookDelivery,
    WebhookEndpoint,
)

log = structlog.get_logger()
_OVERLAP = timedelta(minutes=5)  # between two runs: rows that were being written during the first one


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One problem."""

    finding: str
    object: str  # its id; of an endpoint's lane, the due row's subject
    details: str = ""

    @property
    def is_mendable(self) -> bool:
        """Whether `mend` repairs it: a due row is missing."""
        return self.finding in _MENDED


def findings(since: datetime | None = None) -> list[Finding]:
    """The problems of rows that are open, or have changed since then; of all rows if None.

    If a payment is booked between two of our queries, it looks like a difference. To avoid this, findings are checked a
    second time, and only count if they are exactly the same.
    """
    found = _look(since)
    again = set(_look(since)) if found else set()
    return [one for one in found if one in again]


def _look(since: datetime | None) -> list[Finding]:
    return [one for check in (*_DUE_WORK, *_BOOKS) for one in check(since)]


def mend(found: Finding, now: datetime) -> bool:
    """Recreate the missing due row, due now. False for a finding that needs a person."""
    kind = _MENDED.get(found.finding)
    if kind is None:
        return False
    due.schedule_once(kind, found.object, now, lane=_lane_of(found))
    return True


def run_hourly(last_run: datetime | None, now: datetime) -> None:
    """Check what is open or has changed since the last run, repair what is safe, and log and count the findings."""
    for found in findings(last_run - _OVERLAP if last_run else None):
        mended = mend(found, now)
        log.warning("audit_finding", finding=found.finding, object=found.object, details=found.details, mended=mended)
        meters.AUDIT_FINDINGS.count(found.finding, "yes" if mended else "no")


# ---------------------------------------------------------------- work that no row will do


def _without(kind: str, column: Any) -> Any:
    """The condition that no due row of `kind` is there for `column`."""
    return _is_missing(DueWork, (DueWork.kind == kind) & (DueWork.subject == column))


def _is_missing(table: Any, which: Any) -> Any:
    """The condition that a table has no row that is `which`.

    Never NOT IN: PostgreSQL compares every row with every other as soon as the second table does not fit its memory.
    """
    return ~fn.EXISTS(table.select(SQL("1")).where(which))


def _unsettled_attempts(_since: datetime | None) -> Iterator[Finding]:
    unsettled = PaymentAttempt.status.in_(UNSETTLED)
    for row in PaymentAttempt.select().where(unsettled, _without(enquiry.ENQUIRE, PaymentAttempt.id)):
        yield Finding(finding="attempt_without_enquiry", object=row.id, details=row.status)


def _pending_refunds(_since: datetime | None) -> Iterator[Finding]:
    pending = Refund.status == RefundStatus.PENDING
    for row in Refund.select().where(pending, _without(refunds.SEND, Refund.id)):
        yield Finding(finding="refund_without_sending", object=row.id, details=row.attempt_id)


def _open_sessions(_since: datetime | None) -> Iterator[Finding]:
    # A renewal's page expires with its invoice, which has a row of its own.
    own = (CheckoutSession.status == SessionStatus.OPEN) & (CheckoutSession.opened_by != OpenedBy.RENEWAL)
    for row in CheckoutSession.select().where(own, _without(sessions.EXPIRE, CheckoutSession.id)):
        yield Finding(finding="session_without_expiry", object=row.id, details=row.payment_status)


def _live_subscriptions(_since: datetime | None) -> Iterator[Finding]:
    live = Subscription.status.not_in(subscriptions.ENDED)
    for row in Subscription.select().where(live, _without(subscriptions.RENEW, Subscription.id)):
        yield Finding(finding="subscription_without_renewal", object=row.id, details=row.status)


def _open_invoices(_since: datetime | None) -> Iterator[Finding]:
    waiting = Invoice.status == InvoiceStatus.OPEN
    for row in Invoice.select().where(waiting, _without(invoices.COLLECT, Invoice.id)):
        yield Finding(finding="invoice_without_collection", object=row.id, details=row.subscription_id)


def _pending_deliveries(_since: datetime | None) -> Iterator[Finding]:
    taking = WebhookEndpoint.enabled & WebhookEndpoint.failing_since.is_null()
    lanes = WebhookDelivery.select(WebhookDelivery.endpoint, WebhookDelivery.lane).join(WebhookEndpoint)
    for row in lanes.where(delivery.is_pending(), taking).distinct():
        subject = delivery.subject_of(row.endpoint_id, row.lane)
        if not due.find([delivery.DELIVER], [subject]):
            yield Finding(finding="deliveries_without_lane", object=subject)


def _lane_of(found: Finding) -> str:
    """The provider whose calls the missing row waits for; empty if none."""
    if found.finding == "invoice_without_collection":
        subscription = Subscription.get_by_id(Invoice.get_by_id(found.object).subscription_id)
        return str(subscription.payment_method["provider"])
    if found.finding == "refund_without_sending":
        return str(PaymentAttempt.get_by_id(Refund.get_by_id(found.object).attempt_id).provider)
    is_attempt = found.finding == "attempt_without_enquiry"
    return str(PaymentAttempt.get_by_id(found.object).provider) if is_attempt else ""


_MENDED = {
    "attempt_without_enquiry": enquiry.ENQUIRE,
    "refund_without_sending": refunds.SEND,
    "session_without_expiry": sessions.EXPIRE,
    "subscription_without_renewal": subscriptions.RENEW,
    "invoice_without_collection": invoices.COLLECT,
    "deliveries_without_lane": delivery.DELIVER,
}


# ---------------------------------------------------------------- books that differ


def _changed(model: Any, since: datetime | None, *columns: Any) -> Any:
    """The condition that a row was written since then, as far as its instants tell."""
    if since is None:
        return model.id.is_null(False)
    condition = model.created_at >= since
    for column in columns:
        condition |= column >= since
    return condition


def _touched_intents(since: datetime | None) -> Any:
    """The intents whose money may have moved since then; all of them, for None."""
    if since is None:
        return PaymentIntent.select()
    tried = PaymentAttempt.select(PaymentAttempt.intent).where(
        _changed(PaymentAttempt, since, PaymentAttempt.settled_at) | PaymentAttempt.status.in_(UNSETTLED)
    )
    returned = Refund.select(Refund.intent).where(
        _changed(Refund, since, Refund.settled_at) | (Refund.status == RefundStatus.PENDING)
    )
    return PaymentIntent.select().where(PaymentIntent.id.in_(tried.union(returned)))


def _amount(condition: Any, column: Any) -> Any:
    return fn.COALESCE(fn.SUM(Case(None, [(condition, column)], 0)), 0)


def _attempts(since: datetime | None) -> Iterator[Finding]:
    """Counters against refunds, and received = counted + returned + held + closed."""
    attempts: Any = PaymentAttempt.select(
        PaymentAttempt,
        _amount(Refund.status == RefundStatus.SUCCEEDED, Refund.amount).alias("given"),
        _amount(Refund.status == RefundStatus.PENDING, Refund.amount).alias("pending"),
        _amount((Refund.status == RefundStatus.SUCCEEDED) & Refund.held, Refund.amount).alias("given_of_held"),
    ).join(Refund, JOIN.LEFT_OUTER)
    of_them = PaymentAttempt.intent.in_(_touched_intents(since).select(PaymentIntent.id))
    for row in attempts.where(of_them).group_by(PaymentAttempt.id):
        if (row.returned, row.promised) != (row.given, row.pending):
            told = f"returned {row.returned}, promised {row.promised}; refunds: {row.given}, {row.pending}"
            yield Finding(finding="attempt_differs_from_its_refunds", object=row.id, details=told)
        # What was closed is of held money, or else of a payment that was to be returned.
        left = (row.amount_received or 0) - row.counted - row.held - row.given_of_held
        if left != row.closed and not (row.counted and left == 0):
            told = f"received {row.amount_received}, counted {row.counted}, held {row.held}, closed {row.closed}"
            yield Finding(finding="attempt_books_do_not_add_up", object=row.id, details=told)


def _intents(since: datetime | None) -> Iterator[Finding]:
    """What an intent says that it received and gave back, against its attempts and refunds; its status against both."""
    for intent in _touched_intents(since):
        attempts = snapshots.attempts_of(intent)
        counted = sum(row.counted for row in attempts)
        live = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
        of_payment = (Refund.intent == intent.id) & ~Refund.held & Refund.status.in_(live)
        refunded = int(Refund.select(fn.SUM(Refund.amount)).where(of_payment).scalar() or 0)
        refunded = min(refunded, intent.amount_received)  # more than that went back: an incident tells of it
        if (intent.amount_received, intent.amount_refunded) != (counted, refunded):
            told = f"received {intent.amount_received} of {counted}, refunded {intent.amount_refunded} of {refunded}"
            yield Finding(finding="intent_differs_from_its_attempts", object=intent.id, details=told)
        runs = any(row.status in UNSETTLED for row in attempts)
        waits = intent.status in (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION)
        if runs != waits and intent.status != IntentStatus.SUCCEEDED:
            last = attempts[-1].status if attempts else None
            yield Finding(
                finding="intent_status_differs_from_its_attempts", object=intent.id, details=f"{intent.status}, {last}"
            )


def _sessions(since: datetime | None) -> Iterator[Finding]:
    """A session's payment status against its intent."""
    for intent in _touched_intents(since).where(PaymentIntent.session.is_null(False)):
        session = CheckoutSession.get_by_id(intent.session_id)
        expected = _expected(intent)
        if session.payment_status not in expected:
            told = f"{session.payment_status}, its intent {intent.status}"
            yield Finding(finding="session_differs_from_its_intent", object=session.id, details=told)


def _expected(intent: PaymentIntent) -> tuple[PaymentStatus, ...]:
    """What the payment status of an intent's session may be."""
    if intent.status in (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION):
        return (PaymentStatus.PROCESSING,)
    if intent.status != IntentStatus.SUCCEEDED:
        return (PaymentStatus.UNPAID,)
    done = (Refund.intent == intent.id) & ~Refund.held & (Refund.status == RefundStatus.SUCCEEDED)
    returned = int(Refund.select(fn.SUM(Refund.amount)).where(done).scalar() or 0)
    if returned == 0:
        return (PaymentStatus.PAID,)
    whole = returned >= intent.amount_received
    return (PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED,)


def _subscribed(since: datetime | None) -> Iterator[Finding]:
    """Invoices against their pages; sessions that were to start a subscription and did not."""
    ended = _changed(CheckoutSession, since, CheckoutSession.completed_at)
    pages = Invoice.select(Invoice, CheckoutSession).join(CheckoutSession).where(ended)
    for invoice in pages:
        paid = invoice.session.payment_status in merchant_view.PAID
        if (invoice.status == InvoiceStatus.PAID and not paid) or (invoice.status == InvoiceStatus.OPEN and paid):
            told = f"{invoice.status}, its page {invoice.session.payment_status}"
            yield Finding(finding="invoice_differs_from_its_page", object=invoice.id, details=told)
    is_unstarted = _is_missing(Subscription, Subscription.session == CheckoutSession.id)
    complete = (CheckoutSession.mode == Mode.SUBSCRIPTION.value) & (CheckoutSession.status == SessionStatus.COMPLETE)
    for session in CheckoutSession.select().where(complete, ended, is_unstarted):
        yield Finding(finding="session_without_subscription", object=session.id)


def _settled(since: datetime | None) -> Iterator[Finding]:
    """Two attempts that succeeded, of which none counts, or an intent that is paid by none."""
    counted = PaymentAttempt.alias()
    is_uncounted = _is_missing(counted, (counted.intent == PaymentAttempt.intent) & (counted.counted > SQL("0")))
    taken = (PaymentAttempt.status == AttemptStatus.SUCCEEDED) & is_uncounted
    changed = _changed(PaymentAttempt, since, PaymentAttempt.settled_at)
    for row in PaymentAttempt.select().where(taken, changed):
        yield Finding(finding="success_that_counts_for_nothing", object=row.id, details=row.intent_id)


_Check = Callable[[datetime | None], Iterator[Finding]]
_DUE_WORK: tuple[_Check, ...] = (
    _unsettled_attempts,
    _pending_refunds,
    _open_sessions,
    _live_subscriptions,
    _open_invoices,
    _pending_deliveries,
)
_BOOKS: tuple[_Check, ...] = (_attempts, _intents, _sessions, _subscribed, _settled)
