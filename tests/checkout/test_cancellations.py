"""Canceling an intent, while its payer pays, and after."""

import pytest

from ikawaari.checkout import attempts, cancellations, intents, sessions
from ikawaari.checkout.intents import NewIntent
from ikawaari.errors import Conflict, Declined, Gone
from ikawaari.providers.sandbox import ledger
from ikawaari.states import IntentStatus
from ikawaari.store.models import PaymentAttempt, PaymentIntent
from tests import factories
from tests.world import World, audit, fresh, intent, names, refunds, together


def made(world: World) -> PaymentIntent:
    """An intent without a session."""
    return intents.create(world.owner, NewIntent(amount=5_000, currency="XOF"), world.now)


def stored(row: PaymentIntent) -> PaymentIntent:
    """The intent as it is stored."""
    return PaymentIntent.get_by_id(row.id)


@pytest.mark.on_postgres
def test_a_canceled_intent_takes_no_payment(world: World) -> None:
    row = made(world)
    assert cancellations.cancel(row.id, world.now).canceled_at == world.now
    assert world.told() == ["payment_intent.created", "payment_intent.canceled"]
    with pytest.raises(Conflict, match="canceled"):
        attempts.confirm(stored(row), factories.card_request(), world.now)
    with pytest.raises(Conflict, match="canceled"):
        attempts.confirm(row, factories.card_request(), world.now)  # as read before it was canceled
    with pytest.raises(Conflict):
        cancellations.cancel(row.id, world.now)


def test_its_open_session_ends_with_it(world: World) -> None:
    session = world.session()
    cancellations.cancel(intent(session).id, world.now)
    assert (fresh(session).status, intent(session).status) == ("expired", "canceled")
    assert world.told()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    with pytest.raises(Gone):
        world.pay(session)
    world.wait(90_000)
    assert world.told().count("checkout.session.expired") == 1


def test_that_of_an_expired_session_is_canceled_already(world: World) -> None:
    session = world.session()
    sessions.expire(session, world.now)
    with pytest.raises(Conflict):
        cancellations.cancel(intent(session).id, world.now)
    assert world.told()[-2:] == ["payment_intent.canceled", "checkout.session.expired"]


@pytest.mark.parametrize("with_session", [True, False])
def test_money_that_comes_after_it_goes_back(world: World, with_session: bool) -> None:
    session = world.session() if with_session else None
    row = intent(session) if session else made(world)
    attempts.confirm(row, factories.pay_request(factories.phone("007")), world.now)
    world.wait(5.5)
    assert stored(row).status == "failed"
    cancellations.cancel(row.id, world.now)
    world.wait(60, 3600)
    assert [(refund.reason, refund.amount, refund.status) for refund in refunds()] == [("late", 5_000, "succeeded")]
    assert (stored(row).status, stored(row).amount_refunded) == ("succeeded", 5_000)
    assert [entry["refunded"] for entry in ledger.entries()] == [5_000]
    if session:
        assert (fresh(session).status, fresh(session).payment_status) == ("expired", "refunded")
    audit()


@pytest.mark.on_postgres
def test_a_payment_and_a_cancellation_at_once_have_one_winner(world: World) -> None:
    rows = [made(world) for _ in range(6)] + [intent(world.session()) for _ in range(6)]

    def act(number: int) -> None:
        row = rows[number // 2]
        if number % 2:
            cancellations.cancel(row.id, world.now)
        else:
            attempts.confirm(row, factories.card_request(), world.now)

    results = together(24, act)
    for number, row in enumerate(rows):
        won = [type(result).__name__ for result in results[2 * number : 2 * number + 2]]
        assert sorted(won) in (["Conflict", "NoneType"], ["Gone", "NoneType"])
        assert stored(row).status == ("succeeded" if won[0] == "NoneType" else "canceled")
    assert sum(entry["amount"] for entry in ledger.entries()) == 5_000 * names(results[::2])["None"]
    audit()


@pytest.mark.on_postgres
def test_a_change_of_the_currency_at_the_last_moment_stops_the_payment(world: World) -> None:
    row = made(world)
    intents.update(row.id, {"currency": "EUR"})
    with pytest.raises(Conflict, match="changed"):
        attempts.confirm(row, factories.pay_request(), world.now)
    assert PaymentAttempt.select().count() == 0


@pytest.mark.on_postgres
def test_a_failed_intent_is_not_failed_for_ever(world: World) -> None:
    row = made(world)
    with pytest.raises(Declined):
        attempts.confirm(row, factories.card_request("tok_test_declined"), world.now)
    attempts.confirm(stored(row), factories.card_request(), world.now)
    assert stored(row).status == IntentStatus.SUCCEEDED
    assert world.told() == [
        "payment_intent.created",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
    ]
    audit()
