"""Enquiry: soon at first, then less and less often, at the prompt's end, and a few times after a failure."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from ikawaari import clock
from ikawaari.checkout import enquiry, returns, sessions, subscriptions, test_mode
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.providers import registry
from ikawaari.store.models import DueWork, PaymentIntent
from tests.world import PAID, World, audit, fresh, intent, latest, statuses, tries


def asked(world: World, until: timedelta) -> list[int]:
    """When the worker enquires, in seconds from now."""
    start = world.now
    found: list[int] = []
    while True:
        work = DueWork.get_or_none(DueWork.kind == enquiry.ENQUIRE)
        if work is None or work.due_at - start > until:
            return found
        found.append(round((work.due_at - start).total_seconds()))
        world.wait((work.due_at - world.now).total_seconds())


def test_enquiries_about_a_prompt_grow_apart_and_meet_its_end(world: World) -> None:
    world.pay(world.session(), "011")
    times = asked(world, timedelta(minutes=5))
    assert times[:4] == [5, 10, 15, 22]
    assert 60 in times
    gaps = [later - earlier for earlier, later in pairwise(times) if earlier > 60]
    assert gaps == sorted(gaps)


def test_enquiries_without_an_end_come_every_hour_at_least(world: World) -> None:
    world.pay(world.session(), "011")
    times = asked(world, timedelta(hours=12))
    assert all(later - earlier <= 3600 for earlier, later in pairwise(times))
    assert len(times) < 35


def test_a_failure_is_asked_about_three_times_more(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(5)
    settled_at = latest(session).settled_at
    times = asked(world, timedelta(days=30))
    offset = (world.now - settled_at).total_seconds() - times[-1]
    assert [round(time + offset) for time in times] == [60, 3600, 86_400]


def test_a_success_is_asked_about_no_more(world: World) -> None:
    world.pay_by_card(world.session())
    world.wait(5)
    assert not DueWork.select().where(DueWork.kind == enquiry.ENQUIRE).exists()


def test_an_enquiry_waits_for_a_provider_that_was_taken_out(world: World) -> None:
    session = world.session()
    world.pay(session)
    kept = registry.named("sandbox")
    assert kept is not None
    registry.configure([])
    world.wait(60)
    registry.configure([kept])
    world.wait(600)
    assert statuses(session) == PAID
    audit()


def test_a_tap_on_check_finds_out_that_a_failed_payment_was_paid_after_all(world: World) -> None:
    """Also once the page has expired."""
    session, expired = world.session(), world.session()
    for one in (session, expired):
        world.pay(one, "007")
    world.wait(5)
    assert [statuses(one)[0] for one in (session, expired)] == ["failed", "failed"]
    sessions.expire(expired, world.now)
    world.later(4)
    for one in (session, expired):
        enquiry.check(one.id, world.now)
    assert (statuses(session), statuses(expired)[3], fresh(expired).late) == (PAID, "paid", True)
    audit()


def test_a_tap_on_check_asks_about_the_running_payment_and_about_no_failure_of_days_ago(world: World) -> None:
    session = world.session(expires_at=clock.unix(world.now + timedelta(days=6)))
    world.pay(session, "001")
    world.wait(5)
    assert enquiry.worth_a_check(tries(session), world.now) == latest(session)
    world.later(86_400)
    assert enquiry.worth_a_check(tries(session), world.now) is None
    world.pay(session, "011")
    assert enquiry.worth_a_check(tries(session), world.now) == latest(session)
    test_mode.decide(intent(session).id, succeeded=True, failure_reason=None, now=world.now)
    assert enquiry.worth_a_check(tries(session), world.now) is None


def test_a_tap_on_check_without_a_running_payment_does_nothing(world: World) -> None:
    session = world.session()
    enquiry.check(session.id, world.now)
    with pytest.raises(NotFound):
        enquiry.check("cs_nobody", world.now)


# ---------------------------------------------------------------- the test callback


def test_the_test_callback_knows_no_live_intent(world: World) -> None:
    session = world.session(livemode=True)
    for intent_id in (intent(session).id, "pi_nobody"):
        with pytest.raises(NotFound):
            test_mode.decide(intent_id, succeeded=True, failure_reason=None, now=world.now)


@pytest.mark.on_postgres
def test_the_test_callback_settles_an_intent_that_nobody_has_tried_yet(world: World) -> None:
    session = world.session()
    test_mode.decide(intent(session).id, succeeded=True, failure_reason=None, now=world.now)
    assert statuses(session) == PAID
    audit()


def test_the_test_callback_cannot_undo_a_payment(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    test_mode.decide(intent(session).id, succeeded=False, failure_reason=None, now=world.now)
    assert statuses(session) == PAID
    audit()


@pytest.mark.parametrize(
    ("reason", "kept"), [("payer_limit", "payer_limit"), ("nonsense", "unknown"), (None, "unknown")]
)
def test_the_test_callbacks_reason_is_of_the_closed_set(world: World, reason: str | None, kept: str) -> None:
    session = world.session()
    world.pay(session, "011")
    test_mode.decide(intent(session).id, succeeded=False, failure_reason=reason, now=world.now)
    assert latest(session).failure_code == kept


# ---------------------------------------------------------------- where a payer may be sent


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        (None, True),
        ("http://localhost/cs_1?returned=1", True),
        ("http://localhost:80/x", True),
        ("https://shop.example/back", True),
        ("https://SHOP.example:443/back", True),
        ("https://no.shop.example/", True),
        ("https://shop.example.evil.example/", False),
        ("https://shop.example:8443/", False),
        ("http://shop.example/", False),
        ("https://shop.example@evil.example/", False),
        ("//shop.example/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_a_payer_returns_to_our_page_or_to_the_shop(world: World, url: str | None, fine: bool) -> None:
    session = world.session(success_url="https://shop.example/ok", cancel_url="https://no.shop.example/")
    if fine:
        returns.check(session, url)
    else:
        with pytest.raises(ValidationFailed):
            returns.check(session, url)


# ---------------------------------------------------------------- periods


@pytest.mark.parametrize(
    ("interval", "every", "periods", "end"),
    [
        ("day", 1, 1, (2024, 2, 1)),
        ("week", 2, 1, (2024, 2, 14)),
        ("month", 1, 1, (2024, 2, 29)),
        ("month", 1, 2, (2024, 3, 31)),
        ("month", 3, 1, (2024, 4, 30)),
        ("year", 1, 1, (2025, 1, 31)),
    ],
)
def test_periods_are_counted_from_the_anchor(
    interval: str, every: int, periods: int, end: tuple[int, int, int]
) -> None:
    anchor = datetime(2024, 1, 31, 10, 30, tzinfo=UTC)
    assert subscriptions.period_end(anchor, interval, every, periods) == datetime(*end, 10, 30, tzinfo=UTC)


def test_a_payment_that_never_began_has_no_intent_to_ask_about(world: World) -> None:
    world.session(amount=None)
    assert not PaymentIntent.select().exists()
