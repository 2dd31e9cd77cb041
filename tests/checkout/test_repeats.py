"""Paying again by the same link: the page's payer is asked once, also in two tabs at once; nobody is refused."""

from datetime import timedelta
from typing import Any

import pytest

from ikawaari.checkout import attempts, repeats, subscriptions, visits
from ikawaari.errors import AskedFirst
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, PaymentLink, Subscription
from tests import factories
from tests.world import World, audit, fresh, latest, names, refunds, together

pytestmark = pytest.mark.on_postgres

MONTHLY = {"interval": "month", "interval_count": 1, "trial_period_days": None}
TRIAL = MONTHLY | {"trial_period_days": 14}


def visit(world: World, link: PaymentLink) -> CheckoutSession:
    """The session of a browser that knows nothing."""
    return visits.open_session(link.slug, None, world.now)


def pay(world: World, session: CheckoutSession, ending: str = "500", asked: str | None = "") -> None:
    """Press Pay on the page."""
    attempts.pay(session.id, factories.pay_request(factories.phone(ending), asked=asked), world.now)


def paid(world: World, link: PaymentLink, ending: str = "500") -> CheckoutSession:
    """A visit that ended paid."""
    session = visit(world, link)
    pay(world, session, ending)
    world.wait(6)
    assert fresh(session).payment_status in {"paid", "no_payment_required"}
    return session


def asked(world: World, session: CheckoutSession, ending: str = "500", about: str = "") -> str:
    """What the page has to ask about."""
    with pytest.raises(AskedFirst) as question:
        pay(world, session, ending, about)
    assert fresh(session).payment_status == "unpaid"
    return question.value.earlier


def test_the_same_number_is_asked_once_and_then_charged(world: World) -> None:
    link = factories.link(world.merchant)
    first, second = paid(world, link), visit(world, link)
    earlier = asked(world, second)
    assert earlier == latest(first).id
    told = repeats.about(second, earlier, world.now)
    assert told is not None
    assert (told["kind"], told["amount"], told["reference"]) == ("payment", 5_000, earlier[:8].upper())
    pay(world, second, asked=earlier)
    world.wait(6)
    assert fresh(second).payment_status == "paid"
    audit()


def test_one_that_still_waits_on_the_phone_is_told_too(world: World) -> None:
    link = factories.link(world.merchant)
    first, second = visit(world, link), visit(world, link)
    pay(world, first, "011")
    earlier = asked(world, second, "011")
    told = repeats.about(second, earlier, world.now)
    assert told is not None
    assert told["kind"] == "waiting"


def test_what_was_paid_after_the_question_is_asked_about_again(world: World) -> None:
    link = factories.link(world.merchant)
    paid(world, link)
    second, third = visit(world, link), visit(world, link)
    earlier = asked(world, third)
    pay(world, second, asked=earlier)
    world.wait(6)
    assert asked(world, third, about=earlier) == latest(second).id


@pytest.mark.parametrize("how", ["json", "merchant", "other number", "other link", "later", "refunded", "failed"])
def test_nobody_else_is_asked(world: World, how: str) -> None:
    link = factories.link(world.merchant)
    if how == "failed":
        pay(world, visit(world, link), "001")
        world.wait(6)
    else:
        paid(world, link)
    if how == "refunded":
        CheckoutSession.update(payment_status="refunded").execute()
    world.later(601 if how == "later" else 1)
    if how == "merchant":
        session = world.session(payment_link_v2_id=link.id, amount=None)
    else:
        session = visit(world, factories.link(world.merchant) if how == "other link" else link)
    ending = {"other number": "700", "failed": "001"}.get(how, "500")
    pay(world, session, ending, None if how == "json" else "")
    assert fresh(session).payment_status == "processing"


def test_ten_minutes_count_from_the_payment_not_from_the_press(world: World) -> None:
    link = factories.link(world.merchant)
    paid(world, link)
    world.later(590)
    asked(world, visit(world, link))


def test_of_eight_tabs_at_once_one_pays_unasked(world: World) -> None:
    link = factories.link(world.merchant)
    rows = [visit(world, link) for _ in range(8)]
    results = together(8, lambda number: pay(world, rows[number]))
    assert names(results) == {"None": 1, "AskedFirst": 7}
    world.wait(6)
    assert [entry["amount"] for entry in ledger.entries()] == [5_000]
    assert not refunds()
    audit()


def test_an_address_tells_nothing_of_another_link_or_of_long_ago(world: World) -> None:
    link = factories.link(world.merchant)
    earlier = latest(paid(world, link)).id
    assert repeats.about(visit(world, factories.link(world.merchant)), earlier, world.now) is None
    assert repeats.about(world.session(), earlier, world.now) is None
    here = visit(world, link)
    for odd in ("", "x", "cs_1", here.id):
        assert repeats.about(here, odd, world.now) is None
    assert repeats.about(here, earlier, world.now + timedelta(hours=1)) is None


# ---------------------------------------------------------------- subscriptions


@pytest.mark.parametrize("recurring", [MONTHLY, TRIAL], ids=["paid", "trial"])
def test_a_running_subscription_is_shown_before_a_second_one_begins(world: World, recurring: dict[str, Any]) -> None:
    link = factories.link(world.merchant, recurring=recurring)
    first = paid(world, link)
    world.later(86_400)
    second = visit(world, link)
    earlier = asked(world, second)
    assert earlier == Subscription.get(Subscription.session == first.id).id
    told = repeats.about(second, earlier, world.now)
    assert told is not None
    assert (told["kind"], told["interval"]) == ("subscription", "month")
    pay(world, second, asked=earlier)
    world.wait(6)
    assert Subscription.select().count() == 2


def test_a_card_s_customer_is_known_by_the_address(world: World) -> None:
    link = factories.link(world.merchant, recurring=MONTHLY)
    typed = {"email": "Awa@Example.com"}
    attempts.pay(visit(world, link).id, factories.card_request(customer=typed, asked=""), world.now)
    again = factories.card_request(customer={"email": "awa@example.com"}, asked="")
    with pytest.raises(AskedFirst):
        attempts.pay(visit(world, link).id, again, world.now)
    attempts.pay(visit(world, link).id, factories.card_request(asked=""), world.now)
    assert Subscription.select().count() == 2


def test_one_that_has_ended_is_no_hindrance(world: World) -> None:
    link = factories.link(world.merchant, recurring=MONTHLY)
    paid(world, link)
    subscriptions.cancel(Subscription.get(), world.now)
    world.later(601)
    paid(world, link)


@pytest.mark.parametrize("recurring", [MONTHLY, TRIAL], ids=["paid", "trial"])
def test_a_link_that_allows_it_takes_the_question_away(world: World, recurring: dict[str, Any]) -> None:
    link = factories.link(world.merchant, recurring=recurring, allow_repeat_subscriptions=True)
    first = paid(world, link)
    assert visits.earlier(link.slug, first.id, world.now) is None
    paid(world, link)
    assert Subscription.select().count() == 2


def test_two_trials_of_one_number_at_once_begin_once_unasked(world: World) -> None:
    link = factories.link(world.merchant, recurring=TRIAL)
    rows = [visit(world, link) for _ in range(6)]
    results = together(6, lambda number: pay(world, rows[number]))
    assert names(results) == {"None": 1, "AskedFirst": 5}
    assert Subscription.select().count() == 1


# ---------------------------------------------------------------- the same browser


def test_a_browser_is_told_what_it_paid(world: World) -> None:
    link = factories.link(world.merchant)
    session = paid(world, link)
    world.later(2 * 86_400)
    told = visits.earlier(link.slug, session.id, world.now)
    assert told is not None
    assert (told["kind"], told["session"], told["amount"]) == ("payment", session.id, 5_000)
    for known in (None, "x", visit(world, link).id, world.session().id):
        assert visits.earlier(link.slug, known, world.now) is None


def test_a_refunded_payment_and_a_page_that_visitors_share_ask_nothing(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    assert visits.earlier(link.slug, paid(world, link).id, world.now) is None
    again = factories.link(world.merchant)
    session = paid(world, again, "700")
    CheckoutSession.update(payment_status="refunded").execute()
    assert visits.earlier(again.slug, session.id, world.now) is None
