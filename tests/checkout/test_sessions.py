"""Checkout sessions: opened with defaults and checks, found, listed, and ended in time."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ikawaari import clock
from ikawaari.checkout import attempts, merchant_view, public_view, sessions, snapshots
from ikawaari.errors import Conflict, Declined, Gone, NotFound, Unavailable, ValidationFailed
from ikawaari.money import MAX_AMOUNT
from ikawaari.paging import PageRequest
from ikawaari.phones import mask
from ikawaari.store.models import CheckoutSession, DueWork, PaymentIntent
from tests import factories
from tests.world import FAILED, PAID, WAITING, World, fresh, intent, latest, statuses, tries

MONTHLY = {"interval": "month", "interval_count": 1, "trial_period_days": None}
EVERYTHING: dict[str, Any] = {
    "amount": 12_000,
    "currency": "XOF",
    "country": "CI",
    "payment_method_types": ["card", "mobile_money"],
    "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example/no",
    "customer_email": "awa@example.com",
    "customer_phone": "07 00 00 00 00",
    "defer_payment_intent_creation": True,
    "metadata": {"order": 7, "nested": {"z": [1, None], "a": "é"}},
    "description": "Deux pagnes",
    "line_items": [
        {"name": "Pagne", "amount": 5_000, "quantity": 2, "currency": "xof"},
        {"name": "Livraison", "amount": 2_000, "quantity": 1, "currency": None},
    ],
    "client_reference_id": "order-7",
    "locale": "fr",
    "custom_fields": [factories.custom_field(), factories.custom_field("colour", "dropdown", required=True)],
}


def problems(world: World, **fields: Any) -> set[str]:
    """The fields that are refused."""
    with pytest.raises(ValidationFailed) as refusal:
        world.session(**fields)
    assert not CheckoutSession.select().exists()
    return set(refusal.value.details)


# ---------------------------------------------------------------- opening


def test_a_session_keeps_every_field(world: World) -> None:
    ends_at = clock.unix(world.now + timedelta(hours=2))
    told: Any = merchant_view.checkout_session(snapshots.of(fresh(world.session(**EVERYTHING, expires_at=ends_at))))
    same = {"defer_payment_intent_creation", "customer_phone", "custom_fields"}
    assert {name: told[name] for name in EVERYTHING if name not in same} == {
        name: value for name, value in EVERYTHING.items() if name not in same
    }
    assert told["customer_phone"] == "+2250700000000"
    assert [field["key"] for field in told["custom_fields"]] == ["size", "colour"]
    assert (told["expires_at"], told["created"]) == (ends_at, clock.unix(world.now))
    assert told["url"] == f"{world.config.pay_url}/{told['id']}"


def test_a_session_of_nothing_is_valid(world: World) -> None:
    session = world.session(amount=None)
    told: Any = merchant_view.checkout_session(snapshots.of(session))
    assert (told["status"], told["payment_status"], told["mode"]) == ("open", "unpaid", "payment")
    assert (told["amount"], told["payment_intent"], told["locale"]) == (None, None, "auto")
    assert told["payment_method_types"] == ["mobile_money", "card"]
    assert told["expires_at"] - told["created"] == 86_400


@pytest.mark.parametrize(
    ("merchant", "country", "currency", "expected"),
    [
        ("SN", None, None, ("SN", "XOF")),
        ("CM", None, None, ("CM", "XAF")),
        ("SN", "GN", None, ("GN", "GNF")),
        ("SN", "GN", "XOF", ("GN", "XOF")),
        ("SN", "cd", "eur", ("CD", "EUR")),
        ("SN", None, "EUR", ("SN", "EUR")),
    ],
)
def test_currency_and_country_have_defaults(
    world: World, merchant: str, country: str | None, currency: str | None, expected: tuple[str, str]
) -> None:
    session = factories.session(factories.merchant(country=merchant), country=country, currency=currency)
    assert (session.country, session.currency) == expected


def test_line_items_give_the_amount(world: World) -> None:
    session = world.session(line_items=EVERYTHING["line_items"])
    assert session.amount == intent(session).amount == 12_000


@pytest.mark.parametrize("amount", [11_999, 12_001, 1])
def test_line_items_must_add_up(world: World, amount: int) -> None:
    assert problems(world, amount=amount, line_items=EVERYTHING["line_items"]) == {"line_items"}


def test_line_items_may_not_add_up_to_more_than_an_amount_can_be(world: World) -> None:
    items = [{"name": "x", "amount": MAX_AMOUNT, "quantity": 2}]
    assert problems(world, line_items=items) == {"line_items"}


def test_line_items_share_the_sessions_currency(world: World) -> None:
    items = [{"name": "x", "amount": 1, "quantity": 1, "currency": "EUR"}]
    assert problems(world, line_items=items) == {"line_items.0.currency"}


@pytest.mark.parametrize("amount", [1, MAX_AMOUNT])
def test_an_amount_may_be_anything_that_an_amount_can_be(world: World, amount: int) -> None:
    assert intent(world.session(amount=amount)).amount == amount


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"amount": 1, "amount_min": 1}, {"amount_min"}),
        ({"amount": 1, "amount_max": 1}, {"amount_max"}),
        ({"amount": 1, "amount_presets": [1]}, {"amount_presets"}),
        ({"amount": None, "amount_min": 2, "amount_max": 1}, {"amount_min"}),
        ({"amount": None, "amount_min": 2, "amount_presets": [1]}, {"amount_presets"}),
        ({"amount": None, "amount_max": 2, "amount_presets": [3]}, {"amount_presets"}),
        ({"mode": "subscription"}, {"recurring"}),
        ({"mode": "subscription", "amount": None, "recurring": MONTHLY}, {"amount"}),
        ({"recurring": MONTHLY}, {"recurring"}),
        ({"livemode": True, "success_url": "http://a.example"}, {"success_url"}),
        ({"livemode": True, "cancel_url": "HTTP://a.example"}, {"cancel_url"}),
        (
            {"livemode": True, "success_url": "http://a.example", "amount_min": 1, "mode": "subscription"},
            {"success_url", "amount_min", "recurring"},
        ),
    ],
)
def test_fields_that_contradict_each_other_are_all_named(world: World, fields: Any, named: set[str]) -> None:
    assert problems(world, **fields) == named


@pytest.mark.parametrize(
    ("minutes", "fine"), [(28, False), (30, True), (7 * 1440, True), (7 * 1440 + 2, False), (-9, False)]
)
def test_a_session_lives_30_minutes_to_7_days(world: World, minutes: int, fine: bool) -> None:
    ends_at = clock.unix(world.now + timedelta(minutes=minutes))
    if fine:
        assert clock.unix(world.session(expires_at=ends_at).expires_at) == ends_at
    else:
        assert problems(world, expires_at=ends_at) == {"expires_at"}


@pytest.mark.parametrize("link", ["payment_link_id", "payment_link_v2_id"])
def test_an_unknown_link_is_not_found(world: World, link: str) -> None:
    with pytest.raises(NotFound):
        world.session(**{link: "4f0f2c4e-0000-4000-8000-000000000000"})


def test_the_intent_is_made_at_once_unless_deferred(world: World) -> None:
    assert intent(world.session()).status == "requires_payment_method"
    assert not PaymentIntent.select().where(PaymentIntent.session == world.session(amount=None).id).exists()
    session = world.session(defer_payment_intent_creation=True)
    assert merchant_view.checkout_session(snapshots.of(session))["payment_intent"] is None
    world.pay(session)
    assert merchant_view.checkout_session(snapshots.of(session))["payment_intent"] == intent(session).id


def test_a_session_that_cannot_be_opened_leaves_neither_event_nor_work(world: World) -> None:
    problems(world, mode="subscription")
    assert not world.told()
    assert not DueWork.select().exists()


# ---------------------------------------------------------------- whose it is


def test_a_session_is_found_by_its_owner_in_its_mode_alone(world: World) -> None:
    session = world.session()
    assert sessions.owned(session.id, world.owner, world.now).session == session
    for merchant, livemode in ((factories.merchant(), False), (world.merchant, True), (factories.merchant(), True)):
        with pytest.raises(NotFound):
            sessions.owned(session.id, factories.owner(merchant, livemode=livemode), world.now)


def test_a_list_holds_the_owners_sessions_of_that_mode_alone(world: World) -> None:
    mine = world.session()
    world.session(livemode=True)
    factories.session()
    page = sessions.listed(world.owner, PageRequest())
    assert [row["id"] for row in page["data"]] == [mine.id]


@pytest.mark.parametrize("session_id", ["", "cs_nobody", "'; --", "x" * 10_000])
def test_an_unknown_session_is_not_found(world: World, session_id: str) -> None:
    with pytest.raises(NotFound, match="IKW-CHK-001"):
        sessions.find(session_id, world.now)


# ---------------------------------------------------------------- expiry


@pytest.mark.on_postgres
def test_a_session_expires_when_somebody_looks(world: World) -> None:
    session = world.session()
    assert sessions.find(session.id, session.expires_at - timedelta(microseconds=1)).status == "open"
    assert sessions.find(session.id, session.expires_at).status == "expired"
    assert world.told()[-1] == "checkout.session.expired"


def test_a_session_expires_when_nobody_looks(world: World) -> None:
    session = world.session()
    world.wait(86_399)
    assert fresh(session).status == "open"
    world.wait(1)
    assert fresh(session).status == "expired"
    assert world.told().count("checkout.session.expired") == 1


def test_an_expired_session_cannot_be_paid(world: World) -> None:
    session = world.session()
    world.later(86_400)
    with pytest.raises(Gone):
        world.pay(session)
    assert not tries(session)


def test_a_paid_session_does_not_expire(world: World) -> None:
    session = world.session()
    world.pay_by_card(session)
    world.wait(90_000)
    assert statuses(session) == PAID
    with pytest.raises(Conflict, match="IKW-RES-004"):
        world.pay(session)


def test_a_merchant_may_end_an_open_session(world: World) -> None:
    session = sessions.expire(world.session(), world.now)
    assert fresh(session).status == session.status == "expired"
    with pytest.raises(Conflict):
        sessions.expire(session, world.now)
    assert world.told().count("checkout.session.expired") == 1


def test_a_merchant_cannot_end_a_session_that_is_being_paid_or_paid(world: World) -> None:
    session = world.session()
    world.pay(session)
    with pytest.raises(Conflict):
        sessions.expire(fresh(session), world.now)
    world.wait(6)
    with pytest.raises(Conflict):
        sessions.expire(fresh(session), world.now)


def test_a_session_may_be_ended_after_a_failed_try(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(6)
    assert sessions.expire(fresh(session), world.now).status == "expired"


def test_expiry_waits_for_an_attempt_until_its_own_deadline(world: World) -> None:
    session = world.session()
    world.later(86_400 - 10)
    world.pay(session, "011")
    assert latest(session).deadline_at == world.now + timedelta(seconds=60)
    world.wait(10, 49)
    assert statuses(session) == WAITING
    world.wait(1)
    assert statuses(session) == ("processing", "processing", "expired", "processing")


def test_a_payment_approved_after_the_end_but_before_its_deadline_is_in_time(world: World) -> None:
    session = world.session()
    world.later(86_400 - 1)
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID
    assert not fresh(session).late


def test_a_try_that_fails_after_the_end_expires_the_session(world: World) -> None:
    session = world.session()
    world.later(86_400 - 1)
    world.pay(session, "001")
    world.wait(6)
    assert statuses(session) == ("failed", "canceled", "expired", "unpaid")


def test_an_attempt_that_no_provider_can_tell_of_is_waited_for_a_quarter_of_an_hour(world: World) -> None:
    session = world.session()
    world.later(86_400 - 1)
    world.pay(session, "004")
    ends_at = latest(session).created_at + timedelta(minutes=15)
    assert sessions.expire_when_due(session.id, world.now + timedelta(seconds=1)) == ends_at
    assert sessions.expire_when_due(session.id, ends_at) is None
    assert fresh(session).status == "expired"


# ---------------------------------------------------------------- lists


@pytest.fixture
def many(world: World) -> list[str]:
    """The ids of seven sessions, newest first, two of them of the same instant."""
    ids = []
    for number in range(7):
        ids.append(world.session().id)
        world.later(0 if number == 3 else 1)
    return ids[::-1]


def ids_of(page: Mapping[str, Any]) -> list[str]:
    """The ids on a page."""
    return [row["id"] for row in page["data"]]


def walked(world: World, limit: int, **filters: Any) -> list[str]:
    """All ids, page by page, forwards."""
    found: list[str] = []
    cursor = None
    while True:
        page = sessions.listed(world.owner, PageRequest(limit=limit, cursor=cursor, filters=filters))
        assert len(page["data"]) <= limit
        assert page["has_more"] == (page["next_cursor"] is not None)
        found += ids_of(page)
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_pages_hold_every_row_once_newest_first(world: World, many: list[str], limit: int) -> None:
    assert walked(world, limit) == many


def test_the_older_spelling_of_a_cursor_works(world: World, many: list[str]) -> None:
    page = sessions.listed(world.owner, PageRequest(limit=2, starting_after=many[1]))
    assert ids_of(page) == many[2:4]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_can_be_turned_backwards(world: World, many: list[str], limit: int) -> None:
    found: list[str] = [many[-1]]
    more = True
    while more:
        page = sessions.listed(world.owner, PageRequest(limit=limit, ending_before=found[0]))
        found = ids_of(page) + found
        more = page["has_more"]
    assert found == many


def test_rows_that_come_while_somebody_reads_do_not_shift_the_pages(world: World, many: list[str]) -> None:
    first = sessions.listed(world.owner, PageRequest(limit=3))
    world.later(1)
    newer = world.session().id
    second = sessions.listed(world.owner, PageRequest(limit=100, cursor=first["next_cursor"]))
    assert ids_of(first) + ids_of(second) == many
    assert ids_of(sessions.listed(world.owner, PageRequest(ending_before=many[0]))) == [newer]


def test_a_row_at_the_edge_that_no_longer_fits_the_filter_is_still_an_edge(world: World, many: list[str]) -> None:
    wanted = {"status": "open"}
    first = sessions.listed(world.owner, PageRequest(limit=3, filters=wanted))
    sessions.expire(CheckoutSession.get_by_id(first["next_cursor"]), world.now)
    second = sessions.listed(world.owner, PageRequest(limit=100, cursor=first["next_cursor"], filters=wanted))
    assert ids_of(second) == many[3:]


@pytest.mark.parametrize("name", ["cursor", "starting_after", "ending_before"])
@pytest.mark.on_postgres
def test_a_strangers_row_is_no_place_in_my_list(world: World, name: str) -> None:
    place = replace(PageRequest(), **{name: factories.session().id})  # type: ignore[arg-type]
    with pytest.raises(ValidationFailed) as refusal:
        sessions.listed(world.owner, place)
    assert set(refusal.value.details) == {name}


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moments=st.lists(st.integers(0, 3), max_size=8),
    limit=st.integers(1, 4),
    between=st.lists(st.integers(-2, 2), max_size=3),
)
def test_walking_any_list_meets_every_old_row_exactly_once(
    world: World, moments: list[int], limit: int, between: list[int]
) -> None:
    owner = factories.merchant()
    base = world.now
    old = {factories.session(owner, now=base + timedelta(seconds=at)).id for at in moments}
    seen: list[str] = []
    place = PageRequest(limit=limit)
    for late in [*between, *[None] * 20]:
        page = sessions.listed(factories.owner(owner), place)
        seen += ids_of(page)
        if page["next_cursor"] is None:
            break
        place = PageRequest(limit=limit, cursor=page["next_cursor"])
        if late is not None:
            factories.session(owner, now=base + timedelta(seconds=late))
    assert len(seen) == len(set(seen))
    assert old <= set(seen)


def test_each_filter_finds_its_own(world: World) -> None:
    paid = world.session(client_reference_id="r", customer_email="a@example.com")
    world.pay_by_card(paid)
    world.later(10)
    expired = sessions.expire(world.session(), world.now)
    world.later(10)
    other = world.session(client_reference_id="s")
    second = clock.unix(expired.created_at)
    for filters, expected in (
        ({"status": "complete"}, [paid]),
        ({"status": "expired"}, [expired]),
        ({"payment_status": "unpaid"}, [other, expired]),
        ({"client_reference_id": "r"}, [paid]),
        ({"customer_email": "a@example.com"}, [paid]),
        ({"payment_intent": intent(other).id}, [other]),
        ({"payment_link": "x"}, []),
        ({"created_gte": second}, [other, expired]),
        ({"created_lte": second}, [expired, paid]),
        ({"created_gte": second, "created_lte": second}, [expired]),
        ({"status": "open", "payment_status": "paid"}, []),
    ):
        assert walked(world, 1, **filters) == [session.id for session in expected], filters


def test_a_page_of_nothing_is_empty(world: World) -> None:
    page = sessions.listed(world.owner, PageRequest())
    assert page == {"object": "list", "data": [], "has_more": False, "next_cursor": None}


# ---------------------------------------------------------------- subscriptions


STARTED = ["subscription.created", "invoice.created", "invoice.paid"]


def test_a_paid_session_in_subscription_mode_starts_one_subscription(world: World) -> None:
    session = world.session(mode="subscription", recurring=MONTHLY)
    world.pay_by_card(session)
    told: Any = merchant_view.checkout_session(snapshots.of(fresh(session)))
    assert told["subscription"].startswith("sub_")
    assert world.told()[-4:] == [*STARTED, "checkout.session.completed"]


def test_a_trial_takes_nothing_today(world: World) -> None:
    session = world.session(mode="subscription", recurring=MONTHLY | {"trial_period_days": 14})
    world.pay(session)
    stored = fresh(session)
    assert (stored.status, stored.payment_status) == ("complete", "no_payment_required")
    assert not PaymentIntent.select().exists()
    assert world.told()[-2:] == ["subscription.created", "checkout.session.completed"]


def test_a_trial_begins_once(world: World) -> None:
    session = world.session(mode="subscription", recurring=MONTHLY | {"trial_period_days": 14})
    world.pay(session)
    with pytest.raises(Conflict):
        world.pay(session)


# ---------------------------------------------------------------- what anybody may see


def words(value: Any) -> Iterator[str]:
    """Every key and every text of a JSON value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    else:
        yield str(value)


@pytest.mark.parametrize("ending", ["500", "001", "004", "008", "009", "012"])
def test_the_public_view_tells_nobodys_secrets(world: World, ending: str) -> None:
    session = world.session(**EVERYTHING | {"country": "SN", "customer_phone": "771112233", "custom_fields": []})
    for wait in (0, 6):
        with suppress(Declined, Conflict):
            world.pay(session, ending, customer={"name": "Awa", "phone": "781112244"})
        world.wait(wait)
        seen = list(words(public_view.public(snapshots.of(fresh(session)), world.now)))
        phones = {"771112233", "781112244", factories.phone(ending)[4:]}
        hidden = {"order-7", "nested", "awa@example.com", world.merchant.id, "no answer", "sbx_", "sandbox"}
        assert not {word for word in phones | hidden if word in " ".join(seen)}
        assert not {"metadata", "provider", "provider_code", "provider_reference"} & set(seen)


def test_the_public_view_masks_numbers(world: World) -> None:
    session = world.session(customer_phone="771112233")
    world.pay(session)
    view: Any = public_view.public(snapshots.of(fresh(session)), world.now)
    assert view["payment"]["phone"] == mask(factories.phone("500"))
    assert view["customer"]["phone"] == "+221 77 ••• •• 33"


def test_the_success_url_is_told_once_paid_with_the_sessions_id(world: World) -> None:
    session = world.session(success_url="https://shop.example/?s={CHECKOUT_SESSION_ID}")
    assert public_view.public(snapshots.of(session), world.now)["success_url"] is None
    world.pay_by_card(session)
    assert (
        public_view.public(snapshots.of(fresh(session)), world.now)["success_url"]
        == f"https://shop.example/?s={session.id}"
    )


def test_the_public_view_shows_the_attempt_that_paid(world: World) -> None:
    world.callbacks_arrive()
    session = world.session()
    world.pay(session, "007")
    world.wait(3)
    world.pay(session, "011")
    world.wait(4)
    view: Any = public_view.public(snapshots.of(fresh(session)), world.now)
    assert view["payment"]["status"] == "succeeded"
    assert view["payment"]["reference"] == tries(session)[0].id[:8].upper()
    assert view["last_payment_error"] is None


def test_a_live_session_offers_no_sandbox(world: World) -> None:
    session = world.session(livemode=True)
    assert public_view.public(snapshots.of(session), world.now)["payment_methods"] == []
    with pytest.raises(Unavailable):
        attempts.pay(session.id, factories.pay_request(), world.now)


def test_the_error_of_a_failed_try_is_shown_until_it_is_paid(world: World) -> None:
    session = world.session()
    world.pay(session, "001")
    world.wait(6)
    assert statuses(session) == FAILED
    view: Any = public_view.public(snapshots.of(fresh(session)), world.now)
    assert view["last_payment_error"]["code"] == "insufficient_funds"
    world.pay_by_card(session)
    assert public_view.public(snapshots.of(fresh(session)), world.now)["last_payment_error"] is None


def test_a_merchant_sees_masked_numbers_alone(world: World) -> None:
    session = world.session()
    world.pay(session)
    shown: Any = merchant_view.checkout_session(snapshots.of(fresh(session)))
    (told,) = shown["attempts"]
    assert told["phone"] == mask(factories.phone("500"))
