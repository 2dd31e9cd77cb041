"""Money that moves at a provider without us: its books and ours still agree, and the operator finds it afterwards."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ikawaari import clock, store
from ikawaari.checkout import callbacks, elsewhere, incidents, manual, refunds
from ikawaari.checkout.refunds import NewRefund
from ikawaari.errors import Conflict, NotFound, ValidationFailed
from ikawaari.money import Money
from ikawaari.providers.base import FailureCode, Outcome, RefundElsewhere, Result
from ikawaari.providers.callbacks import Dispute, Elsewhere
from ikawaari.store.models import Callback, CheckoutSession, DueWork, Event, Incident, PaymentAttempt, Refund
from tests import live_cards
from tests.checkout.test_corrected_refunds import (
    Truthful,
    adds_up,
    given,
    open_incidents,
    paid_by_card,
    quantities,
    states,
    told_of,
    truthful,
)
from tests.live_cards import Cards
from tests.simulators.talking import Receiver
from tests.world import World, intent, latest, together
from tests.world import refunds as all_refunds


@pytest.fixture
def provider(world: World) -> Truthful:
    """The provider of every payment here but Stripe's."""
    return truthful(world)


@pytest.fixture
def session(world: World, provider: Truthful) -> CheckoutSession:
    """A session that is paid."""
    return paid_by_card(world)


def made_there(outcome: Outcome | None = None, reference: str = "re_there") -> RefundElsewhere:
    """News of a refund of 2,000 francs that somebody made at the provider."""
    told = outcome or Outcome(result=Result.SUCCEEDED, money=Money(2_000, "XOF"), reference=reference)
    return RefundElsewhere(event_id="evt_1", reference="pi_1", outcome=told)


def dispute(status: str = "needs_response", *, is_final: bool = False, is_lost: bool = True) -> Dispute:
    """News of a dispute over the whole payment."""
    money = Money(5_000, "XOF")
    return Dispute(
        event_id="evt_1", reference="pi_1", id="dp_1", money=money, status=status, is_final=is_final, is_lost=is_lost
    )


WON, LOST = dispute("won", is_final=True, is_lost=False), dispute("lost", is_final=True)


def take_in(world: World, session: CheckoutSession, news: Elsewhere) -> None:
    """Take in news of the session's payment."""
    with store.atomic():
        elsewhere.take_in(latest(session), news, world.now)


def the_refund() -> Refund:
    (one,) = all_refunds()
    return one


# ---------------------------------------------------------------- refunds


@pytest.mark.on_postgres
def test_a_refund_made_at_the_provider_is_one_of_the_payment_once(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    provider.says = given(2_000)
    for _ in range(2):
        take_in(world, session, made_there())
        world.work()
    assert (states(), quantities(session)) == (["succeeded"], (2_000, 2_000, "partially_refunded"))
    assert (the_refund().reason, the_refund().automatic) == ("made_at_provider", False)
    assert told_of(the_refund()) == ["created", "succeeded"]
    with pytest.raises(ValidationFailed):
        refunds.create(world.owner, NewRefund(payment_intent=intent(session).id, amount=3_001), world.now)
    assert list(incidents.listed(everything=False)) == []
    (entry,) = incidents.listed(everything=True)
    assert (entry["kind"], entry["reference"], entry["amount"]) == ("refund_elsewhere", "re_there", 2_000)
    assert (entry["reason"], entry["merchant"]) == (f"It is booked as {the_refund().id}.", str(world.merchant.id))
    adds_up()


@pytest.mark.on_postgres
def test_many_reports_of_it_at_once_book_it_once(world: World, provider: Truthful, session: CheckoutSession) -> None:
    results = together(8, lambda _: take_in(world, session, made_there()))
    assert results == [None] * 8
    assert quantities(session)[:2] == (2_000, 2_000)
    assert (Refund.select().count(), Incident.select().count()) == (1, 1)


def test_news_of_it_that_is_out_of_date_is_corrected_by_a_look_up(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    failed = Outcome(result=Result.FAILED, failure=FailureCode.CANCELED, reference="re_there")
    provider.says = failed
    take_in(world, session, made_there(failed))
    assert states() == []
    take_in(world, session, made_there())
    world.work()
    assert (states(), quantities(session)) == (["failed"], (0, 0, "paid"))
    adds_up()


def test_it_takes_the_place_of_a_refund_that_nobody_was_asked_for(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    ours = refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)
    provider.says = given(2_000)
    world.later(1)
    take_in(world, session, made_there())
    assert Refund.get_by_id(ours.id).failure_code == "canceled"
    world.work()
    assert quantities(session) == (2_000, 2_000, "partially_refunded")
    adds_up()


def test_more_than_there_was_to_return_is_an_incident(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    provider.says = given()
    refunds.create(world.owner, NewRefund(payment_intent=intent(session).id), world.now)
    world.work()
    take_in(world, session, made_there())
    assert quantities(session) == (7_000, 5_000, "refunded")
    assert open_incidents() == [("returned_too_much", 2_000)]
    adds_up()


def test_held_money_that_was_returned_there_is_held_no_more(world: World, provider: Truthful) -> None:
    session = world.session()
    world.pay(session, "012")
    world.wait(5)
    assert latest(session).held == 2_500
    whole = Outcome(result=Result.SUCCEEDED, money=Money(2_500, "XOF"), reference="re_there")
    take_in(world, session, made_there(whole))
    assert (latest(session).held, latest(session).returned, open_incidents()) == (0, 2_500, [])
    adds_up()


def test_another_currency_is_not_booked_and_stays_open(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    euros = Outcome(result=Result.SUCCEEDED, money=Money(2_000, "EUR"), reference="re_there")
    take_in(world, session, made_there(euros))
    assert (states(), open_incidents()) == ([], [("refund_elsewhere", 2_000)])


@pytest.mark.on_postgres
def test_before_the_payment_is_known_the_news_is_to_come_again_and_we_ask(world: World) -> None:
    session = world.session()
    world.pay(session)
    with pytest.raises(Conflict):
        elsewhere.require_payment(latest(session), world.now)
    assert DueWork.get(DueWork.kind == "attempt.enquire").due_at == world.now


# ---------------------------------------------------------------- disputes


@pytest.mark.on_postgres
def test_a_dispute_is_open_until_somebody_ends_it_and_changes_no_amount(
    world: World, provider: Truthful, session: CheckoutSession
) -> None:
    before = (quantities(session), Event.select().count())
    take_in(world, session, dispute())
    take_in(world, session, dispute())
    (entry,) = incidents.listed(everything=False)
    assert (entry["kind"], entry["amount"], entry["details"]) == ("dispute", 5_000, "needs_response")
    assert (quantities(session), Event.select().count()) == before
    incidents.close(int(str(entry["id"])), "Perdu, livré sans preuve", "awa@office", world.now)
    assert open_incidents() == []
    with pytest.raises(Conflict):
        incidents.close(int(str(entry["id"])), "again", "awa@office", world.now)
    with pytest.raises(NotFound):
        incidents.close(10**9, "nothing", "awa@office", world.now)
    take_in(world, session, LOST)  # later news do not open it again
    assert (open_incidents(), Incident.get().details) == ([], "lost")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("end", [WON, LOST], ids=["won", "lost"])
def test_the_end_of_a_dispute_counts_in_any_order(
    world: World, session: CheckoutSession, end: Dispute, order: Sequence[int]
) -> None:
    for number in order:
        take_in(world, session, (dispute(), end)[number])
    assert (open_incidents() != [], Incident.get().details) == (end is LOST, end.status)


# ---------------------------------------------------------------- as Stripe tells them


@pytest.fixture
def cards(world: World) -> Iterator[Cards]:
    """The merchant's account at Stripe."""
    with live_cards.opened(world) as opened:
        yield opened


@pytest.fixture
def post(cards: Cards) -> Iterator[Receiver]:
    """What Stripe posts, until it is passed on."""
    receiver = Receiver()
    with receiver.listening():
        cards.sim.set(callback_url=receiver.url)
        yield receiver


def pass_on(cards: Cards, post: Receiver, account: str, about: str) -> None:
    """Give us the events about `about` that Stripe has posted."""
    for request in post.wait(2):
        if f'"object": "{about}"'.encode() in request.body or f'"object":"{about}"'.encode() in request.body:
            message = callbacks.Message(
                method=request.method,
                path=request.target,
                authority=post.authority,
                headers=list(request.headers.items()),
                body=request.body,
            )
            callbacks.receive(account, message, clock.now())


@pytest.mark.on_postgres
def test_a_refund_made_in_stripes_dashboard_is_booked_and_watched(cards: Cards, post: Receiver) -> None:
    session = cards.session()
    cards.pay(session)
    attempt = latest(session)
    made = cards.call("POST", "/v1/refunds", {"payment_intent": str(attempt.provider_reference), "amount": "2000"})
    pass_on(cards, post, attempt.provider, "refund")
    cards.world.work()
    assert (states(), quantities(session)) == (["succeeded"], (2_000, 2_000, "partially_refunded"))
    assert the_refund().provider_reference == made["id"]
    assert Callback.select().where(Callback.attempt_id == attempt.id).exists()
    assert DueWork.select().where(DueWork.kind == refunds.RECHECK).exists()  # a bank may send it back
    adds_up()


def test_a_dispute_at_stripe_is_an_incident(cards: Cards, post: Receiver) -> None:
    session = cards.session()
    cards.pay(session, "pm_card_createDispute")
    pass_on(cards, post, latest(session).provider, "dispute")
    assert open_incidents() == [("dispute", 5_000)]
    assert Incident.get().reference.startswith("dp_")
    shown: Any = manual.history(latest(session).id)
    assert [one["kind"] for one in shown["incidents"]] == ["dispute"]


def test_news_of_a_payment_of_somebody_else_changes_nothing(cards: Cards, post: Receiver) -> None:
    session = cards.session()
    cards.pay(session, "pm_card_createDispute")
    account = latest(session).provider
    PaymentAttempt.update(provider_reference="pi_ours").execute()
    pass_on(cards, post, account, "dispute")
    assert (open_incidents(), Callback.select().count()) == ([], 0)
