"""Statements of the sandbox, as its ledger says it; and comparing them with the books."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ikawaari.checkout import cases, reconciliation
from ikawaari.checkout.reconciliation import Coverage, Summary
from ikawaari.money import Money
from ikawaari.providers.sandbox import ledger
from ikawaari.providers.statements import Kind, Line, Standing
from ikawaari.store.models import PaymentAttempt, ReconciliationCase
from tests.world import World, latest

ACCOUNT = "sandbox"


def paid(world: World, count: int = 1) -> list[PaymentAttempt]:
    """Payments that succeeded ten minutes ago."""
    made = []
    for _ in range(count):
        session = world.session()
        world.pay_by_card(session)
        made.append(latest(session))
    world.later(600)
    return made


def span(world: World) -> tuple[datetime, datetime]:
    """From an hour before now to an hour after it: nothing here is at its edges."""
    return world.now - timedelta(hours=1), world.now + timedelta(hours=1)


def payment(world: World, attempt: PaymentAttempt, **overrides: Any) -> Line:
    """The line of a payment that succeeded there."""
    named = {"id": str(attempt.provider_reference), "own_id": attempt.id}
    own: dict[str, Any] = {"kind": Kind.PAYMENT, "money": Money(attempt.amount, "XOF"), "at": world.now, "number": 2}
    return Line(**(own | named | overrides))


def refunded(world: World, name: str, amount: int, **overrides: Any) -> Line:
    """The line of a refund."""
    own: dict[str, Any] = {"kind": Kind.REFUND, "id": name, "money": Money(amount, "XOF"), "at": world.now}
    return Line(**(own | overrides))


def of_ledger(world: World) -> list[Line]:
    """All payments as the sandbox's ledger has them."""
    rows = ledger.Charge.select().where(ledger.Charge.taken > 0).order_by(ledger.Charge.id)
    return [
        Line(
            kind=Kind.PAYMENT,
            id=row.reference,
            own_id=row.id,
            money=Money(row.taken, row.currency),
            standing=Standing.SUCCEEDED,
            at=world.now,
            number=number,
        )
        for number, row in enumerate(rows, 2)
    ]


def run(world: World, lines: Iterable[Line], **covers: Any) -> tuple[Summary, Sequence[ReconciliationCase]]:
    """Compare a statement that covers all that happens here."""
    given: dict[str, Any] = {"span": span(world)} | covers
    summary, covered = Summary(), Coverage(**given)
    found = list(reconciliation.reconcile(ACCOUNT, lines, covered, summary, world.now))
    return summary, found


def kinds() -> Counter[str]:
    """How many cases of each kind are open."""
    return Counter(str(case.kind) for case in cases.listed(everything=False))


def ended() -> list[tuple[str, str | None]]:
    """The cases that are closed: kind, and who closed it."""
    rows = cases.listed(everything=True)
    return [(case.kind, case.closed_by) for case in rows if case.closed_at is not None]
