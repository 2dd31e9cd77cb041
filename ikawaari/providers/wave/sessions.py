"""What a checkout session says of its charge."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from ikawaari.providers.http import Answer, read, read_text
from ikawaari.providers.outcomes import (
    Action,
    ActionKind,
    FailureCode,
    Outcome,
    Result,
    by_code,
    cleaned,
    failed,
    succeeded,
    unknown,
)
from ikawaari.providers.values import Charge, Flow

log = structlog.get_logger()
MISSING_FOR = timedelta(seconds=60)  # two searches so far apart that find nothing mean: there is no session
# `last_payment_error`: why the payer's last try failed. The session stays open.
_TRY_ERRORS: Mapping[str, FailureCode] = {
    "insufficient-funds": FailureCode.INSUFFICIENT_FUNDS,
    "blocked-account": FailureCode.PAYER_BLOCKED,
    "payer-mobile-mismatch": FailureCode.NOT_ALLOWED,
    "cross-border-payment-not-allowed": FailureCode.NOT_ALLOWED,
    "customer-age-restricted": FailureCode.NOT_ALLOWED,
    "kyb-limits-exceeded": FailureCode.WALLET_LIMIT,
    "payment-failure": FailureCode.UNKNOWN,
}


def listed(answer: Answer) -> list[object]:
    """The sessions of a search, or the one that was asked for."""
    value = answer.value()
    found = read(value, "result")
    return found if isinstance(found, list) else [value]


def chosen(sessions: Sequence[object]) -> object:
    """Of several sessions of one charge the paid one, else the one that can be paid. None without any."""
    order = ["complete", "open"]
    ranked = sorted(sessions, key=lambda one: [read(one, "checkout_status") != status for status in order])
    return ranked[0] if ranked else None


def missing(charge: Charge, now: datetime) -> Outcome:
    """No session: sure if an earlier search, long enough ago, has not found one either."""
    since = _instant(charge.provider_data.get("missing_since"))
    if since is None:
        return Outcome(
            result=Result.UNKNOWN, raw_code="no session yet", provider_data={"missing_since": now.isoformat()}
        )
    return Outcome(result=Result.NOT_FOUND) if now - since >= MISSING_FOR else unknown("no session yet")


def standing(session: object, charge_id: str, flow: Flow | None = None) -> Outcome:
    """What a session of the charge says. `transaction_id` proves nothing: it is there before the payment."""
    reference = read_text(session, "id")
    checkout, payment = read_text(session, "checkout_status"), read_text(session, "payment_status")
    if not reference or not checkout or not payment or read_text(session, "client_reference") != charge_id:
        return unknown("not a session of this charge")
    status = f"{checkout}/{payment}"
    match status:
        case "complete/succeeded":  # also if it was refunded since: that is news of the refund
            return succeeded(read(session, "amount"), read(session, "currency"), reference=reference, raw_code=status)
        case "expired/cancelled":
            return failed(FailureCode.EXPIRED, status, reference=reference)
        case "open/processing" | "open/failed":  # the second is how a webhook shows a try that failed
            return _open(session, reference, flow)
    log.error("provider_status_unknown", provider="wave", status=cleaned(status))
    return Outcome(result=Result.PROCESSING, reference=reference, raw_code=status)


def _open(session: object, reference: str, flow: Flow | None) -> Outcome:
    url, error = read_text(session, "wave_launch_url"), read(session, "last_payment_error")
    action = Action(kind=ActionKind.QR, data=url) if flow is Flow.QR else Action(kind=ActionKind.REDIRECT, url=url)
    if not action.is_complete:
        return Outcome(result=Result.UNKNOWN, raw_code="an open session without its address", reference=reference)
    return Outcome(
        result=Result.REQUIRES_ACTION,
        reference=reference,
        action=action,
        deadline=_instant(read(session, "when_expires")),
        last_error=None if error is None else by_code(_TRY_ERRORS, read(error, "code")),
        raw_code=read_text(error, "code"),
    )


def _instant(value: object) -> datetime | None:
    """A time as Wave writes it; None for anything else."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
