"""What is shown of sessions, intents and subscriptions: read before anything is rendered, by one statement.

A snapshot is read for one answer or one event and then thrown away. Nobody keeps one across a write: what it does not
have, such as an invoice, may be there afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from peewee import JOIN

from ikawaari.shapes import JsonObject
from ikawaari.store.models import (
    CheckoutSession,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
    Subscription,
)
from ikawaari.store.record import Record

_AROUND = (Merchant, PaymentIntent, PaymentLink, Subscription, Invoice)
_OLDEST_FIRST = (PaymentAttempt.created_at, PaymentAttempt.id)


@dataclass(frozen=True)
class Snapshot:
    """A session, and all that is shown with it."""

    session: CheckoutSession
    attempts: Sequence[PaymentAttempt]  # oldest first
    merchant: Merchant
    intent: PaymentIntent | None = None
    link: PaymentLink | None = None
    subscription: Subscription | None = None  # that the session started
    invoice: Invoice | None = None  # that the session pays

    @property
    def is_renewal(self) -> bool:
        """Whether the session was opened by the house, to pay an invoice that is not its subscription's first."""
        return self.invoice is not None and self.subscription is None


@dataclass(frozen=True)
class IntentSnapshot:
    """An intent, and all that is shown with it."""

    intent: PaymentIntent
    locale: str | None = None  # the session's, if it has one
    attempts: Sequence[PaymentAttempt] = ()  # oldest first


@dataclass(frozen=True)
class SubscriptionSnapshot:
    """A subscription, and all that is shown with it."""

    subscription: Subscription
    client_reference_id: str | None  # of the session that made it, as the next one
    metadata: JsonObject
    latest_invoice_id: str | None


def find(which: Any) -> Snapshot | None:
    """The session that is `which`."""
    return next(iter(find_all(which).values()), None)


def find_all(which: Any) -> dict[str, Snapshot]:
    """The sessions that are `which`, by their ids."""
    query = CheckoutSession.select(CheckoutSession, *_AROUND, PaymentAttempt).join(Merchant).switch(CheckoutSession)
    query = query.join(PaymentLink, JOIN.LEFT_OUTER).switch(CheckoutSession)
    query = query.join(Subscription, JOIN.LEFT_OUTER, on=(Subscription.session == CheckoutSession.id))
    query = query.switch(CheckoutSession).join(Invoice, JOIN.LEFT_OUTER, on=(Invoice.session == CheckoutSession.id))
    query = query.switch(CheckoutSession).join(PaymentIntent, JOIN.LEFT_OUTER).join(PaymentAttempt, JOIN.LEFT_OUTER)
    rows = _by_first(query.where(which).order_by(*_OLDEST_FIRST))
    return {session_id: _snapshot(own) for session_id, own in rows.items()}


def of(session: CheckoutSession) -> Snapshot:
    """What is shown with a session."""
    return of_all([session])[0]


def of_all(sessions: Sequence[CheckoutSession]) -> list[Snapshot]:
    """What is shown with each of `sessions`, which stay as they are in hand."""
    found = find_all(CheckoutSession.id.in_([session.id for session in sessions]))
    return [replace(found[session.id], session=session) for session in sessions]


def of_invoices(invoices: Sequence[Invoice]) -> list[Snapshot]:
    """The page of each of `invoices`."""
    found = find_all(CheckoutSession.id.in_([invoice.session_id for invoice in invoices]))
    return [found[invoice.session_id] for invoice in invoices]


def of_intent(intent: PaymentIntent) -> IntentSnapshot:
    """What is shown with an intent."""
    return of_intents([intent])[0]


def of_intents(intents: Sequence[PaymentIntent]) -> list[IntentSnapshot]:
    """What is shown with each of `intents`, which stay as they are in hand."""
    query = PaymentIntent.select(PaymentIntent.id, CheckoutSession.locale, PaymentAttempt)
    query = query.join(CheckoutSession, JOIN.LEFT_OUTER).switch(PaymentIntent).join(PaymentAttempt, JOIN.LEFT_OUTER)
    which = PaymentIntent.id.in_([intent.id for intent in intents])
    rows = _by_first(query.where(which).order_by(*_OLDEST_FIRST))
    return [IntentSnapshot(intent, rows[intent.id][0][1], _attempts(rows[intent.id])) for intent in intents]


def of_subscription(subscription: Subscription) -> SubscriptionSnapshot:
    """What is shown with a subscription."""
    return of_subscriptions([subscription])[0]


def of_subscriptions(subscriptions: Sequence[Subscription]) -> list[SubscriptionSnapshot]:
    """What is shown with each of `subscriptions`, which stay as they are in hand."""
    own = Invoice.select(Invoice.id).where(Invoice.subscription == Subscription.id)
    latest = own.order_by(Invoice.period.desc()).limit(1)
    first = (CheckoutSession.client_reference_id, CheckoutSession.metadata)
    query = Subscription.select(Subscription.id, *first, latest).join(CheckoutSession)
    rows = _by_first(query.where(Subscription.id.in_([row.id for row in subscriptions])))
    return [SubscriptionSnapshot(row, *rows[row.id][0][1:]) for row in subscriptions]


def intent_of(session: CheckoutSession) -> PaymentIntent | None:
    """The session's payment intent, if it has one yet."""
    return PaymentIntent.get_or_none(PaymentIntent.session == session.id)


def attempts_of(intent: PaymentIntent | None) -> list[PaymentAttempt]:
    """Every attempt of an intent, oldest first."""
    if intent is None:
        return []
    return list(PaymentAttempt.select().where(PaymentAttempt.intent == intent.id).order_by(*_OLDEST_FIRST))


def subscription_of(session: CheckoutSession) -> Subscription | None:
    """The subscription that the session started, if it has."""
    return Subscription.get_or_none(Subscription.session == session.id)


def _by_first(query: Any) -> dict[str, list[Sequence[Any]]]:
    """The rows of a query by their first value, in their order."""
    rows: dict[str, list[Sequence[Any]]] = {}
    for values in query.tuples():
        rows.setdefault(values[0], []).append(values)
    return rows


def _snapshot(rows: Sequence[Sequence[Any]]) -> Snapshot:
    """Of the rows of one session, which differ in the attempt alone."""
    parts: list[Any] = []
    start = 0
    for model in (CheckoutSession, *_AROUND):
        names = _names(model)
        parts.append(_row(model, rows[0][start : start + len(names)]))
        start += len(names)
    session, session.merchant, *around = parts  # so that a fee is quoted without another look at the merchant
    return Snapshot(session, _attempts(rows), session.merchant, *around)


def _attempts(rows: Sequence[Sequence[Any]]) -> list[PaymentAttempt]:
    """The attempts at the end of the rows."""
    width = len(_names(PaymentAttempt))
    found = (_row(PaymentAttempt, values[-width:]) for values in rows)
    return [attempt for attempt in found if attempt is not None]


def _row(model: type[Record], values: Sequence[Any]) -> Any:
    """The row of `model` with these values; None where the join found none: then it has no id."""
    names = _names(model)
    if values[0] is None:
        return None
    row = model(__no_default__=1)
    row.__data__.update(zip(names, values, strict=True))
    return row


def _names(model: type[Record]) -> Sequence[str]:
    names: Sequence[str] = model._meta.sorted_field_names  # noqa: SLF001 - peewee's documented place for it
    return names
