"""Sessions that nobody tried to pay go after their days; whatever money may have to do with stays."""

from collections.abc import Callable

import pytest

from ikawaari.checkout import devices, page_drafts, sessions, untried
from ikawaari.errors import NotFound
from ikawaari.store import pruned
from ikawaari.store.models import CheckoutSession, DeviceCode, PageDraft, PayKey, PaymentIntent
from tests.world import World, audit, halfway, together

DAY = 86_400
TRIAL = {"interval": "month", "interval_count": 1, "trial_period_days": 300}


def left(world: World) -> set[str]:
    """The ids of the sessions that are left after their days."""
    while untried.forget(world.now):
        pass
    return {row.id for row in CheckoutSession.select()}


@pytest.mark.on_both
def test_an_expired_session_goes_with_its_intent_and_all_that_is_its_own(world: World) -> None:
    gone, newest = world.session(), world.session()
    devices.new_code(gone.id, world.now)
    page_drafts.store_text(gone.id, "typed", world.now)
    PayKey.insert_once(session=gone.id, key="k", body_digest="d", subject="s", created_at=world.now)
    world.wait(2 * DAY)
    assert left(world) == {newest.id}
    assert [row.session_id for row in PaymentIntent.select()] == [newest.id]
    assert [model.select().count() for model in (DeviceCode, PageDraft, PayKey)] == [0, 0, 0]
    audit()


STAYS: dict[str, Callable[[World], CheckoutSession]] = {}


def stays(make: Callable[[World], CheckoutSession]) -> Callable[[World], CheckoutSession]:
    """Name a session that is never deleted."""
    STAYS[make.__name__] = make
    return make


@stays
def paid(world: World) -> CheckoutSession:
    """Money came."""
    session = world.session()
    world.pay(session)
    return session


@stays
def declined(world: World) -> CheckoutSession:
    """Money may still come: a provider corrects itself."""
    session = world.session()
    world.pay(session, "002")
    return session


@stays
def hanging(world: World) -> CheckoutSession:
    """Nobody knows how it ended."""
    session = world.session()
    world.pay(session, "011")
    return session


@stays
def trial(world: World) -> CheckoutSession:
    """A subscription began with it."""
    session = world.session(mode="subscription", recurring=TRIAL)
    world.pay(session)
    return session


@pytest.mark.on_postgres
@pytest.mark.parametrize("name", STAYS)
def test_what_money_may_have_to_do_with_stays(world: World, name: str) -> None:
    kept = STAYS[name](world)
    world.wait(5, 10, 60, 2 * DAY)
    newest = world.session()
    assert left(world) == {kept.id, newest.id}
    audit()


def test_an_open_session_stays(world: World) -> None:
    opened, newest = world.session(), world.session()
    world.later(3600)
    assert left(world) == {opened.id, newest.id}


@pytest.mark.on_both
def test_it_goes_on_where_it_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruned, "MOST", 2)
    for _ in range(6):
        world.later(1)
        newest = world.session()
    world.wait(2 * DAY)
    assert untried.forget(world.now)
    together(1, lambda _: halfway(lambda: untried.forget(world.now)))
    assert CheckoutSession.select().count() == PaymentIntent.select().count() == 4
    assert left(world) == {newest.id}


def test_whoever_comes_to_a_deleted_page_is_told_that_there_is_none(world: World) -> None:
    gone, _ = world.session(), world.session()
    world.wait(2 * DAY)
    left(world)
    with pytest.raises(NotFound):
        sessions.find(gone.id, world.now)
