"""Breakers: an account that does not answer is asked for no more charges of an operator, on any machine, for a while.

A breaker changes where new charges go and what is shown, and nothing else: what is on its way is looked up as always.
Nothing is counted while charges are answered: when one is not, the latest attempts are counted from what is stored.
docs/decisions/breaker.md has the reasons.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any, TypeVar

import structlog
from peewee import Case, fn

from ikawaari import clock, errors, store
from ikawaari.checkout import accounts, health, settlement
from ikawaari.checkout.health import Key
from ikawaari.checkout.polls import Asked
from ikawaari.errors import Unavailable
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.shapes import JsonObject
from ikawaari.states import AttemptStatus
from ikawaari.store.models import AttemptReport, Breaker, CardSetup, PaymentAttempt

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


def heed(asked: Asked, outcome: Outcome, *, answers_charge: bool) -> None:
    """Note what a report that was just applied says of its account: whether charges of the operator are answered.

    A card that is saved counts as a charge. `answers_charge`: the report is the answer to one; else it is later news.
    Raises nothing.
    """
    channel = accounts.channel(asked.provider)
    if channel is None or not channel.account.livemode:  # what fails in test mode is scripted
        return
    breaker = health.key(asked.provider, asked.operator if isinstance(asked, PaymentAttempt) else None)
    try:
        if _is_technical(outcome, answers_charge=answers_charge):
            _count(breaker, asked, answers_charge=answers_charge)
        elif outcome.result not in _SILENT and breaker in accounts.last_known().health.opened:
            _close(breaker, asked.submitted_at)
    except Exception:
        log.exception("breaker_not_written", account=breaker[0], operator=breaker[1])


def open_now(breaker: Key, reason: Reason, rest: timedelta | None = None) -> None:
    """Open a breaker, unless it is open already. `rest`: until it lets one charge through, if not as long as usual."""
    now = store.shared_clock.now()
    opening: dict[Any, Any] = {
        Breaker.opened_at: now,
        Breaker.next_trial_at: now + (REST if rest is None else rest),
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


def _count(breaker: Key, asked: Asked, *, answers_charge: bool) -> None:
    """One more charge has failed for a technical reason: open the breaker if that is too many."""
    row = Breaker.get_or_none(_is(breaker))
    now = store.shared_clock.now()
    if row is None or row.opened_at is None:
        if _are_too_many(breaker, now, row.closed_at if row else None):
            open_now(breaker, Reason.FAILURES)
    elif answers_charge and row.opened_at < asked.submitted_at:  # it was let through: the rest begins again
        _write(Breaker.update(next_trial_at=now + REST).where(_is(breaker), Breaker.opened_at == row.opened_at))


def _are_too_many(breaker: Key, now: datetime, closed_at: datetime | None) -> bool:
    tables: list[type[Asked]] = [PaymentAttempt] if breaker[1] else [PaymentAttempt, CardSetup]
    latest = [row for table in tables for row in _latest(table, _answered(table, breaker, now - ROW_WITHIN, closed_at))]
    results = [bool(failed) for _, failed in sorted(latest, key=itemgetter(0), reverse=True)[:IN_A_ROW]]
    if len(results) == IN_A_ROW and all(results):
        return True
    counts = [_counted(table, _answered(table, breaker, now - RATE_WITHIN, closed_at)) for table in tables]
    total, failed = (sum(column) for column in zip(*counts, strict=True))
    return bool(total >= AT_LEAST and failed * 100 >= total * PERCENT)


def _latest(table: type[Asked], which: Sequence[Any]) -> Sequence[tuple[datetime, bool | None]]:
    """When the latest of them were submitted, and whether they have failed."""
    newest = table.select(table.submitted_at, _failed(table)).order_by(table.submitted_at.desc()).limit(IN_A_ROW)
    found: Any = newest.where(*which).tuples()
    return list(found)


def _counted(table: type[Asked], which: Sequence[Any]) -> tuple[int, int]:
    """How many of them there are, and how many of those have failed."""
    counts = table.select(fn.COUNT(table.id), fn.SUM(Case(None, [(_failed(table), 1)], 0)))
    counted: Any = counts.where(*which).tuples().get()
    return int(counted[0]), int(counted[1] or 0)


def _answered(table: type[Asked], breaker: Key, since: datetime, closed_at: datetime | None) -> Sequence[Any]:
    """The account's charges for that operator since then whose answer is known, or known to be missing."""
    account_id, operator = breaker
    which = [
        # By status and time of creation there is an index of attempts.
        table.status.in_(_ANSWERED),
        table.created_at >= since,
        table.provider == account_id,
        table.submitted_at >= (closed_at or since),
    ]
    if table is PaymentAttempt:
        which.append(PaymentAttempt.operator == operator if operator else PaymentAttempt.operator.is_null())
    return which


def _failed(table: type[Asked]) -> Any:
    """Whether the provider had no answer to the charge, or said of it that it is not available."""
    if table is CardSetup:
        ours = CardSetup.provider_code.is_null(False) & CardSetup.provider_code.in_(settlement.OWN_CODES)
        return CardSetup.unanswered.is_null(False) | (
            (CardSetup.failure_code == FailureCode.PROVIDER_UNAVAILABLE.value) & ~ours
        )
    by_provider = AttemptReport.source != settlement.Source.OPERATOR.value
    ours = AttemptReport.provider_code.is_null(False) & AttemptReport.provider_code.in_(settlement.OWN_CODES)
    unavailable = (AttemptReport.failure_code == FailureCode.PROVIDER_UNAVAILABLE.value) & by_provider & ~ours
    charge = AttemptReport.source == settlement.Source.CHARGE.value
    unanswered = charge & (AttemptReport.result == Result.UNKNOWN.value)
    of_attempt = AttemptReport.attempt == PaymentAttempt.id
    return fn.EXISTS(AttemptReport.select(AttemptReport.id).where(of_attempt, unanswered | unavailable))
