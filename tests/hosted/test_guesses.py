"""What the page guesses from a number, operator or country, is shown before anything is sent, and asked about once."""

import html
import re

import pytest
from flask.testing import FlaskClient

from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories

FORM = {"method": "mobile_money", "country": "SN"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def press(client: FlaskClient, session: CheckoutSession, **form: str) -> str:
    """Send the form, and read the page that follows."""
    page = client.post(f"/{session.id}/pay", data=FORM | form, follow_redirects=True).text
    return re.sub(r"\s+", " ", html.unescape(page.partition('<div id="net"')[0]))


def sent(page: str) -> dict[str, str]:
    """What the form that is shown would send of number, country and operator."""
    fields = {name: re.search(rf'name="{name}"[^>]* value="([^"]*)"', page) for name in ("phone", "country")}
    chosen = re.search(r'name="operator" value="(\w+)"[^>]* checked', page)
    return {name: found[1] for name, found in (fields | {"operator": chosen}).items() if found}


def charged() -> list[str | None]:
    """The operators that were asked for money."""
    return [row.operator for row in PaymentAttempt.select()]


def test_a_guess_that_was_never_shown_is_shown_and_asked_about_once(client: FlaskClient) -> None:
    session = factories.session()
    page = press(client, session, phone="771234011")
    assert "Nous pensons à Orange Money : vérifiez, puis appuyez sur Payer." in page
    assert (charged(), sent(page)["operator"]) == ([], "orange_sn")
    assert 'data-state="prompt"' in press(client, session, **sent(page))
    assert charged() == ["orange_sn"]


def test_a_chosen_operator_is_asked_about_by_nobody(client: FlaskClient) -> None:
    session = factories.session()
    assert 'data-state="prompt"' in press(client, session, phone="771234011", operator="expresso_sn")
    assert charged() == ["expresso_sn"]


@pytest.mark.parametrize("operator", ["", "orange_sn"])
@pytest.mark.parametrize("typed", ["+2250700000011", "00225 07 00 00 00 11"])
def test_a_number_of_another_country_moves_the_page_there_before_anything_is_sent(
    client: FlaskClient, typed: str, operator: str
) -> None:
    session = factories.session()
    page = press(client, session, phone=typed, operator=operator)
    assert "Numéro de Côte d’Ivoire : nous avons changé de pays. Nous pensons à Orange Money" in page
    assert charged() == []
    assert sent(page) == {"phone": "07 00 00 00 11", "country": "CI", "operator": "orange_ci"}
    assert 'data-state="prompt"' in press(client, session, **sent(page))
    assert charged() == ["orange_ci"]


def test_choosing_the_country_of_a_typed_number_keeps_it(client: FlaskClient) -> None:
    page = press(client, factories.session(), phone="+2250700000011", show_country="CI")
    assert sent(page)["phone"] == "07 00 00 00 11"
    assert charged() == []


def test_a_card_is_not_asked_about_its_operator(client: FlaskClient) -> None:
    session = factories.session()
    assert 'data-state="paid"' in press(client, session, method="card", card_token="tok_test_card", phone="771234011")


PORTED = "Ce numéro semble être chez Orange Money. Gardez E-Money s’il a été porté."


def noted(page: str) -> str:
    """What is said beside the number in place of its hint; empty if the hint stands there."""
    found = re.search(r'id="phone-note"( hidden)?>(.*?)</p>', page)
    assert found
    assert bool(found[1]) != bool(re.search('id="phone-hint" hidden', page))
    return "" if found[1] else re.sub("<[^>]+>", "", found[2])


@pytest.mark.parametrize(
    ("operator", "phone", "said"),
    [
        ("expresso_sn", "771234001", PORTED),
        ("wave_sn", "771234001", ""),
        ("orange_sn", "771234001", ""),
        ("expresso_sn", "761234001", PORTED.replace("Orange Money", "Mixx by Yas")),
        ("expresso_sn", "331234001", ""),
    ],
)
def test_another_operator_than_the_numbers_is_charged_and_the_form_that_follows_says_so(
    client: FlaskClient, operator: str, phone: str, said: str
) -> None:
    session = factories.session()
    assert noted(press(client, session, recount="1", phone=phone, operator=operator)) == said
    press(client, session, phone=phone, operator=operator)
    assert charged() == [operator]


def test_nothing_is_said_of_a_number_that_is_wrong_or_not_typed_yet(client: FlaskClient) -> None:
    session = factories.session()
    assert noted(press(client, session, operator="expresso_sn")) == ""
    assert noted(press(client, session, phone="77123", operator="expresso_sn")) == ""
