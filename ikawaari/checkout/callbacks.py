"""Callbacks, the second door: what providers send us. Signed reports are applied; hints only make us ask at once."""

from datetime import datetime

import structlog

from ikawaari import store, texts
from ikawaari.checkout import accounts, breakers, elsewhere, refunds, settlement, trials
from ikawaari.errors import IkawaariError, NotFound, ValidationFailed
from ikawaari.providers.base import CallbackRefused, CallbackRequest, Hint, Report
from ikawaari.providers.callbacks import Elsewhere, News
from ikawaari.states import RefundStatus
from ikawaari.store import due, pruned
from ikawaari.store.models import Callback, PaymentAttempt, Refund

log = structlog.get_logger()
_LONGEST_BODY = 131_072

Message = CallbackRequest
"""A callback as it arrived: method, path, headers, body, and the host under which the world reaches us."""


def receive(account_id: str, request: CallbackRequest, now: datetime) -> None:
    """Receive a callback of an account's provider. Raises NotFound for an unknown one, ValidationFailed if invalid."""
    channel = accounts.channel(account_id)
    if channel is None:
        raise NotFound("provider")
    try:
        news = channel.provider.parse_callback(channel.account, request, now)
    except CallbackRefused as refused:
        raise ValidationFailed({"callback": [str(refused)]}) from None
    troubles = [trouble for one in news if (trouble := _try(account_id, one, request.body, now))]
    if troubles:
        raise troubles[0]  # not acknowledged: the provider sends it again, and the applied reports are recognized then


def forget(before: datetime) -> bool:
    """Delete the oldest callbacks, if they arrived before then. True: there may be more.

    A provider that sent one again after that would change nothing: a report about what has ended is outdated.
    """
    with store.atomic():
        rows = pruned.next_of(Callback, [Callback.id, Callback.received_at], Callback.id, "")
        old = [row.id for row in rows if row.received_at < before]
        pruned.delete(Callback, Callback.id, old)
    return len(old) == pruned.MOST


def _try(account_id: str, news: News, body: bytes, now: datetime) -> Exception | None:
    """Take in one piece of news; an error in it does not affect the others."""
    try:
        if isinstance(news, Hint):
            _ask(account_id, news, now)
        elif isinstance(news, Report):
            _take_in(account_id, news, body, now)
        else:
            _take_in_elsewhere(account_id, news, body, now)
    except IkawaariError as trouble:
        log.warning("callback_report_refused", account=account_id, reason=trouble.message)
        return trouble
    except Exception as trouble:
        log.exception("callback_report_failed", account=account_id, news=type(news).__name__)
        return trouble
    return None


def _ask(account_id: str, hint: Hint, now: datetime) -> None:
    """Have a worker ask at once: not here, because the provider waits for our answer, and anybody may have sent it."""
    with store.atomic():
        if hint.refund_id:
            refund = _refund(account_id, hint.refund_id)
            if refund is not None and refund.status == RefundStatus.PENDING:
                due.touch(refunds.SEND, refund.id, now, lane=account_id)
            elif refund is not None:
                refunds.doubt(refund, now)
        elif attempt := _attempt(account_id, hint.charge_id, hint.reference):
            due.touch(settlement.ENQUIRE, attempt.id, now, lane=account_id)
        elif hint.charge_id:
            trials.touch(account_id, hint.charge_id, now)


def _take_in(account_id: str, report: Report, body: bytes, now: datetime) -> None:
    """Store and apply in one transaction: a crash between the two would lose the report, or apply it twice.

    News of what is not the account's is not stored: should it be ours after all, it must not have been seen.
    """
    refund = _refund(account_id, report.refund_id) if report.refund_id else None
    attempt = refund.attempt if refund else _attempt(account_id, report.charge_id, None)
    if attempt is None and report.charge_id and _is_of_trial(account_id, report.charge_id, now):
        return
    if attempt is None:
        log.warning("callback_of_a_stranger", account=account_id)
        return
    with store.atomic():
        fresh = _keep(account_id, report.event_id, attempt, body, now)
        if refund:  # also if it repeats itself: a refund may fail, succeed, and fail in the same words
            refunds.apply(refund.id, report.outcome, now)
        elif fresh:
            settlement.apply(attempt.id, report.outcome, now, settlement.Source.CALLBACK)
    if fresh and not refund:
        breakers.heed(attempt, report.outcome, answers_charge=False)


def _take_in_elsewhere(account_id: str, news: Elsewhere, body: bytes, now: datetime) -> None:
    """The same for money that moved without us, which is known by the provider's reference of the charge."""
    attempt = _attempt(account_id, None, news.reference)
    if attempt is None:
        log.warning("callback_of_a_stranger", account=account_id)
        return
    elsewhere.require_payment(attempt, now)
    with store.atomic():
        _keep(account_id, news.event_id, attempt, body, now)
        elsewhere.take_in(attempt, news, now)


def _keep(account_id: str, event_id: str, attempt: PaymentAttempt, body: bytes, now: datetime) -> bool:
    """Store a callback. False if it was stored before."""
    return Callback.insert_once(
        provider=account_id,
        event_id=event_id,
        attempt_id=attempt.id,
        body=texts.cleaned(body.decode("utf-8", "replace"), _LONGEST_BODY),
        received_at=now,
    )


def _is_of_trial(account_id: str, charge_id: str, now: datetime) -> bool:
    """News of a card that is being saved is only asked about: it moves no money, and what it saved, a look-up says."""
    with store.atomic():
        return trials.touch(account_id, charge_id, now)


def _attempt(account_id: str, charge_id: str | None, reference: str | None) -> PaymentAttempt | None:
    """The account's own attempt of that id, or of the provider's reference if there is no id."""
    named = PaymentAttempt.id == charge_id if charge_id else PaymentAttempt.provider_reference == reference
    found: PaymentAttempt | None = PaymentAttempt.get_or_none(named, PaymentAttempt.provider == account_id)
    return found


def _refund(account_id: str, sent_id: str) -> Refund | None:
    """The account's own refund of that id, as it was sent, with its attempt."""
    ours = (Refund.sent_as == sent_id) & (PaymentAttempt.provider == account_id)
    found: Refund | None = Refund.select(Refund, PaymentAttempt).join(PaymentAttempt).where(ours).first()
    return found
