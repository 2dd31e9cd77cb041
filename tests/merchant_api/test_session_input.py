"""What a merchant may send to open a session, and how each wrong request is told what is wrong."""

import gzip
import io
import json
import time
from typing import Any

import pytest
from flask import Flask

from ikawaari.edge.naming import snake
from ikawaari.merchant_api.schemas.sessions import CheckoutSessionInput
from ikawaari.store.models import Event
from tests import factories
from tests.merchant_api.calls import SESSIONS, Shop, error, refused

UUID = "6f1c2f0a-1111-4222-8333-944455556666"
ITEM = {"name": "Wax", "amount": 2500, "quantity": 2}
DROPDOWN = {"key": "size", "label": "Size", "type": "dropdown", "options": ["S", {"label": "Large", "value": "L"}]}
TEXT = {"key": "note", "label": "Note", "type": "text"}


def wrong(field: str, *values: Any) -> list[tuple[dict[str, Any], str]]:
    """Each of `values` is wrong for `field`, and the answer says so of that field."""
    return [({field: value}, field) for value in values]


AMOUNTS = (0, -1, 5000.0, 5.5, 1e3, "5000", True, False, [5000], {"amount": 1}, 2**63, 10**30)
URLS = (
    *("javascript:alert(1)", "ftp://shop.example/a", "//shop.example", "/merci", "shop.example", "https://"),
    *("https://user:secret@shop.example/", "https://user@shop.example/", "https://shop.example/a b"),
    *("https://shop.example\\@evil.example/", "https://shop.example:port/", "https://shop.example:0/"),
    *("https://[::1/", "https://shop.example/\n", "https://shop.example/\u2028", 'https://shop.example/"><b>'),
    *("https://shop.example/" + "a" * 2048, 5, ["https://shop.example"], {"url": "https://shop.example"}),
)
FIELDS = (
    *wrong("amount", *AMOUNTS),
    *wrong("amountMin", *AMOUNTS),
    *wrong("amountMax", *AMOUNTS),
    *wrong("currency", "XO", "XOFF", "AAA", "ₓOF", "bıf", 952, ["XOF"]),
    *wrong("country", "S", "SEN", "XX", "ß", "ZZ", 221, {}),
    *wrong("paymentMethodTypes", [], "card", {"type": "card"}, ["card"] * 11),
    *wrong("successUrl", *URLS),
    *wrong("cancelUrl", *URLS),
    *wrong("paymentLinkId", "1", "6f1c2f0a", 5, [UUID]),
    *wrong("paymentLinkV2Id", "zzzzzzzz-1111-4222-8333-944455556666"),
    *wrong("deferPaymentIntentCreation", "true", 1, 0, 1.0, "yes", []),
    *wrong("metadata", [1], "a", 5, {str(key): key for key in range(51)}, {"k" * 256: 1}, {"k": "é" * 8200}),
    *wrong("mode", "setup", "PAYMENT", 1),
    *wrong("recurring", "month", [1]),
    *wrong("description", "a" * 501, 5),
    *wrong("customText", "a" * 501, 5, "a\nb", "a\r\n", "a\u2028b", ["a"]),
    *wrong("lineItems", {}, "Wax", [ITEM] * 101),
    *wrong("clientReferenceId", "a" * 256, 5),
    *wrong("locale", "de", "FR", 1),
    *wrong("expiresAt", 0, -1, 10**30, 253_402_300_799, "1767225600", 1.5, True),
    *wrong("customFields", {}, [TEXT | {"key": str(key)} for key in range(21)]),
    *wrong("amountPresets", 5, [1] * 11),
    *wrong("no_such_field", 1, None),
    *wrong("__proto__", {}),
)
INSIDE = (
    ({"paymentMethodTypes": ["paypal"]}, "paymentMethodTypes.0"),
    ({"paymentMethodTypes": ["card", None]}, "paymentMethodTypes.1"),
    ({"amountPresets": [500, 0]}, "amountPresets.1"),
    ({"amountPresets": [500, "1000"]}, "amountPresets.1"),
    ({"lineItems": [5]}, "lineItems.0"),
    ({"lineItems": [{"amount": 1}]}, "lineItems.0.name"),
    ({"lineItems": [ITEM, {"name": "Bag"}]}, "lineItems.1.amount"),
    ({"lineItems": [ITEM | {"amount": 1.5}]}, "lineItems.0.amount"),
    ({"lineItems": [ITEM | {"quantity": 0}]}, "lineItems.0.quantity"),
    ({"lineItems": [ITEM | {"quantity": 1_000_001}]}, "lineItems.0.quantity"),
    ({"lineItems": [ITEM | {"currency": "EUR"}]}, "lineItems.0.currency"),
    ({"lineItems": [ITEM | {"colour": "red"}]}, "lineItems.0.colour"),
    ({"lineItems": [ITEM | {"name": "a" * 201}]}, "lineItems.0.name"),
    ({"customFields": [TEXT | {"key": "a b"}]}, "customFields.0.key"),
    ({"customFields": [TEXT | {"key": "a" * 41}]}, "customFields.0.key"),
    ({"customFields": [TEXT | {"key": "note\n"}]}, "customFields.0.key"),
    ({"customFields": [TEXT | {"label": "a" * 101}]}, "customFields.0.label"),
    ({"customFields": [TEXT | {"type": "file"}]}, "customFields.0.type"),
    ({"customFields": [TEXT | {"required": "yes"}]}, "customFields.0.required"),
    ({"customFields": [TEXT | {"required": 1}]}, "customFields.0.required"),
    ({"customFields": [TEXT | {"options": ["S"]}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": None}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": []}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": ["S", 5]}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": [{"label": "S"}]}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": [{"label": "S", "value": ""}]}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": [str(size) for size in range(201)]}]}, "customFields.0.options"),
    ({"mode": "subscription", "amount": 1, "recurring": {}}, "recurring.interval"),
    ({"mode": "subscription", "amount": 1, "recurring": []}, "recurring.interval"),
    ({"lineItems": [ITEM | {"name": ""}]}, "lineItems.0.name"),
    ({"lineItems": [ITEM | {"name": " \t "}]}, "lineItems.0.name"),
    ({"customFields": [TEXT | {"label": ""}]}, "customFields.0.label"),
    ({"mode": "subscription", "amount": 1, "recurring": {"interval": "hour"}}, "recurring.interval"),
    ({"recurring": {"interval": "day", "intervalCount": 0}}, "recurring.intervalCount"),
    ({"recurring": {"interval": "day", "trialPeriodDays": 731}}, "recurring.trialPeriodDays"),
    ({"recurring": {"interval": "day", "anchor": 1}}, "recurring.anchor"),
)
TOGETHER = (
    ({"amount": 4999, "lineItems": [ITEM]}, "lineItems"),
    ({"lineItems": [ITEM | {"amount": 2**62}]}, "lineItems"),
    ({"customFields": [TEXT, TEXT]}, "customFields"),
    ({"mode": "subscription", "amount": 5000}, "recurring"),
    ({"mode": "subscription", "recurring": {"interval": "month"}}, "amount"),
    ({"recurring": {"interval": "month"}}, "recurring"),
    ({"amount": 5000, "amountMin": 1}, "amountMin"),
    ({"amount": 5000, "amountMax": 1}, "amountMax"),
    ({"amount": 5000, "amountPresets": [1]}, "amountPresets"),
    ({"amountMin": 2, "amountMax": 1}, "amountMin"),
    ({"amountMin": 500, "amountPresets": [499]}, "amountPresets"),
    ({"amountMax": 500, "amountPresets": [501]}, "amountPresets"),
    ({"success_url": "https://a.example", "successUrl": "https://a.example"}, "successUrl"),
    ({"lineItems": [ITEM], "line_items": [ITEM]}, "lineItems"),
)


@pytest.mark.parametrize(("body", "field"), FIELDS + INSIDE + TOGETHER, ids=lambda value: str(value)[:60])
def test_a_wrong_field_is_named(shared_shop: Shop, body: dict[str, Any], field: str) -> None:
    refused(shared_shop.post(SESSIONS, body), field)


def test_every_wrong_field_is_named_at_once(shared_shop: Shop) -> None:
    body = {"amount": "a", "currency": 1, "lineItems": [{"name": ""}], "nope": 1}
    refused(shared_shop.post(SESSIONS, body), "amount", "currency", "lineItems.0.name", "lineItems.0.amount", "nope")


@pytest.mark.parametrize("seconds", [0, 28 * 60, 7 * 86_400 + 120])
def test_a_session_lives_from_half_an_hour_to_seven_days(shared_shop: Shop, seconds: int) -> None:
    refused(shared_shop.post(SESSIONS, {"expiresAt": int(time.time()) + seconds}), "expiresAt")


@pytest.mark.parametrize("field", ["success_url", "cancelUrl"])
def test_live_mode_wants_https(shared_app: Flask, field: str) -> None:
    shop = Shop(shared_app, livemode=True)
    answer = shop.post(SESSIONS, {field: "http://shop.example/"})
    refused(answer, "successUrl" if field == "success_url" else field)


# ---------------------------------------------------------------- what shops send when they have nothing to say

OPTIONAL = (
    *("currency", "country", "successUrl", "cancelUrl", "customerEmail", "customerPhone", "paymentLinkId", "mode"),
    *("paymentLinkV2Id", "description", "clientReferenceId", "locale"),
)


@pytest.mark.parametrize("nothing", ["", "   ", "\u00a0\n", None])
@pytest.mark.parametrize("field", OPTIONAL)
def test_an_empty_text_says_the_same_as_absence(shared_shop: Shop, field: str, nothing: str | None) -> None:
    for name in (field, snake(field)):
        session = shared_shop.opened(**{name: nothing})
        assert session["warnings"] == []
        absent = shared_shop.opened()
        assert {k: v for k, v in session.items() if k not in MADE} == {k: v for k, v in absent.items() if k not in MADE}


MADE = {"id", "url", "payment_intent", "created", "expires_at"}


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b"", b" [ ] ", b'{"metadata": [], "lineItems": [], "customFields": []}']
)
def test_an_empty_array_is_the_empty_object(shared_shop: Shop, body: bytes) -> None:
    answer = shared_shop.post(SESSIONS, body)
    assert (answer.status_code, answer.json["metadata"]) == (201, {})


def test_an_empty_array_inside_of_metadata_stays_one(shared_shop: Shop) -> None:
    assert shared_shop.opened(metadata={"tags": []})["metadata"] == {"tags": []}


# ---------------------------------------------------------------- prefills never refuse a sale


def wrong_prefills(field: str, *values: Any) -> list[tuple[str, Any]]:
    """Each of `values` cannot be used for `field`."""
    return [(field, value) for value in values]


UNUSABLE: tuple[tuple[str, Any], ...] = (
    *wrong_prefills("customerEmail", "a", "a@b", "a@b@c.d", "a b@c.d", "a" * 310 + "@shop.example", 5, ["a@b.sn"]),
    *wrong_prefills("customerPhone", "77", "77 12", "not a number", "+2217712345678901234", "1" * 33, 5, {}),
    *wrong_prefills("customerPhone", "07 00 00 00 00", "4242 4242 4242 4242", True),
)


@pytest.mark.parametrize(("field", "value"), UNUSABLE, ids=lambda value: str(value)[:30])
def test_a_prefill_that_cannot_be_used_is_left_out_and_named(shared_shop: Shop, field: str, value: Any) -> None:
    for name in (field, snake(field)):
        session = shared_shop.opened(**{name: value})
        assert [warning["field"] for warning in session["warnings"]] == [name]
        assert (session[snake(field)], session["customer_details"]) == (None, None)


def test_what_can_be_used_is_cleaned_and_not_warned_of(shared_shop: Shop) -> None:
    session = shared_shop.opened(customerEmail=" awa@b.sn\n", customerPhone=771234567)
    assert (session["customer_email"], session["customer_phone"]) == ("awa@b.sn", "+221771234567")
    assert session["warnings"] == []


def test_both_are_named_and_a_replay_names_them_again(shared_shop: Shop) -> None:
    body = {"customerEmail": "a", "customer_phone": "77 12"}
    first, again = (shared_shop.post(SESSIONS, body, Idempotency_Key="warned") for _ in range(2))
    assert [warning["field"] for warning in first.json["warnings"]] == ["customerEmail", "customer_phone"]
    assert again.data == first.data
    session_id = first.json["id"]
    assert "warnings" not in shared_shop.get(f"{SESSIONS}/{session_id}").json
    told = Event.get(Event.object_id == session_id, Event.type == "checkout.session.created")
    assert "warnings" not in json.loads(told.body)["data"]


def test_the_payers_country_may_come_from_the_link(shared_shop: Shop) -> None:
    link = shared_shop.post("/api/v1/payment_links", {"amount": 5000, "country": "CI"}).json
    assert link["warnings"] == []
    session = shared_shop.post(SESSIONS, {"paymentLinkId": link["id"], "customerPhone": "07 00 00 00 00"}).json
    assert (session["customer_phone"], session["warnings"]) == ("+2250700000000", [])


# ---------------------------------------------------------------- texts that nobody can store

TEXTS = (
    *("description", "customerEmail", "customerPhone", "clientReferenceId", "successUrl", "cancelUrl", "currency"),
    *("country", "mode", "locale", "paymentLinkId"),
)


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udfff"])
@pytest.mark.parametrize("field", TEXTS)
def test_nul_and_half_a_surrogate_pair_are_refused(shared_shop: Shop, field: str, escape: str) -> None:
    refused(shared_shop.post(SESSIONS, f'{{"{field}": "a{escape}b"}}'.encode()), field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"metadata": {"a": ["\\u0000"]}}', "metadata.a.0"),
        ('{"metadata": {"a": {"\\u0000": 1}}}', "metadata.a"),
        ('{"\\ud800": 1}', "body"),
        ('{"lineItems": [{"name": "\\udc00", "amount": 1}]}', "lineItems.0.name"),
        ('{"customFields": [{"key": "a", "label": "\\u0000", "type": "text"}]}', "customFields.0.label"),
        ('{"metadata": {"a": ' + "[" * 40 + "]" * 40 + "}}", "metadata"),
        ('{"metadata": ' + '{"a":' * 900 + "1" + "}" * 900 + "}", "metadata"),
    ],
    ids=["nul in metadata", "nul as key", "surrogate as key", "item name", "label", "40 levels", "900 levels"],
)
def test_what_cannot_be_kept_is_named_by_its_place(shared_shop: Shop, body: str, field: str) -> None:
    refused(shared_shop.post(SESSIONS, body.encode()), field)


# ---------------------------------------------------------------- bodies that are no JSON object

BODIES = {
    "cut off": b'{"amount": 5000',
    "two values": b"{} {}",
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"metadata": {"a": Infinity}}',
    "over a double": b'{"metadata": {"a": 1e400}}',
    "5000 digits": b'{"amount": ' + b"9" * 5000 + b"}",
    "invalid UTF-8": b'{"description": "\xff"}',
    "a surrogate's bytes": b'{"description": "\xed\xa0\x80"}',
    "UTF-16": '{"amount": 1}'.encode("utf-16"),
    "101 digits": b'{"metadata": {"a": ' + b"9" * 101 + b"}}",
    "a raw NUL": b'{"description": "\x00"}',
    "an array": b"[1]",
    "a text": b'"amount"',
    "a number": b"5000",
    "null": b"null",
    "true": b"true",
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 20_000,
    "single quotes": b"{'amount': 1}",
    "a form": b"amount=5000",
    "spaces": b"   ",
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_not_a_json_object_is_refused(shared_shop: Shop, name: str) -> None:
    error(shared_shop.post(SESSIONS, BODIES[name]), 400, "IKW-REQ-002")


def test_a_byte_order_mark_is_passed_over(shared_shop: Shop) -> None:
    assert shared_shop.post(SESSIONS, b'\xef\xbb\xbf{"amount": 1}').json["amount"] == 1


@pytest.mark.parametrize(
    ("body", "headers", "named"),
    [
        (gzip.compress(b'{"amount": 1}', mtime=0), {"Content_Encoding": "gzip"}, "compressed"),
        (gzip.compress(b'{"amount": 1}', mtime=0), {}, "compressed"),
        (b'{"amount": 1}', {"Content_Encoding": "br"}, "compressed"),
        ('{"description": "é"}'.encode("latin-1"), {"Content_Type": "application/json; charset=ISO-8859-1"}, "UTF-8"),
        ('{"amount": 1}'.encode("utf-16"), {"Content_Type": 'application/json; charset="utf-16"'}, "UTF-8"),
    ],
)
def test_a_body_in_another_coding_is_told_which_one_is_read(
    shared_shop: Shop, body: bytes, headers: dict[str, str], named: str
) -> None:
    assert named in error(shared_shop.post(SESSIONS, body, **headers), 415, "IKW-REQ-003")["message"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii"])
def test_the_names_of_utf_8_are_known(shared_shop: Shop, charset: str) -> None:
    headers = {"Content_Type": f"application/json; charset={charset}", "Content_Encoding": "identity"}
    assert shared_shop.post(SESSIONS, b'{"amount": 1}', **headers).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"amount": 1, "amount": 2}', "amount"),
        ('{"lineItems": [{"name": "a", "name": "b"}]}', "name"),
        ('{"metadata": {"a": 1, "\\u0061": 1}}', "a"),
        ('{"4242424242424242": 1, "4242424242424242": 2}', "body"),
    ],
)
def test_a_key_that_stands_twice_is_refused(shared_shop: Shop, body: str, field: str) -> None:
    refused(shared_shop.post(SESSIONS, body.encode()), field)


def test_a_body_has_a_bounded_number_of_values(shared_shop: Shop) -> None:
    refused(shared_shop.post(SESSIONS, {"metadata": {"a": [1] * 20_000}}), "body")
    options = [{"label": f"Size {size}", "value": str(size)} for size in range(200)]
    fields = [DROPDOWN | {"key": str(key), "options": options} for key in range(10)]
    assert len(shared_shop.opened(customFields=fields)["custom_fields"]) == 10


# ---------------------------------------------------------------- no card number in what people read

CARD = "4242 4242 4242 4242"
PROSE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"description": f"Carte {CARD}"}, "description"),
    ({"customText": f"Carte {CARD}"}, "customText"),
    ({"lineItems": [ITEM | {"name": CARD}]}, "lineItems.0.name"),
    ({"customFields": [TEXT | {"label": CARD}]}, "customFields.0.label"),
    ({"customFields": [DROPDOWN | {"options": [CARD, "b"]}]}, "customFields.0.options"),
    ({"customFields": [DROPDOWN | {"options": [{"label": "a", "value": CARD}]}]}, "customFields.0.options"),
    ({"clientReferenceId": CARD}, "clientReferenceId"),
    ({"metadata": {"order": CARD}}, "metadata"),
    ({"metadata": {"a": [{"order": 4242424242424242}]}}, "metadata"),
    ({CARD: 1}, "body"),
)


@pytest.mark.parametrize(("body", "field"), PROSE, ids=[str(body)[:40] for body, _ in PROSE])
def test_a_card_number_is_refused_and_not_told_again(shared_shop: Shop, body: dict[str, Any], field: str) -> None:
    answer = shared_shop.post(SESSIONS, body)
    refused(answer, field, code="IKW-CHK-004")
    assert "4242" not in answer.text


@pytest.mark.parametrize(
    "reference", [f"CMD-{CARD}", "4242424242424241", "1763000000000", "5000000000009", f"{CARD} A"]
)
def test_an_order_number_that_only_looks_like_a_card_loses_no_sale(shared_shop: Shop, reference: str) -> None:
    session = shared_shop.opened(clientReferenceId=reference, metadata={"order": reference, reference: [reference]})
    assert session["client_reference_id"] == reference


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"]
)
def test_a_body_of_another_content_type_is_refused(shared_shop: Shop, content_type: str) -> None:
    error(shared_shop.post(SESSIONS, b'{"amount": 5000}', Content_Type=content_type), 415, "IKW-REQ-003")


def test_a_body_that_is_too_large_is_refused(shared_shop: Shop) -> None:
    error(shared_shop.post(SESSIONS, b'{"description": "' + b"a" * 131_072 + b'"}'), 413, "IKW-REQ-004")


def test_a_large_body_without_its_length_is_refused(shared_shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shared_shop.key}", "Transfer-Encoding": "chunked"}
    for size, status in ((131_073, 413), (131_071, 201)):
        body = io.BytesIO(b"{" + b" " * (size - 2) + b"}")
        chunked = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": "application/json"}
        answer = shared_shop.client.post(SESSIONS, headers=headers, environ_overrides=chunked)
        assert answer.status_code == status, answer.text


# ---------------------------------------------------------------- what is right

WHOLE = {
    "amount": 5000,
    "currency": "xof",
    "country": "sn",
    "paymentMethodTypes": ["mobile_money", "card", "card"],
    "successUrl": "http://shop.example/merci?s={CHECKOUT_SESSION_ID}",
    "cancelUrl": "HTTPS://shop.example:8443/é#panier",
    "customerEmail": "awa@shop.example",
    "customerPhone": "77 123 45 67",
    "deferPaymentIntentCreation": True,
    "metadata": {"z": [1.5, None, {"a": "é"}], "a": 10**40},
    "mode": "subscription",
    "recurring": {"interval": "month", "intervalCount": 2, "trialPeriodDays": 7},
    "description": "🧵 Wax",
    "customText": "Livré demain.",
    "lineItems": [ITEM | {"currency": "xof"}],
    "clientReferenceId": "1042",
    "locale": "fr",
    "customFields": [DROPDOWN, TEXT | {"required": True}],
}


def test_an_empty_request_opens_a_session(shared_shop: Shop) -> None:
    bodies: tuple[object, ...] = ({}, None, b"")
    for body in bodies:
        answer = shared_shop.post(SESSIONS, body)
        assert (answer.status_code, answer.json["amount"], answer.json["currency"]) == (201, None, "XOF")


def test_every_field_comes_back(shared_shop: Shop) -> None:
    session = shared_shop.opened(**WHOLE)
    assert (session["currency"], session["country"]) == ("XOF", "SN")
    assert session["payment_method_types"] == ["mobile_money", "card"]
    assert session["customer_phone"] == "+221771234567"
    assert session["payment_intent"] is None
    assert session["recurring"] == {"interval": "month", "interval_count": 2, "trial_period_days": 7}
    assert json.dumps(session["metadata"]) == json.dumps(WHOLE["metadata"])
    assert [field["options"] for field in session["custom_fields"]] == [
        [{"label": "S", "value": "S"}, {"label": "Large", "value": "L"}],
        None,
    ]
    same = (
        *("amount", "description", "custom_text", "locale", "client_reference_id"),
        *("success_url", "cancel_url", "customer_email"),
    )
    assert {snake(name): value for name, value in WHOLE.items() if snake(name) in same} == {n: session[n] for n in same}


def test_the_snake_case_spelling_of_every_field_means_the_same(shared_shop: Shop) -> None:
    bounds = {"amountMin": 100, "amountMax": 900, "amountPresets": [100, 900]}
    whole = shared_shop.opened(**{snake(name): value for name, value in WHOLE.items()})
    chosen = shared_shop.opened(amount=None, **{snake(name): value for name, value in bounds.items()})
    assert whole["success_url"] == WHOLE["successUrl"]
    assert {name: chosen[snake(name)] for name in bounds} == bounds
    tried = {*WHOLE, *bounds, "expiresAt", "paymentLinkId", "paymentLinkV2Id"}
    assert {field.data_key or name for name, field in CheckoutSessionInput().fields.items()} == tried
    refused(shared_shop.post(SESSIONS, {"expires_at": 1}), "expiresAt")


def test_null_says_the_same_as_absence_for_every_field(shared_shop: Shop) -> None:
    nulls = {field.data_key or name: None for name, field in CheckoutSessionInput().fields.items()}
    nothing, absent = shared_shop.post(SESSIONS, nulls), shared_shop.post(SESSIONS, {})
    own = {"id", "url", "created", "expires_at"}
    assert {k: v for k, v in nothing.json.items() if k not in own} == {
        k: v for k, v in absent.json.items() if k not in own
    }


def test_line_items_give_the_amount(shared_shop: Shop) -> None:
    session = shared_shop.opened(amount=None, lineItems=[ITEM, {"name": "Bag", "amount": 500}])
    assert (session["amount"], session["line_items"][1]["quantity"]) == (5500, 1)


@pytest.mark.parametrize("amount", [1, 2**63 - 1])
def test_amounts_reach_from_one_to_the_largest_int64(shared_shop: Shop, amount: int) -> None:
    assert shared_shop.opened(amount=amount)["amount"] == amount


@pytest.mark.parametrize("seconds", [30 * 60, 7 * 86_400])
def test_the_shortest_and_the_longest_life_are_given(shared_shop: Shop, seconds: int) -> None:
    ends_at = int(time.time()) + seconds
    assert shared_shop.opened(expiresAt=ends_at)["expires_at"] == ends_at


@pytest.mark.parametrize("names", [("paymentLinkId", "paymentLinkV2Id"), ("payment_link_id", "payment_link_v2_id")])
def test_a_session_comes_from_one_link(shared_shop: Shop, names: tuple[str, str]) -> None:
    refused(shared_shop.post(SESSIONS, dict.fromkeys(names, UUID)), "paymentLinkId", "paymentLinkV2Id")


@pytest.mark.parametrize("field", ["paymentLinkId", "payment_link_v2_id"])
def test_an_unknown_payment_link_is_not_found(shared_shop: Shop, field: str) -> None:
    error(shared_shop.post(SESSIONS, {field: UUID}), 404, "IKW-RES-001")


def test_live_sessions_are_live(shared_app: Flask) -> None:
    session = Shop(shared_app, factories.merchant(), livemode=True).opened(successUrl="https://shop.example/")
    assert session["livemode"] is True
