"""Customers: found or made when a payment ends well, one per person however many payments end at once."""

from typing import Any

import pytest

from ikawaari.checkout import attempts, customers
from ikawaari.errors import Declined, NotFound
from ikawaari.store.models import CheckoutSession, Customer, Event
from tests import factories
from tests.world import World, audit, fresh, together

TYPED = {"name": "Awa Diop", "email": "awa@example.com"}


def buy(world: World, **typed: str) -> CheckoutSession:
    """Pay a session by mobile money, having typed that."""
    session = world.session()
    world.pay(session, customer=typed)
    world.wait(6)
    return fresh(session)


def buy_by_card(world: World, owner: Any = None, **typed: str) -> CheckoutSession:
    """Pay a session by card, having typed that."""
    session = factories.session(owner or world.merchant)
    attempts.pay(session.id, factories.card_request(customer=typed), world.now)
    return fresh(session)


def told() -> list[str]:
    """The events about customers, in their order."""
    which = Event.select().where(Event.type.startswith("customer."))
    return [event.type for event in which.order_by(Event.sequence)]


def test_the_number_that_paid_is_known_again(world: World) -> None:
    first, second = buy(world), buy(world)
    (customer,) = Customer.select()
    assert first.customer_id == second.customer_id == customer.id
    assert (customer.phone, customer.name, customer.email) == (factories.phone(), None, None)
    assert told() == ["customer.created"]


def test_what_a_later_payment_tells_is_learned_and_what_is_known_stays(world: World) -> None:
    buy(world)
    buy(world, **TYPED)
    buy(world, name="Somebody Else", email="else@example.com")
    (customer,) = Customer.select()
    assert (customer.name, customer.email) == (TYPED["name"], TYPED["email"])
    assert told() == ["customer.created", "customer.updated"]


def test_who_pays_by_card_is_known_by_the_address(world: World) -> None:
    first, second = buy_by_card(world, **TYPED), buy_by_card(world, email="Awa@Example.com")
    (customer,) = Customer.select()
    assert first.customer_id == second.customer_id == customer.id
    assert (customer.identity, customer.email, customer.phone) == ("awa@example.com", "awa@example.com", None)


def test_the_merchant_may_have_named_the_address(world: World) -> None:
    session = world.session(customer_email="awa@example.com")
    world.pay_by_card(session)
    assert Customer.get_by_id(fresh(session).customer_id).email == "awa@example.com"


def test_who_says_nothing_stays_unknown(world: World) -> None:
    assert buy_by_card(world, name="Awa").customer_id is None
    assert (Customer.select().count(), told()) == (0, [])


def test_who_does_not_pay_is_no_customer(world: World) -> None:
    with pytest.raises(Declined):
        attempts.pay(world.session().id, factories.card_request("tok_test_declined", customer=TYPED), world.now)
    assert Customer.select().count() == 0


def test_a_trial_knows_its_customer(world: World) -> None:
    trial = {"interval": "month", "interval_count": 1, "trial_period_days": 7}
    session = world.session(mode="subscription", recurring=trial)
    world.pay(session)
    assert Customer.get_by_id(fresh(session).customer_id).phone == factories.phone()


def test_one_person_is_another_customer_of_another_merchant(world: World) -> None:
    first, second = buy_by_card(world, **TYPED), buy_by_card(world, factories.merchant(), **TYPED)
    assert first.customer_id != second.customer_id


@pytest.mark.on_postgres
def test_payments_of_one_person_at_once_know_one_customer(world: World) -> None:
    rows = [world.session() for _ in range(12)]
    request = factories.card_request(customer=TYPED)
    results = together(12, lambda number: attempts.pay(rows[number].id, request, world.now))
    assert results == [None] * 12
    assert len({fresh(row).customer_id for row in rows}) == Customer.select().count() == 1
    assert told() == ["customer.created"]
    audit()


@pytest.mark.parametrize("livemode", [False, True])
def test_a_customer_is_its_own_merchant_s_and_mode_s(world: World, livemode: bool) -> None:
    customer_id = str(buy(world).customer_id)
    assert customers.owned(customer_id, world.owner).id == customer_id
    with pytest.raises(NotFound):
        customers.owned(
            customer_id, factories.owner(world.merchant if livemode else factories.merchant(), livemode=livemode)
        )
