"""Which currency a price is in when nobody says it, and which a fixed fee may meet."""

from collections.abc import Callable
from typing import Any

import pytest

from ikawaari.checkout import attempts, intents, quotes, visits
from ikawaari.checkout.intents import NewIntent
from ikawaari.errors import ValidationFailed
from tests import factories
from tests.world import World, audit, latest

Maker = Callable[..., Any]
MAKERS = [
    pytest.param(factories.session, id="session"),
    pytest.param(lambda *who, **fields: factories.link(*who, version=1, **fields), id="link"),
    pytest.param(factories.link, id="link-v2"),
]
FIXED = {"card": {"basis_points": 290, "fixed": 100}, "mobile_money": {"basis_points": 100, "fixed": 0}}


def refused(make: Maker, world: World, **fields: Any) -> set[str]:
    """The fields that a session or link is refused for."""
    with pytest.raises(ValidationFailed) as refusal:
        make(world.merchant, **fields)
    return set(refusal.value.details)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("country", "currency"), [("GA", "XAF"), ("CG", "XAF"), ("TD", "XAF"), ("MR", "MRU"), ("ga", "XAF"), ("GN", "GNF")]
)
def test_a_country_without_our_wallets_has_its_own_currency(
    world: World, make: Maker, country: str, currency: str
) -> None:
    assert make(world.merchant, country=country).currency == currency


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("country", ["FR", "NG", "US", "CF", "ZW"])
def test_of_any_other_country_the_currency_must_be_said(world: World, make: Maker, country: str) -> None:
    assert refused(make, world, country=country) == {"currency"}
    assert make(world.merchant, country=country, currency="EUR").currency == "EUR"


@pytest.mark.parametrize("make", MAKERS)
def test_it_is_named_beside_whatever_else_is_wrong(world: World, make: Maker) -> None:
    assert refused(make, world, country="FR", amount=5, amount_min=3) == {"currency", "amount_min"}


def test_without_a_country_the_merchant_s_own_counts(world: World) -> None:
    assert world.session().currency == factories.link(world.merchant).currency == "XOF"


def test_a_link_s_currency_serves_whatever_country_its_session_names(world: World) -> None:
    link = factories.link(world.merchant, currency="EUR")
    assert world.session(payment_link_v2_id=link.id, country="FR", amount=None).currency == "EUR"


def test_a_visitor_of_a_link_from_afar_gets_its_session(world: World) -> None:
    link = factories.link(world.merchant, country="GA")
    assert visits.open_session(link.slug, None, world.now).currency == "XAF"


def test_an_intent_says_its_currency_and_may_name_any_country(world: World) -> None:
    new = NewIntent(amount=5_000, currency="XAF", country="GA")
    assert intents.create(world.owner, new, world.now).currency == "XAF"


# ---------------------------------------------------------------- fixed fees


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("said", [{}, {"currency": "XOF"}])
def test_a_fixed_fee_meets_no_other_currency(world: World, make: Maker, said: dict[str, str]) -> None:
    world.merchant.change(fees=FIXED | {"card": FIXED["card"] | said})
    assert refused(make, world, currency="EUR", fee_mode="customer_pays") == {"currency"}
    assert refused(make, world, country="GA", fee_mode="customer_pays") == {"currency"}
    assert make(world.merchant, currency="xof", fee_mode="customer_pays").currency == "XOF"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "fields",
    [{}, {"fee_mode": "merchant_pays"}, {"fee_mode": "customer_pays", "payment_method_types": ["mobile_money"]}],
)
def test_who_charges_no_fixed_fee_may_use_any_currency(world: World, make: Maker, fields: dict[str, Any]) -> None:
    world.merchant.change(fees=FIXED)
    assert make(world.merchant, currency="EUR", **fields).currency == "EUR"


@pytest.mark.parametrize("make", MAKERS)
def test_a_fixed_fee_in_the_session_s_currency_is_taken_though_it_is_not_the_merchant_s(
    world: World, make: Maker
) -> None:
    world.merchant.change(fees={"card": {"basis_points": 290, "fixed": 30, "currency": "EUR"}})
    assert make(world.merchant, currency="EUR", fee_mode="customer_pays").currency == "EUR"
    assert refused(make, world, fee_mode="customer_pays") == {"currency"}


def test_it_is_charged_in_its_own_currency(world: World) -> None:
    world.merchant.change(fees={"card": {"basis_points": 290, "fixed": 30, "currency": "EUR"}})
    session = world.session(amount=10_000, currency="EUR", fee_mode="customer_pays")
    world.pay_by_card(session)
    assert (latest(session).amount, latest(session).fee_amount) == (10_320, 320)
    audit()


def test_a_fee_that_moves_to_another_currency_is_never_added_as_if_it_were_in_this_one(world: World) -> None:
    world.merchant.change(fees=FIXED)
    session = world.session(fee_mode="customer_pays")
    link = factories.link(world.merchant, fee_mode="customer_pays")
    world.merchant.change(fees={"card": {"basis_points": 290, "fixed": 30, "currency": "EUR"}})
    assert quotes.of(session, "card", None, None).fee == 145
    visited = visits.open_session(link.slug, None, world.now)
    attempts.pay(visited.id, factories.card_request(), world.now)
    assert latest(visited).amount == 5_145
    audit()
