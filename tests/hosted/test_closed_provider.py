"""The page shows what can be paid now; what cannot any more is answered in words, and nothing is stored."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from ikawaari import clock
from ikawaari.checkout import provider_states
from ikawaari.config import Config
from ikawaari.providers import registry
from ikawaari.providers.sandbox import Sandbox
from ikawaari.states import ProviderState
from ikawaari.store.models import CheckoutSession, Event, PaymentAttempt
from tests import factories
from tests.merchant_api.calls import error

WALLET = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": factories.phone("500")}}


class Cards(Sandbox):
    """A second provider, of cards alone."""

    name = "cards"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.capabilities = replace(self.capabilities, operators={})


@pytest.fixture
def session(app: Flask, config: Config) -> CheckoutSession:
    """A session, of the moment at which the provider of wallets was closed."""
    registry.configure([Sandbox(config), Cards(config)])
    opened = factories.session(locale="en")
    provider_states.switch("sandbox", ProviderState.CLOSED, clock.now())
    return opened


def test_only_what_can_be_paid_now_is_shown(client: Any, session: CheckoutSession) -> None:
    view = client.get(f"/api/checkout/{session.id}").json
    assert [method["type"] for method in view["payment_methods"]] == ["card"]
    page = client.get(f"/{session.id}").text
    assert 'value="card"' in page
    assert 'value="mobile_money"' not in page


def test_a_method_that_has_just_gone_is_refused_and_nothing_is_stored(client: Any, session: CheckoutSession) -> None:
    events = Event.select().count()
    told = error(client.post(f"/api/checkout/{session.id}/pay", json={"payment_method": WALLET}), 503, "IKW-SYS-003")
    assert "payment_method" in told["details"]
    form = {"method": "mobile_money", "operator": "orange_sn", "phone": "771234500"}
    answer = client.post(f"/{session.id}/pay", data=form, headers={"Origin": "http://localhost"})
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "Choose how to pay." in page
    assert not PaymentAttempt.select().exists()
    assert Event.select().count() == events


def test_the_other_way_to_pay_works(client: Any, session: CheckoutSession) -> None:
    body = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    assert client.post(f"/api/checkout/{session.id}/pay", json=body).status_code == 200
    assert PaymentAttempt.get().provider == "cards"


def test_a_page_without_any_way_to_pay_says_so(client: Any, session: CheckoutSession) -> None:
    provider_states.switch("cards", ProviderState.CLOSED, clock.now())
    page = client.get(f"/{session.id}")
    assert page.status_code == 200
    assert "There is no way to pay here yet" in page.text
