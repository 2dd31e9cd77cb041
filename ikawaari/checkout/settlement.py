"""The single place where a report about a charge is applied to our records.

The provider's immediate answer, its callback, our enquiry and an operator's last word all end in `_apply`, one at a
time per intent. There the money is booked first: the attempt and its intent. What follows from it (the session, events,
subscriptions, money that goes back) is written with it in the same transaction. Should that fail, all is undone and the
report is taken in once more, now step by step: each thing that may fail stands behind a savepoint of its own, so that
nothing of it can undo the booking, and a worker does it again until it is done.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import structlog

from ikawaari import logs, store
from ikawaari.checkout import accounts, consequences, next_actions, outbox, refunds, sessions, snapshots, subscriptions
from ikawaari.checkout.consequences import Case
from ikawaari.checkout.snapshots import IntentSnapshot
from ikawaari.events import events
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.shapes import ColumnValues
from ikawaari.states import ATTEMPT, AttemptStatus, IntentStatus, PaymentStatus
from ikawaari.store import due
from ikawaari.store.models import AttemptReport, PaymentAttempt, PaymentIntent

log = structlog.get_logger()
ENQUIRE, FOLLOW = "attempt.enquire", "attempt.follow"
OWN_CODES = NOT_SENT, NEVER_SEEN = "not sent", "never seen"  # raw codes of ours, where no provider has failed
RECHECKS = (timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24))  # providers may correct a failure late
_LONGEST_PROMPT = timedelta(days=7)  # a session waits for the end of its prompt, but not forever
_AGAIN = timedelta(seconds=30)  # until failed consequences of a settlement are tried again
_SETTLED = (AttemptStatus.SUCCEEDED, AttemptStatus.FAILED)
_SENDING = (AttemptStatus.SUBMITTING, AttemptStatus.UNKNOWN)  # the provider may not have it
_LIVE = (IntentStatus.PROCESSING, IntentStatus.REQUIRES_ACTION)


class Source(StrEnum):
    """The source of a report."""

    CHARGE = "charge"
    CALLBACK = "callback"
    ENQUIRY = "enquiry"
    OPERATOR = "operator"


class _StepByStep(Exception):
    """Something besides the booking failed, and with it the whole pass."""


def answered(attempt: PaymentAttempt, outcome: Outcome, now: datetime, *, may_pay_invoice: bool) -> Case:
    """Apply the provider's immediate answer. Returns the attempt with all that depends on it, as it is now.

    `may_pay_invoice`: whether a subscription may have to be locked before the intent, if the attempt pays for one.
    """
    intent_id = None if may_pay_invoice else attempt.intent_id
    return _apply(attempt.id, outcome, now, Source.CHARGE, intent_id=intent_id)


def refused(attempt: PaymentAttempt, outcome: Outcome, now: datetime) -> None:
    """Apply that a charge was refused which another attempt continues at once: its intent goes on."""
    _apply(attempt.id, outcome, now, Source.CHARGE, goes_on=True)


def apply(
    attempt_id: str,
    outcome: Outcome,
    now: datetime,
    source: Source = Source.ENQUIRY,
    *,
    asked_at: datetime | None = None,
    **trail: Any,
) -> PaymentAttempt:
    """Apply a report about an attempt, whatever its source. An outdated report changes nothing. Returns the attempt.

    `asked_at`: for an enquiry, when it was about to start, by the shared clock. `trail`: for an operator's decision,
    `made_by`, `reason` and `forced`.
    """
    return _apply(attempt_id, outcome, now, source, asked_at=asked_at, **trail).attempt


def _apply(
    attempt_id: str,
    outcome: Outcome,
    now: datetime,
    source: Source,
    *,
    intent_id: str | None = None,
    asked_at: datetime | None = None,
    goes_on: bool = False,
    **trail: Any,
) -> Case:
    """In one pass, all or nothing. If anything besides the booking fails, in a second pass, step by step."""
    logs.ATTEMPT_ID.set(attempt_id)
    try:
        with store.undoable():
            case = _enter(attempt_id, now, intent_id, step_by_step=False)
            case.goes_on = goes_on
            _take_in(case, _concluded(case, outcome, asked_at), source, trail)
            _or_step_by_step(store.flush)  # not at the commit, where its failure would be the booking's
    except _StepByStep:
        with store.atomic():
            case = _enter(attempt_id, now)
            case.goes_on = goes_on
            _take_in(case, _concluded(case, outcome, asked_at), source, trail)
    if case.has_moved:
        accounts.count_move(case.attempt)
    return case


def _take_in(case: Case, outcome: Outcome, source: Source, trail: ColumnValues) -> None:
    status, received = case.attempt.status, case.attempt.amount_received
    _publish_start(case, outcome)
    _learn(case, outcome)
    if outcome.result is Result.SUCCEEDED:
        _succeed(case, outcome)
    elif outcome.result in (Result.FAILED, Result.REFUSED):
        _fail(case, outcome)
    elif outcome.result is not Result.NOT_FOUND:
        _wait(case, outcome)
    _write(case)
    case.has_moved = case.attempt.status != status
    _write_down(case, outcome, source, trail)
    if case.has_moved or case.attempt.amount_received != received:
        _follow_up(case)


def take_back(attempt: PaymentAttempt, outcome: Outcome, now: datetime) -> None:
    """Apply, as `outcome`, that the call for which `attempt` was stored was not made and will not be.

    Compare and set: not if an enquiry has concluded something meanwhile, or another call was started since.
    """
    with store.atomic():
        stored = _enter(attempt.id, now).attempt
        if stored.status == AttemptStatus.SUBMITTING and stored.submitted_at == attempt.submitted_at:
            apply(attempt.id, outcome, now, Source.CHARGE)


def follow(attempt_id: str, now: datetime) -> None:
    """Do what follows a settlement, if that failed at the time. Raises what still prevents it."""
    with store.atomic():
        case = _enter(attempt_id, now)
        paid = case.attempt.status == AttemptStatus.SUCCEEDED and not case.attempt.surplus
        # A later report about the same attempt may have done it meanwhile.
        if not paid or not events.was_recorded("payment_intent.succeeded", case.intent.id):
            consequences.follow(case)


def _enter(attempt_id: str, now: datetime, intent_id: str | None = None, *, step_by_step: bool = True) -> Case:
    """Lock and read what depends on the attempt. `intent_id`: its intent, if no subscription has to be locked first."""
    intent = PaymentIntent.lock(intent_id or subscriptions.lock_for_payment(attempt_id))
    # Read after the lock, by a statement of its own: one that waits for a lock reads other rows as they were before.
    page = snapshots.for_payment(intent.session_id) if intent.session_id else None
    intent = page.intent if page and page.intent else intent
    attempts = page.attempts if page else snapshots.attempts_of(intent)
    attempt = next(row for row in attempts if row.id == attempt_id)
    return Case(attempt, intent, attempts, page, now, step_by_step=step_by_step)


def _concluded(case: Case, outcome: Outcome, asked_at: datetime | None) -> Outcome:
    """If the provider never saw a charge, it will not move money, once its call can no longer be on its way.

    Both times are the shared clock's, and the later one is when the provider was asked, not when it answered.
    """
    channel = accounts.channel(case.attempt.provider)
    never_seen = outcome.result is Result.NOT_FOUND and case.attempt.status in _SENDING
    if not never_seen or channel is None or asked_at is None:
        return outcome
    if asked_at - case.attempt.submitted_at >= channel.times.forgets_after:
        return Outcome(result=Result.FAILED, failure=FailureCode.PROVIDER_UNAVAILABLE, raw_code=NEVER_SEEN)
    return outcome


def _publish_start(case: Case, outcome: Outcome) -> None:
    """Publish that the attempt has begun, with the first report about it: the claim stored it, and published nothing.

    If the process died in between, that report is an enquiry's. A renewal's attempt is published when its provider has
    it: one that an outage refused never began.
    """
    attempt = case.attempt
    if attempt.off_session:
        refused = outcome.result is Result.UNKNOWN or outcome.failure is FailureCode.PROVIDER_UNAVAILABLE
        begins = attempt.status in _SENDING and not refused
    else:
        begins = attempt.status == AttemptStatus.SUBMITTING and not attempt.codes  # a code is sent after a first report
    if begins and not case.goes_on and outcome.result is not Result.NOT_FOUND and case.intent.status in _LIVE:
        shown = IntentSnapshot(case.intent, case.session, case.attempts)
        _alone("start_not_published", case, lambda: outbox.publish_intent("payment_intent.processing", shown, case.now))


# ---------------------------------------------------------------- the booking


def _learn(case: Case, outcome: Outcome) -> None:
    """Note what the provider says besides, whatever the status is: refunds need some of it even of a failed charge.

    It is written with the attempt's move. Money that was taken keeps the reference of its report.
    """
    attempt, learned = case.attempt, ColumnValues()
    known = attempt.provider_reference
    if outcome.reference and outcome.reference != known and not (known and attempt.amount_received):
        learned["provider_reference"] = outcome.reference
    if outcome.provider_data is not None and outcome.provider_data != attempt.provider_data:
        learned["provider_data"] = dict(outcome.provider_data)
    if outcome.saved is not None:
        learned["saved_method"] = asdict(outcome.saved)
    if outcome.last_error is not None and outcome.last_error != attempt.last_error:
        learned["last_error"] = outcome.last_error
    if outcome.cost is not None:
        learned |= {"cost_amount": outcome.cost.amount, "cost_currency": outcome.cost.currency}
    if not case.step_by_step:
        case.learned |= learned
        return
    for name, value in learned.items():
        # If a provider gives one reference to two charges, both must still be booked.
        _alone("attempt_word_not_kept", case, partial(attempt.change, **{name: value}))


def _write(case: Case, target: AttemptStatus | None = None, **columns: Any) -> None:
    """Write what the report says of the attempt by one UPDATE, with its new status, `target`, if it moves."""
    learned, case.learned = case.learned, {}
    columns |= learned
    if not columns:
        return
    write = partial(case.attempt.move, "status", target) if target else case.attempt.change
    if learned:
        _or_step_by_step(lambda: write(**columns))
    else:
        write(**columns)


def _wait(case: Case, outcome: Outcome) -> None:
    """Not settled: store what the payer has to do, and until when, even if the status stays."""
    attempt, target = case.attempt, AttemptStatus(outcome.result.value)
    if attempt.status in _SETTLED:
        return
    action = next_actions.of(attempt, outcome.action)
    deadline = outcome.deadline and min(outcome.deadline, case.now + _LONGEST_PROMPT)
    learned: ColumnValues = {"provider_code": outcome.raw_code, "next_action": action, "deadline_at": deadline}
    learned = {name: value for name, value in learned.items() if value is not None}
    if not ATTEMPT.allow(attempt.status, target):
        _write(case, None, **learned)
        return
    _write(case, target, **{"next_action": None, "provider_code": None} | learned)
    if target is not AttemptStatus.UNKNOWN:
        case.intent.try_move("status", IntentStatus(target.value))


def _succeed(case: Case, outcome: Outcome) -> None:
    """The money was taken: it pays this intent if it is the requested amount and still needed.

    Otherwise it is held, and returned. If several amounts are reported, the largest counts: each report has the total
    taken so far.
    """
    attempt, money = case.attempt, present(outcome.money, "a success has money")
    if attempt.amount_received is not None and (
        money.amount <= attempt.amount_received or money.currency != attempt.received_currency
    ):
        return
    asked = money == Money(attempt.amount, attempt.currency)
    if asked and (attempt.amount_received is None or _is_all_here(case)):
        _book(case, outcome, money)
    else:
        _hold(case, outcome, money)


def _is_all_here(case: Case) -> bool:
    """A part arrived before the whole, and was to be returned: whether none of it has left, or may have left."""
    if case.intent.status == IntentStatus.SUCCEEDED:
        return False
    try:
        with store.savepoint():
            return refunds.withdraw(case.attempt, case.now)
    except Exception:
        log.exception("refund_not_withdrawn", attempt=case.attempt.id)
        return False


def _book(case: Case, outcome: Outcome, money: Money) -> None:
    counted = 0 if case.intent.status == IntentStatus.SUCCEEDED else money.amount
    taken = _taken(money, counted, held=money.amount - counted)
    _write(case, AttemptStatus.SUCCEEDED, failure_code=None, **_ending(case, outcome), **taken)
    if counted:
        case.intent.move("status", IntentStatus.SUCCEEDED, amount=money.amount, amount_received=money.amount)


def _hold(case: Case, outcome: Outcome, money: Money) -> None:
    """An amount that the payer did not agree to is not a payment: it is returned, and the payer may try again.

    If the attempt has already paid, the difference is returned.
    """
    attempt = case.attempt
    more = money.amount - (attempt.amount_received or 0)
    taken = _taken(money, attempt.counted, held=attempt.held + more)
    if ATTEMPT.allow(attempt.status, AttemptStatus.FAILED):
        wrong = Outcome(result=Result.FAILED, failure=FailureCode.INVALID_AMOUNT, raw_code=outcome.raw_code)
        _fail(case, wrong, **taken)
    elif attempt.amount_received is None:
        _write(case, None, settled_at=case.now, **taken)  # it had failed before: reports are by the day of its money
    else:
        _write(case, None, **taken)


def _taken(money: Money, counted: int, *, held: int) -> ColumnValues:
    """The books of an attempt whose provider took `money` in all: what of it counts as the intent's payment or not."""
    return {
        "amount_received": money.amount,
        "received_currency": money.currency,
        "counted": counted,
        "held": held,
    }


def _fail(case: Case, outcome: Outcome, **taken: Any) -> None:
    """It is not a payment: the payer may try again. After a success this is an outdated report. `taken`: what moved."""
    if not ATTEMPT.allow(case.attempt.status, AttemptStatus.FAILED):
        return
    _write(case, AttemptStatus.FAILED, failure_code=outcome.failure, **_ending(case, outcome), **taken)
    due.schedule(ENQUIRE, case.attempt.id, case.now + RECHECKS[0], lane=case.attempt.provider)
    # An earlier attempt may have been corrected to succeeded: then the intent is paid and stays so.
    if not case.goes_on and case.intent.try_move("status", IntentStatus.FAILED) and case.session is not None:
        case.session.try_move("payment_status", PaymentStatus.UNPAID)
        due.schedule(sessions.EXPIRE, case.session.id, case.session.expires_at)


def _ending(case: Case, outcome: Outcome) -> ColumnValues:
    return {
        "provider_code": outcome.raw_code,
        "next_action": None,
        "settled_at": case.now,
    }


def _write_down(case: Case, outcome: Outcome, source: Source, trail: ColumnValues) -> None:
    """Add the report to the attempt's history, unless it repeats the one before."""
    report: ColumnValues = {
        "result": outcome.result,
        "amount": outcome.money.amount if outcome.money else None,
        "currency": outcome.money.currency if outcome.money else None,
        "failure_code": outcome.failure,
        "reference": outcome.reference,
        "provider_code": outcome.raw_code,
        "status": case.attempt.status,
    }
    if trail or case.has_moved or not _repeats(case.attempt, report):
        AttemptReport.add(attempt=case.attempt.id, source=source, created_at=case.now, **report, **trail)


def _repeats(attempt: PaymentAttempt, report: ColumnValues) -> bool:
    last = AttemptReport.select().where(AttemptReport.attempt == attempt.id).order_by(AttemptReport.id.desc()).first()
    return last is not None and all(getattr(last, name) == value for name, value in report.items())


# ---------------------------------------------------------------- what follows from it


def _alone(trouble: str, case: Case, step: Callable[[], object]) -> bool:
    """Do a step that must not undo the booking: if it fails, only it is undone, and logged as `trouble`; then False."""
    if not case.step_by_step:
        _or_step_by_step(step)
        return True
    try:
        with store.savepoint():
            step()
            store.flush()
    except Exception:
        log.exception(trouble, attempt=case.attempt.id)
        return False
    return True


def _or_step_by_step(step: Callable[[], object]) -> None:
    """Do a step of the first pass. If it fails, the report is taken in once more, step by step."""
    try:
        step()
    except Exception as error:
        raise _StepByStep from error


def _follow_up(case: Case) -> None:
    """Do what follows the booking; if that fails, schedule it for a worker."""
    if not _alone("settlement_follow_up_failed", case, lambda: consequences.follow(case)):
        outbox.withhold(case.intent)  # the worker publishes it
        due.schedule(FOLLOW, case.attempt.id, case.now + _AGAIN)
