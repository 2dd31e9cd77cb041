"""Customers over REST."""

from typing import Any
from urllib.parse import quote

import pytest

from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop, error

PATH = "/api/v1/customers"


@pytest.fixture
def engine() -> str:
    """The answers are the same on both, and the domain's tests run on both."""
    return "sqlite"


def paid(shop: Shop, **typed: str) -> dict[str, Any]:
    """A session that somebody paid by card, having typed that."""
    session = shop.opened()
    card = {
        "payment_method": {"type": "card", "card": {"token": "tok_test_card"}},
        "collected": {"customerDetails": typed},
    }
    assert shop.post(f"/api/checkout/{session['id']}/pay", card).status_code == 200
    return dict(shop.get(f"{SESSIONS}/{session['id']}").json)


def test_a_session_names_its_customer_and_finds_it_in_the_list(shop: Shop) -> None:
    session = paid(shop, name="Awa Diop", email="awa@example.com")
    customer = shop.get(f"{PATH}/{session['customer']}").json
    assert customer == {
        "id": session["customer"],
        "object": "customer",
        "name": "Awa Diop",
        "email": "awa@example.com",
        "phone": None,
        "livemode": False,
        "created": session["completed_at"],
    }
    assert [row["id"] for row in shop.get(f"{SESSIONS}?customer={customer['id']}").json["data"]] == [session["id"]]
    assert shop.opened()["customer"] is None


def test_customers_are_listed_newest_first_and_filtered(shop: Shop) -> None:
    ids = [paid(shop, email=f"{name}@example.com")["customer"] for name in ("a", "b", "c")][::-1]
    first = shop.get(f"{PATH}?limit=2").json
    assert sorted(row["id"] for row in first["data"]) != sorted(ids)
    rest = shop.get(f"{PATH}?cursor={first['next_cursor']}").json["data"]
    assert [row["id"] for row in first["data"] + rest] == ids
    assert [row["id"] for row in shop.get(f"{PATH}?email=a@example.com").json["data"]] == ids[2:]
    assert shop.get(f"{PATH}?phone={quote(factories.phone())}").json["data"] == []


def test_the_customers_of_others_are_not_there(shop: Shop) -> None:
    customer = paid(shop, email="a@example.com")["customer"]
    for other in (Shop(shop.client.application), Shop(shop.client.application, shop.merchant, livemode=True)):
        error(other.get(f"{PATH}/{customer}"), 404, "IKW-RES-001")
        assert other.get(PATH).json["data"] == []
