"""Live cards in the domain, at the simulated Stripe: typed, asked about by a bank, saved, and charged again."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest

from ikawaari import clock, store
from ikawaari.checkout import (
    abandonment,
    accounts,
    attempts,
    breakers,
    callbacks,
    collected,
    public_view,
    sessions,
    settlement,
    snapshots,
    subscriptions,
    trials,
    ways,
)
from ikawaari.checkout.payment_methods import PaymentMethod, unnamed
from ikawaari.errors import Conflict, Declined, Gone, TooManyRequests, Unavailable, ValidationFailed
from ikawaari.invariants import present
from ikawaari.providers.base import FailureCode, Hint, Outcome, Result, SavedMethod
from ikawaari.store.models import CardSetup, CheckoutSession, DueWork, Subscription
from tests import factories, live_cards
from tests.checkout import subscribing
from tests.checkout.subscribing import MONTHLY, page, states, tries
from tests.live_cards import ASKS, PAYS, POOR, Cards
from tests.world import FAILED, PAID, UNKNOWN, WAITING, Trouble, World, fresh, halfway, latest, statuses, together

DAY = 86_400
GOOD = cycle(f"pm_card_{name}" for name in ("visa", "mastercard", "amex", "visa_debit"))


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


@pytest.mark.on_postgres
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


# ---------------------------------------------------------------- declines


def test_one_card_is_declined_five_times_an_hour_whatever_its_tokens_and_wherever(cards: Cards) -> None:
    sessions_of_it = [cards.session() for _ in range(3)] + [trial(cards) for _ in range(3)]
    for session in sessions_of_it[:5]:
        with pytest.raises(Declined):
            cards.pay(session, POOR)
        cards.world.later(1)
    for session in (sessions_of_it[0], sessions_of_it[5], cards.session()):
        with pytest.raises(TooManyRequests):
            cards.pay(session, POOR)
    with pytest.raises(Declined):  # another card may be tried
        cards.pay(sessions_of_it[0], "pm_card_chargeDeclined")
    cards.world.later(1)
    cards.pay(sessions_of_it[0])
    assert statuses(sessions_of_it[0]) == PAID
    cards.world.later(3_600)
    with pytest.raises(Declined):
        cards.pay(cards.session(), POOR)


def test_a_card_that_cannot_be_told_by_its_token_is_charged(cards: Cards) -> None:
    session = cards.session()
    cards.sim.next("500", on="token")
    cards.pay(session)
    assert (statuses(session), latest(session).card_fingerprint) == (PAID, None)


# ---------------------------------------------------------------- trials


def trial(cards: Cards, **overrides: Any) -> CheckoutSession:
    """A session whose subscription is free for a week."""
    return cards.session(mode="subscription", recurring={**MONTHLY, "trial_period_days": 7}, **overrides)


def setup_of(session: CheckoutSession) -> CardSetup:
    """The latest card that was to be saved for it."""
    every = CardSetup.select().where(CardSetup.session == session.id)
    found: CardSetup = every.order_by(CardSetup.created_at.desc(), CardSetup.id.desc()).get()
    return found


def began(session: CheckoutSession) -> list[tuple[str, str]]:
    """The statuses of the session, and of the subscriptions that it started."""
    stored = fresh(session)
    running = [one.status for one in Subscription.select().where(Subscription.session == session.id)]
    return [(stored.status, stored.payment_status), *((status, "") for status in running)]


OPEN, STARTED = [("open", "unpaid")], [("complete", "no_payment_required"), ("trialing", "")]


def test_a_trial_starts_once_its_card_is_saved_and_is_charged_at_its_end(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session)
    assert began(session) == STARTED
    assert cards.states() == []
    subscription = Subscription.get(Subscription.session == session.id)
    assert subscription.payment_method["saved"]["last4"] == "4242"
    subscribing.days(cards.world, 7.1)
    assert states(subscription) == ["active", "paid"]
    assert cards.states() == ["succeeded"]


@pytest.mark.on_postgres
def test_a_bank_that_asks_holds_the_trial_until_it_is_answered(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    assert began(session) == OPEN
    shown = public_view.public(present(snapshots.find(session.id), "it is there"), cards.world.now)
    assert shown["payment"]
    assert (shown["payment"]["status"], shown["payment"]["type"]) == ("requires_action", "card")
    assert shown["next_action"]
    cards.press(str(shown["next_action"]["redirect_to_url"]["url"]))
    cards.come_back(session)
    assert began(session) == STARTED
    assert cards.states() == []


def test_a_card_that_cannot_be_saved_starts_nothing_and_another_one_may_be(cards: Cards) -> None:
    session = trial(cards)
    with pytest.raises(Declined):
        cards.pay(session, "pm_card_chargeDeclined")
    assert began(session) == OPEN
    shown = public_view.public(present(snapshots.find(session.id), "it is there"), cards.world.now)
    assert shown["last_payment_error"]
    assert shown["last_payment_error"]["code"] == "card_declined"
    cards.world.later(1)
    cards.pay(session)
    assert began(session) == STARTED


def leave(cards: Cards, session: CheckoutSession) -> bool:
    """Its payer wants another card than the one that the bank asks about."""
    return abandonment.abandon(session.id, abandonment.name_of(setup_of(session)), cards.world.now)


def test_who_leaves_the_bank_saves_another_card(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    assert ways.of(present(snapshots.find(session.id), "it is there"), cards.world.now).cancel
    assert leave(cards, session)
    assert (began(session), setup_of(session).failure_code) == (OPEN, "canceled")
    cards.world.later(1)
    cards.pay(session)
    assert began(session) == STARTED


def test_who_had_confirmed_at_the_bank_before_has_begun_the_trial(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    cards.press(setup_of(session).next_action["redirect_to_url"]["url"])
    assert leave(cards, session)
    assert began(session) == STARTED


@pytest.mark.parametrize("verb", ["cancel", "lookup"])
def test_without_an_answer_the_card_is_still_being_saved(cards: Cards, verb: str) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    cards.sim.next("reset", on=verb, times=4)
    if not leave(cards, session):
        assert setup_of(session).status == "requires_action"
        with pytest.raises(Conflict):
            cards.pay(session)
    cards.world.wait(5, 30, 60)
    leave(cards, session)
    assert setup_of(session).failure_code == "canceled"


def test_a_bank_that_says_no_starts_nothing(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    cards.press(setup_of(session).next_action["redirect_to_url"]["url"], "fail")
    cards.world.wait(5)
    assert (began(session), setup_of(session).failure_code) == (OPEN, "authentication_failed")


@pytest.mark.parametrize("fault", ["accepted_then_500", "reset", "garbage"])
@pytest.mark.on_postgres
def test_an_answer_that_is_lost_is_found_out(cards: Cards, fault: str) -> None:
    session = trial(cards)
    cards.sim.next(fault, on="setup", times=2)  # the creation is repeated
    cards.pay(session)
    assert (began(session), setup_of(session).status) == (OPEN, "unknown")
    with pytest.raises(Conflict):
        cards.pay(session)
    cards.world.wait(5, 10, 20, 40, 15)
    found = setup_of(session)
    assert (found.status, found.failure_code) == ("failed", "provider_unavailable")
    cards.world.later(1)
    cards.pay(session)
    assert began(session) == STARTED


def lost(cards: Cards, count: int = 1) -> None:
    """Stripe has no answer to so many of those who want to save a card."""
    for _ in range(count):
        cards.sim.next("accepted_then_500", on="setup", times=2)
        cards.pay(trial(cards), next(GOOD))
        cards.world.later(1)


def test_an_outage_is_found_out_by_those_who_save_a_card_too(cards: Cards) -> None:
    (account,) = [one for one in accounts.known().channels if one != "sandbox"]
    lost(cards, 3)
    session = cards.session()
    cards.sim.next("accepted_then_500", on="intent", times=2)
    cards.pay(session)
    cards.world.later(1)
    assert not breakers.listed()
    lost(cards)
    assert list(breakers.listed()[account]) == ["cards"]
    for nobody in (trial(cards), cards.session()):
        with pytest.raises(Unavailable):
            cards.pay(nobody)
    cards.world.later(59)
    lost(cards)  # the one that is let through
    with pytest.raises(Unavailable):
        cards.pay(trial(cards))
    cards.world.later(60)
    cards.pay(trial(cards))
    assert not breakers.listed()


def test_a_card_that_a_bank_refuses_to_save_is_no_outage(cards: Cards) -> None:
    for card in ("pm_card_chargeDeclined", POOR) * 3:
        with pytest.raises(Declined):
            cards.pay(trial(cards), card)
        cards.world.later(1)
    assert not breakers.listed()


def test_of_those_who_save_a_card_an_open_breaker_lets_one_through(
    cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(cards, 5)
    cards.world.later(60)
    with monkeypatch.context() as dying:
        dying.setattr("ikawaari.checkout.charges.setup", lambda *_: halfway())
        with pytest.raises(Trouble):
            cards.pay(trial(cards))
    for _ in range(2):  # nobody knows what became of the one
        with pytest.raises(Unavailable):
            cards.pay(trial(cards))
    cards.world.later(60)
    cards.pay(trial(cards))
    assert not breakers.listed()


def test_a_worker_that_died_before_the_call_leaves_nothing_behind(
    cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = trial(cards)
    with monkeypatch.context() as dying:
        dying.setattr("ikawaari.checkout.charges.setup", lambda *_: halfway())
        with pytest.raises(Trouble):
            cards.pay(session)
    cards.world.wait(5, 10, 20, 40)
    assert setup_of(session).status == "submitting"  # a call could still be on its way
    cards.world.wait(15)
    assert (setup_of(session).failure_code, began(session)) == ("provider_unavailable", OPEN)


@pytest.mark.on_postgres
def test_a_page_that_nobody_comes_back_from_is_given_up(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    url = setup_of(session).next_action["redirect_to_url"]["url"]
    cards.world.wait(60, 600, 1_200)
    assert (setup_of(session).status, setup_of(session).failure_code) == ("failed", "canceled")
    cards.press(url)
    cards.world.wait(600)
    assert began(session) == OPEN


def test_a_card_that_is_saved_after_its_session_has_ended_starts_nothing(cards: Cards) -> None:
    session = trial(cards, expires_at=clock.unix(cards.world.now + timedelta(minutes=31)))
    cards.pay(session, ASKS)
    url = setup_of(session).next_action["redirect_to_url"]["url"]
    cards.world.later(29 * 60)
    cards.press(url)
    sessions.expire(session, cards.world.now)
    cards.world.work()
    assert (setup_of(session).status, began(session)) == ("succeeded", [("expired", "unpaid")])


@pytest.mark.on_postgres
def test_many_tabs_save_one_card_and_start_one_trial(cards: Cards) -> None:
    session = trial(cards)
    tokens = [cards.token() for _ in range(6)]
    answers = together(
        6, lambda number: attempts.pay(session.id, factories.card_request(tokens[number]), cards.world.now)
    )
    lost = [one for one in answers if one is not None]
    assert all(isinstance(one, Conflict | Gone) for one in lost), lost
    assert (len(lost), CardSetup.select().count()) == (5, 1)
    assert began(session) == STARTED


def test_news_of_a_saved_card_makes_us_ask(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session, ASKS)
    cards.press(setup_of(session).next_action["redirect_to_url"]["url"])
    account = setup_of(session).provider
    assert DueWork.get(DueWork.kind == trials.ENQUIRE).lane == account
    assert not trials.touch("acc_of_others", setup_of(session).id, cards.world.now)
    callbacks._ask(account, Hint(charge_id=setup_of(session).id), cards.world.now)
    cards.world.work()
    assert began(session) == STARTED


def test_too_many_cards_have_to_wait(cards: Cards) -> None:
    session = trial(cards)

    def try_often() -> None:
        for _ in range(30):
            cards.world.later(1)
            with suppress(Declined):
                cards.pay(session, "pm_card_chargeDeclined")

    with pytest.raises(TooManyRequests):
        try_often()


def test_once_a_card_is_saved_nothing_changes_that(cards: Cards) -> None:
    session = trial(cards)
    cards.pay(session)
    late = Outcome(result=Result.FAILED, failure=FailureCode.CARD_DECLINED)
    assert trials.apply(setup_of(session).id, late, cards.world.now).status == "succeeded"
    assert (setup_of(session).failure_code, began(session)) == (None, STARTED)


def test_no_card_is_saved_for_a_trial_that_has_started(cards: Cards) -> None:
    """If two tabs race, the second one has read the session before the first one's trial started."""
    session = trial(cards)
    cards.pay(session)
    answers = collected.kept(session, 0)
    method = PaymentMethod(type="card", provider=setup_of(session).provider, card_token="ctoken_2")
    with pytest.raises((Conflict, Gone)), store.atomic():
        trials.prepare(session, method, answers, cards.world.now, return_url="", once=unnamed)
    assert CardSetup.select().count() == 1
