"""Callbacks that bring several reports, adapters that break, and who was tried."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from ikawaari.checkout import attempts, callbacks, refunds
from ikawaari.money import Money
from ikawaari.providers import registry
from ikawaari.providers.base import Account, Outcome, RefundOrder, Report, Result
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.database import database
from ikawaari.store.models import Callback, PaymentAttempt, Refund
from tests.world import PAID, World, audit, intent, latest, message_of, statuses
from tests.world import refunds as all_refunds


class Bundling(Sandbox):
    """A provider that sends many reports of success in one callback."""

    def parse_callback(self, account: Account, request: Any, now: datetime) -> list[Report]:
        """A success of each charge that the body names."""
        paid = Outcome(result=Result.SUCCEEDED, money=Money(5_000, "XOF"))
        return [Report(event_id=f"of {one}", charge_id=one, outcome=paid) for one in json.loads(request.body)]


class Stumbling(Sandbox):
    """An adapter that breaks after the money was given back."""

    def refund(self, account: Account, request: RefundOrder, now: datetime) -> Outcome:
        """Give back, and break."""
        super().refund(account, request, now)
        raise ValueError("an odd word")


def test_a_report_that_cannot_be_taken_in_holds_up_none_of_those_that_came_with_it(world: World) -> None:
    registry.configure([Bundling(world.config)])
    sessions = [world.session() for _ in range(3)]
    for number, session in enumerate(sessions):
        world.pay(session, f"{600 + number}")
    ids = [latest(session).id for session in sessions]
    message = message_of(json.dumps(ids).encode())
    broken = PaymentAttempt._meta.table_name
    database.execute_sql(f"UPDATE {broken} SET next_action = 'no JSON' WHERE id = '{ids[0]}'")
    with pytest.raises(ValueError, match="Expecting value"):
        callbacks.receive("sandbox", message, world.now)
    assert [statuses(session) for session in sessions[1:]] == [PAID, PAID]
    assert Callback.select().count() == 2
    database.execute_sql(f"UPDATE {broken} SET next_action = NULL WHERE id = '{ids[0]}'")
    callbacks.receive("sandbox", message, world.now)
    assert [statuses(session) for session in sessions] == [PAID] * 3
    assert Callback.select().count() == 3
    assert world.told().count("payment_intent.succeeded") == 3


def test_a_refund_whose_adapter_breaks_is_looked_up_and_given_once(world: World) -> None:
    registry.configure([Stumbling(world.config)])
    session = world.session()
    world.pay_by_card(session)
    refunds.create(world.owner, refunds.NewRefund(payment_intent=intent(session).id), world.now)
    world.wait(0)
    assert [row.status for row in all_refunds()] == ["pending"]
    world.wait(6)
    assert [row.status for row in all_refunds()] == ["succeeded"]
    assert [entry["refunded"] for entry in ledger.entries()] == [5_000]
    audit()


@pytest.mark.parametrize("ahead", [-2, 0, 2])
def test_an_attempt_was_tried_whichever_way_the_clocks_differ(world: World, ahead: float) -> None:
    """A run that was cut off is known by what it stored, never by the time."""
    session = world.session()
    assert not attempts.is_tried(intent(session).id)
    world.pay(session, "011")
    attempt = latest(session)
    attempt.change(submitted_at=attempt.created_at - timedelta(seconds=ahead))
    assert attempts.is_tried(attempt.id)
    assert attempts.is_tried(intent(session).id)
    assert Refund.select().count() == 0
