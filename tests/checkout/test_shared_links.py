"""A single-use link has one session for all its visitors: what one typed is his own, and who paid is who paid."""

from typing import Any

import pytest

from ikawaari.checkout import attempts, merchant_view, public_view, sessions, snapshots, visits
from ikawaari.errors import Declined, ValidationFailed
from ikawaari.store.models import CheckoutSession, Customer
from tests import factories
from tests.world import World, audit, fresh, latest

A = {"name": "Awa Diop", "email": "awa@example.com", "phone": "+221771234500", "address": "Rue 10, Dakar"}
SIZE = factories.custom_field("size", required=True)
CLOTH = {"name": "Wax", "amount": 1_500, "quantity": 1, "adjustable_quantity": {"minimum": 1, "maximum": 9}}


def shared(world: World, **fields: Any) -> CheckoutSession:
    """The session that all visitors of a single-use link are led to."""
    link = factories.link(world.merchant, max_uses=1, **fields)
    first, second = (visits.open_session(link.slug, None, world.now) for _ in range(2))
    assert first.id == second.id
    return first


def pay_by_card(session: CheckoutSession, world: World, token: str = "tok_test_card", **fields: Any) -> None:
    """Pay by card, having typed that."""
    attempts.pay(session.id, factories.card_request(token, **fields), world.now)


def fail(session: CheckoutSession, world: World, **fields: Any) -> None:
    """Visitor A types and is declined."""
    with pytest.raises(Declined):
        pay_by_card(session, world, "tok_test_declined", **{"customer": A} | fields)
    world.later(1)


def shown(session: CheckoutSession, world: World) -> str:
    """All that the public view says."""
    return repr(public_view.public(snapshots.of(fresh(session)), world.now))


@pytest.mark.parametrize("how", ["declined", "waits"])
def test_the_next_visitor_sees_nothing_of_what_the_first_one_typed(world: World, how: str) -> None:
    session = shared(world, custom_fields=[SIZE])
    if how == "declined":
        fail(session, world, custom_fields={"size": "XXL"})
    else:
        world.pay(session, "011", customer=A, custom_fields={"size": "XXL"})
    view = public_view.public(snapshots.of(fresh(session)), world.now)
    assert view["customer"] == {"name": None, "email": None, "phone": None}
    assert view["answered_fields"] == []
    for text in ("Awa", "a•••", "example.com", "Dakar", "XXL"):
        assert text not in shown(session, world)


def test_who_pays_is_the_customer_not_who_typed_before(world: World) -> None:
    session = shared(world)
    fail(session, world)
    world.pay(session, "700")
    world.wait(6)
    (customer,) = Customer.select()
    assert (customer.phone, customer.name, customer.email) == (factories.phone("700"), None, None)
    assert fresh(session).customer_id == customer.id
    assert fresh(session).customer_details == {}
    audit()


def test_a_card_without_a_word_is_nobody_s(world: World) -> None:
    session = shared(world)
    fail(session, world)
    pay_by_card(session, world)
    assert (Customer.select().count(), fresh(session).customer_id) == (0, None)
    assert merchant_view.checkout_session(snapshots.of(fresh(session)))["customer_details"] is None


def test_a_known_customer_is_not_given_another_s_payment(world: World) -> None:
    own = world.session()
    pay_by_card(own, world, customer=A)
    session = shared(world)
    fail(session, world)
    pay_by_card(session, world, customer={"email": "binta@example.com"})
    assert fresh(session).customer_id != fresh(own).customer_id
    assert Customer.get_by_id(fresh(session).customer_id).name is None


@pytest.mark.on_postgres
def test_questions_are_answered_by_who_pays(world: World) -> None:
    session = shared(world, custom_fields=[SIZE])
    fail(session, world, custom_fields={"size": "XXL"})
    with pytest.raises(ValidationFailed) as refusal:
        pay_by_card(session, world)
    assert set(refusal.value.details) == {"custom_fields.size"}
    pay_by_card(session, world, custom_fields={"size": "S"})
    assert fresh(session).custom_field_values == {"size": "S"}


def test_the_next_visitor_begins_with_the_link_s_own_quantities(world: World) -> None:
    session = shared(world, line_items=[CLOTH])
    fail(session, world, quantities=[9])
    assert (fresh(session).amount, fresh(session).line_items[0]["quantity"]) == (1_500, 1)
    pay_by_card(session, world)
    assert latest(session).amount == 1_500
    audit()


def test_a_correction_is_its_own_payer_s_again(world: World) -> None:
    session = shared(world, line_items=[CLOTH], custom_fields=[SIZE])
    world.callbacks_arrive()
    world.pay(session, "007", customer=A, custom_fields={"size": "XXL"}, quantities=[2])
    world.wait(4)
    assert fresh(session).customer_details == {}
    world.pay(session, "011", customer={"name": "Binta"}, custom_fields={"size": "S"}, quantities=[3])
    world.wait(30, 60, 600, 3600)
    stored = fresh(session)
    assert stored.payment_status == "paid"
    assert (stored.customer_details["name"], stored.custom_field_values) == ("Awa Diop", {"size": "XXL"})
    assert (stored.amount, stored.line_items[0]["quantity"]) == (3_000, 2)
    assert Customer.get_by_id(stored.customer_id).phone == factories.phone("007")


def test_on_another_session_what_was_typed_need_not_be_typed_again(world: World) -> None:
    session = world.session(custom_fields=[SIZE])
    fail(session, world, custom_fields={"size": "XXL"})
    assert public_view.public(snapshots.of(fresh(session)), world.now)["answered_fields"] == ["size"]
    pay_by_card(session, world)
    assert (fresh(session).custom_field_values, fresh(session).customer_details["name"]) == ({"size": "XXL"}, A["name"])


def test_a_shared_session_that_nobody_paid_is_told_without_a_name(world: World) -> None:
    session = shared(world)
    fail(session, world)
    sessions.expire(fresh(session), world.now)
    assert "Awa" not in str(merchant_view.checkout_session(snapshots.of(fresh(session))))
