"""Breakers: an account that does not answer is asked for no more charges of an operator, on any machine, for a while.

A breaker changes where new charges go and what is shown, and nothing else: what is on its way is looked up as always.
Nothing is counted while charges are answered: when one is not, the latest attempts are counted from what is stored.
docs/decisions/breaker.md has the reasons.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import structlog
from peewee import Case, fn

from ikawaari import clock, errors, store
from ikawaari.checkout import accounts, health, settlement
from ikawaari.checkout.health import Key
from ikawaari.errors import Unavailable
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.shapes import JsonObject
from ikawaari.states import AttemptStatus
from ikawaari.store.models import AttemptReport, Breaker, PaymentAttempt

log = structlog.get_logger()
T = TypeVar("T")
REST = timedelta(seconds=60)  # until an open breaker lets one charge through
IN_A_ROW, ROW_WITHIN = 5, timedelta(hours=1)
PERCENT, AT_LEAST, RATE_WITHIN = 60, 10, timedelta(minutes=5)
_ANSWERED = tuple(status for status in AttemptStatus if status is not AttemptStatus.SUBMITTING)
_SILENT = (Result.UNKNOWN, Result.NOT_FOUND)


class Reason(StrEnum):
    """Why a breaker is open."""

    FAILURES = "failures"
    DELAYED = "delayed"  # the provider says so, as for the next one
    CLOSED = "closed"


class TrialTaken(Unavailable):
    """Another payment is the one that an open breaker lets through. Nothing is stored."""

    def __init__(self) -> None:
        super().__init__(errors.UNAVAILABLE, "The operator does not answer now: try again.", retry_after_seconds=1)


def routed(pay: Callable[[], T]) -> T:
    """What `pay` returns, which routes a payment and stores it. If another one was faster to be let through by a
    breaker, it is done once more, with what is known now.
    """
    try:
        return pay()
    except TrialTaken:
        return pay()


def admit(account_id: str, operator: str | None) -> None:
    """Be the one charge that an open breaker lets through. Nothing happens where it is closed, as far as is known.

    First thing in the transaction that stores the attempt; if that comes to nothing, so does this. Raises TrialTaken.
    """
    breaker = health.key(account_id, operator)
    opened = accounts.last_known().health.opened.get(breaker)
    if opened is None:
        return
    rests_until = store.shared_clock.now() + _longest_trial(account_id)
    # If two machines let one through at once, both require the time that they have read: the second changes no row.
    same = _is(breaker) & (Breaker.next_trial_at == opened.trial_at) & Breaker.opened_at.is_null(False)
    if opened.trial_at > clock.now() or not Breaker.update(next_trial_at=rests_until).where(same).execute():
        accounts.distrust()
        raise TrialTaken
    # Last thing in the transaction: what this process then reads of accounts must not be what may come to nothing.
    store.before_commit("accounts", None, _publish)


def heed(attempt: PaymentAttempt, outcome: Outcome, *, answers_charge: bool) -> None:
    """Note what a report that was just applied says of its account: whether charges of the operator are answered.

    `answers_charge`: the report is the answer to a charge; else it is later news of one. Raises nothing.
    """
    channel = accounts.channel(attempt.provider)
    if channel is None or not channel.account.livemode:  # what fails in test mode is scripted
        return
    breaker = health.key(attempt.provider, attempt.operator)
    try:
        if _is_technical(outcome, answers_charge=answers_charge):
            _count(breaker, attempt, answers_charge=answers_charge)
        elif outcome.result not in _SILENT and breaker in accounts.last_known().health.opened:
            _close(breaker, attempt.submitted_at)
    except Exception:
        log.exception("breaker_not_written", account=attempt.provider, operator=attempt.operator)


def open_now(breaker: Key, reason: Reason) -> None:
    """Open a breaker, unless it is open already."""
    now = store.shared_clock.now()
    opening: dict[Any, Any] = {
        Breaker.opened_at: now,
        Breaker.next_trial_at: now + REST,
        Breaker.reason: reason.value,
    }
    insertion = Breaker.insert({Breaker.account: breaker[0], Breaker.operator: breaker[1], **opening})
    # If two machines count at once, both may come to this: the second changes nothing.
    opened = insertion.on_conflict(
        conflict_target=[Breaker.account, Breaker.operator], update=opening, where=Breaker.opened_at.is_null()
    )
    if _write(opened.as_rowcount()):
        log.warning("breaker_opened", account=breaker[0], operator=breaker[1], reason=reason.value)


def close_now(breaker: Key, which: Any) -> None:
    """Close a breaker if it is open, and `which`."""
    closing = Breaker.update(opened_at=None, next_trial_at=None, reason=None, closed_at=store.shared_clock.now())
    if _write(closing.where(_is(breaker), Breaker.opened_at.is_null(False), which)):
        log.warning("breaker_closed", account=breaker[0], operator=breaker[1])


def listed() -> Mapping[str, JsonObject]:
    """The open breakers of each account that has any, for the operators of this server."""
    found = accounts.known().health
    return {account_id: found.of_account(account_id) for account_id, _ in sorted(found.opened)}


def _is(breaker: Key) -> Any:
    account_id, operator = breaker
    return (Breaker.account == account_id) & (Breaker.operator == operator)


def _write(statement: Any) -> bool:
    """Change a breaker, and let all machines know. False if nothing changed."""
    with store.atomic():
        if not statement.execute():
            return False
        accounts.changed()
    accounts.forget()
    return True


def _publish(_items: Sequence[Any] = ()) -> None:
    """Let all machines know that breakers have changed."""
    accounts.changed()
    accounts.forget()


def _longest_trial(account_id: str) -> timedelta:
    """How long the one charge may be on its way: until then no other one is let through."""
    channel = accounts.channel(account_id)
    return max(REST, channel.times.call_timeout) if channel else REST


def _is_technical(outcome: Outcome, *, answers_charge: bool) -> bool:
    """Whether the provider, or what leads to it, does not work; a look-up without an answer is no charge's result."""
    unanswered = answers_charge and outcome.result is Result.UNKNOWN
    return unanswered or outcome.failure is FailureCode.PROVIDER_UNAVAILABLE


def _close(breaker: Key, submitted_at: datetime) -> None:
    """A charge was answered: close the breaker, if the charge was let through by it."""
    close_now(breaker, Breaker.opened_at < submitted_at)


def _count(breaker: Key, attempt: PaymentAttempt, *, answers_charge: bool) -> None:
    """One more charge has failed for a technical reason: open the breaker if that is too many."""
    row = Breaker.get_or_none(_is(breaker))
    now = store.shared_clock.now()
    if row is None or row.opened_at is None:
        if _are_too_many(breaker, now, row.closed_at if row else None):
            open_now(breaker, Reason.FAILURES)
    elif answers_charge and row.opened_at < attempt.submitted_at:  # it was let through: the rest begins again
        _write(Breaker.update(next_trial_at=now + REST).where(_is(breaker), Breaker.opened_at == row.opened_at))


def _are_too_many(breaker: Key, now: datetime, closed_at: datetime | None) -> bool:
    newest = PaymentAttempt.select(_failed()).order_by(PaymentAttempt.submitted_at.desc()).limit(IN_A_ROW)
    latest: Any = newest.where(*_answered(breaker, now - ROW_WITHIN, closed_at)).tuples()
    results = [bool(row[0]) for row in latest]
    if len(results) == IN_A_ROW and all(results):
        return True
    counts = PaymentAttempt.select(fn.COUNT(PaymentAttempt.id), fn.SUM(Case(None, [(_failed(), 1)], 0)))
    counted: Any = counts.where(*_answered(breaker, now - RATE_WITHIN, closed_at)).tuples().get()
    total, failed = int(counted[0]), int(counted[1] or 0)
    return total >= AT_LEAST and failed * 100 >= total * PERCENT


def _answered(breaker: Key, since: datetime, closed_at: datetime | None) -> Sequence[Any]:
    """The account's charges for that operator since then whose answer is known, or known to be missing."""
    account_id, operator = breaker
    return [
        # By status and time of creation there is an index.
        PaymentAttempt.status.in_(_ANSWERED),
        PaymentAttempt.created_at >= since,
        PaymentAttempt.provider == account_id,
        PaymentAttempt.operator == operator if operator else PaymentAttempt.operator.is_null(),
        PaymentAttempt.submitted_at >= (closed_at or since),
    ]


def _failed() -> Any:
    """Whether the provider had no answer to the attempt's charge, or said of it that it is not available."""
    by_provider = AttemptReport.source != settlement.Source.OPERATOR.value
    ours = AttemptReport.provider_code.is_null(False) & AttemptReport.provider_code.in_(settlement.OWN_CODES)
    unavailable = (AttemptReport.failure_code == FailureCode.PROVIDER_UNAVAILABLE.value) & by_provider & ~ours
    charge = AttemptReport.source == settlement.Source.CHARGE.value
    unanswered = charge & (AttemptReport.result == Result.UNKNOWN.value)
    of_attempt = AttemptReport.attempt == PaymentAttempt.id
    return fn.EXISTS(AttemptReport.select(AttemptReport.id).where(of_attempt, unanswered | unavailable))
