"""The way back to the shop waits some seconds until the shop has taken the webhook that tells of the payment."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from ikawaari import clock, worker
from ikawaari.checkout import attempts
from ikawaari.events import endpoints
from ikawaari.store.models import CheckoutSession, Merchant, WebhookEndpoint
from tests import factories
from tests.events.receiver import Receiver, listening

HOME = "https://shop.example/ok"


@pytest.fixture
def engine() -> str:
    """The page is the same on both; what it asks of the database, `tests/checkout/test_returns.py` asks on both."""
    return "sqlite"


def listen(merchant: Merchant, receiver: Receiver, *wanted: str) -> WebhookEndpoint:
    return endpoints.create(
        factories.owner(merchant),
        url=receiver.url,
        enabled_events=wanted or ("checkout.session.completed",),
        now=clock.now(),
    )


def paid(merchant: Merchant) -> CheckoutSession:
    session = factories.session(merchant, success_url=HOME)
    attempts.pay(session.id, factories.card_request(), clock.now())
    return session


def test_the_way_back_opens_when_the_shop_has_taken_the_webhook(client: FlaskClient) -> None:
    with listening() as receiver:
        merchant = factories.merchant()
        listen(merchant, receiver)
        page = f"/{(session := paid(merchant)).id}"
        held = client.get(page).text
        assert HOME not in held
        assert 'data-state="paid"' in held
        assert f"url={page}" in held
        worker.run_once(clock.now())
        assert [heard.object_id for heard in receiver.heard] == [session.id]
        released = client.get(page).text
    assert f'href="{HOME}" data-forward' in released
    assert 'id="poll"' not in released


def test_the_poll_brings_the_way_back(client: FlaskClient) -> None:
    with listening() as receiver:
        merchant = factories.merchant()
        listen(merchant, receiver)
        page = f"/{paid(merchant).id}"
        found = re.search(r"seen=([0-9a-f]+\.\d*)", client.get(page).text)
        assert found
        poll = f"{page}?seen={found[1]}"
        assert client.get(poll, headers={"HX-Request": "true"}).status_code == 204
        worker.run_once(clock.now())
        assert "data-forward" in client.get(poll, headers={"HX-Request": "true"}).text


def test_who_stays_is_not_taken_back_not_even_by_the_poll(client: FlaskClient) -> None:
    with listening() as receiver:
        merchant = factories.merchant()
        listen(merchant, receiver)
        page = f"/{paid(merchant).id}"
        found = re.search(r"seen=([0-9a-f]+\.\d*)", client.get(f"{page}?stay=1").text)
        assert found
        worker.run_once(clock.now())
        htmx = {"HX-Request": "true", "HX-Current-URL": f"https://pay.example{page}?stay=1"}
        polled = client.get(f"{page}?seen={found[1]}", headers=htmx).text
    assert 'data-state="paid"' in polled
    for staying in (polled, client.get(f"{page}?stay=1").text):
        assert f'href="{HOME}"' in staying
        assert "data-forward" not in staying
        assert "http-equiv" not in staying
    assert f'content="8;url={HOME}"' in client.get(page).text
    broken = {"HX-Request": "true", "HX-Current-URL": "http://["}
    assert "data-forward" in client.get(f"{page}?seen=x", headers=broken).text


def test_a_shop_that_does_not_answer_holds_its_customer_for_some_seconds_only(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as receiver:
        receiver.answer = lambda *_: 500
        merchant = factories.merchant()
        listen(merchant, receiver)
        page = f"/{paid(merchant).id}"
        worker.run_once(clock.now())
        assert HOME not in client.get(page).text
        later = clock.now() + timedelta(seconds=6)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert "data-forward" in client.get(page).text


def test_a_shop_without_a_webhook_for_it_gets_its_customer_at_once(client: FlaskClient) -> None:
    with listening() as receiver:
        merchant = factories.merchant()
        listen(merchant, receiver, "refund.created")
        listen(factories.merchant(), receiver)
        assert "data-forward" in client.get(f"/{paid(merchant).id}").text
