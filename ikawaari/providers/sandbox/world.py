"""The simulated operator's world: payers act, prompts expire, callbacks are sent."""

import json
from datetime import datetime, timedelta
from typing import Any

from ikawaari import databases, ids
from ikawaari.providers.outcomes import FailureCode
from ikawaari.providers.sandbox.ledger import Charge, OutgoingCallback, database
from ikawaari.providers.sandbox.script import Ending

_CORRECTION = timedelta(seconds=2)  # a wrong "failed" is corrected after at least this time


def advance(charge: Charge, now: datetime) -> Charge:
    """The charge at `now`: everything that was due by then has happened."""
    while charge.acts_at is not None and charge.acts_at <= now:
        if not _act(charge, charge.acts_at):  # somebody else was faster
            charge = Charge.get_by_id(charge.id)
    return charge


def advance_all(now: datetime) -> None:
    """Let every payer and operator act who is due."""
    # Read to the end first: SQLite cannot upgrade a read transaction once another connection has committed.
    for charge in list(Charge.select().where(Charge.acts_at <= now)):
        advance(charge, now)


def _act(charge: Charge, at: datetime) -> bool:
    overdue = at >= charge.deadline_at
    if charge.ending == Ending.CORRECTS and charge.status == "failed":
        return settle(charge, at, succeeded=True)
    if charge.ending == Ending.CORRECTS:
        delay = max(at - charge.created_at, _CORRECTION)
        return settle(charge, at, succeeded=False, failure=charge.failure, acts_at=at + delay)
    if charge.ending == Ending.WAITS and overdue:
        return settle(charge, at, succeeded=False, failure=_left_alone(charge))
    return settle(charge, at, succeeded=charge.ending == Ending.SUCCEEDS, failure=charge.failure)


def _left_alone(charge: Charge) -> str:
    return FailureCode.OTP_EXPIRED if charge.flow == "otp" else FailureCode.EXPIRED


def settle(
    charge: Charge, at: datetime, *, succeeded: bool, failure: str | None = None, acts_at: datetime | None = None
) -> bool:
    """End a charge: the money leaves the wallet, or not, and callbacks are queued. False if it had already ended so.

    Compare and set: a charge that has succeeded never moves again; one that failed may only be corrected to succeeded.
    """
    changes: dict[str, Any] = {
        "status": "succeeded" if succeeded else "failed",
        "failure": None if succeeded else failure,
        "acts_at": acts_at,
    }
    if succeeded:
        changes["taken"] = max(1, charge.amount // 2) if charge.takes_half else charge.amount
    origins = ["pending", "failed"] if succeeded else ["pending"]
    with databases.transaction(database.obj):
        settled = Charge.update(**changes).where(Charge.id == charge.id, Charge.status.in_(origins)).execute()
        if settled:
            charge.__data__.update(changes)
        if settled and charge.calls_back:
            _queue_callbacks(charge, at)
    return bool(settled)


def _queue_callbacks(charge: Charge, at: datetime) -> None:
    told = report_body(charge)
    plan = [(told, 0)]
    if charge.noisy:
        again = {**told, "event_id": ids.new("sbx")}
        older = {**report_body(charge), "status": "processing", "amount": None}
        wrong = {**report_body(charge), "status": "failed", "amount": None, "failure": "unknown"}
        plan = [(told, 0), (told, 0), (again, 0), (older, 1), (wrong, 1)]
    for body, seconds in plan:
        OutgoingCallback.create(body=json.dumps(body), due_at=at + timedelta(seconds=seconds))


def report_body(charge: Charge) -> dict[str, Any]:
    """The body of a callback about the charge in its current state."""
    return {
        "event_id": ids.new("sbx"),
        "charge_id": charge.id,
        "reference": charge.reference,
        "status": charge.status,
        "amount": charge.taken if charge.status == "succeeded" else None,
        "currency": charge.currency,
        "failure": charge.failure,
    }
