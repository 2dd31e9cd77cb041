"""The page's form carries a key: the same form, sent twice, pays once."""

import re

import pytest
from flask.testing import FlaskClient

from ikawaari.store.models import CheckoutSession, PayKey, PaymentAttempt
from tests import factories


@pytest.fixture
def engine() -> str:
    """`test_pay_key.py` asks both engines."""
    return "sqlite"


def form(client: FlaskClient, session: CheckoutSession, **fields: str) -> dict[str, str]:
    """The form as it stands on the page now, filled in."""
    found = re.search(r'name="request_key" value="([A-Za-z0-9]{22})"', client.get(f"/{session.id}").text)
    assert found
    wallet = {"method": "mobile_money", "country": "SN", "operator": "orange_sn", "phone": factories.phone("001")}
    return {"request_key": found[1]} | wallet | fields


def test_the_same_form_sent_again_after_a_decline_starts_no_second_attempt(client: FlaskClient) -> None:
    session = factories.session()
    sent = form(client, session)
    for _ in range(2):
        assert client.post(f"/{session.id}/pay", data=sent).status_code == 303
    assert PaymentAttempt.select().count() == 1
    client.post(f"/{session.id}/pay", data=form(client, session))
    assert PaymentAttempt.select().count() == 2


def test_a_changed_form_under_an_old_key_leads_back_to_a_fresh_one_and_keeps_what_was_typed(
    client: FlaskClient,
) -> None:
    session = factories.session()
    sent = form(client, session)
    client.post(f"/{session.id}/pay", data=sent)
    changed = sent | {"phone": factories.phone("500")}
    assert client.post(f"/{session.id}/pay", data=changed).status_code == 303
    assert PaymentAttempt.select().count() == 1
    assert factories.phone("500")[4:] in client.get(f"/{session.id}").text.replace("\u00a0", "").replace(" ", "")
    client.post(f"/{session.id}/pay", data=form(client, session, phone=factories.phone("500")))
    assert PaymentAttempt.select().count() == 2


@pytest.mark.parametrize("key", ["", "a" * 300, "a\x07b"])
def test_a_form_without_a_usable_key_pays_all_the_same(client: FlaskClient, key: str) -> None:
    session = factories.session()
    client.post(f"/{session.id}/pay", data=form(client, session) | {"request_key": key})
    assert (PaymentAttempt.select().count(), PayKey.select().count()) == (1, 0)


def test_no_card_is_in_the_digest(client: FlaskClient) -> None:
    card = {"method": "card", "number": "4242 4242 4242 4242", "expiry": "12/40", "cvc": "123"}
    session = factories.session()
    sent = form(client, session) | card
    for cvc in ("123", "321"):
        client.post(f"/{session.id}/card", data=sent | {"cvc": cvc})
    assert (PaymentAttempt.select().count(), PayKey.select().count()) == (1, 1)
