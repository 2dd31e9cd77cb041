"""Which payment or refund of ours a line of a statement is about, and whether the two tell the same.

A line belongs to what has its id as the provider's reference; else to what has our id, if the statement carries it. It
never belongs to anything of another account.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from ikawaari.providers.statements import Kind, Line, Standing
from ikawaari.providers.values import long_id
from ikawaari.states import RefundStatus
from ikawaari.store.models import PaymentAttempt, Refund

T = TypeVar("T")


class Difference(StrEnum):
    """How a statement and our books differ."""

    MISSING_HERE = "missing_here"  # they have it; we do not, or as one that did not succeed
    MISSING_THERE = "missing_there"  # ours succeeded, and they do not list it
    AMOUNT_DIFFERS = "amount_differs"  # or the currency
    STATUS_DIFFERS = "status_differs"  # ours succeeded, and they say that it failed
    LISTED_DIFFERENTLY = "listed_differently"  # the statement has it several times, with different contents


@dataclass(frozen=True)
class Match:
    """A line, and what it is about: of a refund that we do not know, perhaps the charge alone."""

    line: Line
    attempt: PaymentAttempt | None = None
    refund: Refund | None = None

    @property
    def own(self) -> PaymentAttempt | Refund | None:
        """What of ours the line itself is about."""
        return self.attempt if self.line.kind is Kind.PAYMENT else self.refund

    @property
    def is_by_our_id_alone(self) -> bool:
        """Whether the provider gave the charge another id, too, as far as we know: this may be a second charge."""
        known = self.attempt.provider_reference if self.attempt and self.line.kind is Kind.PAYMENT else None
        return known is not None and known != self.line.id

    @property
    def is_listed(self) -> bool:
        """Whether the statement has the money of ours that it is about, if only to deny it."""
        return self.line.standing is Standing.SUCCEEDED or self.difference is not None

    @property
    def difference(self) -> Difference | None:
        """How the two differ."""
        own, line = self.own, self.line
        taken = _moved(own) if own is not None else None
        if line.standing is Standing.SUCCEEDED:
            if taken is None:
                return Difference.MISSING_HERE
            is_same = taken == (line.money.amount, line.money.currency)
            return None if is_same else Difference.AMOUNT_DIFFERS
        is_denied = line.standing is Standing.FAILED and taken is not None
        return Difference.STATUS_DIFFERS if is_denied else None


def _moved(own: PaymentAttempt | Refund) -> tuple[int, str] | None:
    """What was taken, or returned, as our books say."""
    if isinstance(own, Refund):
        return (own.amount, own.currency) if own.status == RefundStatus.SUCCEEDED else None
    return None if own.amount_received is None else (own.amount_received, str(own.received_currency))


def _none_is(_refund_id: str) -> bool:
    return False


def find(account: str, lines: Sequence[Line], is_taken: Callable[[str], bool] = _none_is) -> Sequence[Match]:
    """The match of each line, in their order. `is_taken`: whether another line is about a refund already."""
    payments = [line for line in lines if line.kind is Kind.PAYMENT]
    refunds = [line for line in lines if line.kind is Kind.REFUND]
    charges = _attempts(account, [name for line in payments for name in (line.id, line.own_id) if name])
    found = [Match(line, _first(charges, line.id, line.own_id)) for line in payments]
    found += _of_refunds(account, refunds, is_taken) if refunds else []
    by_line = {id(match.line): match for match in found}
    return [by_line[id(line)] for line in lines]


def _of_refunds(account: str, lines: Sequence[Line], is_taken: Callable[[str], bool]) -> list[Match]:
    names = [name for line in lines for name in (line.id, line.own_id) if name]
    named = (Refund.provider_reference.in_(names)) | (Refund.sent_as.in_(_ours(names))) | (Refund.id.in_(names))
    own = PaymentAttempt.provider == account
    known: dict[str, Refund] = {}
    for refund in Refund.select(Refund, PaymentAttempt).join(PaymentAttempt).where(named, own):
        known |= {str(name): refund for name in (refund.sent_as, refund.id, refund.provider_reference) if name}
    found = [_of_known(line, _first(known, line.id, line.own_id)) for line in lines]
    strange = [match.line for match in found if match.refund is None]
    others = {id(match.line): match for match in _of_charges(account, strange, is_taken)} if strange else {}
    return [others.get(id(match.line), match) for match in found]


def _of_known(line: Line, refund: Refund | None) -> Match:
    return Match(line, refund.attempt if refund else None, refund)


def _of_charges(account: str, lines: Sequence[Line], is_taken: Callable[[str], bool]) -> list[Match]:
    """Refunds that are known by their charge alone: some providers give them no id of ours, and us none of theirs.

    One that nobody was asked for yet is not meant.
    """
    names = [name for line in lines for name in (line.charge_id, line.own_id, line.id) if name]
    charges = _attempts(account, names)
    found = [Match(line, _first(charges, line.charge_id, line.own_id, line.id)) for line in lines]
    ids = {match.attempt.id for match in found if match.attempt}
    unnamed = Refund.attempt.in_(sorted(ids)) & Refund.provider_reference.is_null() & Refund.sent_at.is_null(False)
    rows = list(Refund.select().where(unnamed).order_by(Refund.created_at, Refund.id)) if ids else []
    for place, match in enumerate(found):
        money = match.line.money
        fits = [
            row
            for row in rows
            if match.attempt
            and (row.attempt_id, row.amount, row.currency) == (match.attempt.id, money.amount, money.currency)
            and not is_taken(row.id)
        ]
        # One that succeeded here is rather meant than one that failed.
        chosen = min(fits, key=lambda row: row.status != RefundStatus.SUCCEEDED, default=None)
        if chosen is not None:
            rows.remove(chosen)
            found[place] = replace(match, refund=chosen)
    return found


def _attempts(account: str, names: Sequence[str]) -> Mapping[str, PaymentAttempt]:
    """The account's attempts, by the provider's references and by our ids in each form that is among `names`."""
    own = PaymentAttempt.provider == account
    by_id = {row.id: row for row in PaymentAttempt.select().where(PaymentAttempt.id.in_(_ours(names)), own)}
    found = {name: by_id[ours] for name in names if (ours := _ours_of(name)) in by_id}
    theirs = PaymentAttempt.select().where(own, PaymentAttempt.provider_reference.in_(sorted(set(names))))
    return found | {str(row.provider_reference): row for row in theirs}  # the provider's own id counts first


def _ours(names: Sequence[str]) -> Sequence[str]:
    return sorted({ours for name in names if (ours := _ours_of(name))})


def _ours_of(name: str) -> str | None:
    """The id of ours that a text is, in one of the forms in which we send it; None for any other text."""
    try:
        return str(uuid.UUID(name)) if len(name) == len(str(uuid.UUID(int=0))) else long_id(name)
    except ValueError:
        return None


def _first(known: Mapping[str, T], *names: str | None) -> T | None:
    return next((known[name] for name in names if name and name in known), None)
