"""Statements that are compared twice, at once, in the middle of something, or not to their end; and long ones."""

import itertools
import resource
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ikawaari.checkout import cases, enquiry, inquiries, reconciliation, settlement
from ikawaari.errors import Conflict, NotFound
from ikawaari.money import Money
from ikawaari.providers.base import Outcome, Result
from ikawaari.providers.statements import Line, NoStatement
from ikawaari.store.database import database
from ikawaari.store.models import PaymentAttempt, PaymentIntent, ReconciliationCase, Statement
from tests.checkout.statements import ended, kinds, of_ledger, paid, payment, run
from tests.world import Killed, World, audit, latest, statuses, together


@pytest.mark.on_postgres
def test_the_same_statement_twice_or_at_once_makes_no_second_case(world: World) -> None:
    first, _ = paid(world, 2)
    lines = [
        payment(world, first, money=Money(1, "XOF")),
        Line(kind=payment(world, first).kind, id="TX", money=Money(1, "XOF"), at=world.now),
    ]
    results = together(4, lambda _: len(run(world, lines)[1]))
    assert results == [3, 3, 3, 3]
    run(world, lines)
    assert kinds() == {"amount_differs": 1, "missing_here": 1, "missing_there": 1}
    assert ReconciliationCase.select().count() == 3
    assert Statement.select().count() == 1


@pytest.mark.on_postgres
def test_what_a_person_has_closed_stays_closed_while_it_is_the_same(world: World) -> None:
    (attempt,) = paid(world)
    _, (case,) = run(world, [payment(world, attempt, money=Money(4_000, "XOF"))])
    cases.close(case.id, "Remise accordée", "awa@office", world.now)
    with pytest.raises(Conflict):
        cases.close(case.id, "again", "awa@office", world.now)
    with pytest.raises(NotFound):
        cases.close(10**9, "nothing", "awa@office", world.now)
    summary, (again,) = run(world, [payment(world, attempt, money=Money(4_000, "XOF"), number=5)])
    assert (again.id, again.closed_by, summary.is_clean) == (case.id, "awa@office", True)
    summary, (again,) = run(world, [payment(world, attempt, money=Money(3_000, "XOF"))])
    assert (again.id, again.closed_at, summary.is_clean) == (case.id, None, False)


def test_a_run_that_was_killed_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [world.session() for _ in range(3)]
    for session in sessions:
        world.pay(session, "004")
    lines = of_ledger(world)
    asked = inquiries.ask

    def die(*_: Any) -> None:
        monkeypatch.setattr(inquiries, "ask", asked)
        raise Killed

    monkeypatch.setattr(inquiries, "ask", die)
    with pytest.raises(Killed):
        run(world, lines)
    assert (kinds(), Statement.select().count()) == ({"missing_here": 1}, 0)
    world.later(60)
    world.work()  # what the dead one had scheduled, and the rest's own enquiries
    summary, _ = run(world, lines)
    assert (summary.is_clean, kinds(), Statement.select().count()) == (True, {}, 1)
    audit()


@pytest.mark.on_postgres
def test_a_success_that_comes_while_the_statement_is_read_is_no_case(world: World) -> None:
    session = world.session()
    world.pay(session, "004")
    (line,) = of_ledger(world)
    attempt = latest(session)

    def lines() -> Iterator[Line]:
        yield line
        yield Line(kind=line.kind, id="TX", money=Money(1, "XOF"), at=world.now)

    _, found = run(world, _then(lines(), lambda: enquiry.enquire(attempt.id, world.now)))
    assert [case.reference for case in found] == ["TX"]


def _then(lines: Iterator[Line], do: Any) -> Iterator[Line]:
    """The lines, and something that happens before they are compared."""
    yield from lines
    do()


def test_between_a_comparison_and_its_case_the_books_are_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()
    world.pay(session, "004")
    attempt, opened = latest(session), reconciliation._Run._opened

    def late(self: Any, *given: Any) -> Any:
        enquiry.enquire(attempt.id, world.now)
        return opened(self, *given)

    monkeypatch.setattr(reconciliation._Run, "_opened", late)
    summary, found = run(world, of_ledger(world))
    assert (found, summary.matched, ReconciliationCase.select().count()) == ([], 1, 0)


def test_of_a_statement_that_cannot_be_read_to_its_end_nothing_is_used(world: World) -> None:
    session = world.session()
    world.pay(session, "004")

    def broken() -> Iterator[Line]:
        yield from of_ledger(world)
        raise NoStatement("no more")

    with pytest.raises(NoStatement):
        run(world, broken())
    assert (statuses(session)[0], ReconciliationCase.select().count(), Statement.select().count()) == ("unknown", 0, 0)


def test_a_difference_that_vanishes_by_itself_closes_its_case_within_the_hour(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(5)
    attempt = latest(session)
    run(world, [payment(world, attempt)])
    reconciliation.review_all(world.now)
    assert kinds() == {"missing_here": 1}
    found = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
    settlement.apply(attempt.id, found, world.now)
    reconciliation.review_all(world.now)
    assert ended() == [("missing_here", cases.BY_ITSELF)]


# ---------------------------------------------------------------- much


@pytest.mark.long
def test_a_hundred_thousand_lines_are_compared_in_bounded_memory(world: World) -> None:
    (attempt,) = paid(world)
    many = 100_000
    multiply(many)
    line = payment(world, attempt)

    def lines() -> Iterator[Line]:
        for number in range(many):
            yield replace(line, id=f"TX-{number}", own_id=None, fee=5, fee_currency="XOF")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    summary, found = run(world, itertools.chain([line], lines()))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (summary.matched, found, summary.is_clean) == (many + 1, [], True)
    assert PaymentAttempt.select().where(PaymentAttempt.cost_amount == 5).count() == many
    assert grown < 80_000  # kilobytes; a line alone has one


def multiply(many: int) -> None:
    """So many copies of the one payment, with ids and references of their own, by the database itself."""
    numbers = f"WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < {many})"
    for model, own in (
        (PaymentIntent, {"id": "'pi_' || n", "session_id": "NULL"}),
        (PaymentAttempt, {"id": "'a-' || n", "intent_id": "'pi_' || n", "provider_reference": "'TX-' || n"}),
    ):
        table = model._meta.table_name
        columns = [field.column_name for field in model._meta.sorted_fields if field.name != "commit_order"]
        values = ", ".join(own.get(name, f'"{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        database.execute_sql(f"INSERT INTO {table} ({names}) {numbers} SELECT {values} FROM n, {table}")
