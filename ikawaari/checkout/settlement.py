"""The one room behind the three doors: what a provider said becomes what the house knows.

The provider's immediate answer, its callback and our enquiry all end in `apply`, one at a time per intent.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ikawaari import store
from ikawaari.checkout import customers, intents, links, quotes, refunds, sessions, subscriptions
from ikawaari.checkout.subscriptions import Agreement
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import ActionKind, FailureCode, Outcome, Result
from ikawaari.states import ATTEMPT, AttemptStatus, IntentStatus, PaymentStatus, SessionStatus
from ikawaari.store import due
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt, PaymentIntent

_LIVE = (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION)


@dataclass
class _Room:
    """An attempt and all that hangs on it, under the intent's lock."""

    attempt: PaymentAttempt
    intent: PaymentIntent
    session: CheckoutSession | None
    now: datetime


def apply(attempt_id: str, outcome: Outcome, now: datetime) -> None:
    """Take in what a provider said of an attempt, whichever door it came through. Old news change nothing."""
    with store.atomic():
        intent_id = PaymentAttempt.get_by_id(attempt_id).intent_id
        subscriptions.hold(intent_id)  # of an invoice: always before its intent, as a cancellation takes them
        intent = PaymentIntent.lock(intent_id)
        session = CheckoutSession.get_or_none(CheckoutSession.id == intent.session_id)
        room = _Room(PaymentAttempt.get_by_id(attempt_id), intent, session, now)
        outcome = _concluded(room, outcome)
        if outcome.result is Result.SUCCEEDED:
            _succeed(room, outcome)
        elif outcome.result is Result.FAILED:
            _fail(room, outcome)
        elif outcome.result is not Result.NOT_FOUND:
            _wait(room, outcome)


def _concluded(room: _Room, outcome: Outcome) -> Outcome:
    """A charge that the provider never saw will not move money, once its call can no longer be on its way."""
    provider = registry.named(room.attempt.provider)
    never_seen = outcome.result is Result.NOT_FOUND and room.attempt.status in (
        AttemptStatus.SUBMITTING,
        AttemptStatus.UNKNOWN,
    )
    if never_seen and provider and room.now - room.attempt.submitted_at >= provider.capabilities.forgets_after:
        return Outcome(result=Result.FAILED, failure=FailureCode.PROVIDER_UNAVAILABLE, raw_code="never seen")
    return outcome


def _wait(room: _Room, outcome: Outcome) -> None:
    """Not settled: remember what the payer has to do, and until when."""
    target = AttemptStatus(outcome.result.value)
    if not ATTEMPT.allow(room.attempt.status, target):
        return
    action = _action(room.attempt, outcome)
    changes: dict[str, Any] = {"next_action": action, "provider_code": outcome.raw_code}
    if outcome.reference:
        changes["provider_reference"] = outcome.reference
    if outcome.deadline:
        changes["deadline_at"] = outcome.deadline
    room.attempt.move("status", target, **changes)
    if target is AttemptStatus.REQUIRES_ACTION and room.intent.try_move("status", IntentStatus.REQUIRES_ACTION):
        intents.tell("payment_intent.requires_action", room.intent, room.now)
    elif target is AttemptStatus.PROCESSING:
        room.intent.try_move("status", IntentStatus.PROCESSING)


def _succeed(room: _Room, outcome: Outcome) -> None:
    """The money was taken: for this intent if it still needs it, else it goes back."""
    attempt, money = room.attempt, outcome.money
    assert money is not None
    if attempt.status == AttemptStatus.SUCCEEDED or attempt.amount_received is not None:
        return
    if money != Money(attempt.amount, attempt.currency):
        _take_back_wrong_amount(room, outcome, money)
        return
    surplus = room.intent.status == IntentStatus.SUCCEEDED
    taken = _taken(money, counts=not surplus)
    attempt.move("status", AttemptStatus.SUCCEEDED, failure_code=None, **_ending(room, outcome), **taken)
    if surplus:
        refunds.give_back(attempt, money, "duplicate", room.now)
        return
    # One that only expired, with its session, leaves it to the merchant's policy whether late money goes back.
    given_up = room.intent.cancellation_reason == "requested"
    room.intent.move("status", IntentStatus.SUCCEEDED, amount=money.amount, amount_received=money.amount)
    intents.tell("payment_intent.succeeded", room.intent, room.now)
    if room.session is not None:
        _close(room, room.session, money, given_up=given_up)
    elif given_up:
        refunds.give_back(attempt, money, "late", room.now)


def _close(room: _Room, session: CheckoutSession, money: Money, *, given_up: bool) -> None:
    """The session is paid: in time, or late and then by the merchant's policy, or beyond the uses of its link."""
    exceeded = links.is_exceeded(session)
    if exceeded:
        sessions.try_expire(session, room.now)
    # An earlier attempt that is corrected to succeeded may have paid for another quantity than the latest one.
    bought = quotes.columns(session, quotes.agreed(room.attempt))
    session.move("payment_status", PaymentStatus.PAID, completed_at=room.now, **bought)
    customers.recognize(session, room.attempt.phone, room.now)
    if session.try_move("status", SessionStatus.COMPLETE):
        _serve(room, session)
        sessions.tell("checkout.session.completed", session, room.now)
        return
    session.change(late=True)
    goes_back = exceeded or given_up or _is_unwanted(session)
    if not goes_back:
        _serve(room, session)
    sessions.tell("checkout.session.late_payment", session, room.now)
    if goes_back:
        refunds.give_back(room.attempt, money, "link_used" if exceeded else "late", room.now)


def _serve(room: _Room, session: CheckoutSession) -> None:
    """The merchant has the money, in time or late: what was bought with it begins, or goes on."""
    agreement = Agreement.of(room.attempt)
    subscriptions.activate(session, agreement, room.now)
    subscriptions.paid(session, agreement, room.now)


def _is_unwanted(session: CheckoutSession) -> bool:
    """Whether late money goes back: by the merchant's policy, or because what it pays for was canceled."""
    policy = Merchant.get_by_id(session.merchant_id).late_payments
    return policy == "refund" or subscriptions.has_been_canceled(session)


def _take_back_wrong_amount(room: _Room, outcome: Outcome, money: Money) -> None:
    """Another amount than the payer agreed to is no payment: it goes back whole, and the payer may try again."""
    wrong = Outcome(result=Result.FAILED, reference=outcome.reference, failure=FailureCode.INVALID_AMOUNT)
    taken = _taken(money, counts=False)
    if room.attempt.status == AttemptStatus.FAILED:
        room.attempt.change(**taken)
    _fail(room, wrong, **taken)
    if money.amount:
        refunds.give_back(room.attempt, money, "wrong_amount", room.now)


def _fail(room: _Room, outcome: Outcome, **taken: Any) -> None:
    """It is no payment: the payer may try again. After a success this is old news. `taken`: what moved all the same."""
    if not ATTEMPT.allow(room.attempt.status, AttemptStatus.FAILED):
        return
    room.attempt.move("status", AttemptStatus.FAILED, failure_code=outcome.failure, **_ending(room, outcome), **taken)
    if room.intent.status not in _LIVE:
        return  # an earlier attempt was corrected to succeeded meanwhile: the intent is paid and stays so
    room.intent.move("status", IntentStatus.FAILED)
    intents.tell("payment_intent.payment_failed", room.intent, room.now)
    if room.session is not None:
        room.session.try_move("payment_status", PaymentStatus.UNPAID)
        due.schedule(sessions.EXPIRE, room.session.id, room.session.expires_at)
        subscriptions.failed(room.session, outcome.failure, room.now)


def _taken(money: Money, *, counts: bool) -> dict[str, Any]:
    """The books of an attempt whose provider took `money`: it counts as the intent's payment, or it is held."""
    counted = money.amount if counts else 0
    return {
        "amount_received": money.amount,
        "received_currency": money.currency,
        "counted": counted,
        "held": money.amount - counted,
    }


def _ending(room: _Room, outcome: Outcome) -> dict[str, Any]:
    return {
        "provider_reference": outcome.reference or room.attempt.provider_reference,
        "provider_code": outcome.raw_code,
        "next_action": None,
        "settled_at": room.now,
    }


def _action(attempt: PaymentAttempt, outcome: Outcome) -> dict[str, Any] | None:
    """What the payer has to do, as the API tells it."""
    action = outcome.action
    if action is None or outcome.result is not Result.REQUIRES_ACTION:
        return None
    if action.kind is ActionKind.REDIRECT:
        return {"type": action.kind, action.kind: {"url": action.url, "return_url": attempt.return_url}}
    if action.kind is ActionKind.QR:
        return {"type": action.kind, action.kind: {"data": action.data}}
    words = {
        ActionKind.OTP: "Type the code that your operator gave you.",
        ActionKind.USSD: "Approve the payment on your phone.",
    }
    return {"type": action.kind, action.kind: {"message": words[action.kind], "dial_code": action.dial_code}}
