"""Name and email address after the payment: once, by who has paid, and the merchant is notified."""

from datetime import timedelta

import pytest

from ikawaari.checkout import contacts, sessions
from ikawaari.errors import Conflict, ValidationFailed
from ikawaari.store.models import CheckoutSession, Customer, Event
from tests.world import World, fresh, together

AWA = {"name": "Awa Diop", "email": "awa@example.com"}


def leave(world: World, session: CheckoutSession, **given: str) -> None:
    """The payer sends the form of the receipt."""
    contacts.leave(sessions.look_up(session.id, world.now), given, world.now)


def paid(world: World, *, by_card: bool = False) -> CheckoutSession:
    """A session that has just been paid."""
    session = world.session()
    if by_card:
        world.pay_by_card(session)
    else:
        world.pay(session)
        world.wait(5)
    return session


def events() -> list[str]:
    """What the merchant was notified of about customers."""
    return [one.type for one in Event.select().order_by(Event.sequence) if one.type.startswith("customer.")]


def test_who_paid_by_phone_is_known_by_the_address_too(world: World) -> None:
    session = paid(world)
    assert events() == ["customer.created"]
    leave(world, session, **AWA)
    assert fresh(session).customer_details == AWA
    customer = Customer.get()
    assert (customer.name, customer.email) == (AWA["name"], AWA["email"])
    assert events() == ["customer.created", "customer.updated"]


def test_who_paid_by_card_becomes_a_customer(world: World) -> None:
    session = paid(world, by_card=True)
    assert events() == []
    leave(world, session, **AWA)
    assert Customer.get_by_id(fresh(session).customer_id).email == AWA["email"]
    assert events() == ["customer.created"]


def test_an_address_is_left_once(world: World) -> None:
    session = paid(world)
    leave(world, session, **AWA)
    with pytest.raises(Conflict):
        leave(world, session, email="other@example.com")
    assert fresh(session).customer_details == AWA


@pytest.mark.on_both
def test_two_tabs_at_once_leave_one_address(world: World) -> None:
    session = paid(world)
    together(4, lambda number: leave(world, session, email=f"awa{number}@example.com"))
    assert fresh(session).customer_details["email"] == Customer.get().email
    assert events() == ["customer.created", "customer.updated"]


def test_a_wrong_address_is_named_and_changes_nothing(world: World) -> None:
    session = paid(world)
    with pytest.raises(ValidationFailed) as refused:
        leave(world, session, name="Awa", email="awa")
    assert list(refused.value.details) == ["customer.email"]
    assert fresh(session).customer_details == {}
    assert events() == ["customer.created"]


def test_nobody_is_asked_before_the_payment_nor_long_after_it(world: World) -> None:
    session = world.session()
    with pytest.raises(Conflict):
        leave(world, session, **AWA)
    world.pay(session)
    world.wait(5)
    world.later(timedelta(hours=1).total_seconds())
    with pytest.raises(Conflict):
        leave(world, session, **AWA)


def test_who_was_known_is_not_asked(world: World) -> None:
    session = world.session(customer_email="known@example.com")
    world.pay(session)
    world.wait(5)
    assert not contacts.are_asked(sessions.look_up(session.id, world.now), world.now)
