"""Refunds of a statement: matched by any id that there is, and booked only if the provider confirms them."""

import pytest

from ikawaari.checkout import cases, incidents, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.providers.base import Outcome, Result
from ikawaari.store.models import Refund
from tests.checkout.statements import payment, refunded, run
from tests.checkout.test_corrected_refunds import given, quantities, truthful
from tests.world import World, intent, latest


def test_refunds_in_parts_are_matched_by_their_ids(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    made = [
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=n), world.now) for n in (1, 2)
    ]
    world.work()
    lines = [payment(world, latest(session))]
    lines += [refunded(world, f"R{one.id}", one.amount, own_id=one.sent_as, fee=3, fee_currency="XOF") for one in made]
    summary, found = run(world, lines)
    assert (summary.matched, found) == (3, [])
    assert [row.cost_amount for row in Refund.select()] == [3, 3]
    wrong = refunded(world, "R", 3, own_id=made[0].sent_as)
    assert [case.kind for case in run(world, [*lines[:1], wrong, lines[2]])[1]] == ["amount_differs"]


def test_refunds_without_any_id_are_matched_by_their_charge_and_amount_each_once(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    for _ in range(2):
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=1_000), world.now)
        world.work()
    Refund.update(provider_reference=None).execute()
    attempt = latest(session)
    lines = [refunded(world, f"T{n}", 1_000, charge_id=attempt.provider_reference) for n in range(3)]
    for _ in range(2):
        _, found = run(world, [payment(world, attempt), *lines])
        assert [(case.kind, case.reference, case.closed_at) for case in found] == [("missing_here", "T2", None)]


@pytest.mark.on_postgres
def test_a_refund_that_was_made_there_is_looked_up_and_booked_once(world: World) -> None:
    provider = truthful(world)
    provider.says = given(2_000)
    session = world.session()
    world.pay_by_card(session)
    lines = [payment(world, latest(session)), refunded(world, "re_there", 2_000, charge_id=latest(session).id)]
    summary, (case,) = run(world, lines)
    assert (case.kind, case.closed_by, summary.is_clean) == ("missing_here", cases.BY_ITSELF, True)
    assert quantities(session) == (2_000, 2_000, "partially_refunded")
    assert [entry["kind"] for entry in incidents.listed(everything=True)] == ["refund_elsewhere"]
    assert run(world, lines)[1] == []
    assert quantities(session) == (2_000, 2_000, "partially_refunded")


def test_a_refund_that_its_provider_does_not_confirm_is_not_booked(world: World) -> None:
    provider = truthful(world)
    session = world.session()
    world.pay_by_card(session)
    lines = [payment(world, latest(session)), refunded(world, "re_there", 2_000, charge_id=latest(session).id)]
    for says in (Outcome(result=Result.UNKNOWN), Outcome(result=Result.NOT_FOUND)):
        provider.says = says
        _, (case,) = run(world, lines)
        assert (case.kind, case.attempt_id, case.closed_at) == ("missing_here", latest(session).id, None)
    assert quantities(session) == (0, 0, "paid")


def test_a_refund_that_failed_here_and_has_gone_is_asked_about_and_corrected(world: World) -> None:
    provider = truthful(world)
    session = world.session()
    world.pay_by_card(session)
    refund = refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)
    world.work()
    assert Refund.get().status == "failed"
    provider.tells(refund, given())
    world.later(1)
    lines = [payment(world, latest(session)), refunded(world, "R1", 5_000, own_id=refund.sent_as)]
    _, (case,) = run(world, lines)
    assert (case.closed_by, Refund.get().status) == (cases.BY_ITSELF, "succeeded")


def test_a_refund_that_nobody_was_asked_for_is_not_the_one_of_the_statement(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=1_000), world.now)
    line = refunded(world, "T1", 1_000, charge_id=latest(session).provider_reference)
    _, found = run(world, [payment(world, latest(session)), line])
    assert [(case.kind, case.refund_id) for case in found] == [("missing_here", None)]
