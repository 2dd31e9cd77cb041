"""Live cards in the domain, at the simulated Stripe: typed, asked about by a bank, saved, and charged again."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ikawaari.checkout import attempts, settlement, subscriptions
from ikawaari.errors import Declined, Unavailable, ValidationFailed
from ikawaari.providers.base import FailureCode, Outcome, Result, SavedMethod
from ikawaari.store.models import Subscription
from tests import factories, live_cards
from tests.checkout import subscribing
from tests.checkout.subscribing import MONTHLY, page, states, tries
from tests.live_cards import ASKS, PAYS, POOR, Cards
from tests.world import FAILED, PAID, UNKNOWN, WAITING, World, latest, statuses

DAY = 86_400


@pytest.fixture
def cards(world: World) -> Iterator[Cards]:
    """The merchant's account at Stripe."""
    with live_cards.opened(world) as opened:
        yield opened


def test_a_card_just_typed_pays(cards: Cards) -> None:
    session = cards.session()
    cards.pay(session)
    assert statuses(session) == PAID
    assert cards.states() == ["succeeded"]
    assert latest(session).saved_method is None


def test_a_decline_leaves_the_page_open_for_another_card(cards: Cards) -> None:
    session = cards.session()
    with pytest.raises(Declined):
        cards.pay(session, POOR)
    assert (statuses(session), latest(session).failure_code) == (FAILED, "insufficient_funds")
    cards.world.later(1)
    cards.pay(session)
    assert statuses(session) == PAID


def test_a_bank_is_asked_and_what_it_says_is_looked_up(cards: Cards) -> None:
    session = cards.session()
    cards.pay(session, ASKS)
    assert statuses(session) == WAITING
    cards.decide(session)
    cards.come_back(session)
    assert statuses(session) == PAID


def test_a_bank_that_nobody_answers_is_given_up_after_half_an_hour(cards: Cards) -> None:
    session = cards.session()
    cards.pay(session, ASKS)
    url = latest(session).next_action["redirect_to_url"]["url"]
    cards.world.wait(60, 600, 1_200)
    assert (statuses(session), latest(session).failure_code) == (FAILED, "canceled")
    cards.press(url)
    assert cards.states() == []


@pytest.mark.parametrize(("on", "times"), [("charge", 1), ("intent", 2)])
def test_a_lost_answer_holds_the_payer_for_a_minute_and_a_half_at_most(cards: Cards, on: str, times: int) -> None:
    session = cards.session()
    cards.sim.next("500", on=on, times=times)
    cards.pay(session)
    assert statuses(session) == UNKNOWN
    cards.world.wait(5, 10, 20, 40, 15)
    assert (statuses(session), latest(session).failure_code) == (FAILED, "provider_unavailable")
    cards.pay(session)
    assert statuses(session) == PAID
    assert cards.states() == ["succeeded"]


@pytest.mark.parametrize("token", ["tok_test_card", "pm_card_visa", "ctoken_", "4242", ""])
def test_only_tokens_of_the_accounts_own_fields_are_taken(cards: Cards, token: str) -> None:
    with pytest.raises(ValidationFailed) as wrong:
        attempts.pay(cards.session().id, factories.card_request(token), cards.world.now)
    assert wrong.value.details == {"card_token": ["must be a card token (ctoken_…)"]}


def test_the_sandbox_takes_no_tokens_of_stripe(cards: Cards) -> None:
    with pytest.raises(ValidationFailed) as wrong:
        attempts.pay(cards.world.session().id, factories.card_request(cards.token()), cards.world.now)
    assert wrong.value.details == {"card_token": ["must be a card token (tok_…)"]}


def test_a_live_card_without_an_account_finds_nobody(world: World) -> None:
    with pytest.raises(Unavailable):
        attempts.pay(world.session(livemode=True).id, factories.card_request("ctoken_1"), world.now)


# ---------------------------------------------------------------- saved for renewals


def subscribed(cards: Cards, card: str = PAYS) -> Subscription:
    session = cards.session(mode="subscription", recurring=MONTHLY)
    cards.pay(session, card)
    if statuses(session) == WAITING:
        cards.decide(session)
        cards.come_back(session)
    return Subscription.get(Subscription.session == session.id)


def renewed(cards: Cards, subscription: Subscription) -> list[str]:
    """The states of the subscription and its invoices after a month."""
    subscribing.days(cards.world, 31)
    return states(subscription)


def test_the_first_payment_saves_the_card_and_the_next_one_uses_it(cards: Cards) -> None:
    subscription = subscribed(cards)
    saved = subscription.payment_method["saved"]
    assert (saved["brand"], saved["last4"], saved["customer"][:4]) == ("visa", "4242", "cus_")
    assert renewed(cards, subscription) == ["active", "paid", "paid"]
    assert cards.states() == ["succeeded", "succeeded"]
    (first,) = tries(subscribing.invoices(subscription)[-1])
    assert first.off_session


def test_a_bank_that_wants_its_payer_sends_him_to_the_invoices_page(cards: Cards) -> None:
    subscription = subscribed(cards, ASKS)
    assert renewed(cards, subscription) == ["past_due", "paid", "open"]
    invoice = subscribing.invoices(subscription)[-1]
    shown = subscribing.as_told(invoice)
    assert shown["last_payment_error"]["code"] == "authentication_required"
    assert shown["hosted_invoice_url"].endswith(invoice.session_id)
    cards.pay(page(invoice), ASKS)
    cards.decide(page(invoice))
    cards.come_back(page(invoice))
    assert states(subscription) == ["active", "paid", "paid"]


def test_a_card_that_pays_an_invoice_is_charged_from_then_on(cards: Cards) -> None:
    subscription = subscribed(cards)
    before = subscription.payment_method["saved"]["id"]
    cards.call("POST", f"/v1/payment_methods/{before}/detach", {})
    assert renewed(cards, subscription) == ["past_due", "paid", "open"]
    cards.pay(page(subscribing.invoices(subscription)[-1]))
    after = subscribing.now(subscription).payment_method["saved"]["id"]
    assert after != before
    assert renewed(cards, subscription) == ["active", "paid", "paid", "paid"]


def test_a_card_that_will_never_pay_again_is_not_asked_again(cards: Cards) -> None:
    subscription = subscribed(cards)
    saved = SavedMethod(**subscription.payment_method["saved"])
    cards.sim.next("reset", accepted=False)  # the renewal's answer is lost; what its bank says comes later
    subscribing.days(cards.world, 31)
    invoice = subscribing.invoices(subscription)[-1]
    (attempt,) = tries(invoice)
    said = Outcome(result=Result.FAILED, failure=FailureCode.CARD_DECLINED, saved=replace(saved, is_spent=True))
    settlement.apply(attempt.id, said, cards.world.now)
    assert not subscriptions.may_be_asked(subscribing.now(subscription))
    for _ in range(8):
        subscribing.days(cards.world, 1)
    assert len(tries(invoice)) == 1
    cards.pay(page(invoice))
    assert subscriptions.may_be_asked(subscribing.now(subscription))
    assert states(subscription) == ["active", "paid", "paid"]
