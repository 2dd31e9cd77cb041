"""A one-time code on its page: where it comes from stays said, and so does why it ended."""

import re

import pytest
import time_machine
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import enquiry
from tests import factories, scenes


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def test_a_look_up_that_does_not_repeat_the_code_to_dial_leaves_it_on_the_page(client: FlaskClient) -> None:
    session = scenes.tried("009", factories.session(locale="fr"))
    before = client.get(f"/{session.id}").text
    enquiry.check(session.id, clock.now())
    after = client.get(f"/{session.id}").text
    assert "Demandez un code, tapez-le ici" in before
    assert "Demandez un code, tapez-le ici" in after
    seen = [re.findall(r"seen=([^\"&]*)", page) for page in (before, after)]
    assert seen[0] == seen[1]  # nothing is drawn anew under the hands of who types the code


@pytest.mark.parametrize("cookies", [True, False])
def test_who_pressed_without_a_code_is_told_why_it_ended_all_the_same(client: FlaskClient, cookies: bool) -> None:
    client = client.application.test_client(use_cookies=cookies)
    with time_machine.travel(clock.now(), tick=False) as traveller:
        session = scenes.tried("009", factories.session(locale="fr"))
        address = client.post(f"/{session.id}/otp", data={"otp": ""}).location
        traveller.shift(120)
        scenes.work()
        page = client.get(address).text
    assert 'data-state="choose"' in page
    assert "Vous n’avez pas reçu de code" in page
