"""The list of checkout sessions: pages, filters, and what is wrong with a query."""

import hashlib
from typing import Any

import pytest
from flask import Flask

from ikawaari.store.models import PaymentAttempt, Subscription
from tests.merchant_api.calls import SESSIONS, Shop, refused


@pytest.fixture
def seven(shared_app: Flask) -> tuple[Shop, list[str]]:
    """A shop with seven sessions, and their ids, newest first."""
    shop = Shop(shared_app, rate_limit=1_000)
    return shop, [shop.opened(clientReferenceId=f"order {number}")["id"] for number in range(7)][::-1]


def listed(shop: Shop, query: str) -> list[str]:
    """The ids of a page."""
    answer = shop.get(f"{SESSIONS}?{query}")
    assert answer.status_code == 200, answer.text
    return [session["id"] for session in answer.json["data"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *((f"limit={value}", "limit") for value in ("0", "101", "-1", "x", "1.5", "1e1", "9" * 5000)),
        *((f"{name}=x", name) for name in ("cursor", "starting_after", "ending_before")),
        ("cursor=" + "x" * 65, "cursor"),
        ("status=closed", "status"),
        ("payment_status=Paid", "payment_status"),
        *((f"created_gte={value}", "created_gte") for value in ("-1", "x", "253402300800", "1" * 30)),
        ("created_lte=253402300799", "created_lte"),
        ("customer_email=" + "a" * 321, "customer_email"),
        ("client_reference_id=%00", "client_reference_id"),
        *((f"reference={value}", "reference") for value in ("%00", "x" * 256)),
        ("cursor=cs_%00", "cursor"),
        *((f"page={value}", "page") for value in ("0", "-1", "x", "1.5", "10001", "9" * 30)),
        ("Limit=2", "Limit"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_parameter_is_named(shared_shop: Shop, query: str, field: str) -> None:
    refused(shared_shop.get(f"{SESSIONS}?{query}"), field)


@pytest.mark.parametrize(
    "name", ["limit", "cursor", "starting_after", "ending_before", "page", "payment_intent", "reference"]
)
def test_an_empty_parameter_says_nothing(shared_shop: Shop, name: str) -> None:
    assert shared_shop.get(f"{SESSIONS}?{name}=").json == shared_shop.get(SESSIONS).json


def test_a_name_with_nul_is_refused(shared_shop: Shop) -> None:
    refused(shared_shop.get(f"{SESSIONS}?a%00=1"), "query")


def test_another_merchant_s_id_is_no_place_in_the_list(seven: tuple[Shop, list[str]], shared_app: Flask) -> None:
    foreign = Shop(shared_app).opened()["id"]
    refused(seven[0].get(f"{SESSIONS}?cursor={foreign}"), "cursor")


def test_cursors_lead_through_the_whole_list(seven: tuple[Shop, list[str]]) -> None:
    shop, ids = seven
    first = shop.get(f"{SESSIONS}?limit=3").json
    second = shop.get(f"{SESSIONS}?limit=3&cursor={first['next_cursor']}").json
    third = shop.get(f"{SESSIONS}?limit=3&cursor={second['next_cursor']}").json
    assert [session["id"] for page in (first, second, third) for session in page["data"]] == ids
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert (third["next_cursor"], third["object"]) == (None, "list")


def test_the_older_form_leads_both_ways(seven: tuple[Shop, list[str]]) -> None:
    shop, ids = seven
    assert listed(shop, f"limit=2&starting_after={ids[2]}") == ids[3:5]
    assert listed(shop, f"limit=2&ending_before={ids[4]}") == ids[2:4]
    assert listed(shop, f"ending_before={ids[0]}") == []


def test_pages_have_numbers_too_and_lead_on_by_cursor(seven: tuple[Shop, list[str]]) -> None:
    shop, ids = seven
    assert [listed(shop, f"limit=3&page={number}") for number in (1, 2, 3, 4)] == [ids[:3], ids[3:6], ids[6:], []]
    second = shop.get(f"{SESSIONS}?limit=3&page=2").json
    assert (second["has_more"], second["next_cursor"]) == (True, ids[5])
    assert listed(shop, f"limit=3&cursor={second['next_cursor']}") == ids[6:]
    assert shop.get(f"{SESSIONS}?limit=3&page=3").json["next_cursor"] is None
    assert listed(shop, "page=10000&limit=100") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cursor={0}&starting_after={2}&ending_before={5}&page=3", slice(1, 3)),
        ("starting_after={2}&ending_before={5}&page=3", slice(3, 5)),
        ("ending_before={5}&page=3", slice(3, 5)),
        ("page=3", slice(4, 6)),
        ("page=1&cursor={4}", slice(5, 7)),
    ],
)
def test_of_several_places_the_first_in_order_counts(
    seven: tuple[Shop, list[str]], query: str, expected: slice
) -> None:
    shop, ids = seven
    assert listed(shop, "limit=2&" + query.format(*ids)) == ids[expected]


@pytest.mark.parametrize(
    "path",
    [
        *(f"/api/v1/{name}" for name in ("payment-intents", "refunds", "events", "customers", "payment_links")),
        "/api/v2/payment_links",
        "/api/v1/billing/subscriptions",
    ],
)
def test_every_list_has_numbered_pages(shared_shop: Shop, path: str) -> None:
    answer = shared_shop.get(f"{path}?page=2&limit=100")
    assert (answer.status_code, answer.json["data"], answer.json["has_more"]) == (200, [], False)
    refused(shared_shop.get(f"{path}?page=0"), "page")


def test_filters_narrow_the_list(seven: tuple[Shop, list[str]]) -> None:
    shop, ids = seven
    shop.post(f"{SESSIONS}/{ids[3]}/expire")
    one = shop.get(f"{SESSIONS}/{ids[5]}").json
    assert listed(shop, "status=expired") == [ids[3]]
    assert listed(shop, "client_reference_id=order%201") == [ids[5]]
    assert listed(shop, f"payment_intent={one['payment_intent']}") == [ids[5]]
    assert listed(shop, "payment_status=paid") == []
    assert listed(shop, "customer_email=awa%40shop.example") == []
    assert listed(shop, "payment_link=6f1c2f0a") == []
    assert listed(shop, f"created_gte={one['created'] - 60}&created_lte={one['created'] + 60}") == ids
    assert listed(shop, f"created_gte={one['created'] + 60}") == []
    assert listed(shop, "created_lte=253402300798") == ids


def _paid(shop: Shop, token: str = "tok_test_card", **body: Any) -> Any:
    """A session that a card has paid, as its merchant sees it."""
    session_id, card = shop.opened(**body)["id"], {"type": "card", "card": {"token": token}}
    shop.client.post(f"/api/checkout/{session_id}/pay", json={"payment_method": card})
    return shop.get(f"{SESSIONS}/{session_id}").json


def test_support_finds_what_is_on_the_receipt_in_any_case(seven: tuple[Shop, list[str]]) -> None:
    shop, others = seven
    paid = _paid(shop)
    public = shop.client.get(f"/api/checkout/{paid['id']}").json
    reference = paid["attempts"][0]["id"][:8].upper()
    page = shop.client.get(f"/{paid['id']}").text
    assert reference in page
    assert {reference} == {paid["reference"], paid["attempts"][0]["reference"], public["payment"]["reference"]}
    for typed in (reference, reference.lower(), reference.capitalize(), f"{reference}&status=complete"):
        assert listed(shop, f"reference={typed}") == [paid["id"]]
    assert listed(shop, f"reference={reference}&status=open") == []
    assert listed(shop, f"reference={reference[:7]}") == listed(shop, f"reference={paid['attempts'][0]['id']}") == []
    assert paid["id"] not in others


def test_support_finds_what_the_provider_calls_a_payment(seven: tuple[Shop, list[str]]) -> None:
    shop, _ = seven
    paid = _paid(shop)
    theirs = str(PaymentAttempt.get_by_id(paid["attempts"][0]["id"]).provider_reference)
    assert listed(shop, f"reference={theirs}") == [paid["id"]]
    assert listed(shop, f"reference={theirs[:-1]}") == []


def test_a_payment_that_failed_is_found_by_any_of_its_attempts(seven: tuple[Shop, list[str]]) -> None:
    shop, _ = seven
    failed = _paid(shop, "tok_test_declined")
    card = {"type": "card", "card": {"token": "tok_test_card"}}
    shop.client.post(f"/api/checkout/{failed['id']}/pay", json={"payment_method": card})
    paid = shop.get(f"{SESSIONS}/{failed['id']}").json
    first, second = (attempt["reference"] for attempt in paid["attempts"])
    assert (failed["reference"], paid["reference"]) == (first, second)
    assert listed(shop, f"reference={first}") == listed(shop, f"reference={second}") == [paid["id"]]


def test_a_trial_has_a_reference_that_does_not_open_its_page(seven: tuple[Shop, list[str]], shared_app: Flask) -> None:
    shop, _ = seven
    recurring = {"interval": "month", "intervalCount": 1, "trialPeriodDays": 14}
    trial = _paid(shop, mode="subscription", recurring=recurring)
    reference = hashlib.sha256(trial["id"].encode()).hexdigest()[:8].upper()
    assert (trial["payment_status"], trial["reference"]) == ("no_payment_required", reference)
    assert shop.client.get(f"/api/checkout/{trial['id']}").json["reference"] == reference
    assert listed(shop, f"reference={reference.lower()}") == [trial["id"]]
    Subscription.update(reference=None).where(Subscription.session == trial["id"]).execute()  # an older one began it
    assert listed(shop, f"reference={reference}") == [trial["id"]]
    for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
        assert listed(other, f"reference={reference}") == []


def test_nobody_finds_a_stranger_s_payment_by_its_reference(seven: tuple[Shop, list[str]], shared_app: Flask) -> None:
    paid = _paid(seven[0])
    theirs = PaymentAttempt.get_by_id(paid["attempts"][0]["id"]).provider_reference
    for other in (Shop(shared_app), Shop(shared_app, seven[0].merchant, livemode=True)):
        assert listed(other, f"reference={paid['reference']}") == listed(other, f"reference={theirs}") == []


def test_an_empty_list_is_a_list(shared_app: Flask) -> None:
    answer = Shop(shared_app).get(SESSIONS)
    assert answer.json == {"object": "list", "data": [], "has_more": False, "next_cursor": None}
