"""Payment links over REST: made, found, listed and ended by their merchant; every wrong field is named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from ikawaari.edge.naming import snake
from ikawaari.merchant_api.schemas.payment_links import PaymentLinkInput, PaymentLinkV2Input
from ikawaari.merchants.credentials import Scope
from tests import factories
from tests.merchant_api.calls import SESSIONS, Answer, Shop, error, refused
from tests.merchant_api.test_session_input import AMOUNTS, DROPDOWN, FIELDS, INSIDE, TEXT, URLS, wrong

V1, V2 = "/api/v1/payment_links", "/api/v2/payment_links"
BOTH = pytest.mark.parametrize("path", [V1, V2])
WHOLE_V1: dict[str, Any] = {
    "amount": 5000,
    "currency": "XOF",
    "country": "CI",
    "feeMode": "customer_pays",
    "description": "Cotisation",
    "paymentMethodTypes": ["card"],
    "expiresAt": "2099-03-31T23:59:59Z",
    "isSingleUse": True,
}
BOUNDS: dict[str, Any] = {"amountMin": 100, "amountMax": 900, "amountPresets": [100, 500]}
ITEM = {"name": "Billet", "amount": 2500, "quantity": 2, "adjustableQuantity": {"minimum": 1, "maximum": 6}}
WHOLE_V2: dict[str, Any] = WHOLE_V1 | {
    "lineItems": [ITEM],
    "customFields": [TEXT, DROPDOWN],
    "recurring": {"interval": "month", "intervalCount": 2},
    "allowRepeatSubscriptions": True,
    "maxUses": 1,
    "successUrl": "https://shop.example/",
    "thankYou": "Merci !",
    "customText": "Apportez votre billet.",
    "locale": "fr",
    "metadata": {"a": [1, None]},
}

# ---------------------------------------------------------------- what may be sent

WRONG_V1 = (
    *wrong("amount", *AMOUNTS),
    *wrong("currency", "XO", "AAA", 952),
    *wrong("country", "SEN", "ZZ", 221),
    *wrong("feeMode", "customer", "CUSTOMER_PAYS", 1, True),
    *wrong("description", "a" * 501, 5),
    *wrong("paymentMethodTypes", [], "card", ["card"] * 11),
    *wrong("expiresAt", "tomorrow", "2020-01-01T00:00:00Z", "2099-13-01T00:00:00Z", 4_078_000_000, True),
    *wrong("expiresAt", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2099-01-01T00:00:00+99:00"),
    *wrong("isSingleUse", "true", 1, 0, []),
    *wrong("no_such_field", 1, None),
    ({"paymentMethodTypes": ["paypal"]}, "paymentMethodTypes.0"),
    ({"fee_mode": "merchant_pays", "feeMode": "merchant_pays"}, "feeMode"),
)
_OF_SESSIONS_TOO = (
    "customText",
    "customFields",
    "amountPresets",
    "metadata",
    "locale",
    "amountMin",
    "amountMax",
    "lineItems",
)
WRONG_V2 = (
    *wrong("allowRepeatSubscriptions", "true", 1, 0, []),
    *((body, field) for body, field in FIELDS + INSIDE if next(iter(body)) in _OF_SESSIONS_TOO),
    *wrong("successUrl", *URLS),
    *wrong("thankYou", "a" * 501, 5),
    *wrong("maxUses", 0, -1, 1.5, "3", True, 1_000_001),
    *wrong("recurring", "month", [1]),
    ({"amount": 1, "recurring": {}}, "recurring.interval"),
    ({"amount": 1, "recurring": {"interval": "hour"}}, "recurring.interval"),
    ({"recurring": {"interval": "month"}}, "amount"),
    ({"isSingleUse": True, "maxUses": 2}, "maxUses"),
    ({"amount": 4999, "lineItems": [ITEM]}, "lineItems"),
    ({"amount": 5000, "amountMin": 1}, "amountMin"),
    ({"amountMin": 2, "amountMax": 1}, "amountMin"),
    ({"amountMax": 500, "amountPresets": [501]}, "amountPresets"),
    ({"customFields": [TEXT, TEXT]}, "customFields"),
    ({"lineItems": [ITEM | {"quantity": 7}]}, "lineItems.0.adjustableQuantity"),
    ({"lineItems": [ITEM | {"adjustableQuantity": {"minimum": 3, "maximum": 2}}]}, "lineItems.0.adjustableQuantity"),
    ({"lineItems": [ITEM | {"adjustableQuantity": {}}]}, "lineItems.0.adjustableQuantity.maximum"),
    ({"lineItems": [ITEM | {"adjustableQuantity": 5}]}, "lineItems.0.adjustableQuantity"),
    (
        {"lineItems": [ITEM | {"adjustableQuantity": {"minimum": -1, "maximum": 2}}]},
        "lineItems.0.adjustableQuantity.minimum",
    ),
)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [(V1, *case) for case in WRONG_V1] + [(V2, *case) for case in WRONG_V1 + WRONG_V2],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_field_is_named(shared_shop: Shop, path: str, body: dict[str, Any], field: str) -> None:
    refused(shared_shop.post(path, body), field)


@pytest.mark.parametrize("field", sorted({*WHOLE_V2, *BOUNDS} - set(WHOLE_V1)))
def test_a_first_version_link_has_no_field_of_the_second(shared_shop: Shop, field: str) -> None:
    refused(shared_shop.post(V1, {field: (WHOLE_V2 | BOUNDS)[field]}), field)


def test_live_mode_wants_https(shared_app: Flask) -> None:
    shop = Shop(shared_app, livemode=True)
    refused(shop.post(V2, {"successUrl": "http://shop.example/"}), "successUrl")


@pytest.mark.parametrize(
    ("path", "schema", "whole"), [(V1, PaymentLinkInput, WHOLE_V1), (V2, PaymentLinkV2Input, WHOLE_V2)]
)
def test_every_field_is_known_by_both_spellings(shared_shop: Shop, path: str, schema: Any, whole: Any) -> None:
    names = {field.data_key or name for name, field in schema().fields.items()}
    assert names == set(whole) | (set(BOUNDS) if path == V2 else set())
    camel, snaked = (
        shared_shop.post(path, body).json for body in (whole, {snake(name): value for name, value in whole.items()})
    )
    own = {"id", "url", "slug", "created"}
    assert {name: camel[name] for name in camel if name not in own} == {
        name: snaked[name] for name in snaked if name not in own
    }


@BOTH
def test_nothing_has_to_be_said(shared_shop: Shop, path: str) -> None:
    link = made(shared_shop.post(path))
    assert (link["amount"], link["currency"], link["fee_mode"]) == (None, "XOF", "merchant_pays")
    assert link["payment_method_types"] == ["mobile_money", "card"]
    assert (link["expires_at"], link["is_single_use"], link["country"]) == (None, False, None)


# ---------------------------------------------------------------- what is answered


def made(answer: Answer) -> dict[str, Any]:
    """The link in an answer that made it."""
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def test_a_link_says_all_of_itself(shared_shop: Shop) -> None:
    link = made(shared_shop.post(V2, WHOLE_V2))
    assert link.pop("warnings") == []
    assert (link["object"], link["version"], link["active"], link["status"], link["uses"]) == (
        *("payment_link", 2, True, "active"),
        0,
    )
    assert link["url"] == f"http://localhost/pay/{link['slug']}"
    assert (link["expires_at"], link["is_single_use"], link["max_uses"]) == ("2099-03-31T23:59:59Z", True, 1)
    assert link["line_items"] == [
        {"name": "Billet", "amount": 2500, "quantity": 2, "adjustable_quantity": {"minimum": 1, "maximum": 6}}
    ]
    assert (link["amount"], link["recurring"]["interval_count"], link["metadata"]) == (5000, 2, {"a": [1, None]})
    assert shared_shop.get(f"{V2}/{link['id']}").json == link


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("2099-01-01T12:00:00.750Z", "2099-01-01T12:00:00Z"),
        ("2099-01-01T12:00:00+02:00", "2099-01-01T10:00:00Z"),
        ("2099-01-01T12:00:00", "2099-01-01T12:00:00Z"),
        ("2099-01-01", "2099-01-01T00:00:00Z"),
    ],
)
def test_expiry_is_iso_8601_in_utc(shared_shop: Shop, sent: str, told: str) -> None:
    assert made(shared_shop.post(V1, {"expiresAt": sent}))["expires_at"] == told


@BOTH
def test_a_link_is_deactivated_once_and_for_good(shop: Shop, path: str) -> None:
    link = made(shop.post(path, {"amount": 500}))
    for _ in range(2):
        answer = shop.post(f"{path}/{link['id']}/deactivate")
        assert (answer.status_code, answer.json["active"], answer.json["status"]) == (200, False, "inactive")
    told = [event["type"] for event in shop.get("/api/v1/events").json["data"]]
    assert told == ["payment_link.deactivated", "payment_link.created"]


@BOTH
def test_a_link_is_made_once_per_idempotency_key(shop: Shop, path: str) -> None:
    first, again = (shop.post(path, {"amount": 500}, Idempotency_Key="k") for _ in range(2))
    assert (first.data, again.headers["Idempotent-Replayed"]) == (again.data, "true")
    assert len(shop.get(path).json["data"]) == 1


@BOTH
def test_lists_are_paged_and_filtered(shop: Shop, path: str) -> None:
    ids = [made(shop.post(path, {"amount": 500 + turn}))["id"] for turn in range(3)][::-1]
    shop.post(f"{path}/{ids[1]}/deactivate")
    page = shop.get(f"{path}?limit=2").json
    assert ([link["id"] for link in page["data"]], page["has_more"]) == (ids[:2], True)
    assert [link["id"] for link in shop.get(f"{path}?cursor={page['next_cursor']}").json["data"]] == ids[2:]
    assert [link["id"] for link in shop.get(f"{path}?active=false").json["data"]] == [ids[1]]
    assert [link["id"] for link in shop.get(f"{path}?active=true").json["data"]] == [ids[0], ids[2]]
    refused(shop.get(f"{path}?active=yes"), "active")


# ---------------------------------------------------------------- whose it is


@BOTH
@pytest.mark.parametrize("call", ["retrieve", "deactivate", "list"])
def test_links_of_others_of_the_other_mode_and_version_are_not_there(shared_app: Flask, path: str, call: str) -> None:
    shop = Shop(shared_app)
    link = made(shop.post(path, {"amount": 500}))
    others = [(Shop(shared_app), path), (Shop(shared_app, shop.merchant, livemode=True), path)]
    others.append((shop, V1 if path == V2 else V2))
    for other, where in others:
        if call == "list":
            assert other.get(where).json["data"] == []
        elif call == "retrieve":
            error(other.get(f"{where}/{link['id']}"), 404, "IKW-RES-001")
        else:
            error(other.post(f"{where}/{link['id']}/deactivate"), 404, "IKW-RES-001")
    assert shop.get(f"{path}/{link['id']}").json["active"] is True


# ---------------------------------------------------------------- sessions of a link


@pytest.mark.parametrize(
    ("path", "field", "told"), [(V1, "paymentLinkId", "payment_link"), (V2, "paymentLinkV2Id", "payment_link_v2")]
)
def test_a_session_of_a_link_has_its_values_and_names_it(shop: Shop, path: str, field: str, told: str) -> None:
    link = made(shop.post(path, {"amount": 700, "currency": "XAF", "country": "CM", "description": "Cotisation"}))
    session = made(shop.post(SESSIONS, {field: link["id"]}))
    assert (session["amount"], session["currency"], session["country"]) == (700, "XAF", "CM")
    assert (session["description"], session[told]) == ("Cotisation", link["id"])
    shop.opened()
    assert [row["id"] for row in shop.get(f"{SESSIONS}?payment_link={link['id']}").json["data"]] == [session["id"]]


@pytest.mark.parametrize("field", ["paymentLinkId", "paymentLinkV2Id"])
def test_a_session_finds_no_link_of_others_of_the_other_mode_and_version(shared_app: Flask, field: str) -> None:
    shop, own = Shop(shared_app), V1 if field == "paymentLinkId" else V2
    link = made(shop.post(own, {"amount": 500}))
    for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
        error(other.post(SESSIONS, {field: link["id"]}), 404, "IKW-RES-001")
    of_the_other = made(shop.post(V2 if own == V1 else V1, {"amount": 500}))
    error(shop.post(SESSIONS, {field: of_the_other["id"]}), 404, "IKW-RES-001")


def test_a_session_of_an_ended_link_is_told_so(shop: Shop) -> None:
    link = made(shop.post(V1, {"amount": 500}))
    shop.post(f"{V1}/{link['id']}/deactivate")
    told = error(shop.post(SESSIONS, {"paymentLinkId": link["id"]}), 410, "IKW-CHK-005")
    assert told["details"] == {"payment_link": ["inactive"]}


def test_a_payer_who_comes_too_late_is_told_so(shop: Shop) -> None:
    link = made(shop.post(V1, {"amount": 500, "isSingleUse": True}))
    ids = [made(shop.post(SESSIONS, {"paymentLinkId": link["id"]}))["id"] for _ in range(2)]
    card = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    assert shop.post(f"/api/checkout/{ids[0]}/pay", card).status_code == 200
    told = error(shop.post(f"/api/checkout/{ids[1]}/pay", card), 410, "IKW-CHK-005")
    assert told["details"] == {"payment_link": ["used"]}
    assert shop.get(f"{V1}/{link['id']}").json["status"] == "used"


def test_an_expiry_that_comes_is_told(shop: Shop) -> None:
    soon = datetime.now(UTC) + timedelta(hours=2)
    link = made(shop.post(V1, {"amount": 500, "expiresAt": soon.isoformat()}))
    session = made(shop.post(SESSIONS, {"paymentLinkId": link["id"]}))
    assert session["expires_at"] == int(soon.timestamp())


def test_who_may_only_read_makes_no_link(shared_app: Flask) -> None:
    reader = factories.credential(scopes=[Scope.PAYMENTS_READ])
    answer = shared_app.test_client().post(V2, headers={"Authorization": f"Bearer {reader}"})
    error(answer, 403, "IKW-AUTHZ-001")
