"""Abandoning: a payer leaves a running payment, to pay by another number or another method, before it has ended.

Another payment may start only once it is certain that this one takes no money. So it is called off at its provider, if
that is possible, and a look-up has to confirm it. Whatever the look-up says is applied like any other report: if the
payer approved a moment before, the payment is paid. Without an answer nothing changes, and enquiries continue.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ikawaari import store
from ikawaari.checkout import accounts, breakers, charges, paces, polls, sessions, settlement, trials
from ikawaari.providers.base import ActionKind, FailureCode, Outcome, Result
from ikawaari.states import UNSETTLED, AttemptStatus
from ikawaari.store import due
from ikawaari.store.models import CardSetup, PaymentAttempt

_CALLED_OFF = (FailureCode.CANCELED, FailureCode.EXPIRED)  # what providers call it


def name_of(row: PaymentAttempt | CardSetup) -> str:
    """What a page calls the payment that it shows, when it asks to abandon that one."""
    return row.id[:8]


def is_possible(row: PaymentAttempt | CardSetup) -> bool:
    """Whether the attempt, or the card of a trial, waits for its payer and can be called off at its provider."""
    if row.status != AttemptStatus.REQUIRES_ACTION or not row.next_action:
        return False
    channel = accounts.channel(row.provider)
    return channel is not None and channel.may_cancel(ActionKind(row.next_action["type"]))


def was_called_off(rows: Sequence[PaymentAttempt], name: str) -> bool:
    """Whether the payment of that name is among them and was called off, so that it certainly takes nothing."""
    found = next((row for row in rows if name_of(row) == name), None)
    return found is not None and (found.status, found.failure_code) == (AttemptStatus.FAILED, FailureCode.CANCELED)


def abandon(session_id: str, name: str, now: datetime) -> bool:
    """Call off the session's running payment, if it has that name and can be called off.

    Returns whether it has ended. If somebody else has begun another one since the payer's page was shown, or it has
    ended already, nothing is called off. At most every few seconds, like a check. Raises NotFound.
    """
    attempts = sessions.look_up_for_payment(session_id, now).attempts
    running = next((attempt for attempt in attempts if attempt.status in UNSETTLED), None) or trials.running(session_id)
    if running is None or name_of(running) != name:
        return True
    is_asked = is_possible(running) and polls.may_check(running, now) and paces.may_look_up(running.provider)
    if not is_asked:
        return False
    if isinstance(running, CardSetup):
        trials.enquire(running.id, now, calls_off=True)
    else:
        _call_off(charges.find(running.id), now)
    return type(running).get_by_id(running.id).status not in UNSETTLED


def _call_off(attempt: PaymentAttempt, now: datetime) -> None:
    channel = accounts.channel(attempt.provider)
    if channel is None:
        return
    charge, asked_at = charges.of(attempt), store.shared_clock.now()
    store.leave()
    outcome = _by_payer(channel.cancel(charge, now))
    settlement.apply(attempt.id, outcome, now, asked_at=asked_at)
    breakers.heed(attempt, outcome, answers_charge=False)
    if outcome.result is not Result.FAILED:
        due.touch(settlement.ENQUIRE, attempt.id, now, lane=attempt.provider)


def _by_payer(outcome: Outcome) -> Outcome:
    """The payer has canceled it, also if the provider calls it expired."""
    is_called_off = outcome.result is Result.FAILED and outcome.failure in _CALLED_OFF
    return replace(outcome, failure=FailureCode.CANCELED) if is_called_off else outcome
