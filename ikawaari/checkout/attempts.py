"""Where money moves, and the only place. Why nobody is charged twice:

1. `_begin_session` claims the intent and its session by compare-and-set and stores the attempt, in one transaction,
   before any provider is called (`_begin_intent` if there is no session). If a double click, two tabs or two machines
   pay at once, only one of them succeeds, and the others get a Conflict. A unique index guarantees it.
   What was read before the claim may be old: each update requires that what it relies on is still so.
   A renewal (`pay_saved`) follows the same path, with the payer absent (off session).
2. The provider is called outside every transaction, under the attempt's own id: the same id never takes money twice.
3. If an answer is missing or unusable, the attempt is `unknown`: neither paid nor failed. No second attempt may start
   until an enquiry has found out.
   Only a refusal, an answer that says that nothing was started, is passed on to another provider account, once, by an
   attempt that continues the refused one within the same claim (`rerouting`).
4. Every report goes through `settlement.apply`: the provider's answer, its callback, our enquiry, an operator's
   decision. It locks the intent and changes statuses by the tables in `states`: reports that arrive twice, late, out
   of order or at once end the same way.
5. Money that moved anyway (a correction after a second try, a wrong amount, a payment after expiry or beyond the uses
   of a link) is recorded, published, and returned or accepted by rule.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ikawaari import cards, errors, ids, store
from ikawaari.checkout import (
    accounts,
    breakers,
    budgets,
    charges,
    collected,
    enquiry,
    intents,
    invoices,
    links,
    merchant_view,
    next_actions,
    outbox,
    pay_keys,
    payment_methods,
    quotes,
    repeats,
    rerouting,
    sessions,
    settlement,
    snapshots,
    subscriptions,
    trials,
)
from ikawaari.checkout.collected import Collected
from ikawaari.checkout.payment_methods import Once, PaymentMethod, PayRequest, Terms, unnamed
from ikawaari.checkout.quotes import Quote
from ikawaari.checkout.snapshots import IntentSnapshot, PaymentSnapshot, Snapshot
from ikawaari.errors import Conflict, Declined, Details, Gone, IkawaariError, Unavailable, ValidationFailed
from ikawaari.invariants import ensure, present
from ikawaari.money import Money
from ikawaari.providers.base import Action, ActionKind, FailureCode, Outcome, Result
from ikawaari.states import PAYABLE, UNSETTLED, AttemptStatus, IntentStatus, PaymentStatus
from ikawaari.store.models import CheckoutSession, Invoice, PaymentAttempt, PaymentIntent, Subscription


def pay_once(shown: PaymentSnapshot, request: PayRequest, key: pay_keys.Key | None, now: datetime) -> Snapshot | None:
    """Like `pay`, for a session that was just read; the same request with the same key is carried out once only.

    Returns the session as it is now, or None if it has to be read again. Also raises Conflict if another request was
    stored with the key.
    """
    if key is None:
        return _pay(shown, request, now)
    return key.once(lambda: _pay(shown, replace(request, once=key.take), now))


def pay(session_id: str, request: PayRequest, now: datetime) -> None:
    """Try to pay a session once.

    Raises NotFound, Gone, Conflict (paid, or an attempt is not settled), ValidationFailed, Declined (refused now).
    """
    _pay(sessions.look_up_for_payment(session_id, now), request, now)


def _pay(shown: PaymentSnapshot, request: PayRequest, now: datetime) -> Snapshot | None:
    return breakers.routed(lambda: _pay_there(shown, request, now))


def _pay_there(shown: PaymentSnapshot, request: PayRequest, now: datetime) -> Snapshot | None:
    shown = sessions.require_open(shown, now)
    session = shown.session
    if session.payment_status == PaymentStatus.PROCESSING:
        if request.otp and _waiting_for_code(shown.attempts):
            submit_otp(session.id, request.otp, now, request.once)
            return None
        raise Conflict(errors.ATTEMPT_UNSETTLED)
    method, answers = _read(request, session)
    method = payment_methods.identified(method, now)
    if subscriptions.trial_days(session):
        _begin_trial(session, method, answers, request, now)
        return None
    code = payment_methods.code_for(request, method, answers.money)
    attempt = _begin_session(shown, method, answers, request.return_url, now, asked=request.asked, once=request.once)
    return _submit(attempt, code, now, shown)


def confirm(intent: PaymentIntent, request: PayRequest | None, now: datetime) -> None:
    """Try to pay an intent once, at its merchant's request. An intent of a session is paid through the session.

    Raises Conflict (paid, canceled, or an attempt is not settled), ValidationFailed, Gone, Declined (refused at once).
    """
    otp = request.otp if request and intent.status == IntentStatus.REQUIRES_ACTION else None
    if intent.status not in PAYABLE and not otp:
        raise _refused(intent)
    if request is None:
        raise ValidationFailed({"payment_method": ["is required"]}, errors.PAYMENT_INVALID)
    if intent.session_id:
        pay(intent.session_id, request, now)
    elif otp:
        _send_code(intent.id, otp, now, request.once)
    else:
        breakers.routed(lambda: _pay_intent(intent, request, now))


def _pay_intent(intent: PaymentIntent, request: PayRequest, now: datetime) -> None:
    terms, money = Terms.of_intent(intent), Money(intent.amount, intent.currency)
    method = payment_methods.routed(payment_methods.read(request, terms), terms, money)
    code = payment_methods.code_for(request, method, money)
    method = payment_methods.identified(method, now)
    _submit(_begin_intent(intent, method, request.return_url, now, once=request.once), code, now)


def start_in_test_mode(intent: PaymentIntent, method: PaymentMethod, now: datetime) -> None:
    """Start an attempt that only a test callback ends. It is claimed and stored like any other.

    Raises Conflict (paid, canceled, or an attempt is not settled), Gone.
    """
    ensure(not intent.livemode, "nobody decides for a live payer")
    if intent.session_id:
        shown = sessions.find_open(intent.session_id, now)
        answers = collected.kept(shown.session, quotes.of(shown.session, method.type, None, None).fee)
        _submit(_begin_session(shown, method, answers, None, now), None, now, shown)
    else:
        _submit(_begin_intent(intent, method, None, now), None, now)


def pay_saved(invoice: Invoice, now: datetime) -> None:
    """Try to pay an invoice once, by its subscription's payment method, if a try is due. The payer is absent.

    Raises Gone, Conflict (paid, an attempt is not settled, or another worker makes this try), Unavailable (no account
    takes it now), Declined (refused now).
    """
    shown = sessions.find_open(invoice.session_id, now)
    with store.atomic():
        # If two invoices of one trial race, the second one sees the first one's prompt under this lock.
        agreed = subscriptions.agreed(Subscription.lock(invoice.subscription_id))
        if agreed is None:
            invoices.claim_try(invoice, now)  # only its page takes the payment, without a prompt
            return
        answers = collected.kept(shown.session, agreed.fee)
        attempt = _begin_session(shown, agreed.method, answers, None, now, off_session=True)
        if not invoices.claim_try(invoice, now):
            raise Conflict(errors.ATTEMPT_UNSETTLED)
    _submit(attempt, None, now, shown)


def is_tried(stored: str) -> bool:
    """Whether a provider was called, or about to be, for the attempt or the latest attempt of the intent `stored`.

    False if there is none, or it was refused temporarily: a new attempt may start. Raises Declined if it was refused
    permanently.
    """
    tried = (PaymentAttempt.id == stored) | (PaymentAttempt.routed_from == stored) | (PaymentAttempt.intent == stored)
    newest = PaymentAttempt.select().where(tried).order_by(PaymentAttempt.created_at.desc(), PaymentAttempt.id.desc())
    attempt = newest.first()
    if attempt is None or attempt.status != AttemptStatus.FAILED:
        return attempt is not None
    refusal = Declined(str(attempt.failure_code))
    if not refusal.retryable:
        raise refusal
    return False


def submit_otp(session_id: str, otp: str, now: datetime, once: Once = unnamed) -> None:
    """Send the code that the payer entered. Raises NotFound, Gone, Conflict (no code is awaited), Declined."""
    shown = sessions.find_open(session_id, now)
    if shown.intent is None:
        raise Conflict(errors.STATE_FORBIDS, "No code is awaited.")
    _send_code(shown.intent.id, otp, now, once)


def _read(request: PayRequest, session: CheckoutSession) -> tuple[PaymentMethod, Collected]:
    """The payment method, routed, and the answers. Raises one ValidationFailed for the wrong fields of both,
    Unavailable if no provider takes the payment now.
    """
    problems: Details = {}
    method = answers = None
    terms = Terms.of_session(session)
    try:
        method = payment_methods.read(request, terms)
    except ValidationFailed as wrong:
        problems |= wrong.details
    try:
        answers = collected.read(request, session)
    except ValidationFailed as wrong:
        problems |= wrong.details
    if method is None or answers is None:
        raise ValidationFailed(problems, cards.refusal_code(problems, errors.PAYMENT_INVALID))
    return payment_methods.routed(method, terms, answers.money, amount_is_chosen=request.amount is not None), answers


def _begin_session(
    shown: PaymentSnapshot,
    method: PaymentMethod,
    answers: Collected,
    return_url: str | None,
    now: datetime,
    *,
    off_session: bool = False,
    asked: str | None = None,
    once: Once = unnamed,
) -> PaymentAttempt:
    """Claim the session and its intent for this payment, and store the attempt: all or nothing, for one caller only."""
    session = shown.session
    with store.atomic():
        breakers.admit(method.provider, method.operator)
        intent = shown.intent or intents.for_session(session, answers.money, now)
        # If two payers race, this update and the session's require the old status, so the second one changes no row.
        if not intents.claim(intent, answers.money):
            raise sessions.lost(session, now)
        if not off_session:
            budgets.require_try(IntentSnapshot(intent, session, shown.attempts), method, now)
            repeats.require_asked(session, method, answers, asked, now)
        # If another attempt began and failed since `shown` was read, the budget has not counted it: that race is lost.
        if not sessions.claim(session, answers, now, tried=(intent.id, len(shown.attempts))):
            raise sessions.lost(session, now)
        links.claim(session)
        back = return_url or _page_after(session.id)
        attempt = _store(intent, method, answers.quote, back, now, off_session=off_session, **answers.columns)
        once(attempt.id)
        return attempt


def _begin_intent(
    intent: PaymentIntent, method: PaymentMethod, return_url: str | None, now: datetime, *, once: Once = unnamed
) -> PaymentAttempt:
    """The same for an intent without a session."""
    with store.atomic():
        breakers.admit(method.provider, method.operator)
        locked = PaymentIntent.lock(intent.id)
        if locked.currency != intent.currency:  # its merchant changed it since the provider was chosen
            raise Conflict(errors.STATE_FORBIDS, "The payment intent has just changed.")
        if locked.status not in PAYABLE:
            raise _refused(locked)
        budgets.require_try(IntentSnapshot(locked, None, snapshots.attempts_of(locked)), method, now)
        locked.move("status", IntentStatus.PROCESSING)
        quote = Quote(locked.amount, fee=0, quantities=None)
        attempt = _store(locked, method, quote, return_url or merchant_view.after_payment_url(), now)
        once(attempt.id)
        return attempt


def _store(
    intent: PaymentIntent, method: PaymentMethod, quote: Quote, return_url: str, now: datetime, **further: Any
) -> PaymentAttempt:
    """Store the attempt of a claimed intent, and schedule its enquiry, before a provider is called.

    `further`: more of its columns. That it has begun is published with the first report about it: see `settlement`.
    """
    attempt = PaymentAttempt(
        id=ids.new_attempt(),
        intent=intent,
        provider=method.provider,
        status=AttemptStatus.SUBMITTING,
        type=method.type,
        operator=method.operator,
        country=method.country,
        phone=method.phone,
        card_token=method.card_token,
        card_fingerprint=method.card_fingerprint,
        saved_method=method.saved,
        flow=method.flow,
        return_url=return_url,
        amount=quote.total,
        fee_amount=quote.fee,
        quantities=quote.quantities,
        currency=intent.currency,
        created_at=now,
        **further,
    )
    store.shared_clock.insert(attempt, "submitted_at")  # not `now`: we may have waited for locks since that was read
    enquiry.begin(attempt, now)
    outbox.withhold(intent)
    return attempt


def _begin_trial(
    session: CheckoutSession, method: PaymentMethod, answers: Collected, request: PayRequest, now: datetime
) -> None:
    """Nothing is due today: start the trial, or have its card saved first. For one caller only, like a payment."""
    setup = None
    with store.atomic():
        if must_save := trials.must_save(method):
            breakers.admit(method.provider, method.operator)
        repeats.require_asked(session, method, answers, request.asked, now)
        if must_save:
            back = request.return_url or _page_after(session.id)
            setup = trials.prepare(session, method, answers, now, return_url=back, once=request.once)
        elif trials.start(session, method, answers, now):
            request.once(session.id)
        else:
            raise sessions.lost(session, now)
    if setup is not None:
        trials.submit(setup, session, now)


def _page_after(session_id: str) -> str:
    return f"{merchant_view.page_url(session_id)}?returned=1"


def _send_code(intent_id: str, otp: str, now: datetime, once: Once = unnamed) -> None:
    """Call the provider again under the same id, now with the code."""
    with store.atomic():
        intent = PaymentIntent.lock(intent_id)
        attempt = _waiting_for_code(snapshots.attempts_of(intent))
        if attempt is not None and accounts.channel(attempt.provider) is None:
            raise Unavailable(errors.NO_PROVIDER, details={"payment_method": ["Its provider is not here now."]})
        # If "send" is clicked twice, the second call waits for the lock, and then finds no attempt that awaits a code.
        if attempt is None or not intent.try_move("status", IntentStatus.PROCESSING):
            raise Conflict(errors.STATE_FORBIDS, "No code is awaited.")
        budgets.require_code(attempt)
        # Its action is kept in case the code is not sent; it is not shown while the attempt is submitting.
        submitted_at = store.shared_clock.now()
        attempt.move("status", AttemptStatus.SUBMITTING, submitted_at=submitted_at, codes=attempt.codes + 1)
        once(attempt.id)
    _submit(attempt, otp, now)


def _submit(attempt: PaymentAttempt, otp: str | None, now: datetime, shown: Snapshot | None = None) -> Snapshot | None:
    """Call the provider and apply its answer. `shown`: the attempt's session, where it was read for the claim.

    Returns the session as it is now; None if it has to be read again. Raises Declined if the answer is a refusal,
    Unavailable if it is too late for a call, and none was made.
    """
    channel = present(accounts.channel(attempt.provider), f"attempt {attempt.id} was routed to {attempt.provider}")
    # If the process was frozen since the claim, it is too late: enquiry would conclude that nothing was sent.
    if store.shared_clock.now() - attempt.submitted_at >= channel.times.sends_within:
        raise _not_sent(attempt, now)
    session = shown.session if shown else None
    charge = charges.of(attempt, otp, session)
    store.leave()
    outcome = channel.charge(charge, now)
    if otp is None and (other := rerouting.next_channel(attempt, outcome)):
        again = rerouting.pass_on(attempt, outcome, other, now)
        if again is not None:
            breakers.heed(attempt, outcome, answers_charge=True)
            attempt, charge = again, charges.of(again, None, session)
            store.leave()
            outcome = other.charge(charge, now)
    may_pay_invoice = shown is None or invoices.may_be_of(shown.session)
    case = settlement.answered(attempt, outcome, now, may_pay_invoice=may_pay_invoice)
    breakers.heed(attempt, outcome, answers_charge=True)
    if case.attempt.status == AttemptStatus.FAILED:
        raise Declined(str(case.attempt.failure_code))
    return case.page_now


def _not_sent(attempt: PaymentAttempt, now: datetime) -> Exception:
    """Fail an attempt that was certainly not sent, so that the payer may try again; if a code was to be sent, the
    charge still awaits it. Returns the error to raise.
    """
    unsent = Outcome(result=Result.FAILED, failure=FailureCode.PROVIDER_UNAVAILABLE, raw_code=settlement.NOT_SENT)
    if attempt.codes:
        action = Action(kind=ActionKind.OTP, dial_code=next_actions.dial_code(attempt, ActionKind.OTP))
        unsent = Outcome(result=Result.REQUIRES_ACTION, action=action, raw_code="code not sent")
    settlement.take_back(attempt, unsent, now)
    return Unavailable(
        errors.UNAVAILABLE, "The payment was not sent, and nothing was taken: try again.", retry_after_seconds=1
    )


def _refused(intent: PaymentIntent) -> IkawaariError:
    """Why an intent cannot be paid now."""
    if intent.status == IntentStatus.SUCCEEDED:
        return Conflict(errors.ALREADY_PAID)
    if intent.cancellation_reason == "expired":
        return Gone(errors.SESSION_EXPIRED)
    if intent.status == IntentStatus.CANCELED:
        return Conflict(errors.STATE_FORBIDS, "The payment intent is canceled.")
    return Conflict(errors.ATTEMPT_UNSETTLED)


def _unsettled(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The one of an intent's attempts whose money may still move."""
    return next((attempt for attempt in attempts if attempt.status in UNSETTLED), None)


def _waiting_for_code(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    attempt = _unsettled(attempts)
    action = merchant_view.next_action([attempt]) if attempt else None
    return attempt if action and action["type"] == ActionKind.OTP else None
