"""Payment links: what they give to their sessions, when they end, and whom a visit leads where."""

from datetime import timedelta
from typing import Any

import pytest

from ikawaari.checkout import links, merchant_view, sessions, snapshots, visits
from ikawaari.errors import Conflict, Declined, Gone, NotFound, ValidationFailed
from ikawaari.store.models import CheckoutSession, Credential, Event, PaymentLink
from tests import factories
from tests.world import PAID, WAITING, World, fresh, intent, statuses, together

ITEM = {"name": "Billet", "amount": 2_500, "quantity": 2}
ADJUSTABLE = ITEM | {"adjustable_quantity": {"minimum": 1, "maximum": 6}}
EVERYTHING: dict[str, Any] = {
    "currency": "XOF",
    "country": "CI",
    "payment_method_types": ["card"],
    "fee_mode": "customer_pays",
    "description": "Concert",
    "line_items": [ADJUSTABLE],
    "custom_fields": [factories.custom_field("seat")],
    "success_url": "https://shop.example/ok",
    "thank_you": "Merci !",
    "custom_text": "Apportez votre billet.",
    "locale": "fr",
    "metadata": {"event": 7},
}


def visit(link: PaymentLink, world: World, known: str | None = None) -> CheckoutSession:
    """Go to the link's address, with the session that one's browser remembers."""
    return visits.open_session(link.slug, known, world.now)


def refused(link: PaymentLink, world: World, known: str | None = None) -> str:
    """Why a visit leads nowhere."""
    with pytest.raises(Gone) as refusal:
        visit(link, world, known)
    assert refusal.value.code == "IKW-CHK-005"
    return refusal.value.details["payment_link"][0]


def from_link(world: World, link: PaymentLink, **said: Any) -> CheckoutSession:
    """A session of the link that the merchant opens itself."""
    source = "payment_link_id" if link.version == 1 else "payment_link_v2_id"
    return world.session(**{"amount": None, source: link.id} | said)


def status(link: PaymentLink, world: World) -> tuple[str, int]:
    """What the link says of itself, and how often it was used."""
    told: Any = links.resource(PaymentLink.get_by_id(link.id), world.now)
    return told["status"], told["uses"]


# ---------------------------------------------------------------- what a link gives


@pytest.mark.parametrize("opened_by", ["visit", "merchant"])
def test_a_session_has_what_its_link_says(world: World, opened_by: str) -> None:
    link = factories.link(world.merchant, **EVERYTHING)
    session = fresh(visit(link, world) if opened_by == "visit" else from_link(world, link))
    assert {name: getattr(session, name) for name in EVERYTHING} == EVERYTHING
    assert (session.amount, session.mode, session.merchant_id) == (5_000, "payment", world.merchant.id)
    assert intent(session).amount == 5_000
    told = merchant_view.checkout_session(snapshots.of(session))
    assert (told["payment_link"], told["payment_link_v2"]) == (None, link.id)


def test_a_first_version_link_is_told_under_its_own_name(world: World) -> None:
    link = factories.link(world.merchant, version=1)
    told = merchant_view.checkout_session(snapshots.of(visit(link, world)))
    assert (told["payment_link"], told["payment_link_v2"]) == (link.id, None)


def test_what_the_request_says_wins(world: World) -> None:
    link = factories.link(world.merchant, **EVERYTHING | {"line_items": (), "amount": 5_000})
    said = EVERYTHING | {"amount": 700, "country": "SN", "description": "Autre", "locale": "auto", "thank_you": "!"}
    said |= {"payment_method_types": ["mobile_money"], "metadata": {"a": 1}, "line_items": [], "custom_fields": []}
    session = from_link(world, link, **said)
    kept = said | {"custom_fields": EVERYTHING["custom_fields"]}
    assert {name: getattr(session, name) for name in said} == kept


def test_a_recurring_link_opens_subscriptions(world: World) -> None:
    monthly = {"interval": "month", "interval_count": 1, "trial_period_days": None}
    session = visit(factories.link(world.merchant, recurring=monthly), world)
    assert (session.mode, session.recurring) == ("subscription", monthly)
    world.pay_by_card(session)
    assert statuses(session) == PAID
    assert "subscription.created" in world.told()


def test_a_link_without_an_amount_lets_the_customer_choose(world: World) -> None:
    link = factories.link(world.merchant, amount=None, amount_min=500, amount_max=9_000, amount_presets=[500, 1_000])
    session = visit(link, world)
    assert (session.amount, session.amount_min, session.amount_max) == (None, 500, 9_000)
    world.pay(session, amount=600)
    world.wait(6)
    assert intent(session).amount_received == 600


def test_a_link_s_price_is_not_taken_for_other_money(world: World) -> None:
    link = factories.link(world.merchant)
    with pytest.raises(ValidationFailed) as refusal:
        from_link(world, link, currency="EUR")
    assert set(refusal.value.details) == {"currency"}
    session = from_link(world, link, currency="EUR", amount=750)
    assert (session.amount, session.currency) == (750, "EUR")


def test_the_currency_is_the_country_s_then_the_merchant_s(world: World) -> None:
    assert factories.link(world.merchant, country="cm").currency == "XAF"
    assert factories.link(world.merchant).currency == "XOF"
    assert factories.link(world.merchant, country="FR", currency="EUR").country == "FR"


def test_returns_of_visitors_are_signed_as_those_of_the_key_that_made_the_link(world: World) -> None:
    factories.credential(world.merchant)
    link = factories.link(world.merchant)
    key = Credential.get(Credential.merchant == world.merchant)
    PaymentLink.update(credential=key.id).execute()
    assert visit(link, world).credential_id == key.id


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize("wrong", ["merchant", "mode", "version"])
def test_a_session_does_not_find_the_link_of(world: World, wrong: str) -> None:
    owner = factories.merchant() if wrong == "merchant" else world.merchant
    link = factories.link(owner, livemode=wrong == "mode", version=1 if wrong == "version" else 2)
    with pytest.raises(NotFound):
        world.session(amount=None, payment_link_v2_id=link.id)
    if wrong == "version":
        assert world.session(amount=None, payment_link_id=link.id).payment_link_id == link.id


def test_a_live_link_opens_live_sessions(world: World) -> None:
    assert visit(factories.link(world.merchant, livemode=True), world).livemode is True


def test_there_is_nothing_at_another_address(world: World) -> None:
    with pytest.raises(NotFound):
        visits.open_session("nowhere", None, world.now)


# ---------------------------------------------------------------- how it ends


def test_a_deactivated_link_takes_nobody_and_tells_it_once(world: World) -> None:
    link = factories.link(world.merchant)
    for _ in range(2):
        links.deactivate(link, world.now)
    assert (refused(link, world), status(link, world)) == ("inactive", ("inactive", 0))
    with pytest.raises(Gone):
        from_link(world, link)
    assert [event.type for event in Event.select().where(Event.object_id == link.id).order_by(Event.sequence)] == [
        "payment_link.created",
        "payment_link.deactivated",
    ]


def test_a_link_expires_and_so_do_its_sessions(world: World) -> None:
    link = factories.link(world.merchant, expires_at=world.now + timedelta(minutes=10))
    visited, opened = visit(link, world), from_link(world, link)
    assert {visited.expires_at, opened.expires_at} == {link.expires_at}
    world.later(600)
    assert (refused(link, world, visited.id), status(link, world)) == ("expired", ("expired", 0))
    with pytest.raises(Gone) as refusal:
        world.pay(visited)
    assert refusal.value.code == "IKW-CHK-003"


def test_a_session_that_says_to_end_later_ends_with_its_link(world: World) -> None:
    link = factories.link(world.merchant, expires_at=world.now + timedelta(hours=1))
    later = int((world.now + timedelta(hours=5)).timestamp())
    assert from_link(world, link, expires_at=later).expires_at == link.expires_at


@pytest.mark.parametrize("max_uses", [None, 3])
def test_a_form_left_open_cannot_be_paid_once_the_link_is_deactivated(world: World, max_uses: int | None) -> None:
    link = factories.link(world.merchant, max_uses=max_uses)
    session = visit(link, world)
    assert links.unavailable(snapshots.of(session)) is None
    links.deactivate(link, world.now)
    with pytest.raises(Gone) as refusal:
        world.pay(session)
    assert (refusal.value.code, refusal.value.details) == ("IKW-CHK-005", {"payment_link": ["inactive"]})
    assert links.unavailable(snapshots.of(fresh(session))) == "inactive"
    assert (fresh(session).payment_status, intent(session).status) == ("unpaid", "requires_payment_method")


def test_a_payment_that_runs_ends_as_it_ends_though_the_link_is_deactivated(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    session = visit(link, world)
    world.pay(session)
    links.deactivate(link, world.now)
    assert visit(link, world).id == session.id
    assert links.unavailable(snapshots.of(fresh(session))) is None
    world.wait(6)
    assert statuses(session) == PAID
    assert refused(link, world) == "inactive"


# ---------------------------------------------------------------- found again


def test_a_single_use_link_has_one_session_for_everybody(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    session = visit(link, world)
    assert [visit(link, world, known).id for known in (None, session.id, "cs_other")] == [session.id] * 3
    world.pay(session)
    assert (visit(link, world).id, statuses(session)) == (session.id, WAITING)
    world.wait(6)
    assert (refused(link, world), status(link, world)) == ("used", ("used", 1))


def test_a_single_use_link_whose_session_ended_unpaid_gives_a_new_one(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    first = visit(link, world)
    world.later(sessions.LIFE.total_seconds())
    second = visit(link, world)
    assert second.id != first.id
    world.pay(second)
    world.wait(6)
    assert statuses(second) == PAID


def test_visitors_do_not_find_what_the_merchant_opened_for_somebody(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    private = from_link(world, link, customer_phone=factories.phone())
    assert visit(link, world, private.id).id != private.id


def test_a_browser_finds_its_own_session_again_until_it_is_paid(world: World) -> None:
    link = factories.link(world.merchant)
    mine, other = visit(link, world), visit(link, world)
    assert mine.id != other.id
    assert visit(link, world, mine.id).id == mine.id
    world.pay(mine)
    assert visit(link, world, mine.id).id == mine.id
    world.wait(6)
    assert visit(link, world, mine.id).id not in {mine.id, other.id}


def test_a_browser_does_not_find_the_session_of_another_link(world: World) -> None:
    mine = visit(factories.link(world.merchant), world)
    assert visit(factories.link(world.merchant), world, mine.id).id != mine.id


@pytest.mark.on_postgres
def test_parallel_visits_to_a_single_use_link_meet_in_one_session(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    results = together(16, lambda _: visit(link, world).id)
    assert len(set(results)) == 1, results
    assert CheckoutSession.select().count() == 1


# ---------------------------------------------------------------- uses


def test_what_fails_gives_its_use_back(world: World) -> None:
    link = factories.link(world.merchant, max_uses=1)
    first, second = from_link(world, link), from_link(world, link)
    with pytest.raises(Declined):
        world.pay_by_card(first, "tok_test_declined")
    assert status(link, world) == ("active", 0)
    world.pay_by_card(second)
    assert (statuses(second), links.unavailable(snapshots.of(first))) == (PAID, "used")
    with pytest.raises(Gone):
        world.pay_by_card(first)
    with pytest.raises(Conflict):
        world.pay_by_card(second)
    assert status(link, world) == ("used", 1)


def test_a_trial_is_a_use(world: World) -> None:
    trial = {"interval": "month", "interval_count": 1, "trial_period_days": 7}
    link = factories.link(world.merchant, recurring=trial, max_uses=1)
    first, second = from_link(world, link), from_link(world, link)
    world.pay_by_card(first)
    with pytest.raises(Gone):
        world.pay_by_card(second)
    assert (fresh(second).payment_status, world.told().count("subscription.created")) == ("unpaid", 1)


# ---------------------------------------------------------------- wrong ones


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"line_items": [ITEM], "amount": 1}, {"line_items"}),
        ({"line_items": [ITEM | {"currency": "EUR"}]}, {"line_items.0.currency"}),
        ({"line_items": [ITEM | {"adjustable_quantity": {"minimum": 1, "maximum": 2**62}}]}, {"line_items"}),
        ({"amount_min": 1}, {"amount_min"}),
        ({"amount": None, "amount_min": 2, "amount_max": 1}, {"amount_min"}),
        ({"amount": None, "amount_max": 1, "amount_presets": [2]}, {"amount_presets"}),
        ({"amount": None, "recurring": {"interval": "day", "interval_count": 1}}, {"amount"}),
        ({"expires_at": timedelta(0)}, {"expires_at"}),
        ({"success_url": "http://shop.example/", "livemode": True}, {"success_url"}),
    ],
    ids=str,
)
def test_fields_that_do_not_fit_together_are_named(world: World, fields: dict[str, Any], wrong: set[str]) -> None:
    if "expires_at" in fields:
        fields = fields | {"expires_at": world.now + fields["expires_at"]}
    with pytest.raises(ValidationFailed) as refusal:
        factories.link(world.merchant, **fields)
    assert set(refusal.value.details) == wrong
    assert not PaymentLink.select().exists()
