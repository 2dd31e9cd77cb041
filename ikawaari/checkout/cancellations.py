"""Canceling: a merchant cancels an intent, and with it the intent's session."""

from datetime import datetime

from ikawaari import errors, store
from ikawaari.checkout import intents, sessions
from ikawaari.errors import Conflict
from ikawaari.states import IntentStatus
from ikawaari.store.models import CheckoutSession, PaymentIntent


def cancel(intent_id: str, now: datetime) -> PaymentIntent:
    """Cancel an intent that is neither paid nor being paid; its open session expires with it. Raises Conflict."""
    with store.atomic():
        intent = PaymentIntent.lock(intent_id)
        session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
        if session is not None:
            sessions.refuse_renewal(session)
        if not intents.try_cancel(intent, "requested", now):
            raise Conflict(errors.STATE_FORBIDS, f"A payment intent that is {intent.status} cannot be canceled.")
        if session is not None:
            sessions.try_expire(session, now)
    return intent


def give_up(intent_id: str, now: datetime) -> None:
    """Cancel an intent that another one replaces, unless it has already ended. Raises Conflict while money may move."""
    intent = PaymentIntent.lock(intent_id)
    if intent.status in (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION):
        raise Conflict(errors.ATTEMPT_UNSETTLED)
    if intent.status == IntentStatus.SUCCEEDED:
        raise Conflict(errors.KEY_REUSED, "The idempotency key was used with another body, and that payment succeeded.")
    if intent.status != IntentStatus.CANCELED:
        cancel(intent_id, now)
