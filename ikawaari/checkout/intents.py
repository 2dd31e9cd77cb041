"""Payment intents: the will to collect one amount once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ikawaari import ids
from ikawaari.checkout import resources
from ikawaari.events import events
from ikawaari.money import Money
from ikawaari.states import IntentStatus
from ikawaari.store.models import CheckoutSession, PaymentIntent


def for_session(session: CheckoutSession, money: Money, now: datetime) -> PaymentIntent:
    """The session's intent, locked, made if there is none, over `money`. In the caller's transaction.

    Two first payments of a deferred session meet at the unique session of an intent: one row, whoever comes first.
    """
    _insert(session, money, now)
    intent = PaymentIntent.lock(PaymentIntent.get(PaymentIntent.session == session.id).id)
    may_change = intent.status in (IntentStatus.REQUIRES_PAYMENT_METHOD, IntentStatus.FAILED)
    if may_change and intent.amount != money.amount:
        intent.change(amount=money.amount)
    return intent


def _insert(session: CheckoutSession, money: Money, now: datetime) -> None:
    columns: Mapping[str, Any] = {
        "id": ids.new("pi"),
        "merchant": session.merchant_id,
        "livemode": session.livemode,
        "session": session.id,
        "status": IntentStatus.REQUIRES_PAYMENT_METHOD,
        "amount": money.amount,
        "currency": money.currency,
        "customer_email": session.customer_email,
        "customer_phone": session.customer_phone,
        "description": session.description,
        "metadata": session.metadata,
        "created_at": now,
    }
    made = PaymentIntent.insert(**columns).on_conflict_ignore().as_rowcount().execute()
    if made:
        tell("payment_intent.created", PaymentIntent.get_by_id(columns["id"]), now)


def tell(event_type: str, intent: PaymentIntent, now: datetime) -> None:
    """Append an event about the intent."""
    events.append(
        event_type,
        resources.payment_intent(intent),
        merchant_id=intent.merchant_id,
        livemode=intent.livemode,
        now=now,
    )
