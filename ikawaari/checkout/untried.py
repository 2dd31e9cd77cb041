"""Sessions that nobody ever tried to pay: they have expired, no money can ever arrive for them, and one day they go."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from peewee import JOIN, SQL, fn

from ikawaari import ids, store
from ikawaari.states import PaymentStatus, SessionStatus
from ikawaari.store import pruned
from ikawaari.store.models import (
    CardSetup,
    CheckoutSession,
    DeviceCode,
    Invoice,
    PageDraft,
    PayKey,
    PaymentAttempt,
    PaymentIntent,
    Subscription,
)

_WALK = "sessions"


def forget(before: datetime) -> bool:
    """Delete the next sessions that were opened before then, expired, and saw no attempt. True: there may be more.

    The intent goes with its session. What has an attempt, an invoice, a subscription or a saved card stays forever. So
    does the newest of an owner's list, because a consumer that has read everything asks for what is newer than that
    one. The walk looks at each session once: an old one that stays has been paid, or may still turn out to be.
    """
    with store.atomic():
        columns = [CheckoutSession.id]
        after, end = pruned.place_of(_WALK), ids.first("cs", before)
        rows = pruned.next_of(CheckoutSession, columns, CheckoutSession.id, after, end)
        gone = [row[0] for row in _untried([row.id for row in rows]).tuples()] if rows else []
        for model in (PaymentIntent, PayKey, DeviceCode, PageDraft):
            pruned.delete(model, model.session, gone)
        pruned.delete(CheckoutSession, CheckoutSession.id, gone)
        if rows:
            pruned.move_place(_WALK, rows[-1].id)
    return len(rows) == pruned.MOST


def _untried(session_ids: Collection[str]) -> Any:
    """Those of the sessions that may go. Should one be paid just now all the same, a foreign key stops its deletion."""
    is_over = (CheckoutSession.status == SessionStatus.EXPIRED) & (
        CheckoutSession.payment_status == PaymentStatus.UNPAID
    )
    of_session = [model.select(SQL("1")).where(model.session == CheckoutSession.id) for model in _KEEPING]
    attempts = PaymentAttempt.select(SQL("1")).where(PaymentAttempt.intent == PaymentIntent.id)
    untried = (
        CheckoutSession.select(CheckoutSession.id)
        .join(PaymentIntent, JOIN.LEFT_OUTER, on=PaymentIntent.session == CheckoutSession.id)
        .where(CheckoutSession.id.in_(session_ids), is_over, _is_followed(CheckoutSession))
        .where(PaymentIntent.id.is_null() | (~fn.EXISTS(attempts) & _is_followed(PaymentIntent)))
    )
    return untried.where(*(~fn.EXISTS(one) for one in of_session))


_KEEPING: tuple[Any, ...] = (Subscription, Invoice, CardSetup)


def _is_followed(model: Any) -> Any:
    """Whether the owner's list has a newer row."""
    newer = model.alias()
    follows = (newer.commit_order > model.commit_order) | (newer.created_at > model.created_at)
    of_owner = (newer.merchant == model.merchant) & (newer.livemode == model.livemode)
    return fn.EXISTS(newer.select(SQL("1")).where(of_owner, newer.commit_order >= model.commit_order, follows))
