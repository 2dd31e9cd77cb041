"""After a run: the providers' ledgers against our books, to the unit, and what must have ended or been delivered."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from peewee import fn

from ikawaari import store
from ikawaari.checkout import audit
from ikawaari.money import Money
from ikawaari.states import UNSETTLED, DeliveryStatus, IntentStatus, PaymentStatus, RefundStatus
from ikawaari.store.database import database
from ikawaari.store.models import (
    AttemptReport,
    CheckoutSession,
    Event,
    Incident,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    ProviderAccount,
    Refund,
    WebhookDelivery,
)
from tests.chaos.seeded.stage import Stage, Till

_PAID = (PaymentStatus.PAID, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


@contextmanager
def at_one_moment() -> Iterator[None]:
    """What is read from the database inside is of one moment, even if somebody still writes."""
    with store.atomic():
        if store.is_postgres():  # whose statements each see what was committed before; on SQLite nobody else writes
            database.obj.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def contradictions() -> list[str]:
    """What nobody may see even for a moment, while payments go on: each kind is read by one statement."""
    has_paid = CheckoutSession.payment_status.in_(_PAID)
    columns = (PaymentIntent.id, PaymentIntent.status, PaymentIntent.amount_received)
    sessions = PaymentIntent.select(*columns).join(CheckoutSession)
    unpaid = sessions.where(has_paid, PaymentIntent.status != IntentStatus.SUCCEEDED)
    paying = fn.COALESCE(fn.SUM(PaymentAttempt.counted), 0)
    booked = PaymentIntent.select(*columns).join(PaymentAttempt).group_by(PaymentIntent.id)
    is_paid = PaymentIntent.status == IntentStatus.SUCCEEDED
    wrong = booked.having((paying != PaymentIntent.amount_received) | (is_paid != (paying > 0)))
    return [
        *(f"the session of intent {row.id} was paid, the intent {row.status}" for row in unpaid),
        *(f"intent {row.id} was {row.status} with {row.amount_received}, not what its attempts say" for row in wrong),
    ]


def under_way(stage: Stage) -> list[str]:
    """What has not ended: attempts, refunds and deliveries of ours, and payments and refunds of the providers'."""
    refunds = Refund.select().where(Refund.status == RefundStatus.PENDING)
    waiting = WebhookDelivery.select().where(WebhookDelivery.status == DeliveryStatus.PENDING).count()
    return [
        *unsettled(),
        *(f"refund {row.id}" for row in refunds),
        *([f"{waiting} deliveries"] if waiting else []),
        *(f"{till.provider.name}: {entry['id']} {entry['status']}" for till, entry in _pending(stage)),
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


def _pending(stage: Stage) -> Iterator[tuple[Till, Mapping[str, Any]]]:
    for till in stage.tills:
        for entry in [*till.talk.charges(), *till.talk.refunds()]:
            if entry["state"] == "pending":
                yield till, entry


def mismatches(stage: Stage) -> list[str]:
    """Where anything contradicts anything, in words; empty when all agree."""
    attempts = list(PaymentAttempt.select())
    found = [f"{one.finding} {one.object} {one.details}" for one in audit.findings()]
    for till in stage.tills:
        found += _of_till(till, [attempt for attempt in attempts if attempt.provider == till.account_id])
    for intent in PaymentIntent.select():
        found += _of_intent(intent, [attempt for attempt in attempts if attempt.intent_id == intent.id])
    return [*found, *_undelivered(stage)]


def _of_till(till: Till, attempts: list[PaymentAttempt]) -> Iterator[str]:
    taken: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    for entry in till.talk.charges():
        taken[entry["id"]] += _units(entry) if entry["state"] == "succeeded" else 0
    for entry in till.talk.refunds():
        returned[entry["of"]] += _units(entry) if entry["state"] == "succeeded" else 0
    for attempt in attempts:
        sent_id = till.provider.sent_id(attempt.id)
        ours = attempt.amount_received or 0, _returned(attempt)
        theirs = taken.pop(sent_id, 0), returned.pop(sent_id, 0)
        if ours != theirs:
            told = [f"{one.status} {one.failure_code} {one.amount}" for one in _refunds_of(attempt)]
            yield f"{till.provider.name} took and returned {theirs} of {attempt.id}, {ours} in our books; {told}"
    yield from (f"{till.provider.name} has {name}, of which we know nothing" for name in taken)


def _units(entry: Mapping[str, Any]) -> int:
    """The amount of an entry in minor units."""
    exponent = Money(0, entry["currency"].upper()).exponent
    return int(Decimal(entry["amount"]).scaleb(exponent))


def _refunds_of(attempt: PaymentAttempt) -> list[Refund]:
    return list(Refund.select().where(Refund.attempt == attempt.id).order_by(Refund.created_at))


def _returned(attempt: PaymentAttempt) -> int:
    return sum(refund.amount for refund in _refunds_of(attempt) if refund.status == RefundStatus.SUCCEEDED)


def _of_intent(intent: PaymentIntent, attempts: list[PaymentAttempt]) -> Iterator[str]:
    """One attempt at most pays it; whatever else was taken is held, closed, or was returned."""
    paying = [attempt for attempt in attempts if attempt.counted]
    is_paid = intent.status == IntentStatus.SUCCEEDED
    if len(paying) != int(is_paid) or sum(attempt.counted for attempt in paying) != intent.amount_received:
        yield f"intent {intent.id} is {intent.status}, and {len(paying)} attempts pay it"
    for attempt in attempts:
        returned = _returned(attempt)
        free = 0 if attempt in paying else returned
        if (attempt.amount_received or 0) != attempt.counted + attempt.held + attempt.closed + free:
            yield f"attempt {attempt.id}: received {attempt.amount_received}, returned {returned}, held {attempt.held}"
    yield from _returned_too_much(attempts)
    session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id) if intent.session_id else None
    if session and (session.payment_status in _PAID) != is_paid:
        yield f"session {session.id} is {session.payment_status}, its intent {intent.status}"


def _returned_too_much(attempts: list[PaymentAttempt]) -> Iterator[str]:
    """What went back beyond what there was is known to the operator, and nothing else is."""
    for attempt in attempts:
        known = Incident.select(fn.SUM(Incident.amount)).where(Incident.attempt == attempt.id).scalar() or 0
        too_much = max(0, _returned(attempt) - (attempt.amount_received or 0))
        if known != attempt.excess or too_much > known:
            yield f"attempt {attempt.id}: {attempt.excess} too much in our books, {known} in incidents"


def _undelivered(stage: Stage) -> Iterator[str]:
    received = {event["id"] for event in _received(stage)}
    for event in Event.select():
        if event.id not in received:
            yield f"event {event.id} ({event.type}) was not delivered"


def _received(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """What the receiver took: each event's last delivery, in the order in which they came."""
    bodies = [json.loads(request.body) for request in stage.receiver.received]
    last = {body["id"]: place for place, body in enumerate(bodies)}
    yield from (body for place, body in enumerate(bodies) if last[body["id"]] == place)


def out_of_order(stage: Stage) -> Iterator[str]:
    """Events of one object that came after later ones."""
    sequences = {event.id: event.sequence for event in Event.select()}
    latest: dict[str, int] = {}
    for body in _received(stage):
        about, sequence = body["data"]["id"], sequences[body["id"]]
        if sequence < latest.get(about, 0):
            yield f"event {body['id']} ({body['type']}) came after a later one of {about}"
        latest[about] = max(sequence, latest.get(about, 0))


def _corrected() -> int:
    """Refunds that failed and succeeded, in either order."""
    of_refunds = Event.select().where(Event.type.in_(["refund.failed", "refund.succeeded"]))
    ends = Counter(object_id for object_id, _ in {(event.object_id, event.type) for event in of_refunds})
    return sum(number > 1 for number in ends.values())


def figures() -> str:
    """What there is in the end, in numbers."""
    counts = {
        "sessions": CheckoutSession.select().count(),
        "attempts": PaymentAttempt.select().count(),
        "passed on": PaymentAttempt.select().where(PaymentAttempt.routed_from.is_null(False)).count(),
        "paid": PaymentIntent.select().where(PaymentIntent.status == IntentStatus.SUCCEEDED).count(),
        "invoices": Invoice.select().count(),
        "refunds": Refund.select().count(),
        "of them corrected": _corrected(),
        "returned too much": Incident.select().where(Incident.amount > 0).count(),
        "held": PaymentAttempt.select().where(PaymentAttempt.held > 0).count(),
        "events": Event.select().count(),
    }
    return ", ".join(f"{name} {count}" for name, count in counts.items())
