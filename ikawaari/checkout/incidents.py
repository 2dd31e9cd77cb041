"""Incidents: money that moved otherwise than we had ordered. An operator lists them, and says how each one ended.

An incident changes no amount. What a refund returned is booked by `refunds`; what a payer's bank takes back in a
dispute is settled between the provider and the owner of the account.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import structlog

from ikawaari import clock, errors, store
from ikawaari.errors import Conflict, NotFound
from ikawaari.money import Money
from ikawaari.shapes import JsonObject
from ikawaari.store.models import Incident, PaymentAttempt, PaymentIntent

log = structlog.get_logger()
BY_ITSELF = "nobody"
"""Who has closed an incident that ended without a person."""


class Kind(StrEnum):
    """What happened."""

    DISPUTE = "dispute"  # the payer asked the bank for the money
    REFUND_ELSEWHERE = "refund_elsewhere"  # a refund that was made at the provider, not here
    RETURNED_TOO_MUCH = "returned_too_much"  # more went back than there was to return


def record(
    kind: Kind,
    attempt: PaymentAttempt,
    money: Money,
    now: datetime,
    *,
    reference: str = "",
    details: str | None = None,
    is_final: bool = False,
    end: str | None = None,
) -> None:
    """Open an incident, or update it, in the caller's transaction and under the intent's lock. `end`: how it ended.

    It is opened again only if its amount has grown. After a final report, one that is not final is outdated.
    """
    found = Incident.get_or_none(
        Incident.attempt == attempt.id, Incident.kind == kind.value, Incident.reference == reference
    )
    if found is not None and found.is_final and not is_final:
        return
    closing = {"closed_at": now, "closed_by": BY_ITSELF, "reason": end}
    opening = {"closed_at": None, "closed_by": None, "reason": None}
    said = {"amount": money.amount, "details": details, "is_final": is_final, "changed_at": now}
    if found is None:
        is_open = end is None
        own = {"kind": kind.value, "attempt": attempt.id, "reference": reference, "currency": money.currency}
        Incident.add(**own, **said, created_at=now, **(opening if is_open else closing))
    else:
        is_open = end is None and money.amount > found.amount
        ends = end is not None and found.closed_at is None
        found.change(**said, **(opening if is_open else closing if ends else {}))
    if is_open:
        log.error("incident_opened", kind=kind.value, attempt=attempt.id, amount=money.amount, details=details)


def record_excess(attempt: PaymentAttempt, now: datetime) -> None:
    """Record how much more of the attempt went back than there was to return, if anybody must know."""
    if not attempt.unpromised:
        return
    excess = Money(attempt.excess, str(attempt.received_currency))
    kind = Kind.RETURNED_TOO_MUCH
    if excess.amount:
        record(kind, attempt, excess, now)
    elif Incident.get_or_none(Incident.attempt == attempt.id, Incident.kind == kind.value) is not None:
        record(kind, attempt, excess, now, end="A refund has come back.")


def listed(*, everything: bool) -> Iterator[JsonObject]:
    """The open incidents, or all of them, oldest first."""
    rows = Incident.select(Incident, PaymentAttempt, PaymentIntent).join(PaymentAttempt).join(PaymentIntent)
    chosen = rows if everything else rows.where(Incident.closed_at.is_null())
    for row in chosen.order_by(Incident.id):
        yield _described(row)


def close(incident_id: int, reason: str, made_by: str, now: datetime) -> None:
    """Say how an incident ended. Raises NotFound, Conflict if it is closed."""
    found = Incident.get_or_none(Incident.id == incident_id)
    if found is None:
        raise NotFound("incident")
    with store.atomic():
        # If two operators close one, or a report comes at the same moment, the lock admits one at a time.
        PaymentIntent.lock(PaymentAttempt.get_by_id(found.attempt_id).intent_id)
        incident = Incident.get_by_id(incident_id)
        if incident.closed_at is not None:
            raise Conflict(errors.STATE_FORBIDS, f"The incident is closed: {incident.reason}")
        incident.change(closed_at=now, closed_by=made_by, reason=reason)


def _described(row: Incident) -> JsonObject:
    attempt = row.attempt
    return {
        "id": row.id,
        "kind": row.kind,
        "attempt": attempt.id,
        "payment_intent": attempt.intent_id,
        "merchant": attempt.intent.merchant_id,
        "livemode": attempt.intent.livemode,
        "provider": attempt.provider,
        "provider_reference": attempt.provider_reference,
        "reference": row.reference or None,
        "amount": row.amount,
        "currency": row.currency,
        "details": row.details,
        "created": clock.unix(row.created_at),
        "closed_at": clock.unix(row.closed_at) if row.closed_at else None,
        "closed_by": row.closed_by,
        "reason": row.reason,
    }
