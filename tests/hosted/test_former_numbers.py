"""A number from before its country changed all numbers: the page shows the new one first, and public JSON names it."""

import re
from html import unescape
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from ikawaari import clock, worker
from ikawaari.hosted import prefixes
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories


class Old(NamedTuple):
    """A former number as it is typed, and what it is today: on the page, and in E.164."""

    operator: str
    typed: str
    shown: str
    e164: str
    since: str

    @property
    def country(self) -> str:
        """Its country."""
        return self.operator[-2:].upper()


OLD = [
    Old("orange_ci", "07 12 35 00", "07 07 12 35 00", "+2250707123500", "2021-01-31"),
    Old("mtn_ci", "+22545123500", "05 45 12 35 00", "+2250545123500", "2021-01-31"),
    Old("orange_cm", "99123500", "6 99 12 35 00", "+237699123500", "2014-11-21"),
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


@pytest.mark.parametrize("old", OLD, ids=lambda old: old.operator)
def test_the_page_shows_the_new_number_before_anything_is_sent(client: FlaskClient, old: Old) -> None:
    session = opened(old.country)
    page = press(client, session, country=old.country, operator=old.operator, phone=old.typed)
    assert "You typed an old number. This is the new one: check it, then pay." in page
    assert field(page, "phone") == old.shown
    assert (PaymentAttempt.select().count(), list(ledger.entries())) == (0, [])
    press(client, session, country=old.country, operator=old.operator, phone=field(page, "phone"))
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass
    assert [row.phone for row in PaymentAttempt.select()] == [old.e164]
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


@pytest.mark.parametrize("old", OLD, ids=lambda old: old.operator)
def test_public_json_names_the_new_number_and_stores_nothing(client: FlaskClient, capfd: Any, old: Old) -> None:
    session = opened(old.country)
    wallet = {"operator": old.operator, "phone_number": old.typed}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    answer: Any = client.post(f"/api/checkout/{session.id}/pay", json=body)
    problem = f"is an old number: since {old.since} it is {old.e164}"
    assert answer.status_code == 400
    assert answer.json["error"]["details"] == {"payment_method.mobile_money.phone_number": [problem]}
    assert (PaymentAttempt.select().count(), list(ledger.entries())) == (0, [])
    assert old.e164[4:] not in "".join(capfd.readouterr())
