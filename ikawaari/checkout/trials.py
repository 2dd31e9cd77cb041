"""Trials: nothing is due today. The payment method is noted, and the trial starts at once; unless a provider must save
the card first: then only its success starts the trial.

Saving a card moves no money, so it is no attempt. It has the attempts' guards, because the same things happen to it:
the setup is stored under its own id before its provider is called, outside every transaction; one of a session runs at
a time; an answer that is missing is `unknown`, and it is looked up until it has ended. The session stays open
meanwhile, and whatever ends it first, wins: a card that was saved for nothing is never charged.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import structlog
from peewee import IntegrityError

from ikawaari import errors, ids, store
from ikawaari.checkout import (
    accounts,
    breakers,
    budgets,
    charges,
    customers,
    links,
    outbox,
    paces,
    polls,
    sessions,
    settlement,
    subscriptions,
)
from ikawaari.checkout.collected import Collected
from ikawaari.checkout.payment_methods import Once, PaymentMethod
from ikawaari.checkout.quotes import Quote
from ikawaari.checkout.subscriptions import Agreement
from ikawaari.errors import Conflict, Declined, Gone
from ikawaari.invariants import present
from ikawaari.money import Money
from ikawaari.providers.base import Action, FailureCode, Outcome, Result
from ikawaari.shapes import ColumnValues, MethodType, NextAction
from ikawaari.states import ATTEMPT, UNSETTLED, AttemptStatus, PaymentStatus, SessionStatus
from ikawaari.store import due
from ikawaari.store.models import CardSetup, CheckoutSession

log = structlog.get_logger()
ENQUIRE = "trial.enquire"
_ENDED = (AttemptStatus.SUCCEEDED, AttemptStatus.FAILED)
_FAILS = (Result.FAILED, Result.REFUSED)


def start(session: CheckoutSession, method: PaymentMethod, answers: Collected, now: datetime) -> bool:
    """Store the payment method and start the trial, in the caller's transaction: for one caller only, like a payment.

    False if the session is not open any more. Raises Gone if its link is used up.
    """
    if not sessions.claim(session, answers, now):
        return False
    links.claim(session)
    sessions.try_complete(session, PaymentStatus.NO_PAYMENT_REQUIRED, now)
    customers.recognize(session, method.phone, now)
    subscriptions.activate(session, Agreement(method, answers.quote.fee), now)
    outbox.publish_move(session, now)
    return True


def must_save(method: PaymentMethod) -> bool:
    """Whether the method is a card that its provider must save first."""
    channel = accounts.channel(method.provider)
    return method.type == MethodType.CARD and channel is not None and channel.saves_first


def prepare(
    session: CheckoutSession, method: PaymentMethod, answers: Collected, now: datetime, *, return_url: str, once: Once
) -> CardSetup:
    """Store the setup of a card, in the caller's transaction.

    Raises Conflict if another one runs, or the trial has started, Gone, TooManyRequests.
    """
    # If two tabs race, the second one waits here, and then finds the first one's setup, or the trial that it started.
    locked = CheckoutSession.lock(session.id)
    if locked.status != SessionStatus.OPEN or locked.expires_at <= now:
        raise sessions.lost(session, now)
    budgets.require_setup(_of(session), method, now)
    setup = CardSetup(
        id=ids.new_attempt(),
        session=session.id,
        provider=method.provider,
        status=AttemptStatus.SUBMITTING,
        card_token=method.card_token,
        card_fingerprint=method.card_fingerprint,
        return_url=return_url,
        amount=answers.quote.total,
        fee_amount=answers.quote.fee,
        quantities=answers.quote.quantities,
        created_at=now,
        **answers.columns,
    )
    try:
        with store.savepoint():
            store.shared_clock.insert(setup, "submitted_at")
    except IntegrityError:
        raise Conflict(errors.ATTEMPT_UNSETTLED) from None
    due.schedule_new(ENQUIRE, setup.id, polls.first(setup, accounts.channel(setup.provider), now), lane=setup.provider)
    once(setup.id)
    return setup


def submit(setup: CardSetup, session: CheckoutSession, now: datetime) -> None:
    """Have the provider save the card, and apply its answer. Raises Declined if it refuses."""
    channel = present(accounts.channel(setup.provider), "the card was routed to it")
    charge = charges.setup(setup, session)
    store.leave()
    outcome = channel.setup(charge, now)
    if outcome.result is Result.UNKNOWN:
        CardSetup.update(unanswered=True).where(CardSetup.id == setup.id).execute()
    applied = apply(setup.id, outcome, now)
    breakers.heed(setup, outcome, answers_charge=True)
    if applied.status == AttemptStatus.FAILED:
        raise Declined(str(applied.failure_code))


def running(session_id: str) -> CardSetup | None:
    """The card of the session's trial that is being saved, if any."""
    found: CardSetup | None = CardSetup.get_or_none(CardSetup.session == session_id, CardSetup.status.in_(UNSETTLED))
    return found


def check(session_id: str, now: datetime) -> None:
    """The payer comes back from the bank: ask now, but at most every few seconds."""
    setup = running(session_id)
    if setup is not None and polls.may_check(setup, now) and paces.may_look_up(setup.provider):
        enquire(setup.id, now)


def touch(account_id: str, setup_id: str, now: datetime) -> bool:
    """News of a setup: ask at once. False if the account has none of that id."""
    found = CardSetup.get_or_none(CardSetup.id == setup_id, CardSetup.provider == account_id)
    if found is None:
        return False
    if found.status in UNSETTLED:
        due.touch(ENQUIRE, found.id, now, lane=account_id)
    return True


def enquire(setup_id: str, now: datetime, *, calls_off: bool = False) -> datetime | None:
    """Ask the provider what became of a setup. Returns when to ask next, or None if it has ended.

    `calls_off`: its payer wants to leave it, so it is canceled before its time.
    """
    setup = CardSetup.get_by_id(setup_id)
    channel = accounts.channel(setup.provider)
    if setup.status in _ENDED:
        return None
    if channel is not None:
        charge = charges.setup(setup, CheckoutSession.get_by_id(setup.session_id))
        asked_at = store.shared_clock.now()
        store.leave()
        gives_up = calls_off or polls.is_given_up(setup, channel, now)
        outcome = channel.cancel(charge, now) if gives_up else channel.lookup(charge, now)
        setup = apply(setup.id, outcome, now, asked_at=asked_at)
        breakers.heed(setup, outcome, answers_charge=False)
    return None if setup.status in _ENDED else polls.next_one(setup, channel, now)


def apply(setup_id: str, outcome: Outcome, now: datetime, *, asked_at: datetime | None = None) -> CardSetup:
    """Apply what the provider says of a setup; once it has ended, nothing changes it. Returns it as it is now.

    `asked_at`: for an enquiry, when it was about to start, by the shared clock.
    """
    with store.atomic():
        # The session first, as in `prepare`: else each could hold what the other one waits for.
        CheckoutSession.lock(CardSetup.get_by_id(setup_id).session_id)
        setup = CardSetup.lock(setup_id)
        if setup.status in _ENDED:
            return setup
        outcome = _concluded(setup, outcome, asked_at)
        if outcome.result is Result.SUCCEEDED:
            setup.move("status", AttemptStatus.SUCCEEDED, settled_at=now, **_learned(outcome))
            _finish(setup, outcome, now)
        elif outcome.result in _FAILS:
            failure = {"failure_code": outcome.failure, "next_action": None, "settled_at": now}
            setup.move("status", AttemptStatus.FAILED, **_learned(outcome), **failure)
        elif outcome.result is not Result.NOT_FOUND:
            _wait(setup, outcome)
        return setup


def _concluded(setup: CardSetup, outcome: Outcome, asked_at: datetime | None) -> Outcome:
    """A setup that the provider never saw fails, once its call can no longer be on its way."""
    channel = accounts.channel(setup.provider)
    if outcome.result is not Result.NOT_FOUND or channel is None or asked_at is None:
        return outcome
    if asked_at - setup.submitted_at < channel.times.forgets_after:
        return outcome
    return Outcome(result=Result.FAILED, failure=FailureCode.PROVIDER_UNAVAILABLE, raw_code=settlement.NEVER_SEEN)


def _learned(outcome: Outcome) -> ColumnValues:
    data = None if outcome.provider_data is None else dict(outcome.provider_data)
    said = {"provider_reference": outcome.reference, "provider_code": outcome.raw_code, "provider_data": data}
    return {name: value for name, value in said.items() if value is not None}


def _wait(setup: CardSetup, outcome: Outcome) -> None:
    """Not ended: store what the payer has to do, and until when, even if the status stays."""
    target = AttemptStatus(outcome.result.value)
    said: ColumnValues = {"next_action": _action(setup, outcome.action), "deadline_at": outcome.deadline}
    learned = _learned(outcome) | {name: value for name, value in said.items() if value is not None}
    if ATTEMPT.allow(setup.status, target):
        setup.move("status", target, **learned)
    elif learned:
        setup.change(**learned)


def _action(setup: CardSetup, action: Action | None) -> NextAction | None:
    """A bank asks on a page of its own; nothing else is asked about a card."""
    if action is None or not action.url:
        return None
    return {"type": action.kind, "redirect_to_url": {"url": action.url, "return_url": setup.return_url}}


def _finish(setup: CardSetup, outcome: Outcome, now: datetime) -> None:
    """The card is saved: start the trial, unless its session has ended, or its link is used up."""
    session = CheckoutSession.get_by_id(setup.session_id)
    saved = asdict(outcome.saved) if outcome.saved else None
    if saved is None:
        log.error("card_saved_without_a_name", setup=setup.id)
    method = PaymentMethod(type=MethodType.CARD, provider=setup.provider, card_token=setup.card_token, saved=saved)
    quote = Quote(setup.amount - setup.fee_amount, setup.fee_amount, setup.quantities)
    answers = Collected(quote, Money(quote.total, session.currency), setup.customer_details, setup.custom_field_values)
    try:
        with store.savepoint():
            if not start(session, method, answers, now):
                log.info("card_saved_too_late", setup=setup.id)
    except Gone:
        log.info("card_saved_too_late", setup=setup.id)


def _of(session: CheckoutSession) -> Sequence[CardSetup]:
    """The session's setups, newest first."""
    every = CardSetup.select().where(CardSetup.session == session.id)
    return list(every.order_by(CardSetup.created_at.desc(), CardSetup.id.desc()))
