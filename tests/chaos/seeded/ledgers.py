"""The providers' ledgers against our books, to the unit."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ikawaari.money import Money
from ikawaari.providers.sandbox import ledger as sandbox
from ikawaari.states import RefundStatus
from ikawaari.store.models import PaymentAttempt, Refund

SANDBOX = "sandbox"
_Units = tuple[int, int]
"""What was taken, and what of it was returned, in minor units."""


@dataclass(frozen=True)
class Ours:
    """What our books have of an attempt."""

    id: str
    provider: str  # the account
    units: _Units
    told: Sequence[str]  # its refunds


def ours() -> list[Ours]:
    """Every attempt."""
    refunds: dict[str, list[Refund]] = defaultdict(list)
    for refund in Refund.select().order_by(Refund.created_at):
        refunds[refund.attempt_id].append(refund)
    return [_ours(attempt, refunds[attempt.id]) for attempt in PaymentAttempt.select()]


def _ours(attempt: PaymentAttempt, refunds: Sequence[Refund]) -> Ours:
    returned = sum(one.amount for one in refunds if one.status == RefundStatus.SUCCEEDED)
    told = [f"{one.status} {one.failure_code} {one.amount}" for one in refunds]
    return Ours(attempt.id, attempt.provider, (attempt.amount_received or 0, returned), told)


def theirs(charges: Iterable[Mapping[str, Any]], refunds: Iterable[Mapping[str, Any]]) -> dict[str, _Units]:
    """What a simulator took and returned, by the id that it was sent."""
    taken: Counter[str] = Counter()
    returned: Counter[str] = Counter()
    for entry in charges:
        taken[entry["id"]] += _units(entry)
    for entry in refunds:
        returned[entry["of"]] += _units(entry)
    return {name: (taken[name], returned[name]) for name in taken.keys() | returned.keys()}


def of_sandbox() -> dict[str, _Units]:
    """The same of the sandbox."""
    return {entry["attempt"]: (entry["amount"], entry["refunded"]) for entry in sandbox.entries()}


def differences(name: str, attempts: Iterable[tuple[str, Ours]], ledger: Mapping[str, _Units]) -> Iterator[str]:
    """Where a provider's ledger is not what our books say: each attempt comes with the id that the provider got."""
    unknown = set(ledger)
    for sent_id, attempt in attempts:
        unknown.discard(sent_id)
        entry = ledger.get(sent_id, (0, 0))
        if entry != attempt.units:
            told = f"{attempt.units} in our books; {list(attempt.told)}"
            yield f"{name} took and returned {entry} of {attempt.id}, {told}"
    yield from (f"{name} has {sent_id} with {ledger[sent_id]}, of which we know nothing" for sent_id in sorted(unknown))


def _units(entry: Mapping[str, Any]) -> int:
    """The amount of an entry in minor units; 0 unless it succeeded."""
    if entry["state"] != "succeeded":
        return 0
    exponent = Money(0, entry["currency"].upper()).exponent
    return int(Decimal(entry["amount"]).scaleb(exponent))
