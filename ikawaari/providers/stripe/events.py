"""What Stripe posts: signed events. Source: docs.stripe.com/webhooks.

`Stripe-Signature: t=…,v1=hex[,v1=…][,v0=…]`, v1 = HMAC-SHA256(secret with its `whsec_`, `t + "." + raw body`).
Events come in any order, and again for three days. What ends something is reported; everything else only makes us ask.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import structlog

from ikawaari import clock
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Dispute, Hint, News, RefundElsewhere, Report
from ikawaari.providers.http import decoded, read, read_text
from ikawaari.providers.outcomes import Outcome, Result
from ikawaari.providers.stripe import refunding
from ikawaari.providers.stripe.intents import PAYMENT, SETUP, money_of, outcome_of, saves
from ikawaari.providers.stripe.wire import VERSION
from ikawaari.providers.values import Account

log = structlog.get_logger()
_TOLERANCE_SECONDS = 300
_LONGEST_STAMP = 12  # digits
_ENDS = (Result.SUCCEEDED, Result.FAILED)
_KEPT = frozenset({"won", "warning_closed", "prevented"})  # disputes that ended without loss


def news_of(account: Account, request: CallbackRequest, now: datetime) -> Sequence[News]:
    """What an event says about us. Raises CallbackRefused."""
    _verify(account.text("webhook_secret"), request, now)
    event = decoded(request.body)
    about, event_id, kind = read(event, "data", "object"), read_text(event, "id"), read_text(event, "type")
    if not isinstance(about, dict) or not event_id or not kind:
        raise CallbackRefused("no event")
    if read(event, "livemode") is not account.livemode:
        raise CallbackRefused("an event of the other mode")
    return _news(event, event_id, about, livemode=account.livemode)


def _verify(secret: str, request: CallbackRequest, now: datetime) -> None:
    parts = [part.strip().partition("=") for part in (request.header("Stripe-Signature") or "").split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        raise CallbackRefused("no signature")
    if abs(clock.unix(now) - int(stamp)) > _TOLERANCE_SECONDS:
        raise CallbackRefused("a stale signature")
    wanted = hmac.new(secret.encode(), f"{stamp}.".encode() + request.body, hashlib.sha256).hexdigest().encode()
    given = [value.encode() for name, _, value in parts if name == "v1"]
    if not any([hmac.compare_digest(wanted, one) for one in given]):  # noqa: C419 - all of them: in constant time
        raise CallbackRefused("a wrong signature")


# ---------------------------------------------------------------- by kind


def _news(event: object, event_id: str, about: object, *, livemode: bool) -> Sequence[News]:
    kind = read_text(about, "object")
    charge_id, reference = read_text(about, "metadata", "attempt"), read_text(about, "payment_intent")
    if kind == "dispute":
        return _dispute(event_id, about, reference)
    if kind == "refund":
        refund_id, outcome = read_text(about, "metadata", "refund"), refunding.outcome_of(about)
        if refund_id is None:  # somebody returned money at Stripe's own pages
            return [RefundElsewhere(event_id=event_id, reference=reference, outcome=outcome)] if reference else []
        return [_told(event, event_id, outcome, refund_id=refund_id)]
    if kind not in (PAYMENT.name, SETUP.name) or not charge_id:
        return [Hint(charge_id=charge_id)] if kind == "charge" and charge_id else []
    outcome = outcome_of(SETUP if kind == SETUP.name else PAYMENT, about, livemode=livemode)
    if saves(about) and outcome.result is Result.SUCCEEDED:  # the event does not show the card that was saved
        return [Hint(charge_id=charge_id)]
    return [_told(event, event_id, outcome, charge_id=charge_id)]


def _dispute(event_id: str, about: object, reference: str | None) -> Sequence[News]:
    """The payer's bank takes the money back, or gives it back: that is settled between the merchant and Stripe."""
    money = money_of(read(about, "amount"), read(about, "currency"))
    dispute_id, status = read_text(about, "id"), read_text(about, "status")
    if not (reference and dispute_id and status and money):
        log.error("stripe_dispute_unreadable", reference=reference)
        return []
    told = f"{status}, {read_text(about, 'reason')}"
    ends = {"is_final": status in {"lost", *_KEPT}, "is_lost": status not in _KEPT}
    return [Dispute(event_id=event_id, reference=reference, id=dispute_id, money=money, status=told, **ends)]


def _told(
    event: object, event_id: str, outcome: Outcome, *, charge_id: str | None = None, refund_id: str | None = None
) -> News:
    """A report, if the event says how something ended, in the version of the API that we read; else a hint."""
    if outcome.result in _ENDS and read_text(event, "api_version") == VERSION:
        return Report(event_id=event_id, charge_id=charge_id, refund_id=refund_id, outcome=outcome)
    return Hint(charge_id=charge_id, refund_id=refund_id)
