"""One press asks for a new code, or sends a request again: the first payment is called off before, and one follows."""

import re
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari.checkout import abandonment, snapshots
from ikawaari.clock import now
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories, world
from tests.checkout.test_abandonment import Odd

NOON = "2026-11-26T12:00:00Z"
BUTTON = "Pas de SMS\u00a0: nouveau code"


def begin(client: FlaskClient, ending: str = "009", **form: str) -> tuple[CheckoutSession, str]:
    """A session of which an operator has sent a code to a phone, and the address of its page."""
    session = factories.session(locale="fr")
    typed = {"method": "mobile_money", "operator": "orange_sn", "country": "SN", "phone": factories.phone(ending)}
    client.get(f"/{session.id}")
    answer = client.post(f"/{session.id}/pay", data=typed | form)
    return session, answer.location


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where the form that sends again leads, and what it sends."""
    found = next(one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'name="resend"' in one)
    action = re.search('action="([^"]*)"', found)
    assert action
    return action[1].replace("&amp;", "&"), dict(
        re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found)
    )


def press(client: FlaskClient, address: str) -> TestResponse:
    """Send that form as it stands on the page."""
    action, fields = form_of(client.get(address).text)
    return client.post(action, data=fields)


def tries(session: CheckoutSession) -> list[tuple[str, str | None]]:
    """The status and the failure of each attempt, in order."""
    rows = snapshots.attempts_of(snapshots.intent_of(session))
    return [(row.status, row.failure_code) for row in sorted(rows, key=lambda row: row.created_at)]


ONE_MORE: list[tuple[str, str | None]] = [("failed", "canceled"), ("requires_action", None)]


def state(page: str) -> str:
    """Which state the page shows."""
    found = re.search('data-state="([^"]*)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("cookies", [True, False])
def test_one_press_asks_for_a_new_code(app: Flask, cookies: bool) -> None:
    client = app.test_client(use_cookies=cookies)
    session, address = begin(client)
    assert BUTTON in client.get(address).text
    answer = press(client, address)
    assert answer.status_code == 303
    assert state(client.get(answer.location).text) == "otp"
    assert tries(session) == ONE_MORE
    first, second = PaymentAttempt.select().order_by(PaymentAttempt.created_at)
    assert (first.phone, first.operator, first.amount) == (second.phone, second.operator, second.amount)


def test_a_form_that_is_sent_twice_sends_once(client: FlaskClient) -> None:
    session, address = begin(client)
    action, fields = form_of(client.get(address).text)
    for _ in range(3):
        assert state(client.get(client.post(action, data=fields).location).text) == "otp"
    assert tries(session) == ONE_MORE


@pytest.mark.on_both
def test_presses_at_once_send_once(app: Flask) -> None:
    session, address = begin(app.test_client(use_cookies=False))
    action, fields = form_of(app.test_client(use_cookies=False).get(address).text)
    answers = world.together(4, lambda _: app.test_client(use_cookies=False).post(action, data=fields).status_code)
    assert answers == [303] * 4
    assert tries(session) == ONE_MORE


def test_nothing_is_sent_until_the_first_one_is_certainly_off(client: FlaskClient, config: Config) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        provider = Odd(config)
        provider.trouble = "lost on the way"
        registry.configure([provider])
        session, address = begin(client)
        answer = press(client, address)
        page = client.get(answer.location).text
        assert "Pas encore annulé" in page
        assert tries(session) == [("requires_action", None)]
        traveller.shift(4)
        press(client, address)
        assert tries(session) == ONE_MORE


@pytest.mark.parametrize(("trouble", "ends"), [("paid before", ["succeeded"]), ("callback in between", None)])
def test_what_is_reported_meanwhile_counts(client: FlaskClient, config: Config, trouble: str, ends: Any) -> None:
    provider = Odd(config)
    provider.trouble = trouble
    registry.configure([provider])
    session, address = begin(client)
    press(client, address)
    assert [status for status, _ in tries(session)] == (ends or ["failed", "requires_action"])


def test_a_press_that_died_half_way_is_made_good_by_the_next(client: FlaskClient) -> None:
    session, address = begin(client)
    action, fields = form_of(client.get(address).text)
    assert abandonment.abandon(session.id, fields["payment"], now())  # and then its server died
    client.post(action, data=fields)
    assert tries(session) == ONE_MORE


def test_a_browser_that_has_not_typed_the_number_sends_nothing(app: Flask, client: FlaskClient) -> None:
    session, address = begin(client)
    action, fields = form_of(client.get(address).text)
    stranger = app.test_client()
    assert 'name="resend"' not in stranger.get(f"/{session.id}").text
    assert state(stranger.get(stranger.post(action.partition("?")[0], data=fields).location).text) == "choose"
    assert tries(session) == [("failed", "canceled")]


@pytest.mark.parametrize("name", ["", "00000000"])
def test_a_payment_that_is_not_there_is_not_sent_again(client: FlaskClient, name: str) -> None:
    session, _ = begin(client)
    client.post(f"/{session.id}/cancel", data={"payment": name, "resend": "1", "agreed": "5000"})
    assert tries(session) == [("requires_action", None)]


def test_what_cannot_be_called_off_is_not_sent_again(client: FlaskClient) -> None:
    session, address = begin(client, "011")
    assert 'name="resend"' not in client.get(address).text
    name = PaymentAttempt.get().id[:8]
    client.post(f"/{session.id}/cancel", data={"payment": name, "resend": "1"})
    assert len(tries(session)) == 1
