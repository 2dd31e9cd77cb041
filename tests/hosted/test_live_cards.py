"""Live cards at the doors: what the page holds, what it does not, and what the two APIs take and answer."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from ikawaari import clock
from ikawaari.store.models import CheckoutSession
from tests import factories, live_cards
from tests.live_cards import ASKS, POOR, Cards


@pytest.fixture
def cards(app: Flask) -> Iterator[Cards]:
    """A merchant with an account at Stripe."""
    merchant = factories.merchant()

    def session(**overrides: Any) -> CheckoutSession:
        return factories.session(merchant, **overrides)

    world: Any = SimpleNamespace(merchant=merchant, config=app.config["IKAWAARI"], now=clock.now(), session=session)
    with live_cards.opened(world) as opened:
        yield opened


def pay(client: Any, session: CheckoutSession, token: str) -> Any:
    """Pay as a page of the shop's own would."""
    method = {"type": "card", "card": {"token": token}}
    return client.post(f"/api/checkout/{session.id}/pay", json={"payment_method": method})


def policy(answer: Any) -> dict[str, str]:
    """The content policy of a page, by directive."""
    directives = (part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in directives}


def test_a_live_page_holds_the_fields_of_the_account_and_no_secret(client: Any, cards: Cards) -> None:
    answer = client.get(f"/{cards.session().id}")
    assert f'data-key="{cards.settings["publishable_key"]}"' in answer.text
    assert f'data-script="{cards.sim.base_url}/v3/"' in answer.text
    assert "/static/stripe.js?v=" in answer.text
    assert f'src="{cards.sim.base_url}' not in answer.text  # loaded once the card is chosen
    assert cards.settings["secret_key"] not in answer.text
    assert cards.settings["webhook_secret"] not in answer.text
    assert 'id="number"' not in answer.text


def test_the_policy_is_widened_for_that_page_alone(client: Any, cards: Cards) -> None:
    base = cards.sim.base_url
    live = policy(client.get(f"/{cards.session().id}"))
    assert (live["script-src"], live["connect-src"], live["frame-src"]) == (f"'self' {base}", f"'self' {base}", base)
    for other in (cards.world.session(), cards.session(payment_method_types=["mobile_money"])):
        answer = client.get(f"/{other.id}")
        assert (policy(answer)["script-src"], "frame-src" in policy(answer)) == ("'self'", False)
        assert "stripe" not in answer.text


def test_a_page_that_has_been_paid_is_as_narrow_again(client: Any, cards: Cards) -> None:
    session = cards.session()
    assert pay(client, session, cards.token()).status_code == 200
    answer = client.get(f"/{session.id}")
    assert "frame-src" not in policy(answer)
    assert "stripe" not in answer.text


def test_the_public_json_names_no_provider(client: Any, cards: Cards) -> None:
    told = client.get(f"/api/checkout/{cards.session().id}")
    assert {"type": "card"} in told.json["payment_methods"]
    assert "stripe" not in told.text
    assert "pk_live" not in told.text


def test_the_public_api_takes_a_confirmation_token(client: Any, cards: Cards) -> None:
    assert pay(client, cards.session(), cards.token()).json["payment_status"] == "paid"
    asked = pay(client, cards.session(), cards.token(ASKS)).json
    assert asked["next_action"]["type"] == "redirect_to_url"
    assert asked["next_action"]["redirect_to_url"]["url"].startswith(f"{cards.sim.base_url}/3d_secure/")
    declined = pay(client, cards.session(), cards.token(POOR))
    assert declined.status_code == 402
    wrong = pay(client, cards.session(), "tok_test_card")
    assert wrong.status_code == 400


def test_the_merchants_api_takes_a_confirmation_token(client: Any, cards: Cards) -> None:
    key = {"Authorization": f"Bearer {factories.credential(cards.world.merchant, livemode=True)}"}
    body = {"amount": 5_000, "currency": "XOF", "confirm": True, "payment_method": cards.token()}
    made = client.post("/api/v1/payment-intents", json=body, headers=key)
    assert (made.status_code, made.json["status"]) == (201, "succeeded")
    body["payment_method"] = "pm_card_visa"
    assert client.post("/api/v1/payment-intents", json=body, headers=key).status_code == 400


def test_a_form_without_a_token_pays_nothing(client: Any, cards: Cards) -> None:
    session = cards.session()
    answer = client.post(f"/{session.id}/pay", data={"method": "card", "card_token": ""}, follow_redirects=True)
    assert "rien n’a été débité" in answer.text
    assert cards.states() == []


def test_a_return_is_answered_with_a_clean_address(client: Any, cards: Cards) -> None:
    session = cards.session()
    pay(client, session, cards.token(ASKS))
    query = "returned=1&payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_2&redirect_status=succeeded"
    answer = client.get(f"/{session.id}?{query}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/{session.id}")
    assert client.get(f"/api/checkout/{session.id}").json["payment_status"] == "processing"
