"""An operator's decision: the fourth door, for an attempt whose end the provider will never report.

It goes through `settlement.apply` like all others, so that a later report of the provider can still correct it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ikawaari import clock, errors, phones, store
from ikawaari.checkout import accounts, charges, settlement, subscriptions
from ikawaari.errors import Conflict, NotFound
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.providers.channel import Channel
from ikawaari.shapes import JsonObject
from ikawaari.states import UNSETTLED
from ikawaari.store.models import (
    AttemptReport,
    Callback,
    Incident,
    PaymentAttempt,
    PaymentIntent,
    ReconciliationCase,
    Refund,
)
from ikawaari.store.record import Record

_PRIVATE = ("card_token", "provider_data", "saved_method")
_NOT_LOST = (Result.SUCCEEDED, Result.PROCESSING, Result.REQUIRES_ACTION)
_ABSENT = timedelta(days=1)  # how long a charge may be on its way if this process does not have its provider


@dataclass(frozen=True, kw_only=True)
class Word:
    """An operator's decision: how an attempt ended, who says so, and why.

    `amount`: what was taken, in the currency's smallest unit; None for the requested amount. `failure`: None if it
    succeeded.
    """

    failure: FailureCode | None = None
    amount: int | None = None
    reference: str | None = None
    reason: str
    made_by: str
    forced: bool = False


def settle(attempt_id: str, word: Word, now: datetime) -> PaymentAttempt:
    """Settle an attempt by an operator's decision.

    For a failure the provider is asked first: `forced` overrides a provider that says otherwise. Raises NotFound,
    Conflict if the attempt is settled, may still be on its way, or the provider says that it is paid or under way.
    """
    attempt = _find(attempt_id)
    _require_unsettled(attempt)
    channel = accounts.channel(attempt.provider)
    _require_age(attempt, channel)
    if word.failure and channel and not word.forced:
        _require_lost(attempt, channel, now)
    with store.atomic():
        # If another door is used at once, the lock admits one, and the second finds the attempt settled.
        PaymentIntent.lock(subscriptions.lock_for_payment(attempt_id))
        _require_unsettled(_find(attempt_id))
        settlement.apply(
            attempt_id,
            _outcome(attempt, word),
            now,
            settlement.Source.OPERATOR,
            made_by=word.made_by,
            reason=word.reason,
            forced=word.forced,
        )
    return _find(attempt_id)


def listed(now: datetime, *, unsettled: bool, older_than: timedelta) -> Iterator[JsonObject]:
    """The attempts that began at least `older_than` ago, oldest first, as short summaries."""
    chosen = PaymentAttempt.select().where(PaymentAttempt.created_at <= now - older_than)
    if unsettled:
        chosen = chosen.where(PaymentAttempt.status.in_(UNSETTLED))
    for row in chosen.order_by(PaymentAttempt.created_at, PaymentAttempt.id).iterator():
        yield {
            "id": row.id,
            "payment_intent": row.intent_id,
            "provider": row.provider,
            "operator": row.operator,
            "status": row.status,
            "failure_code": row.failure_code,
            "amount": row.amount,
            "currency": row.currency.lower(),
            "created": clock.unix(row.created_at),
            "age_minutes": (now - row.created_at) // timedelta(minutes=1),
            "unresolved": row.unresolved_at is not None,
        }


def history(attempt_id: str) -> JsonObject:
    """Everything that is known of an attempt: itself, its reports, callbacks, refunds, … Raises NotFound.

    `sent_as`: its id as the provider got it.
    """
    attempt = _find(attempt_id)
    channel = accounts.channel(attempt.provider)
    shown: JsonObject = {
        **_columns(attempt),
        "sent_as": channel.provider.sent_id(attempt.id) if channel else None,
        "phone": phones.mask(attempt.phone) if attempt.phone else None,
    }
    return {
        "attempt": shown,
        "reports": _rows(AttemptReport, AttemptReport.attempt == attempt.id, AttemptReport.id),
        "callbacks": _rows(Callback, Callback.attempt_id == attempt.id, Callback.id),
        "refunds": _rows(Refund, Refund.attempt == attempt.id, Refund.created_at),
        "incidents": _rows(Incident, Incident.attempt == attempt.id, Incident.id),
        "cases": _rows(ReconciliationCase, ReconciliationCase.attempt == attempt.id, ReconciliationCase.id),
    }


def _find(attempt_id: str) -> PaymentAttempt:
    attempt = PaymentAttempt.get_or_none(PaymentAttempt.id == attempt_id)
    if attempt is None:
        raise NotFound("payment attempt")
    return attempt


def _require_unsettled(attempt: PaymentAttempt) -> None:
    if attempt.status not in UNSETTLED:
        raise Conflict(errors.STATE_FORBIDS, f"The attempt is settled: it has {attempt.status}.")


def _require_age(attempt: PaymentAttempt, channel: Channel | None) -> None:
    """Raise Conflict if its call may still be on its way: then nobody can know how it ended."""
    least = channel.times.forgets_after if channel else _ABSENT
    if store.shared_clock.now() - attempt.submitted_at < least:
        seconds = int(least.total_seconds())
        raise Conflict(
            errors.STATE_FORBIDS, f"The attempt is younger than {seconds} seconds: it may still be on its way."
        )


def _require_lost(attempt: PaymentAttempt, channel: Channel, now: datetime) -> None:
    """Ask the provider. If it was paid, that is booked, as by an enquiry."""
    outcome = channel.lookup(charges.of(attempt), now)
    if outcome.result is Result.SUCCEEDED:
        settlement.apply(attempt.id, outcome, now)
    if outcome.result in _NOT_LOST:
        said = "is paid, which is booked now" if outcome.result is Result.SUCCEEDED else "is under way"
        raise Conflict(errors.STATE_FORBIDS, f"The provider says that the charge {said}; --force overrides it.")


def _outcome(attempt: PaymentAttempt, word: Word) -> Outcome:
    if word.failure:
        return Outcome(result=Result.FAILED, failure=word.failure, raw_code="by hand")
    money = Money(attempt.amount if word.amount is None else word.amount, attempt.currency)
    return Outcome(result=Result.SUCCEEDED, money=money, reference=word.reference, raw_code="by hand")


def _rows(model: type[Record], which: Any, order: Any) -> list[JsonObject]:
    return [_columns(row) for row in model.select().where(which).order_by(order)]


def _columns(row: Record) -> JsonObject:
    """The row as stored, with times in ISO 8601, and what nobody is shown as a mask."""
    values = {name: "…" if value and name in _PRIVATE else value for name, value in row.__data__.items()}
    return {name: clock.iso(value) if isinstance(value, datetime) else value for name, value in values.items()}
