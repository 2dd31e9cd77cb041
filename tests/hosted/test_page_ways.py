"""The ways on from a page: what its visitor can do beside paying and waiting. Each is a form, so it needs no script."""

import re
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock
from ikawaari.checkout import attempts
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.store.models import CheckoutSession
from tests import factories
from tests.checkout.test_abandonment import Odd
from tests.hosted.test_page_totals import seen

NOON = "2026-11-26T12:00:00Z"


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def waiting(ending: str = "010", **overrides: Any) -> CheckoutSession:
    """A session whose payer has something to do."""
    session = factories.session()
    attempts.pay(session.id, factories.pay_request(factories.phone(ending), **overrides), clock.now())
    return session


def at_the_bank() -> CheckoutSession:
    """A session whose payer's bank wants to be sure."""
    session = factories.session()
    attempts.pay(session.id, factories.card_request("tok_test_3ds"), clock.now())
    return session


def press(client: FlaskClient, session: CheckoutSession, action: str = "cancel", **headers: str) -> TestResponse:
    """Send the form of the page that leads there, as it stands there."""
    page = client.get(f"/{session.id}").text
    form = re.search(rf'<form[^>]* action="/{session.id}/{action}".*?</form>', page, re.DOTALL)
    assert form, page
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0]))
    return client.post(f"/{session.id}/{action}", data=fields, headers=headers)


def state(client: FlaskClient, session: CheckoutSession) -> str:
    """The state that the page shows."""
    found = re.search(r'data-state="([^"]*)"', client.get(f"/{session.id}").text)
    assert found
    return found[1]


# ---------------------------------------------------------------- leaving a payment


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (lambda: waiting("009"), "Changer de numéro ou de moyen"),
        (lambda: waiting("010"), "Payer autrement"),
        (lambda: waiting("500", operator="wave_sn", preferred_flow="qr"), "Payer autrement"),
        (at_the_bank, "Utiliser une autre carte"),
    ],
    ids=["code", "page", "qr", "bank"],
)
@pytest.mark.parametrize("cookies", [True, False])
def test_who_leaves_has_the_form_again(client: FlaskClient, make: Any, label: str, cookies: bool) -> None:
    client = client.application.test_client(use_cookies=cookies)
    session = make()
    assert label in seen(client, session)
    answer = press(client, session)
    assert (answer.status_code, answer.location) == (303, f"/{session.id}")
    assert state(client, session) == "choose"
    assert "Rien n’a été débité." in seen(client, session)


def test_who_leaves_finds_the_operator_as_it_was_without_cookies_too(client: FlaskClient) -> None:
    client = client.application.test_client(use_cookies=False)
    session = waiting("010", operator="free_sn")
    press(client, session)
    page = client.get(f"/{session.id}").text
    assert re.search(r'name="operator" value="free_sn"[^>]* checked', page)
    assert "771234" not in page  # the number is for whoever typed it


@pytest.mark.parametrize("ending", ["011", "004"])
def test_what_cannot_be_called_off_has_no_such_way(client: FlaskClient, ending: str) -> None:
    session = waiting(ending)
    assert "/cancel" not in client.get(f"/{session.id}").text
    assert client.post(f"/{session.id}/cancel", data={"payment": "00000000"}).status_code == 303
    assert state(client, session) in {"prompt", "unknown"}


def test_a_cancellation_without_an_answer_is_told_and_may_be_pressed_again(client: FlaskClient, config: Config) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        provider = Odd(config)
        provider.trouble = "lost on the way"
        registry.configure([provider])
        session = waiting()
        answer = press(client, session)
        assert answer.location == f"/{session.id}?canceling=1"
        page = client.get(answer.location).text
        assert 'data-state="redirect"' in page
        assert re.search(r'role="status"><strong>Pas encore annulé', page)
        traveller.shift(4)
        assert press(client, session).location == f"/{session.id}"
        assert state(client, session) == "choose"


def test_who_had_paid_is_shown_the_receipt(client: FlaskClient, config: Config) -> None:
    provider = Odd(config)
    provider.trouble = "paid before"
    registry.configure([provider])
    session = waiting()
    press(client, session)
    assert state(client, session) == "paid"


@pytest.mark.parametrize("action", ["cancel"])
def test_another_site_presses_nothing(client: FlaskClient, action: str) -> None:
    session = waiting()
    assert press(client, session, action, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert state(client, session) == "redirect"
