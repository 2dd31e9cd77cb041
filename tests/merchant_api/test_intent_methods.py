"""What to pay an intent with: in `payment_method` or in `payment_method_data`, as an object or as a token."""

from typing import Any

import pytest

from ikawaari.store.models import PaymentAttempt, PaymentIntent
from tests import factories
from tests.merchant_api.calls import Answer, Shop, error, refused
from tests.merchant_api.test_intents import INTENTS, NEW, confirm, created

FIELDS = ("payment_method", "payment_method_data")
WALLET: dict[str, Any] = {
    "type": "mobile_money",
    "mobile_money": {"operator": "orange_sn", "country": "SN", "msisdn": factories.phone("011")},
}
CARD: dict[str, Any] = {"type": "card", "card": {"token": "tok_test_card"}}


def wallet(**changes: Any) -> dict[str, Any]:
    """The wallet with other details."""
    return WALLET | {"mobile_money": WALLET["mobile_money"] | changes}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("method", [WALLET, CARD], ids=["wallet", "card"])
def test_the_object_is_taken_in_either_field(shared_shop: Shop, field: str, method: dict[str, Any]) -> None:
    confirmed = confirm(shared_shop, created(shared_shop), {field: method})
    at_once = shared_shop.post(INTENTS, NEW | {"confirm": True, field: method})
    later = created(shared_shop, **{field: method})
    assert later["status"] == "requires_confirmation"
    answers = (confirmed, at_once, confirm(shared_shop, later))
    assert [answer.status_code for answer in answers] == [200, 201, 200], [answer.text for answer in answers]
    assert {answer.json["attempts"][0]["type"] for answer in answers} == {method["type"]}


@pytest.mark.parametrize("field", FIELDS)
def test_unknown_members_beside_the_known_ones_are_ignored(shared_shop: Shop, field: str) -> None:
    method = WALLET | {"bank": {"iban": "SN12"}, "id": "pm_1", "metadata": [], "card": []}
    assert confirm(shared_shop, created(shared_shop), {field: method}).status_code == 200
    refused(confirm(shared_shop, created(shared_shop), {field: wallet(pin="1")}), f"{field}.mobile_money.pin")
    refused(confirm(shared_shop, created(shared_shop), {"method": WALLET}), "method")


@pytest.mark.parametrize("field", FIELDS)
def test_the_member_of_the_other_type_does_not_count(shared_shop: Shop, field: str) -> None:
    for method in (CARD | {"mobile_money": {"operator": 5}}, WALLET | {"card": {"token": ""}}):
        assert confirm(shared_shop, created(shared_shop), {field: method}).status_code == 200


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", ["msisdn", "phone", "phone_number"])
def test_an_error_names_the_fields_that_the_client_used(shared_shop: Shop, field: str, name: str) -> None:
    bad = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", name: "+22177"}}
    answers = [
        confirm(shared_shop, created(shared_shop), {field: bad}),
        shared_shop.post(INTENTS, NEW | {"confirm": True, field: bad}),
        confirm(shared_shop, {"id": shared_shop.opened()["payment_intent"]}, {field: bad}),
    ]
    for answer in answers:
        refused(answer, f"{field}.mobile_money.{name}", code="IKW-CHK-002")
    unknown = confirm(shared_shop, created(shared_shop), {field: wallet(operator="orange_fr")})
    refused(unknown, f"{field}.mobile_money.operator", code="IKW-CHK-002")


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        ({}, "type"),
        ([], "type"),
        ({"type": "cash"}, "type"),
        ({"type": {}}, "type"),
        ({"type": "card"}, "card"),
        ({"type": "card", "card": []}, "card.token"),
        ({"type": "mobile_money"}, "mobile_money"),
        ({"type": "mobile_money", "mobile_money": "orange"}, "mobile_money"),
        ({"type": "card", "card": {"token": "pm_1"}}, "card.token"),
    ],
    ids=str,
)
@pytest.mark.parametrize("field", FIELDS)
def test_what_is_missing_in_the_object_is_named(shared_shop: Shop, field: str, method: Any, missing: str) -> None:
    refused(confirm(shared_shop, created(shared_shop), {field: method}), f"{field}.{missing}")


@pytest.mark.parametrize("text", ["pm_1", "tok_", "tok_é", "orange_sn", "tok_a b", 5, True, ["tok_test_card"]])
def test_any_other_text_than_a_token_is_refused(shared_shop: Shop, text: Any) -> None:
    refused(confirm(shared_shop, created(shared_shop), {"payment_method": text}), "payment_method")


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("4242424242424242", ""),
        ("4242 4242 4242 4242", ""),
        ("tok_4242424242424242", ""),
        ({"type": "card", "card": {"token": "4242424242424242"}}, ".card.token"),
        ({"type": "card", "card": {"number": "4242 4242 4242 4242", "cvc": "123"}}, ".card.number"),
    ],
    ids=str,
)
def test_a_card_number_is_refused_and_never_repeated(shared_shop: Shop, method: Any, name: str) -> None:
    answer = confirm(shared_shop, created(shared_shop), {"payment_method": method})
    refused(answer, f"payment_method{name}", code="IKW-CHK-004")
    assert "4242" not in answer.text
    if isinstance(method, dict):
        answer = confirm(shared_shop, created(shared_shop), {"payment_method_data": method})
        refused(answer, f"payment_method_data{name}", code="IKW-CHK-004")


# ---------------------------------------------------------------- both fields at once

SAME = [
    (WALLET, WALLET),
    (WALLET, wallet(operator="Orange Money")),
    (WALLET, wallet(msisdn="77 123 40 11")),
    (WALLET, {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone": "00221771234011"}}),
    (WALLET, wallet(preferred_flow="ussd_push")),
    ("tok_test_card", CARD),
    ("", WALLET),
    (None, WALLET),
    (WALLET, None),
]
DIFFERENT = [
    (WALLET, wallet(msisdn=factories.phone("500"))),
    (WALLET, wallet(operator="free_sn")),
    (WALLET, CARD),
    ("tok_test_card", WALLET),
    ("tok_test_declined", CARD),
]


def both(one: Any, other: Any) -> dict[str, Any]:
    """A body with both fields."""
    return {"payment_method": one, "payment_method_data": other}


def asked(shop: Shop, body: dict[str, Any]) -> list[Answer]:
    """Every way to say it: to confirm, to create, and of a session's intent."""
    return [
        confirm(shop, created(shop), body),
        shop.post(INTENTS, NEW | {"confirm": True} | body),
        shop.post(INTENTS, NEW | body),
        confirm(shop, {"id": shop.opened()["payment_intent"]}, body),
    ]


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda value: str(value)[:40])
def test_both_fields_may_say_the_same(shared_shop: Shop, one: Any, other: Any) -> None:
    answers = asked(shared_shop, both(one, other))
    assert [answer.status_code for answer in answers] == [200, 201, 201, 200], [answer.text for answer in answers]


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=lambda value: str(value)[:40])
def test_both_fields_may_not_differ(shared_shop: Shop, one: Any, other: Any) -> None:
    before = (PaymentIntent.select().count(), PaymentAttempt.select().count())
    answers = asked(shared_shop, both(one, other))
    for answer in answers:
        refused(answer, *FIELDS, code="IKW-CHK-002")
    made = (PaymentIntent.select().count(), PaymentAttempt.select().count())
    assert made == (before[0] + 2, before[1])  # those that `asked` itself created


def test_the_field_at_fault_is_named_when_both_are_there(shared_shop: Shop) -> None:
    for body in (both(WALLET, wallet(msisdn="12")), both(wallet(msisdn="12"), WALLET)):
        name = next(name for name in FIELDS if body[name] != WALLET)
        answer = confirm(shared_shop, created(shared_shop), body)
        refused(answer, f"{name}.mobile_money.msisdn", code="IKW-CHK-002")


@pytest.mark.parametrize("field", FIELDS)
def test_the_code_is_taken_in_either_field(shared_shop: Shop, field: str) -> None:
    intent = created(shared_shop)
    assert confirm(shared_shop, intent, {field: wallet(msisdn=factories.phone("009"))}).json["next_action"]
    code = {"type": "mobile_money", "mobile_money": {"otp": "123456"}}
    assert confirm(shared_shop, intent, {field: code}).json["status"] == "succeeded"


@pytest.mark.parametrize("word", ["pull", "ussd", "PUSH", "", None])
def test_an_unknown_preferred_flow_is_passed_over(shared_shop: Shop, word: str | None) -> None:
    answer = confirm(shared_shop, created(shared_shop), {"payment_method": wallet(preferred_flow=word)})
    assert answer.json["next_action"]["type"] == "mobile_money_ussd"
    refused(
        confirm(shared_shop, created(shared_shop), {"payment_method": wallet(preferred_flow=5)}),
        "payment_method.mobile_money.preferred_flow",
    )


def test_a_live_return_address_without_tls_leaves_nothing_behind(shared_shop: Shop) -> None:
    live = Shop(shared_shop.client.application, livemode=True)
    body = NEW | {"confirm": True, "payment_method": "tok_test_card", "return_url": "http://shop.example/back"}
    assert "return_url" in error(live.post(INTENTS, body), 400, "IKW-CHK-002")["details"]
    assert live.get(INTENTS).json["data"] == []
