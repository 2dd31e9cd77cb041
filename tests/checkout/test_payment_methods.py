"""What a payer wants to pay with: every spelling comes down to one form, and what cannot pay is refused by name."""

from typing import Any

import pytest

from ikawaari.checkout import attempts, payment_methods
from ikawaari.checkout.payment_methods import Terms
from ikawaari.errors import ValidationFailed
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession
from tests import factories
from tests.world import PAID, World, audit, statuses

NUMBER = factories.phone("500")


def read(session: CheckoutSession, **fields: Any) -> payment_methods.PaymentMethod:
    """The method of a payment with these fields."""
    return payment_methods.read(factories.pay_request(**fields), Terms.of_session(session))


def problems(session: CheckoutSession, **fields: Any) -> set[str]:
    """The fields that are refused."""
    with pytest.raises(ValidationFailed) as refusal:
        read(session, **fields)
    return set(refusal.value.details)


@pytest.mark.parametrize(
    ("operator", "country"),
    [
        ("orange_sn", None),
        ("orange_sn", "SN"),
        ("ORANGE_SN", "sn"),
        ("orange_money", "SN"),
        ("Orange Money", "SN"),
        ("orange", "SN"),
        ("orange-money-sn", None),
        ("om", "SN"),
        (None, "SN"),
        (None, None),
    ],
)
def test_every_spelling_of_an_operator_is_one(world: World, operator: str | None, country: str | None) -> None:
    method = read(world.session(), phone=NUMBER, operator=operator, country=country)
    assert (method.operator, method.country, method.phone) == ("orange_sn", "SN", NUMBER)


@pytest.mark.parametrize(
    ("typed", "country"),
    [("77 123 45 00", None), ("+221 77-123-45-00", None), ("00221771234500", None), ("771234500", "SN")],
)
def test_every_spelling_of_a_number_is_one(world: World, typed: str, country: str | None) -> None:
    assert read(world.session(), phone=typed, country=country).phone == "+221771234500"


def test_a_number_without_its_zero_is_repaired_in_cote_divoire(world: World) -> None:
    session = factories.session(factories.merchant(country="CI"))
    assert read(session, phone="+225700000000", operator="orange_ci").phone == "+2250700000000"


def test_an_old_number_of_benin_gets_its_01(world: World) -> None:
    session = factories.session(factories.merchant(country="BJ"))
    assert read(session, phone="97123456", operator="mtn_bj").phone == "+2290197123456"


def test_the_operator_is_guessed_by_the_number(world: World) -> None:
    assert read(world.session(), phone=factories.phone("500", "CI"), operator=None).operator == "orange_ci"


def test_a_number_may_be_of_another_network_than_its_wallet(world: World) -> None:
    assert read(world.session(), operator="wave_sn").operator == "wave_sn"


def test_the_sessions_number_is_the_default(world: World) -> None:
    session = world.session(customer_phone="771112233")
    method = payment_methods.read(factories.pay_request(phone_number=None), Terms.of_session(session))
    assert method.phone == "+221771112233"


def test_a_payer_of_another_country_with_the_same_money_may_pay(world: World) -> None:
    method = read(world.session(), phone=factories.phone("500", "CI"), operator="wave_ci")
    assert (method.operator, method.country) == ("wave_ci", "CI")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"phone": ""}, {"phone_number"}),
        ({"phone": "12"}, {"phone_number"}),
        ({"phone": "abc"}, {"phone_number"}),
        ({"operator": "nobody"}, {"operator"}),
        ({"operator": "orange_xx"}, {"operator"}),
        ({"operator": "orange_sn", "country": "CI"}, {"operator"}),
        ({"operator": "orange_ci", "country": "CI"}, {"phone_number"}),
        ({"country": "FR"}, {"country"}),
        ({"country": "ZZ"}, {"country", "phone_number"}),
        ({"phone": factories.phone("500", "CM"), "operator": "mtn_cm"}, {"operator"}),
        (
            {"phone": "12", "operator": "nobody", "preferred_flow": "smoke"},
            {"phone_number", "operator"},
        ),
        ({"type": "cash"}, {"type"}),
    ],
)
def test_what_cannot_pay_is_refused_by_name(world: World, fields: Any, named: set[str]) -> None:
    assert problems(world.session(), **fields) >= named


def test_a_session_takes_only_the_methods_it_names(world: World) -> None:
    session = world.session(payment_method_types=["mobile_money"])
    with pytest.raises(ValidationFailed):
        payment_methods.read(factories.card_request(), Terms.of_session(session))
    with pytest.raises(ValidationFailed):
        read(world.session(payment_method_types=["card"]))


@pytest.mark.parametrize("token", ["tok_x", "tok_test_card", "tok_" + "a" * 200])
def test_a_card_is_a_token(world: World, token: str) -> None:
    assert payment_methods.read(factories.card_request(token), Terms.of_session(world.session())).card_token == token


@pytest.mark.parametrize("token", ["", "tok_", "card_1", "tok_a b", "tok_é", "tok_" + "a" * 201, "tok_x\n"])
def test_another_text_is_no_card_token(world: World, token: str) -> None:
    with pytest.raises(ValidationFailed):
        payment_methods.read(factories.card_request(token), Terms.of_session(world.session()))


def test_a_card_number_is_no_token_and_is_not_repeated(world: World) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        payment_methods.read(factories.card_request("4242424242424242"), Terms.of_session(world.session()))
    assert "4242" not in str(refusal.value)


def test_the_countries_of_a_session_hold_its_money_its_own_first(world: World) -> None:
    session = factories.session(factories.merchant(country="CI"))
    served = payment_methods.countries_of(Terms.of_session(session))
    assert served[0] == "CI"
    assert set(served) == {"SN", "CI", "ML", "BF", "BJ", "TG", "NE"}


@pytest.mark.parametrize(
    ("currency", "ids"),
    [
        ("CDF", ["mpesa_cd", "orange_cd", "airtel_cd", "africell_cd", "mtn_cd"]),
        ("USD", ["mpesa_cd", "orange_cd", "airtel_cd"]),
    ],
)
def test_the_operators_of_a_session_hold_its_money(world: World, currency: str, ids: list[str]) -> None:
    terms = Terms.of_session(world.session(country="CD", currency=currency))
    assert payment_methods.countries_of(terms) == ["CD"]
    assert [operator.id for operator in payment_methods.operators_of(terms, "CD")] == ids


def test_a_dollar_wallet_pays_a_dollar_session_and_a_franc_wallet_does_not(world: World) -> None:
    session = world.session(country="CD", currency="USD")
    number = factories.phone(country="CD")
    assert "operator" in problems(session, operator="africell_cd", phone=number)
    attempts.pay(session.id, factories.pay_request(number, "mpesa_cd"), world.now)
    world.wait(5)
    assert statuses(session) == PAID
    assert [(entry["amount"], entry["currency"]) for entry in ledger.entries()] == [(5_000, "USD")]
    audit()


def test_money_that_no_wallet_holds_is_for_cards(world: World) -> None:
    session = world.session(currency="EUR")
    assert payment_methods.countries_of(Terms.of_session(session)) == []
    assert payment_methods.takes_cards(Terms.of_session(session))
    assert "operator" in problems(session)
