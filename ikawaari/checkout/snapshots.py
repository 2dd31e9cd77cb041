"""What is shown of sessions, intents and subscriptions: read before anything is rendered, by one statement.

A snapshot is read for one answer or one event, and then discarded. Do not keep one across a write: what it does not
have, such as an invoice, may exist afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import JOIN

from ikawaari.shapes import JsonObject
from ikawaari.store.joined import Joined
from ikawaari.store.models import (
    CheckoutSession,
    Invoice,
    Merchant,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
    Subscription,
)
from ikawaari.store.rows import Columns, columns_of

_OLDEST_FIRST = (PaymentAttempt.created_at, PaymentAttempt.id)
_AROUND_A_SESSION = (
    CheckoutSession.select()
    .join(Merchant)
    .switch(CheckoutSession)
    .join(PaymentLink, JOIN.LEFT_OUTER)
    .switch(CheckoutSession)
    .join(Subscription, JOIN.LEFT_OUTER, on=(Subscription.session == CheckoutSession.id))
    .switch(CheckoutSession)
    .join(Invoice, JOIN.LEFT_OUTER, on=(Invoice.session == CheckoutSession.id))
    .switch(CheckoutSession)
    .join(PaymentIntent, JOIN.LEFT_OUTER)
    .join(PaymentAttempt, JOIN.LEFT_OUTER)
    .order_by(*_OLDEST_FIRST)
)
# What is shown of them, and no column more: most of these tables have dozens.
_SHOWN = (
    columns_of(Merchant),
    Columns(PaymentIntent, PaymentIntent.id, PaymentIntent.amount, PaymentIntent.cancellation_reason),
    Columns(PaymentLink, PaymentLink.id, PaymentLink.version, PaymentLink.active, PaymentLink.max_uses),
    Columns(
        Subscription,
        *(Subscription.id, Subscription.status, Subscription.current_period_end),
        *(Subscription.cancel_at_period_end, Subscription.stopped_by_payer, Subscription.canceled_at),
    ),
    Columns(Invoice, Invoice.id, Invoice.period_start, Invoice.period_end),
    Columns(
        PaymentAttempt,
        *(PaymentAttempt.id, PaymentAttempt.status, PaymentAttempt.provider, PaymentAttempt.type),
        *(PaymentAttempt.operator, PaymentAttempt.country, PaymentAttempt.phone),
        *(PaymentAttempt.amount, PaymentAttempt.fee_amount, PaymentAttempt.currency),
        *(PaymentAttempt.amount_received, PaymentAttempt.counted, PaymentAttempt.held, PaymentAttempt.returned),
        *(PaymentAttempt.failure_code, PaymentAttempt.last_error, PaymentAttempt.next_action),
        *(PaymentAttempt.created_at, PaymentAttempt.deadline_at, PaymentAttempt.settled_at),
    ),
)
_SESSIONS = Joined(_AROUND_A_SESSION, columns_of(CheckoutSession), *_SHOWN)
_PAYMENTS = Joined(
    _AROUND_A_SESSION,
    *(columns_of(CheckoutSession), columns_of(Merchant), columns_of(PaymentIntent)),
    *_SHOWN[2:-1],
    columns_of(PaymentAttempt),
)
_AROUND_SESSIONS = Joined(_AROUND_A_SESSION, Columns(CheckoutSession, CheckoutSession.id), *_SHOWN)
_AROUND_INTENTS = Joined(
    PaymentIntent.select()
    .join(CheckoutSession, JOIN.LEFT_OUTER)
    .switch(PaymentIntent)
    .join(PaymentAttempt, JOIN.LEFT_OUTER)
    .order_by(*_OLDEST_FIRST),
    *(Columns(PaymentIntent, PaymentIntent.id), columns_of(CheckoutSession), columns_of(PaymentAttempt)),
)


@dataclass(frozen=True)
class Snapshot:
    """A session, and everything that is shown with it: of what is around it only the columns that are shown."""

    session: CheckoutSession
    attempts: Sequence[PaymentAttempt]  # oldest first
    merchant: Merchant
    intent: PaymentIntent | None = None
    link: PaymentLink | None = None
    subscription: Subscription | None = None  # that the session started
    invoice: Invoice | None = None  # that the session pays


@dataclass(frozen=True)
class PaymentSnapshot(Snapshot):
    """A session as a payment needs it: with every column of its intent, and of that intent's attempts."""


@dataclass(frozen=True)
class IntentSnapshot:
    """An intent, and everything that is shown with it."""

    intent: PaymentIntent
    session: CheckoutSession | None = None
    attempts: Sequence[PaymentAttempt] = ()  # oldest first

    @property
    def locale(self) -> str | None:
        """The session's language, if there is a session."""
        return self.session.locale if self.session else None


@dataclass(frozen=True)
class SubscriptionSnapshot:
    """A subscription, and everything that is shown with it."""

    subscription: Subscription
    client_reference_id: str | None  # of the session that made it, as the next one
    metadata: JsonObject
    latest_invoice_id: str | None


def find(session_id: str) -> Snapshot | None:
    """The session of that id."""
    found = _SESSIONS.find([session_id]).get(session_id)
    return _snapshot(*found) if found else None


def for_payment(session_id: str) -> PaymentSnapshot | None:
    """The session of that id, for a payment of it."""
    found = _PAYMENTS.find([session_id]).get(session_id)
    if found is None:
        return None
    session, merchant, intent, *others, attempts = found
    session.merchant = merchant
    if intent is not None:
        intent.merchant = merchant  # a provider is told its name
    return PaymentSnapshot(session, attempts, merchant, intent, *others)


def of(session: CheckoutSession) -> Snapshot:
    """What is shown with a session."""
    return of_all([session])[0]


def of_all(sessions: Sequence[CheckoutSession]) -> list[Snapshot]:
    """What is shown with each of `sessions`, which are not read again."""
    found = _AROUND_SESSIONS.find([session.id for session in sessions])
    return [_snapshot(session, *found[session.id][1:]) for session in sessions]


def of_invoices(invoices: Sequence[Invoice]) -> list[Snapshot]:
    """The page of each of `invoices`."""
    found = _SESSIONS.find([invoice.session_id for invoice in invoices])
    return [_snapshot(*found[invoice.session_id]) for invoice in invoices]


def of_intent(intent: PaymentIntent) -> IntentSnapshot:
    """What is shown with an intent."""
    return of_intents([intent])[0]


def of_intents(intents: Sequence[PaymentIntent]) -> list[IntentSnapshot]:
    """What is shown with each of `intents`, which are not read again."""
    found = _AROUND_INTENTS.find([intent.id for intent in intents])
    return [IntentSnapshot(intent, *found[intent.id][1:]) for intent in intents]


def of_subscription(subscription: Subscription) -> SubscriptionSnapshot:
    """What is shown with a subscription."""
    return of_subscriptions([subscription])[0]


def of_subscriptions(subscriptions: Sequence[Subscription]) -> list[SubscriptionSnapshot]:
    """What is shown with each of `subscriptions`, which are not read again."""
    own = Invoice.select(Invoice.id).where(Invoice.subscription == Subscription.id)
    latest = own.order_by(Invoice.period.desc()).limit(1)
    first = (CheckoutSession.client_reference_id, CheckoutSession.metadata)
    query = Subscription.select(Subscription.id, *first, latest).join(CheckoutSession)
    rows: Any = query.where(Subscription.id.in_([row.id for row in subscriptions])).tuples()
    found = {row[0]: row[1:] for row in rows}
    return [SubscriptionSnapshot(row, *found[row.id]) for row in subscriptions]


def intent_of(session: CheckoutSession) -> PaymentIntent | None:
    """The session's payment intent, if it has one yet."""
    return PaymentIntent.get_or_none(PaymentIntent.session == session.id)


def attempts_of(intent: PaymentIntent | None) -> list[PaymentAttempt]:
    """Every attempt of an intent, oldest first."""
    if intent is None:
        return []
    return list(PaymentAttempt.select().where(PaymentAttempt.intent == intent.id).order_by(*_OLDEST_FIRST))


def subscription_of(session: CheckoutSession) -> Subscription | None:
    """The subscription that the session started, if any."""
    return Subscription.get_or_none(Subscription.session == session.id)


def _snapshot(session: CheckoutSession, merchant: Merchant, *around: Any) -> Snapshot:
    session.merchant = merchant  # so that a fee is quoted without another look at the merchant
    *others, attempts = around
    return Snapshot(session, attempts, merchant, *others)
