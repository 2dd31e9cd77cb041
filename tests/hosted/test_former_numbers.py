"""A number from before its country changed all numbers: the page shows the new one first, and public JSON names it."""

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from ikawaari import clock, worker
from ikawaari.hosted import prefixes
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories

OLD = [
    pytest.param("CI", "orange_ci", "07 12 35 00", "07 07 12 35 00", "+2250707123500", id="CI"),
    pytest.param("CI", "mtn_ci", "+22545123500", "05 45 12 35 00", "+2250545123500", id="CI-international"),
    pytest.param("CM", "orange_cm", "99123500", "6 99 12 35 00", "+237699123500", id="CM"),
]


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def opened(country: str, locale: str = "en") -> CheckoutSession:
    """A session of a shop in the country."""
    return factories.session(factories.merchant(country=country), locale=locale)


def press(client: FlaskClient, session: CheckoutSession, **form: str) -> str:
    """Press Pay; the page that comes then."""
    return client.post(f"/{session.id}/pay", data={"method": "mobile_money"} | form, follow_redirects=True).text


def field(page: str, name: str) -> str:
    """The value of a field of the form."""
    found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', page)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize(("country", "operator", "typed", "shown", "e164"), OLD)
def test_the_page_shows_the_new_number_before_anything_is_sent(
    client: FlaskClient, country: str, operator: str, typed: str, shown: str, e164: str
) -> None:
    session = opened(country)
    page = press(client, session, country=country, operator=operator, phone=typed)
    assert "You typed an old number. This is the new one: check it, then pay." in page
    assert field(page, "phone") == shown
    assert (PaymentAttempt.select().count(), list(ledger.entries())) == (0, [])
    press(client, session, country=country, operator=operator, phone=field(page, "phone"))
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass
    assert [row.phone for row in PaymentAttempt.select()] == [e164]
    assert CheckoutSession.get_by_id(session.id).payment_status == "paid"


def test_the_page_says_so_in_french(client: FlaskClient) -> None:
    page = press(client, opened("CI", "fr"), country="CI", operator="orange_ci", phone="07123500")
    assert "Vous avez tapé un ancien numéro. Voici le nouveau\u00a0: vérifiez-le, puis payez." in unescape(page)


def test_the_country_follows_a_former_number_that_names_its_own(client: FlaskClient) -> None:
    page = press(client, opened("SN"), country="SN", phone="+22507123500")
    assert (field(page, "country"), field(page, "phone")) == ("CI", "07 07 12 35 00")
    assert 'value="orange_ci" data-prefixes="07" checked' in page


def test_another_country_takes_what_was_typed_along(client: FlaskClient) -> None:
    page = press(client, opened("CI"), country="CI", phone="07123500", show_country="SN")
    assert (field(page, "country"), field(page, "phone")) == ("SN", "07123500")
    assert "old number" not in page.partition('id="phone-problem" hidden')[0]


def test_who_pays_by_card_is_not_asked_about_a_number(client: FlaskClient) -> None:
    session = opened("CI")
    press(client, session, method="card", card_token="tok_test_card", country="CI", phone="07123500")
    assert [row.type for row in PaymentAttempt.select()] == ["card"]


@pytest.mark.parametrize("code", ["CI", "CM"])
def test_the_script_takes_a_former_number_for_one(code: str) -> None:
    assert 8 in prefixes.lengths(code)


@pytest.mark.parametrize(("country", "operator", "typed", "shown", "e164"), OLD)
def test_public_json_names_the_new_number_and_stores_nothing(
    client: FlaskClient, capfd: Any, country: str, operator: str, typed: str, shown: str, e164: str
) -> None:
    session = opened(country)
    wallet = {"operator": operator, "phone_number": typed}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    answer = client.post(f"/api/checkout/{session.id}/pay", json=body)
    since = {"CI": "2021-01-31", "CM": "2014-11-21"}[country]
    problems = {"payment_method.mobile_money.phone_number": [f"is an old number: since {since} it is {e164}"]}
    assert (answer.status_code, answer.json["error"]["details"]) == (400, problems)
    assert (PaymentAttempt.select().count(), list(ledger.entries())) == (0, [])
    assert e164[4:] not in "".join(capfd.readouterr())
