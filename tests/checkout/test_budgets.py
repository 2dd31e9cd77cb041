"""Public budgets: a robot meets them in seconds, a customer never."""

import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from pytest_httpserver import HTTPServer

from ikawaari import store
from ikawaari.checkout import attempts, budgets, intents, sessions, test_mode, visits
from ikawaari.checkout.intents import NewIntent
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.config import Config
from ikawaari.errors import Conflict, Declined, TooManyRequests
from ikawaari.providers.sandbox.ledger import Charge
from ikawaari.states import PaymentStatus
from ikawaari.store.models import (
    CheckoutSession,
    Event,
    Invoice,
    PaymentAttempt,
    PaymentIntent,
    PaymentLink,
    Subscription,
)
from tests import factories
from tests import world as worlds
from tests.world import World, together

NEVER_APPROVED = "011"
WRONG_CODE = "000000"


def press(world: World, session: CheckoutSession, **request: Any) -> str:
    """Press Pay, and say what came of it: the class of the error, or `sent`."""
    try:
        attempts.pay(session.id, PayRequest(**request), world.now)
    except (Conflict, Declined, TooManyRequests) as error:
        return type(error).__name__
    return "sent"


def card(token: str) -> dict[str, Any]:
    return {"type": "card", "card_token": token}


def wallet(ending: str) -> dict[str, Any]:
    return {"type": "mobile_money", "phone_number": factories.phone(ending), "operator": "orange_sn"}


def charges() -> int:
    """How many charges reached the provider."""
    return Charge.select().count()


# ---------------------------------------------------------------- tries per session


def test_200_different_declined_cards_on_one_session_reach_the_provider_20_times_at_most(world: World) -> None:
    session = world.session()
    for number in range(200):
        press(world, session, **card(f"tok_unknown_{number}"))
        world.later(3)  # ten minutes in all
    assert 10 < charges() <= 20


def test_after_ten_failures_a_session_rests_for_growing_minutes(world: World) -> None:
    session = world.session()
    for number in range(10):
        assert press(world, session, **card(f"tok_{number}")) == "Declined"
    rests = []
    for number in range(10, 18):
        with pytest.raises(TooManyRequests) as caught:
            attempts.pay(session.id, factories.card_request(f"tok_{number}"), world.now)
        rests.append(caught.value.retry_after_seconds)
        world.later(float(rests[-1] or 0))
        assert press(world, session, **card(f"tok_{number}")) == "Declined"
    assert rests == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_rest_is_told_with_its_code_and_stores_nothing(world: World) -> None:
    session = world.session()
    for number in range(10):
        press(world, session, **card(f"tok_{number}"))
    before = PaymentAttempt.select().count(), Event.select().count(), world.told()
    with pytest.raises(TooManyRequests) as caught:
        attempts.pay(session.id, factories.card_request(), world.now)
    assert (caught.value.code, caught.value.http_status, caught.value.retryable) == ("IKW-RATE-002", 429, True)
    assert (PaymentAttempt.select().count(), Event.select().count(), world.told()) == before
    assert worlds.fresh(session).payment_status == PaymentStatus.UNPAID


def test_a_customer_who_mistypes_three_times_pays_then(world: World) -> None:
    session = world.session()
    for _ in range(3):
        assert press(world, session, **card("tok_test_declined")) == "Declined"
        world.later(5)
    world.pay_by_card(session)
    assert worlds.statuses(session) == worlds.PAID


def test_an_intent_without_a_session_has_the_same_budget(world: World) -> None:
    intent = intents.create(world.owner, NewIntent(amount=5_000, currency="XOF"), world.now)
    for number in range(10):
        with pytest.raises(Declined):
            attempts.confirm(PaymentIntent.get_by_id(intent.id), factories.card_request(f"tok_{number}"), world.now)
    with pytest.raises(TooManyRequests):
        attempts.confirm(PaymentIntent.get_by_id(intent.id), factories.card_request(), world.now)


# ---------------------------------------------------------------- prompts per number


@pytest.mark.parametrize("ending", [NEVER_APPROVED, "002", "003", "009", "010", "500"])
def test_presses_through_new_sessions_send_five_prompts_to_one_number(world: World, ending: str) -> None:
    results = [press(world, world.session(), **wallet(ending)) for _ in range(15)]
    assert results.count("TooManyRequests") == 10
    assert charges() == 5


@pytest.mark.on_postgres
def test_a_press_waits_for_the_one_that_is_being_stored_for_the_same_number(world: World) -> None:
    for _ in range(4):
        press(world, world.session(), **wallet(NEVER_APPROVED))
    first, second, stored = world.session(), world.session(), threading.Event()

    def store_slowly(number: int) -> str:
        if number == 0:
            with store.atomic():
                result = press_unsent(world, first)
                stored.set()
                time.sleep(0.3)  # the other one has reached the number's turn long since
            return result
        stored.wait()
        return press(world, second, **wallet(NEVER_APPROVED))

    assert together(2, store_slowly) == ["stored", "TooManyRequests"]


def press_unsent(world: World, session: CheckoutSession) -> str:
    """The first transaction of a press."""
    request = factories.pay_request(factories.phone(NEVER_APPROVED))
    method, answers = attempts._read(request, session)
    attempts._begin_session(sessions.find_open(session.id, world.now), method, answers, None, world.now)
    return "stored"


@pytest.mark.on_postgres
def test_parallel_presses_send_five_prompts_to_one_number(world: World) -> None:
    opened = [world.session() for _ in range(16)]
    results = together(16, lambda number: press(world, opened[number], **wallet(NEVER_APPROVED)))
    assert sorted(map(str, results)).count("TooManyRequests") == 11
    assert charges() == 5


def test_a_number_is_free_again_ten_minutes_later_but_for_20_prompts_a_day(world: World) -> None:
    sent = 0
    for _ in range(30):
        sent += sum(press(world, world.session(), **wallet("002")) == "sent" for _ in range(6))
        world.wait(3, 10 * 60)
    assert sent == 20
    with pytest.raises(TooManyRequests) as caught:
        attempts.pay(world.session().id, factories.pay_request(factories.phone("002")), world.now)
    assert 18 * 3600 < (caught.value.retry_after_seconds or 0) < 24 * 3600
    world.later(float(caught.value.retry_after_seconds or 0))
    assert press(world, world.session(), **wallet("002")) == "sent"


def test_a_payment_empties_the_number_s_counter(world: World) -> None:
    for _ in range(4):
        press(world, world.session(), **wallet(NEVER_APPROVED))
    paid = world.session()
    world.pay(paid, NEVER_APPROVED)
    assert press(world, world.session(), **wallet(NEVER_APPROVED)) == "TooManyRequests"
    test_mode.decide(worlds.intent(paid).id, succeeded=True, failure_reason=None, now=world.now)
    assert press(world, world.session(), **wallet(NEVER_APPROVED)) == "sent"


def test_test_mode_counts_each_merchant_apart(world: World) -> None:
    for _ in range(6):
        press(world, world.session(), **wallet(NEVER_APPROVED))
    other = factories.session(factories.merchant("Autre"))
    assert press(world, other, **wallet(NEVER_APPROVED)) == "sent"


def test_an_operator_that_is_down_sends_no_prompt_and_costs_none(world: World) -> None:
    results = [press(world, world.session(), **wallet("008")) for _ in range(8)]
    assert results == ["Declined"] * 8


def test_good_payments_with_one_number_and_one_card_all_pass(config: Config, httpserver: HTTPServer) -> None:
    with worlds.opened(config, httpserver, delay_seconds=0) as world:
        results = [press(world, world.session(), **wallet("500")) for _ in range(20)]
        results += [press(world, world.session(), **card("tok_test_card")) for _ in range(20)]
    assert results == ["sent"] * 40


# ---------------------------------------------------------------- declines per card


def test_one_card_is_declined_five_times_an_hour_on_one_session(world: World) -> None:
    session = world.session()
    results = [press(world, session, **card("tok_test_declined")) for _ in range(9)]
    assert results == ["Declined"] * 5 + ["TooManyRequests"] * 4
    assert press(world, session, **card("tok_test_insufficient_funds")) == "Declined", "another card may be tried"
    assert press(world, world.session(), **card("tok_test_declined")) == "Declined", "test mode: another session too"
    world.later(3600)
    assert press(world, session, **card("tok_test_declined")) == "Declined"


# ---------------------------------------------------------------- codes per attempt


def test_guessed_codes_each_with_a_new_code_reach_the_provider_five_times(world: World) -> None:
    session = world.session()
    for _ in range(20):
        press(world, session, **wallet("009"))
        press(world, session, **wallet("009"), otp=WRONG_CODE)
    assert charges() == 5


def test_one_attempt_takes_five_codes(world: World) -> None:
    session = world.session()
    world.pay(session, "009")
    attempt = worlds.latest(session)
    attempt.change(codes=5)  # as at an operator where a wrong code does not end the charge
    with pytest.raises(TooManyRequests):
        attempts.submit_otp(session.id, "123456", world.now)
    assert worlds.statuses(session) == worlds.WAITING


# ---------------------------------------------------------------- settings


def test_zero_switches_a_budget_off(world: World) -> None:
    off = replace(world.config, tries_per_session=0, prompts_per_phone=0, declines_per_card=0, codes_per_attempt=0)
    budgets.configure(off)
    session = world.session()
    assert [press(world, session, **card("tok_test_declined")) for _ in range(15)] == ["Declined"] * 15
    assert [press(world, world.session(), **wallet(NEVER_APPROVED)) for _ in range(9)] == ["sent"] * 9


def test_a_setting_moves_its_budget(world: World) -> None:
    budgets.configure(replace(world.config, tries_per_session=2))
    session = world.session()
    results = [press(world, session, **card(f"tok_{number}")) for number in range(3)]
    assert results == ["Declined", "Declined", "TooManyRequests"]


def test_renewals_meet_no_budget_of_strangers(world: World) -> None:
    """The house itself asks, off session: dunning has its own days."""
    session = world.session(mode="subscription", recurring={"interval": "month", "interval_count": 1})
    world.pay(session, "015")
    world.wait(3, 5)
    subscription = Subscription.get()
    world.later((subscription.current_period_end - world.now).total_seconds() - 1)
    waiting = [press(world, world.session(), **wallet("015")) for _ in range(6)]
    world.wait(1)
    assert waiting[-1] == "TooManyRequests"
    renewal = PaymentAttempt.select().join(PaymentIntent).join(Invoice, on=(Invoice.session == PaymentIntent.session))
    assert renewal.where(Invoice.period == 2).count() == 1


# ---------------------------------------------------------------- events


def test_events_carry_the_latest_ten_attempts_and_their_number(world: World) -> None:
    budgets.configure(replace(world.config, tries_per_session=0))
    session = world.session()
    for number in range(25):
        press(world, session, **card(f"tok_{number}"))
        world.later(1)
    told = [event for event in Event.select().order_by(Event.sequence) if event.type == "payment_intent.payment_failed"]
    data = json.loads(told[-1].body)["data"]
    assert data["attempts_count"] == 25
    assert [row["id"] for row in data["attempts"]] == [row.id for row in worlds.tries(session)[-10:]]
    assert max(len(event.body) for event in told) < 6_000


# ---------------------------------------------------------------- visits


def test_a_link_opens_30_sessions_a_minute_for_one_network_and_browser(world: World) -> None:
    link = factories.link(world.merchant)
    other = factories.link(world.merchant)
    assert [opens(world, link, "198.51.100.7", "curl/8") for _ in range(32)] == [True] * 30 + [False] * 2
    assert not opens(world, link, "198.51.100.99", "curl/8"), "the same /24"
    assert opens(world, link, "198.51.101.7", "curl/8")
    assert opens(world, link, "198.51.100.7", "Mozilla/5.0")
    assert opens(world, other, "198.51.100.7", "curl/8")
    world.later(60)
    assert opens(world, link, "198.51.100.7", "curl/8")


def opens(world: World, link: PaymentLink, address: str, user_agent: str) -> bool:
    try:
        visits.open_session(link.slug, None, world.now, visitor=budgets.visitor(address, user_agent))
    except TooManyRequests:
        return False
    return True


def test_whoever_has_a_session_finds_it_again_in_any_crowd(world: World) -> None:
    link = factories.link(world.merchant)
    visitor = budgets.visitor("198.51.100.7", "Mozilla/5.0")
    mine = visits.open_session(link.slug, None, world.now, visitor=visitor)
    for _ in range(30):
        opens(world, link, "198.51.100.7", "Mozilla/5.0")
    assert visits.open_session(link.slug, mine.id, world.now, visitor=visitor).id == mine.id


@pytest.mark.on_postgres
def test_a_crowd_is_shown_the_link_s_page_whose_button_opens_sessions(app: Flask) -> None:
    link = factories.link(description="Concert")
    crowd = [app.test_client().get(f"/pay/{link.slug}") for _ in range(32)]
    assert [answer.status_code for answer in crowd] == [303] * 30 + [200] * 2
    assert "Concert" in crowd[-1].text
    assert "?open" in crowd[-1].text
    assert app.test_client().get(f"/pay/{link.slug}?open").status_code == 303


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), ("::ffff:198.51.100.7", "198.51.100.8"), ("nonsense", "")],
)
def test_addresses_of_one_network_count_together(one: str, other: str) -> None:
    assert budgets.visitor(one, "") == budgets.visitor(other, "")
