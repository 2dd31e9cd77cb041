"""A developer takes operators of the sandbox down, or limits them, and sees what the page says of it."""

from contextlib import suppress

import pytest

from ikawaari import clock
from ikawaari.checkout import notes, public_view, snapshots, test_mode
from ikawaari.checkout.notes import Hindrance, Reason
from ikawaari.errors import Unavailable, ValidationFailed
from ikawaari.invariants import present
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests.world import PAID, World, statuses

ORANGE = "orange_sn"


def offered(session: CheckoutSession) -> dict[str, bool]:
    """The operators of Senegal, in the order of the page, and whether each can be chosen."""
    shown = public_view.public(present(snapshots.find(session.id), "it is there"), clock.now())
    (senegal,) = [one for one in shown["payment_methods"][0]["countries"] if one["country"] == "SN"]
    return {one["id"]: one["available"] for one in senegal["operators"]}


def hindered(session: CheckoutSession) -> dict[str, Hindrance]:
    """What the page says against operators."""
    return dict(notes.of(present(snapshots.find(session.id), "it is there")).hindrances)


def test_an_operator_that_is_down_is_last_and_charges_nobody_until_it_is_up(world: World) -> None:
    session = world.session()
    before = offered(session)
    assert all(before.values())
    test_mode.take_down([ORANGE])
    assert list(offered(session).items())[-1] == (ORANGE, False)
    assert hindered(session) == {ORANGE: Hindrance(Reason.DOWN)}
    world.later(86_400 // 2)  # a breaker would have let one through by now
    with pytest.raises(Unavailable):
        world.pay(session)
    assert not PaymentAttempt.select().exists()
    test_mode.bring_up([ORANGE], world.now)
    assert offered(session) == before
    world.pay(session)
    world.wait(6)
    assert statuses(session) == PAID


def test_an_operator_that_is_limited_says_so_before_anything_is_sent(world: World) -> None:
    session = world.session()  # of 5,000
    test_mode.limit(ORANGE, 6_000, 9_000, world.now)
    assert hindered(session) == {ORANGE: Hindrance(Reason.MINIMUM, 6_000)}
    with pytest.raises(ValidationFailed):
        world.pay(session)
    test_mode.limit(ORANGE, 100, 4_000, world.now)
    assert hindered(session) == {ORANGE: Hindrance(Reason.MAXIMUM, 4_000)}
    test_mode.take_down(["cards", "wave_sn"])
    assert offered(session)["wave_sn"] is False
    assert notes.of(present(snapshots.find(session.id), "it is there")).cards_are_down
    test_mode.bring_up([], world.now)
    assert (hindered(session), all(offered(session).values())) == ({}, True)
    world.pay_by_card(session)
    assert statuses(session) == PAID


@pytest.mark.parametrize("name", ["orange_xx", "", "card"])
def test_what_is_no_operator_is_named_and_changes_nothing(world: World, name: str) -> None:
    session = world.session()
    with pytest.raises(ValidationFailed) as refusal:
        test_mode.take_down([ORANGE, name])
    assert list(refusal.value.details) == [name]
    for minimum, maximum in ((5, 4), (0, 4)):
        with pytest.raises(ValidationFailed):
            test_mode.limit(ORANGE, minimum, maximum, world.now)
    with suppress(ValidationFailed):
        test_mode.limit("cards", 1, 2, world.now)
    assert hindered(session) == {}
