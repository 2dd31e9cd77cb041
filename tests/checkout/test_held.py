"""Money that is held is listed, and closed when it was paid back another way."""

from typing import Any

import pytest

from ikawaari.checkout import held, merchant_view, refunds, snapshots
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, NotFound
from ikawaari.providers.base import FailureCode, Outcome, Result
from ikawaari.store.models import AttemptReport, DueWork, PaymentAttempt, Refund
from tests import factories
from tests import world as worlds
from tests.checkout.test_money_held import ask, books, kept, moody, pay_at_expresso, wrong
from tests.world import World, audit, fresh, intent, names, together, tries


def close(world: World, attempt: PaymentAttempt, by: str = "awa@office") -> int:
    """Say that it was paid back by a transfer."""
    return held.close(attempt.id, "Virement du 3 juin", by, world.now)


def test_money_that_is_held_is_listed_with_all_that_a_person_needs(world: World) -> None:
    assert list(held.listed()) == []
    session = world.session()
    pay_at_expresso(world, session, "012")
    world.wait(5)
    (entry,) = held.listed()
    (attempt,) = tries(session)
    assert (entry["attempt"], entry["payment_intent"]) == (attempt.id, intent(session).id)
    assert (entry["merchant"], entry["livemode"]) == (world.merchant.id, False)
    assert (entry["amount_received"], entry["amount_returned"], entry["amount_held"]) == (2_500, 0, 2_500)
    assert (entry["currency"], entry["reason"], entry["last_failure"]) == ("XOF", "wrong_amount", "not_allowed")
    assert (entry["tries"], entry["next_try_at"], entry["is_pending"]) == (1, None, False)
    assert "701234012" not in str(entry)


@pytest.mark.on_postgres
def test_the_next_try_is_listed(world: World) -> None:
    moody(world, FailureCode.WALLET_LIMIT)
    wrong(world)
    (entry,) = held.listed()
    assert entry["next_try_at"] == int((world.now + refunds.RETRIES[0]).timestamp())
    world.wait(3600)
    assert list(held.listed()) == []


@pytest.mark.on_postgres
def test_closing_ends_the_tries_and_is_kept_with_amount_name_time_and_reason(world: World) -> None:
    provider = moody(world, *[FailureCode.WALLET_LIMIT] * 9)
    session, attempt = wrong(world)
    before = [refund.__data__ for refund in worlds.refunds()]
    assert close(world, attempt) == 2_500
    assert [refund.__data__ for refund in worlds.refunds()] == before
    assert books(attempt) == (2_500, 0, 0)
    told = AttemptReport.get(AttemptReport.result == held.CLOSED)
    assert (told.attempt_id, told.amount, told.currency) == (attempt.id, 2_500, "XOF")
    assert (told.made_by, told.reason, told.created_at) == ("awa@office", "Virement du 3 juin", world.now)
    assert not DueWork.select().where(DueWork.kind == refunds.RETRY)
    assert list(held.listed()) == []
    world.wait(*[7 * 86_400] * 3)
    assert (len(provider.asked), kept()) == (1, 2_500)
    with pytest.raises(Conflict):
        ask(world, attempt=attempt.id)
    with pytest.raises(Conflict):
        close(world, attempt)
    shown: Any = merchant_view.payment_intent(snapshots.of_intent(intent(session)))
    assert shown["attempts"][0]["amount_held"] == 0
    audit()


def test_a_part_that_was_returned_stays_returned(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    _, attempt = wrong(world)
    ask(world, 1_000, attempt=attempt.id)
    with pytest.raises(Conflict, match="under way"):
        close(world, attempt)
    world.work()
    assert close(world, attempt) == 1_500
    assert books(attempt) == (2_500, 1_000, 0)
    audit()


def test_what_holds_nothing_is_not_closed(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    with pytest.raises(Conflict):
        close(world, tries(session)[0])
    with pytest.raises(NotFound):
        held.close("unknown", "x", "y", world.now)


def test_late_money_that_is_still_to_be_returned_is_listed_and_closed(world: World) -> None:
    moody(world, FailureCode.WALLET_LIMIT)
    session = factories.session(factories.merchant(late_payments="refund"))
    world.later(86_399)
    world.pay(session, "007")
    world.wait(5, 60)
    (entry,) = held.listed()
    assert (entry["amount_held"], entry["reason"]) == (0, "late")
    assert close(world, tries(session)[0]) == 5_000
    world.wait(3600, 86_400)
    assert (Refund.select().count(), fresh(session).payment_status, kept()) == (1, "paid", 5_000)
    new = NewRefund(payment_intent=intent(session).id)
    with pytest.raises(Conflict):
        refunds.create(factories.owner(fresh(session).merchant), new, world.now)


@pytest.mark.on_postgres
def test_of_a_closing_and_a_refund_at_once_one_wins(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    _, attempt = wrong(world)

    def either(number: int) -> int:
        return close(world, attempt) if number % 2 else ask(world, attempt=attempt.id).amount

    assert names(together(8, either)) == {"2500": 1, "Conflict": 7}
    world.work()
    row = PaymentAttempt.get_by_id(attempt.id)
    assert (row.closed, row.returned) in {(2_500, 0), (0, 2_500)}
    audit()


def test_a_refund_that_comes_back_after_a_closing_is_held_again(world: World) -> None:
    moody(world, FailureCode.NOT_ALLOWED)
    _, attempt = wrong(world)
    refund = ask(world, 1_000, attempt=attempt.id)
    world.work()
    close(world, attempt)
    back = Outcome(result=Result.FAILED, failure=FailureCode.UNKNOWN)
    refunds.correct(Refund.get_by_id(refund.id), back, world.now)
    assert books(attempt) == (2_500, 0, 1_000)
    assert close(world, attempt) == 1_000
