"""A provider's statement against our books: nothing in it is believed, everything in it is asked about, once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ikawaari.checkout import cases, enquiry, reconciliation, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import NotFound
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.sandbox import ledger
from ikawaari.providers.statements import Line, Standing
from ikawaari.store.models import DueWork, PaymentAttempt, ReconciliationCase, Statement
from tests import accounts
from tests.checkout.statements import ended, kinds, of_ledger, paid, payment, run, span
from tests.world import World, audit, latest, statuses

# ---------------------------------------------------------------- the same


@pytest.mark.on_postgres
def test_what_both_tell_the_same_is_no_case_and_its_fees_are_kept(world: World) -> None:
    first, second = paid(world, 2)
    lines = [payment(world, first, fee=75, fee_currency="XOF"), payment(world, second, fee=1, fee_currency="EUR")]
    summary, found = run(world, lines)
    assert (summary.lines, summary.matched, summary.differences, summary.is_clean, found) == (2, 2, 0, True, [])
    assert [(row.cost_amount, row.cost_currency) for row in _rows(first, second)] == [(75, "XOF"), (1, "EUR")]
    assert all(row.listed_at == world.now for row in _rows(first, second))
    assert Statement.get().lines == 2


def _rows(*attempts: PaymentAttempt) -> list[PaymentAttempt]:
    return [PaymentAttempt.get_by_id(one.id) for one in attempts]


def test_a_line_is_matched_by_our_id_where_the_provider_s_is_not_known(world: World) -> None:
    (attempt,) = paid(world)
    PaymentAttempt.update(provider_reference=None).execute()
    assert run(world, [payment(world, attempt, id="their own")])[0].is_clean
    assert run(world, [payment(world, attempt, id=attempt.id, own_id=None)])[0].is_clean


def test_a_line_that_is_repeated_counts_once(world: World) -> None:
    (attempt,) = paid(world)
    early = payment(world, attempt, standing=Standing.PENDING)
    summary, found = run(world, [early, payment(world, attempt), payment(world, attempt, number=9)])
    assert (summary.lines, summary.matched, found) == (3, 1, [])


# ---------------------------------------------------------------- missing here


@pytest.mark.on_postgres
def test_money_of_which_the_answer_was_lost_is_asked_about_and_booked(world: World) -> None:
    session = world.session()
    world.pay(session, "004")
    assert statuses(session)[0] == "unknown"
    summary, (case,) = run(world, of_ledger(world))
    assert statuses(session) == ("succeeded", "succeeded", "complete", "paid")
    assert (case.kind, case.closed_by, summary.is_clean) == ("missing_here", cases.BY_ITSELF, True)
    assert latest(session).listed_at is not None
    audit()


def test_a_failure_that_its_provider_has_corrected_is_asked_about_and_booked(world: World) -> None:
    session = world.session()
    world.pay(session, "007")
    world.wait(5)
    assert statuses(session)[0] == "failed"
    world.later(60)  # it corrects itself, and its callback is lost
    registry.tick(world.now)
    _, (case,) = run(world, of_ledger(world))
    assert (case.kind, case.closed_by) == ("missing_here", cases.BY_ITSELF)
    assert statuses(session)[0] == "succeeded"
    audit()


def test_a_file_alone_is_never_believed(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(5)
    attempt = latest(session)
    summary, (case,) = run(world, [payment(world, attempt)])
    assert (case.kind, case.attempt_id, case.status, case.closed_at) == ("missing_here", attempt.id, "failed", None)
    assert (statuses(session)[0], summary.is_clean, summary.open_cases) == ("failed", False, 1)
    assert DueWork.select().where(DueWork.kind == enquiry.ENQUIRE, DueWork.subject == attempt.id).exists()
    audit()


def test_a_payment_that_is_not_ours_at_all_is_a_case_for_a_person(world: World) -> None:
    stranger = Line(kind=payment(world, paid(world)[0]).kind, id="TX-1", money=Money(7_000, "XOF"), at=world.now)
    _, found = run(world, [stranger], span=(world.now, world.now))
    assert [(case.kind, case.reference, case.attempt_id, case.closed_at) for case in found] == [
        ("missing_here", "TX-1", None, None)
    ]


def test_the_ids_of_another_account_are_not_ours_and_the_case_says_whose(world: World) -> None:
    accounts.install(world.config)
    other = accounts.add(world.config).id
    (attempt,) = paid(world)
    PaymentAttempt.update(provider=other).execute()
    _, (case,) = run(world, [payment(world, attempt)])
    assert (case.kind, case.attempt_id, case.details) == ("missing_here", None, f"account {other} has it")
    with pytest.raises(NotFound):
        list(reconciliation.reconcile("acc_nobody", [], reconciliation.Coverage(), reconciliation.Summary(), world.now))


def test_a_second_charge_of_one_attempt_is_a_case_whichever_comes_first(world: World) -> None:
    (attempt,) = paid(world)
    twice = [payment(world, attempt, id="TX-2"), payment(world, attempt)]
    for lines in (twice, twice[::-1]):
        summary, (case,) = run(world, lines)
        assert (case.kind, case.reference, summary.matched) == ("missing_here", "TX-2", 1)
        assert str(attempt.provider_reference) in str(case.details)
    PaymentAttempt.update(provider_reference=None).execute()
    assert [case.reference for case in run(world, twice)[1]] == [str(attempt.provider_reference)]


# ---------------------------------------------------------------- differences


@pytest.mark.on_postgres
def test_another_amount_or_currency_is_a_case_until_a_statement_tells_the_same(world: World) -> None:
    (attempt,) = paid(world)
    for money in (Money(4_999, "XOF"), Money(5_000, "XAF")):
        _, (case,) = run(world, [payment(world, attempt, money=money)])
        assert (case.kind, case.amount, case.currency) == ("amount_differs", 5_000, "XOF")
        assert case.theirs["amount"] == money.amount
    assert kinds() == {"amount_differs": 1}
    assert run(world, [payment(world, attempt)])[0].is_clean
    assert ended() == [("amount_differs", cases.BY_ITSELF)]


def test_more_money_that_the_provider_confirms_is_booked_and_goes_back(world: World) -> None:
    (attempt,) = paid(world)
    ledger.Charge.update(taken=6_000).execute()
    _, (case,) = run(world, of_ledger(world))
    assert (case.kind, case.amount, case.closed_by) == ("amount_differs", 5_000, cases.BY_ITSELF)
    world.work()
    books = PaymentAttempt.get_by_id(attempt.id)
    assert (books.amount_received, books.counted, books.returned, books.held) == (6_000, 5_000, 1_000, 0)
    audit()


def test_what_succeeded_here_and_failed_there_is_a_case(world: World) -> None:
    (attempt,) = paid(world)
    _, (case,) = run(world, [payment(world, attempt, standing=Standing.FAILED)])
    assert (case.kind, case.status, kinds()) == ("status_differs", "succeeded", {"status_differs": 1})
    assert run(world, [payment(world, attempt, standing=Standing.PENDING)])[1] == []  # older than our success


def test_what_failed_on_both_sides_is_none_and_has_not_been_listed(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(5)
    summary, found = run(world, [payment(world, latest(session), standing=Standing.FAILED)])
    assert (summary.is_clean, found, latest(session).listed_at) == (True, [], None)


def test_one_id_with_two_amounts_is_a_case_and_nothing_else(world: World) -> None:
    (attempt,) = paid(world)
    lines = [payment(world, attempt), payment(world, attempt, money=Money(4_000, "XOF"), number=7)]
    _, (case,) = run(world, lines)
    assert (case.kind, kinds()) == ("listed_differently", {"listed_differently": 1})
    assert case.details == "line 2: 5000 XOF succeeded; line 7: 4000 XOF succeeded"
    assert run(world, lines[:1])[0].is_clean


# ---------------------------------------------------------------- missing there


@pytest.mark.on_postgres
def test_what_succeeded_here_and_is_not_listed_is_missing_there_until_it_is_listed(world: World) -> None:
    first, second = paid(world, 2)
    summary, (case,) = run(world, [payment(world, first)])
    assert (case.kind, case.reference, case.attempt_id) == ("missing_there", second.id, second.id)
    assert (case.amount, case.theirs, summary.is_clean) == (5_000, None, False)
    assert run(world, [payment(world, second)])[0].is_clean
    assert ended() == [("missing_there", cases.BY_ITSELF)]


def test_what_a_statement_does_not_list_is_not_missed_there(world: World) -> None:
    (attempt,) = paid(world)
    refund = refunds.create(world.owner, NewRefund(payment_intent=attempt.intent_id, amount=1_000), world.now)
    world.work()
    world.later(600)
    payments = frozenset({payment(world, attempt).kind})
    assert run(world, [payment(world, attempt)], kinds=payments)[0].is_clean
    assert run(world, [], currency="XAF", span=span(world))[0].is_clean
    _, (case,) = run(world, [payment(world, attempt)])
    assert (case.object, case.refund_id, case.reference) == ("refund", refund.id, refund.id)


def test_at_its_edges_a_statement_misses_only_what_an_earlier_one_should_have_had(world: World) -> None:
    """Created before midnight and paid after it: the statement of either day may have it."""
    session = world.session()
    world.pay(session)
    began = world.now
    world.wait(60)
    attempt = latest(session)
    assert attempt.settled_at > began
    world.later(3_600)
    midnight = began + timedelta(seconds=30)
    today = (midnight, midnight + timedelta(days=1))
    assert run(world, [], span=today)[0].is_clean
    assert run(world, [], span=(began - timedelta(hours=5), began + timedelta(hours=2)))[1] != []
    ReconciliationCase.delete().execute()
    Statement.delete().execute()
    yesterday = (midnight - timedelta(days=1), midnight)
    assert run(world, [], span=yesterday)[0].is_clean  # at the end of it we did not know
    _, (case,) = run(world, [], span=today)
    assert (case.kind, case.attempt_id) == ("missing_there", attempt.id)


def test_a_statement_of_a_day_that_is_not_over_had_nothing_of_what_came_later(world: World) -> None:
    """Read before a payment began, it does not make the next day's statement miss it."""
    noon, midnight = world.now, world.now + timedelta(hours=12)
    today, tomorrow = (midnight - timedelta(days=1), midnight), (midnight, midnight + timedelta(days=1))
    assert run(world, [], span=today)[0].is_clean
    world.later(11.5 * 3_600)
    session = world.session()
    world.pay(session)
    world.later(3_600)
    world.work()
    assert latest(session).created_at < midnight < latest(session).settled_at
    world.later(24 * 3_600)
    assert run(world, [], span=tomorrow)[1] == []
    assert run(world, [], span=today)[1] == []  # read again, when it is over
    assert [row.until for row in Statement.select().order_by(Statement.id)] == [noon, tomorrow[1], midnight]
    assert [case.kind for case in run(world, [], span=tomorrow)[1]] == ["missing_there"]


def test_what_succeeded_after_the_statement_was_asked_for_is_not_missed(world: World) -> None:
    """Of a day that is not over, the provider has listed what there was."""
    world.later(3_600)
    asked_at = world.now

    def lines() -> Iterator[Line]:
        paid(world)
        yield from ()

    summary = reconciliation.Summary()
    whole = reconciliation.Coverage(span=(asked_at - timedelta(hours=2), asked_at + timedelta(hours=2)))
    assert list(reconciliation.reconcile("sandbox", lines(), whole, summary, asked_at)) == []
    world.later(3_600)
    assert len(list(reconciliation.reconcile("sandbox", [], whole, summary, world.now))) == 1


def test_without_a_span_it_is_from_the_first_line_to_the_last(world: World) -> None:
    first, late = paid(world)[0], world.later(3_600)
    (second,) = paid(world)
    lines = [payment(world, first, at=late - timedelta(hours=1))]
    summary, found = run(world, lines, span=None)
    assert (summary.span, found) == ((late - timedelta(hours=1),) * 2, [])
    end = replace(lines[0], id="TX-9", own_id=None, at=late + timedelta(hours=1))
    assert {case.reference for case in run(world, [*lines, end], span=None)[1]} == {"TX-9", second.id}
