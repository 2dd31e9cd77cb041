"""Customers over REST."""

from typing import Any
from urllib.parse import quote

import pytest

from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop, error, refused

PATH = "/api/v1/customers"


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


@pytest.mark.parametrize("asked", ["Awa.Diop@Example.com", "awa.diop@example.COM", " awa.diop@example.com "])
def test_an_address_is_known_whatever_its_case(shop: Shop, asked: str) -> None:
    first, second = paid(shop, email="Awa.Diop@Example.com"), paid(shop, email="awa.diop@example.com ")
    assert first["customer"] == second["customer"]
    assert shop.get(f"{PATH}/{first['customer']}").json["email"] == "Awa.Diop@Example.com"
    assert [row["id"] for row in shop.get(f"{PATH}?email={quote(asked)}").json["data"]] == [first["customer"]]
    opened = shop.opened(customerEmail=" Awa.Diop@Example.com")
    assert opened["customer_email"] == "Awa.Diop@Example.com"
    found = shop.get(f"{SESSIONS}?customer_email={quote(asked)}").json["data"]
    assert [row["id"] for row in found] == [opened["id"]]


@pytest.mark.parametrize(
    "asked", ["+221771234500", " 221771234500", "77 123 45 00", "00221771234500", "(77) 123-45-00"]
)
def test_a_number_is_asked_for_in_any_spelling(shop: Shop, asked: str) -> None:
    session = shop.opened()
    wallet = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": "771234500"}}
    shop.post(f"/api/checkout/{session['id']}/pay", {"payment_method": wallet})
    shop.get(f"/{session['id']}?returned=1")
    customer = shop.get(f"{SESSIONS}/{session['id']}").json["customer"]
    assert [row["id"] for row in shop.get(f"{PATH}?phone={quote(asked)}").json["data"]] == [customer]


@pytest.mark.parametrize("asked", ["12", "call me", "4242 4242 4242 4242"])
def test_what_is_no_number_is_told(shop: Shop, asked: str) -> None:
    refused(shop.get(f"{PATH}?phone={quote(asked)}"), "phone")


@pytest.mark.parametrize("limit", ["1_0", "%D9%A1%D9%A0", "+10", "%2010", "1e1", "1.0"])
def test_a_number_of_a_query_is_digits_alone(shop: Shop, limit: str) -> None:
    refused(shop.get(f"{PATH}?limit={limit}"), "limit")


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
