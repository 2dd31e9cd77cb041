"""After a run: what must hold of our own books, and what must have ended. Each check says what does not hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

from peewee import Case, fn

from ikawaari import store
from ikawaari.checkout import audit
from ikawaari.states import UNSETTLED, DeliveryStatus, IntentStatus, InvoiceStatus, PaymentStatus, RefundStatus
from ikawaari.store.database import database
from ikawaari.store.models import (
    AttemptReport,
    CheckoutSession,
    Incident,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
    ProviderAccount,
    Refund,
    Subscription,
    WebhookDelivery,
    WebhookEndpoint,
)
from tests.chaos.seeded.deliveries import Told

_PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


@contextmanager
def at_one_moment() -> Iterator[None]:
    """What is read from the database inside is of one moment, even if somebody still writes."""
    with store.atomic():
        if store.is_postgres():  # whose statements each see what was committed before; on SQLite nobody else writes
            database.obj.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def contradictions(since: datetime | None = None) -> list[str]:
    """What nobody may see even for a moment, while payments go on, of the intents that were created since then.

    Each kind is read by one statement.
    """
    is_new = PaymentIntent.created_at >= since if since else PaymentIntent.id.is_null(False)
    has_paid = CheckoutSession.payment_status.in_(_PAID)
    columns = (PaymentIntent.id, PaymentIntent.status, PaymentIntent.amount_received)
    sessions = PaymentIntent.select(*columns).join(CheckoutSession)
    unpaid = sessions.where(has_paid, PaymentIntent.status != IntentStatus.SUCCEEDED, is_new)
    paying = fn.COALESCE(fn.SUM(PaymentAttempt.counted), 0)
    booked = PaymentIntent.select(*columns).join(PaymentAttempt).where(is_new).group_by(PaymentIntent.id)
    is_paid = PaymentIntent.status == IntentStatus.SUCCEEDED
    wrong = booked.having((paying != PaymentIntent.amount_received) | (is_paid != (paying > 0)))
    return [
        *(f"the session of intent {row.id} was paid, the intent {row.status}" for row in unpaid),
        *(f"intent {row.id} was {row.status} with {row.amount_received}, not what its attempts say" for row in wrong),
    ]


# ---------------------------------------------------------------- what must have ended


def under_way() -> list[str]:
    """What has not ended: attempts, refunds and deliveries."""
    refunds = Refund.select().where(Refund.status == RefundStatus.PENDING)
    waiting = WebhookDelivery.select().where(WebhookDelivery.status != DeliveryStatus.SUCCEEDED).count()
    failing = WebhookEndpoint.select().where(WebhookEndpoint.failing_since.is_null(False))
    return [
        *unsettled(),
        *(f"refund {row.id} is pending" for row in refunds),
        *(f"endpoint {row.id} is failing" for row in failing),
        *([f"{waiting} deliveries wait"] if waiting else []),
    ]


def unsettled(begun_before: datetime | None = None) -> list[str]:
    """Attempts of which nobody knows how they end."""
    attempts = PaymentAttempt.select().where(PaymentAttempt.status.in_(UNSETTLED))
    if begun_before is not None:
        attempts = attempts.where(PaymentAttempt.created_at < begun_before)
    return [f"attempt {row.id} at {row.provider}: {row.status} ({row.provider_code}), {_last(row)}" for row in attempts]


def _last(attempt: PaymentAttempt) -> str:
    """The account's provider, and the last report."""
    account = ProviderAccount.get_or_none(ProviderAccount.id == attempt.provider)
    report = AttemptReport.select().where(AttemptReport.attempt == attempt.id).order_by(AttemptReport.id.desc()).first()
    told = f"{report.source} {report.result} {report.provider_code} at {report.created_at}" if report else "no report"
    return f"{account.provider if account else 'no account'}: {told}"


# ---------------------------------------------------------------- whether the books balance


def mismatches() -> list[str]:
    """Where our own books contradict each other."""
    found = [f"{one.finding} {one.object} {one.details}" for one in audit.findings()]
    attempts: dict[str, list[PaymentAttempt]] = defaultdict(list)
    for attempt in PaymentAttempt.select():
        attempts[attempt.intent_id].append(attempt)
    statuses: Any = CheckoutSession.select(CheckoutSession.id, CheckoutSession.payment_status).tuples()
    sessions: dict[str, str] = dict(statuses)
    for intent in PaymentIntent.select():
        found += _of_intent(intent, attempts[intent.id], sessions.get(intent.session_id or ""))
    return found


def _of_intent(intent: PaymentIntent, attempts: list[PaymentAttempt], payment_status: str | None) -> Iterator[str]:
    """One attempt at most pays it; whatever else was taken is held, closed, or was returned."""
    paying = [attempt for attempt in attempts if attempt.counted]
    is_paid = intent.status == IntentStatus.SUCCEEDED
    if len(paying) != int(is_paid) or sum(attempt.counted for attempt in paying) != intent.amount_received:
        yield f"intent {intent.id} is {intent.status}, and {len(paying)} attempts pay it"
    for attempt in attempts:
        returned = _returned(attempt) if attempt.amount_received else 0
        free = 0 if attempt in paying else returned
        if (attempt.amount_received or 0) != attempt.counted + attempt.held + attempt.closed + free:
            yield f"attempt {attempt.id}: received {attempt.amount_received}, returned {returned}, held {attempt.held}"
        yield from _returned_too_much(attempt)
    if payment_status is not None and (payment_status in _PAID) != is_paid:
        yield f"session {intent.session_id} is {payment_status}, its intent {intent.status}"


def _returned(attempt: PaymentAttempt) -> int:
    succeeded = (Refund.attempt == attempt.id) & (Refund.status == RefundStatus.SUCCEEDED)
    return int(Refund.select(fn.SUM(Refund.amount)).where(succeeded).scalar() or 0)


def _returned_too_much(attempt: PaymentAttempt) -> Iterator[str]:
    """What went back beyond what there was is known to the operator, and nothing else is."""
    known = Incident.select(fn.SUM(Incident.amount)).where(Incident.attempt == attempt.id).scalar() or 0
    too_much = max(0, _returned(attempt) - (attempt.amount_received or 0))
    if known != attempt.excess or too_much > known:
        yield f"attempt {attempt.id}: {attempt.excess} too much in our books, {known} in incidents"


def wrong_periods() -> Iterator[str]:
    """Periods of subscriptions that were not invoiced one after the other, and paid once or not at all."""
    invoices = Invoice.select().order_by(Invoice.subscription, Invoice.period)
    for one, following in pairwise(invoices):
        is_next = (following.period, following.period_start) == (one.period + 1, one.period_end)
        if one.subscription_id == following.subscription_id and not is_next:
            yield f"invoice {following.id} of period {following.period} does not follow period {one.period}"
    given_back = _given_back()
    times = fn.SUM(Case(None, [(PaymentAttempt.counted > 0, 1)], 0))
    taken = fn.SUM(PaymentAttempt.counted)
    columns = (Invoice.id, Invoice.status, Subscription.amount, Subscription.fee_amount, PaymentIntent.id)
    paying: Any = Invoice.select(*columns, times, taken).join(Subscription).switch(Invoice)
    paying = paying.join(PaymentIntent, on=PaymentIntent.session == Invoice.session).join(PaymentAttempt)
    for name, status, amount, fee, intent_id, paid, units in paying.group_by(*columns).tuples():
        is_paid = (paid, units) == (1, amount + fee)
        is_late = is_paid and intent_id in given_back  # it came after the end of the subscription
        if not (is_paid if status == InvoiceStatus.PAID else is_late or not paid):
            yield f"invoice {name} is {status}: paid {paid} times, {units} of {amount + fee}"


def overused_links() -> Iterator[str]:
    """Links that took more payments than they may, without giving back what came when a failure was corrected after
    others had used up the link.
    """
    given_back = _given_back()
    columns = (PaymentLink.id, PaymentLink.max_uses, PaymentIntent.id)
    is_paid = CheckoutSession.payment_status.in_(_PAID)
    sessions: Any = PaymentLink.select(*columns).join(CheckoutSession).join(PaymentIntent)
    paid = [row for row in sessions.where(is_paid, PaymentLink.max_uses > 0).tuples() if row[2] not in given_back]
    for (name, most), used in Counter(row[:2] for row in paid).items():
        if used > most:
            yield f"link {name} may be used {most} times and was paid {used} times"


def _given_back() -> set[str]:
    """The intents whose money is for nothing: it went back by itself, or the merchant was told that it cannot."""
    is_for_nothing = Refund.automatic & Refund.reason.in_(["late", "link_used"])
    ended = Refund.select(Refund.intent).where(is_for_nothing, Refund.status != RefundStatus.PENDING)
    return {refund.intent_id for refund in ended}


# ---------------------------------------------------------------- figures


def _corrected(events: Iterable[Told]) -> int:
    """Refunds that failed and succeeded, in either order."""
    told = {(one.object_id, one.type) for one in events if one.type in {"refund.failed", "refund.succeeded"}}
    ends = Counter(object_id for object_id, _ in told)
    return sum(number > 1 for number in ends.values())


def figures(events: Sequence[Told]) -> dict[str, int]:
    """What there is in the end, in numbers; `events` are all that were written."""
    partly = (Refund.intent == PaymentIntent.id) & (Refund.amount < PaymentIntent.amount_received)
    return {
        "sessions": CheckoutSession.select().count(),
        "attempts": PaymentAttempt.select().count(),
        "passed on": PaymentAttempt.select().where(PaymentAttempt.routed_from.is_null(False)).count(),
        "paid": PaymentIntent.select().where(PaymentIntent.status == IntentStatus.SUCCEEDED).count(),
        "invoices": Invoice.select().count(),
        "links": PaymentLink.select().count(),
        "refunds": Refund.select().count(),
        "of them in part": Refund.select().join(PaymentIntent, on=partly).count(),
        "corrected": _corrected(events),
        "returned too much": Incident.select().where(Incident.amount > 0).count(),
        "held": PaymentAttempt.select().where(PaymentAttempt.held > 0).count(),
        "events": len(events),
    }
