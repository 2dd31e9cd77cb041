"""Cases: the differences between providers' statements and our books, until somebody or something ends each.

A case changes no amount. It is closed by a person, with a reason, or by itself when the difference has vanished.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from ikawaari import clock, errors, store
from ikawaari.checkout.matching import Difference, Match
from ikawaari.errors import Conflict, NotFound
from ikawaari.money import Money
from ikawaari.providers.statements import Kind, Line, Standing
from ikawaari.shapes import ColumnValues, JsonObject
from ikawaari.store.models import PaymentAttempt, ReconciliationCase, Refund

log = structlog.get_logger()
BY_ITSELF = "nobody"
"""Who has closed a case that ended without a person."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A difference, as it is now."""

    kind: Difference
    object: Kind
    reference: str
    line: Line | None = None
    attempt: PaymentAttempt | None = None
    refund: Refund | None = None
    details: str | None = None

    @classmethod
    def of(cls, kind: Difference, match: Match, details: str | None = None) -> "Found":
        """A line that differs."""
        line = match.line
        return cls(
            kind=kind,
            object=line.kind,
            reference=line.id,
            line=line,
            attempt=match.attempt,
            refund=match.refund,
            details=details,
        )

    @property
    def columns(self) -> ColumnValues:
        """What a case has of it."""
        own = self.attempt if self.object is Kind.PAYMENT else self.refund
        happened_at = self.line.at if self.line else own.settled_at if own else None
        return {
            **_ours(own),
            "attempt": self.attempt and self.attempt.id,
            "refund": self.refund and self.refund.id,
            "theirs": as_json(self.line) if self.line else None,
            "happened_at": happened_at,
            "details": self.details,
        }


def _ours(own: PaymentAttempt | Refund | None) -> ColumnValues:
    if own is None:
        return {"amount": None, "currency": None, "status": None}
    if isinstance(own, Refund):
        return {"amount": own.amount, "currency": own.currency, "status": own.status}
    return {"amount": own.amount_received, "currency": own.received_currency or own.currency, "status": own.status}


def record(account: str, found: Found, now: datetime) -> ReconciliationCase:
    """Open a case, or update it, in the caller's transaction.

    One that a person has closed stays so, unless what it is about has changed.
    """
    key = {"account": account, "kind": found.kind.value, "object": found.object.value, "reference": found.reference}
    columns = found.columns
    if ReconciliationCase.insert_once(**key, **columns, created_at=now, changed_at=now):
        case = _find(key)
        log.error("reconciliation_case_opened", case=case.id, account=account, kind=case.kind)
        return case
    case = _find(key)
    is_same = all(_told(getattr(case, name)) == _told(columns[name]) for name in ("theirs", "amount", "status"))
    if case.closed_at is not None and (case.closed_by == BY_ITSELF or not is_same):
        case.change(**columns, changed_at=now, closed_at=None, closed_by=None, reason=None)
    elif case.closed_at is None and not is_same:
        case.change(**columns, changed_at=now)
    return case


def _find(key: Mapping[str, str]) -> ReconciliationCase:
    found: ReconciliationCase = ReconciliationCase.get(
        *(getattr(ReconciliationCase, name) == key[name] for name in key)
    )
    return found


def _told(value: Any) -> Any:
    """What is compared of a line: not where it was."""
    return {name: one for name, one in value.items() if name != "line"} if isinstance(value, dict) else value


def end(case: ReconciliationCase, reason: str, now: datetime) -> None:
    """Close a case whose difference has vanished, unless it is closed."""
    # If a person closes it at the same moment, the one of the two that comes first counts.
    closing = {"closed_at": now, "closed_by": BY_ITSELF, "reason": reason, "changed_at": now}
    is_open = (ReconciliationCase.id == case.id) & ReconciliationCase.closed_at.is_null()
    if ReconciliationCase.update(closing).where(is_open).execute():
        log.info("reconciliation_case_vanished", case=case.id, reason=reason)


def close(case_id: int, reason: str, made_by: str, now: datetime) -> None:
    """Say how a case ended. Raises NotFound, Conflict if it is closed."""
    closing = {"closed_at": now, "closed_by": made_by, "reason": reason, "changed_at": now}
    with store.atomic():
        # If two operators close one, only one of them changes it.
        is_open = (ReconciliationCase.id == case_id) & ReconciliationCase.closed_at.is_null()
        if ReconciliationCase.update(closing).where(is_open).execute():
            return
        found = ReconciliationCase.get_or_none(ReconciliationCase.id == case_id)
        if found is None:
            raise NotFound("case")
        raise Conflict(errors.STATE_FORBIDS, f"The case is closed: {found.reason}")


def listed(*, everything: bool, account: str | None = None) -> Iterator[ReconciliationCase]:
    """The open cases, or all of them, oldest first; of an account, if one is named."""
    rows = ReconciliationCase.select()
    rows = rows if everything else rows.where(_is_open())
    rows = rows.where(ReconciliationCase.account == account) if account else rows
    yield from rows.order_by(ReconciliationCase.id)


def open_of(account: str, *conditions: Any) -> Sequence[ReconciliationCase]:
    """The open cases of an account, oldest first."""
    rows = ReconciliationCase.select().where(_is_open(), ReconciliationCase.account == account, *conditions)
    return list(rows.order_by(ReconciliationCase.id))


def _is_open() -> Any:
    return ReconciliationCase.closed_at.is_null()


def described(row: ReconciliationCase) -> JsonObject:
    """A case as operators see it. Amounts are in the currency's smallest unit, times in Unix seconds."""
    return {
        "id": row.id,
        "account": row.account,
        "kind": row.kind,
        "object": row.object,
        "reference": row.reference,
        "theirs": row.theirs,
        "ours": {
            "attempt": row.attempt_id,
            "refund": row.refund_id,
            "amount": row.amount,
            "currency": row.currency,
            "status": row.status,
        },
        "details": row.details,
        "happened_at": clock.unix(row.happened_at) if row.happened_at else None,
        "created": clock.unix(row.created_at),
        "closed_at": clock.unix(row.closed_at) if row.closed_at else None,
        "closed_by": row.closed_by,
        "reason": row.reason,
    }


def in_words(row: ReconciliationCase) -> str:
    """A case in one line."""
    theirs = row.theirs
    there = f"there {theirs['amount']} {theirs['currency']} {theirs['status']}" if theirs else "not there"
    here = f"here {row.amount or '?'} {row.currency} {row.status}" if row.status else "not here"
    more = f" ({row.details})" if row.details else ""
    end = "open" if row.closed_at is None else f"closed by {row.closed_by}: {row.reason}"
    return f"case {row.id}, {row.account}: {row.kind} {row.object} {row.reference}: {there}, {here}{more}; {end}"


# ---------------------------------------------------------------- lines as they are kept


def as_json(line: Line) -> JsonObject:
    """A line as a case keeps it."""
    return {
        "id": line.id,
        "own_id": line.own_id,
        "charge_id": line.charge_id,
        "amount": line.money.amount,
        "currency": line.money.currency,
        "status": line.standing.value,
        "at": clock.unix(line.at) if line.at else None,
        "line": line.number or None,
    }


def line_of(case: ReconciliationCase) -> Line | None:
    """The line that a case is about; None if there is none."""
    kept = case.theirs
    if kept is None:
        return None
    return Line(
        kind=Kind(case.object),
        id=kept["id"],
        own_id=kept["own_id"],
        charge_id=kept["charge_id"],
        money=Money(kept["amount"], kept["currency"]),
        standing=Standing(kept["status"]),
        at=clock.from_unix(kept["at"]) if kept["at"] is not None else None,
        number=kept["line"] or 0,
    )
