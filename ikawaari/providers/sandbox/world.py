"""The simulated operator's world: payers act, prompts expire, callbacks are sent."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ikawaari import databases, ids
from ikawaari.providers.outcomes import FailureCode
from ikawaari.providers.sandbox.ledger import Charge, OutgoingCallback, database
from ikawaari.providers.sandbox.script import Ending
from ikawaari.shapes import ColumnValues, JsonObject

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


def play(charge: Charge, now: datetime) -> list[OutgoingCallback]:
    """Let everything happen that is due by `now` to a charge that is not stored yet. The callbacks that it brings."""
    callbacks = []
    while charge.acts_at is not None and charge.acts_at <= now:
        at = charge.acts_at
        charge.__data__.update(_changes(charge, _next_end(charge, at)))
        callbacks += _callbacks(charge, at)
    return callbacks


def _act(charge: Charge, at: datetime) -> bool:
    return _settle(charge, at, _next_end(charge, at))


class _End(NamedTuple):
    """How a charge ends, and when it goes on nevertheless."""

    succeeded: bool
    failure: str | None = None
    acts_at: datetime | None = None


def _next_end(charge: Charge, at: datetime) -> _End:
    overdue = at >= charge.deadline_at
    if charge.ending == Ending.CORRECTS and charge.status == "failed":
        return _End(succeeded=True)
    if charge.ending == Ending.CORRECTS:
        return _End(succeeded=False, failure=charge.failure, acts_at=at + max(at - charge.created_at, _CORRECTION))
    if charge.ending == Ending.WAITS and overdue:
        return _End(succeeded=False, failure=_left_alone(charge))
    return _End(succeeded=charge.ending == Ending.SUCCEEDS, failure=charge.failure)


def _left_alone(charge: Charge) -> str:
    return FailureCode.OTP_EXPIRED if charge.flow == "otp" else FailureCode.EXPIRED


def settle(charge: Charge, at: datetime, *, succeeded: bool, failure: str | None = None) -> bool:
    """End a charge: the money leaves the wallet, or not, and callbacks are queued. False if it had already ended so.

    Compare and set: a charge that has succeeded never moves again; one that failed may only be corrected to succeeded.
    """
    return _settle(charge, at, _End(succeeded, failure))


def _settle(charge: Charge, at: datetime, end: _End) -> bool:
    origins = ["pending", "failed"] if end.succeeded else ["pending"]
    changes = _changes(charge, end)
    with databases.transaction(database.obj):
        settled = Charge.update(**changes).where(Charge.id == charge.id, Charge.status.in_(origins)).execute()
        if settled:
            charge.__data__.update(changes)
            queue(_callbacks(charge, at))
    return bool(settled)


def _changes(charge: Charge, end: _End) -> ColumnValues:
    """The columns of a charge that ends."""
    changes: ColumnValues = {
        "status": "succeeded" if end.succeeded else "failed",
        "failure": None if end.succeeded else end.failure,
        "acts_at": end.acts_at,
    }
    if end.succeeded:
        changes["taken"] = max(1, charge.amount // 2) if charge.takes_half else charge.amount
    return changes


def queue(callbacks: Sequence[OutgoingCallback]) -> None:
    """Store callbacks, to be delivered when they are due."""
    for callback in callbacks:
        callback.save(force_insert=True)


def _callbacks(charge: Charge, at: datetime) -> list[OutgoingCallback]:
    """What the operator reports of a charge in its current state."""
    if not charge.calls_back:
        return []
    told = report_body(charge)
    plan = [(told, 0)]
    if charge.noisy:
        again = {**told, "event_id": ids.new("sbx")}
        older = {**report_body(charge), "status": "processing", "amount": None}
        wrong = {**report_body(charge), "status": "failed", "amount": None, "failure": "unknown"}
        plan = [(told, 0), (told, 0), (again, 0), (older, 1), (wrong, 1)]
    return [OutgoingCallback(body=json.dumps(body), due_at=at + timedelta(seconds=seconds)) for body, seconds in plan]


def report_body(charge: Charge) -> JsonObject:
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
