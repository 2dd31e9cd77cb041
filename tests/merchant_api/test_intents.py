"""Payment intents over REST: every form in which a client of the documentation asks."""

from typing import Any

import pytest
from flask import Flask

from ikawaari.merchants.credentials import Scope
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import Event, PaymentAttempt
from tests import factories
from tests.merchant_api.calls import Answer, Shop, error, refused

INTENTS = "/api/v1/payment-intents"
NEW: dict[str, Any] = {"amount": 5000, "currency": "xof"}
KNOWN = {
    "customer": "client-7",
    "customer_email": "awa@example.com",
    "customer_phone": "+221771234500",
    "description": "Commande 7",
}
MISSING = "pi_000000000000000000000000000"


def wallet(ending: str = "500", **fields: Any) -> dict[str, Any]:
    """A mobile money payment method as the documentation has it."""
    given = {"operator": "orange_sn", "country": "SN", "msisdn": factories.phone(ending)} | fields
    kept = {name: value for name, value in given.items() if value is not None}
    return {"payment_method_data": {"type": "mobile_money", "mobile_money": kept}}


def created(shop: Shop, **body: Any) -> dict[str, Any]:
    """A new intent over 5,000 XOF."""
    answer = shop.post(INTENTS, NEW | body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json)


def confirm(shop: Shop, intent: dict[str, Any], body: Any = None, **headers: str) -> Answer:
    """Confirm it."""
    return shop.post(f"{INTENTS}/{intent['id']}/confirm", body, **headers)


def taken(intent_id: str | None = None) -> list[int]:
    """What the sandbox has taken, charge by charge, for one intent or for all."""
    return [entry["amount"] for entry in ledger.entries() if intent_id in (None, entry["payment_intent"])]


class TestCreate:
    """POST /api/v1/payment-intents."""

    def test_an_amount_and_a_currency_are_enough(self, shared_shop: Shop) -> None:
        intent = created(shared_shop)
        assert intent["id"].startswith("pi_")
        assert (intent["object"], intent["status"]) == ("payment_intent", "requires_payment_method")
        assert (intent["amount"], intent["currency"], intent["amount_received"]) == (5000, "xof", 0)
        assert (intent["country"], intent["checkout_session"], intent["attempts"]) == ("SN", None, [])
        assert intent.pop("warnings") == []
        assert shared_shop.get(f"{INTENTS}/{intent['id']}").json == intent

    @pytest.mark.parametrize("ignored", [["mobile_money"], [], ["cash", 1], "card", None])
    def test_payment_method_types_are_accepted_and_without_effect(self, shared_shop: Shop, ignored: Any) -> None:
        assert "payment_method_types" not in created(shared_shop, payment_method_types=ignored)

    def test_every_optional_field_comes_back(self, shared_shop: Shop) -> None:
        given = {"customer_email": "awa@example.com", "description": "Commande 7", "metadata": {"order": [7, {"a": 1}]}}
        phone = {"transaction_country": "ci", "customer_phone": "07 00 00 05 00"}
        intent = created(shared_shop, customer_id="client-7", **given, **phone)
        assert {name: intent[name] for name in given} == given
        assert (intent["customer"], intent["country"]) == ("client-7", "CI")
        assert intent["customer_phone"] == "+2250700000500"

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"amount": None}, "amount"),
            ({"amount": 0}, "amount"),
            ({"amount": -5}, "amount"),
            ({"amount": 50.5}, "amount"),
            ({"amount": "5000"}, "amount"),
            ({"amount": 2**63}, "amount"),
            ({"amount": True}, "amount"),
            ({"currency": None}, "currency"),
            ({"currency": "zzz"}, "currency"),
            ({"transaction_country": "XX"}, "transaction_country"),
            ({"metadata": [1]}, "metadata"),
            ({"confirm": "true"}, "confirm"),
            ({"confirm": True}, "payment_method_data"),
            ({"amuont": 1}, "amuont"),
        ],
    )
    def test_a_bad_field_is_named(self, shared_shop: Shop, wrong: dict[str, Any], field: str) -> None:
        refused(shared_shop.post(INTENTS, NEW | wrong), field)

    def test_with_confirm_the_payer_is_asked_at_once(self, shared_shop: Shop) -> None:
        intent = created(shared_shop, confirm=True, **wallet("011"))
        assert intent["status"] == "requires_action"
        assert intent["next_action"]["type"] == "mobile_money_ussd"
        assert intent["next_action"]["mobile_money_ussd"]["message"]
        assert [attempt["operator"] for attempt in intent["attempts"]] == ["orange_sn"]

    def test_a_method_without_confirm_waits_for_it(self, shared_shop: Shop) -> None:
        intent = created(shared_shop, **wallet())
        assert (intent["status"], intent["attempts"]) == ("requires_confirmation", [])
        assert confirm(shared_shop, intent).json["status"] in {"requires_action", "succeeded"}

    def test_a_method_that_nobody_takes_is_refused_before_anything_is_made(self, shared_app: Flask) -> None:
        shop = Shop(shared_app)
        for confirmed in (True, False):
            answer = shop.post(INTENTS, NEW | {"confirm": confirmed} | wallet(operator="orange_fr"))
            refused(answer, "payment_method_data.mobile_money.operator", code="IKW-CHK-002")
        assert shop.get(INTENTS).json["data"] == []
        assert Event.select().where(Event.merchant == shop.merchant).count() == 0

    def test_a_declined_one_names_the_intent_that_it_made(self, shared_shop: Shop) -> None:
        answer = shared_shop.post(INTENTS, NEW | {"confirm": True, "payment_method": "tok_test_declined"})
        details = error(answer, 402, "IKW-TRANSFER-001")["details"]
        intent = shared_shop.get(f"{INTENTS}/{details['payment_intent'][0]}").json
        assert details["failure_code"] == ["card_declined"]
        assert (intent["status"], intent["last_payment_error"]["code"]) == ("failed", "card_declined")


class TestConfirm:
    """POST /api/v1/payment-intents/{id}/confirm, in every documented form."""

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"operator": "ORANGE_SN"},
            {"operator": "orange_money"},
            {"operator": "orange_money", "country": "sn"},
            {"operator": "orange_sn", "country": None},
            {"msisdn": None, "phone": "+221771234011"},
            {"msisdn": None, "phone_number": "77 123 40 11"},
            {"msisdn": "00221771234011"},
            {"msisdn": "771234011"},
            {"preferred_flow": "ussd_push"},
        ],
        ids=str,
    )
    def test_a_wallet_in_every_spelling(self, shared_shop: Shop, fields: dict[str, Any]) -> None:
        answer = confirm(shared_shop, created(shared_shop), wallet("011", **fields))
        assert answer.status_code == 200, answer.text
        (attempt,) = answer.json["attempts"]
        assert (attempt["operator"], attempt["country"]) == ("orange_sn", "SN")
        assert attempt["phone"].endswith("11")
        assert "771234011" not in answer.text

    def test_a_number_of_ivory_coast_without_its_zero_is_repaired(self, shared_shop: Shop) -> None:
        intent = created(shared_shop, transaction_country="CI")
        given = wallet(operator="orange_money", country="CI", msisdn="+225700000011")
        assert confirm(shared_shop, intent, given).status_code == 200
        assert PaymentAttempt.get(PaymentAttempt.intent == intent["id"]).phone == "+2250700000011"

    @pytest.mark.parametrize(
        "card",
        [
            {"payment_method": "tok_test_card"},
            {"payment_method_data": {"type": "card", "card": {"token": "tok_test_card"}}},
        ],
    )
    def test_a_card_token_in_both_places(self, shared_shop: Shop, card: dict[str, Any]) -> None:
        intent = confirm(shared_shop, created(shared_shop), card).json
        assert (intent["status"], intent["amount_received"]) == ("succeeded", 5000)

    def test_the_customer_s_number_serves_when_none_is_sent(self, shared_shop: Shop) -> None:
        intent = created(shared_shop, customer_phone="771234011")
        answer = confirm(shared_shop, intent, wallet(msisdn=None))
        assert answer.json["attempts"][0]["phone"].endswith("11")

    def test_a_redirect_brings_the_payer_back_where_the_merchant_says(self, shared_shop: Shop) -> None:
        home = "https://boutique.example/retour"
        action = confirm(shared_shop, created(shared_shop), wallet("010") | {"return_url": home}).json["next_action"]
        assert action["type"] == "redirect_to_url"
        assert action["redirect_to_url"]["return_url"] == home
        assert action["redirect_to_url"]["url"].startswith("http")

    def test_the_code_comes_with_a_second_confirmation(self, shared_shop: Shop) -> None:
        intent = created(shared_shop)
        waiting = confirm(shared_shop, intent, wallet("009"))
        assert waiting.json["next_action"]["type"] == "mobile_money_otp"
        error(confirm(shared_shop, intent, wallet("009")), 409, "IKW-RES-003")
        code = {"payment_method_data": {"type": "mobile_money", "mobile_money": {"otp": "123456"}}}
        paid = confirm(shared_shop, intent, code).json
        assert (paid["status"], len(paid["attempts"])) == ("succeeded", 1)
        error(confirm(shared_shop, intent, code), 409, "IKW-RES-004")

    def test_a_wrong_code_is_declined(self, shared_shop: Shop) -> None:
        intent = created(shared_shop)
        confirm(shared_shop, intent, wallet("009"))
        details = error(confirm(shared_shop, intent, wallet("009", otp="000000")), 402, "IKW-TRANSFER-001")["details"]
        assert details == {"failure_code": ["otp_invalid"], "payment_intent": [intent["id"]]}

    def test_after_a_decline_it_may_be_paid_again(self, shared_shop: Shop) -> None:
        intent = created(shared_shop)
        declined = error(confirm(shared_shop, intent, {"payment_method": "tok_test_expired"}), 402, "IKW-TRANSFER-001")
        assert declined["details"]["payment_intent"] == [intent["id"]]
        assert error(confirm(shared_shop, intent, wallet("008")), 402, "IKW-TRANSFER-002")["retryable"]
        paid = confirm(shared_shop, intent, {"payment_method": "tok_test_card"}).json
        assert [attempt["status"] for attempt in paid["attempts"]] == ["failed", "failed", "succeeded"]
        assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "payment_method_data"),
            (None, "payment_method_data"),
            (wallet(operator="orange_fr"), "payment_method_data.mobile_money.operator"),
            (wallet(msisdn="+22177"), "payment_method_data.mobile_money.msisdn"),
            (wallet(operator="wave_ci", country=None), "payment_method_data.mobile_money.msisdn"),
        ],
    )
    def test_what_cannot_pay_is_named(self, shared_shop: Shop, body: Any, field: str) -> None:
        answer = confirm(shared_shop, created(shared_shop), body)
        assert field in error(answer, 400, "IKW-CHK-002")["details"], answer.text

    def test_without_a_body_what_is_over_is_told_first(self, shared_shop: Shop) -> None:
        intent = created(shared_shop, confirm=True, payment_method="tok_test_card")
        error(confirm(shared_shop, intent), 409, "IKW-RES-004")

    def test_one_idempotency_key_serves_to_create_and_to_confirm(self, shared_shop: Shop) -> None:
        answers = [shared_shop.post(INTENTS, NEW, Idempotency_Key="order-7") for _ in range(2)]
        assert answers[0].data == answers[1].data
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        confirmed = [confirm(shared_shop, answers[0].json, wallet("011"), Idempotency_Key="order-7") for _ in range(2)]
        assert [answer.status_code for answer in confirmed] == [200, 200]
        assert confirmed[0].data == confirmed[1].data
        assert len(confirmed[0].json["attempts"]) == 1
        error(confirm(shared_shop, answers[0].json, wallet("500"), Idempotency_Key="order-7"), 409, "IKW-REQ-007")


class TestOfASession:
    """The intent of a checkout session goes through the session."""

    def test_confirming_it_completes_the_session(self, shared_shop: Shop) -> None:
        session = shared_shop.opened()
        intent = confirm(shared_shop, {"id": session["payment_intent"]}, {"payment_method": "tok_test_card"}).json
        assert (intent["status"], intent["checkout_session"]) == ("succeeded", session["id"])
        seen = shared_shop.get(f"/api/v1/checkout/sessions/{session['id']}").json
        assert (seen["status"], seen["payment_status"]) == ("complete", "paid")

    def test_its_code_comes_with_a_second_confirmation_too(self, shared_shop: Shop) -> None:
        intent = {"id": shared_shop.opened()["payment_intent"]}
        assert confirm(shared_shop, intent, wallet("009")).json["status"] == "requires_action"
        assert confirm(shared_shop, intent, wallet("009", otp="123456")).json["status"] == "succeeded"

    def test_its_amount_is_the_session_s(self, shared_shop: Shop) -> None:
        path = f"{INTENTS}/{shared_shop.opened()['payment_intent']}"
        error(patch(shared_shop, path, {"amount": 1}), 409, "IKW-RES-002")
        assert patch(shared_shop, path, {"description": "Autre"}).json["description"] == "Autre"

    def test_canceling_it_expires_the_session(self, shared_shop: Shop) -> None:
        session = shared_shop.opened()
        canceled = shared_shop.post(f"{INTENTS}/{session['payment_intent']}/cancel")
        assert (canceled.status_code, canceled.json["status"]) == (200, "canceled")
        assert canceled.json["canceled_at"] is not None
        assert shared_shop.get(f"/api/v1/checkout/sessions/{session['id']}").json["status"] == "expired"
        error(confirm(shared_shop, canceled.json, wallet()), 409, "IKW-RES-002")

    def test_one_of_an_expired_session_is_gone(self, shared_shop: Shop) -> None:
        session = shared_shop.opened()
        shared_shop.post(f"/api/v1/checkout/sessions/{session['id']}/expire")
        error(confirm(shared_shop, {"id": session["payment_intent"]}, wallet()), 410, "IKW-CHK-003")


def patch(shop: Shop, path: str, body: Any) -> Answer:
    """PATCH with the key."""
    return shop.client.patch(path, json=body, headers={"Authorization": f"Bearer {shop.key}"})


def at(shop: Shop, status: str) -> dict[str, Any]:
    """An intent in that status."""
    ways: dict[str, dict[str, Any]] = {
        "requires_payment_method": {},
        "requires_confirmation": wallet(),
        "requires_action": wallet("011") | {"confirm": True},
        "processing": wallet("004") | {"confirm": True},
        "succeeded": {"payment_method": "tok_test_card", "confirm": True},
        "failed": {"payment_method": "tok_test_declined", "confirm": True},
        "canceled": {},
    }
    answer = shop.post(INTENTS, NEW | ways[status])
    intent = answer.json
    if status == "failed":
        intent = {"id": answer.json["error"]["details"]["payment_intent"][0]}
    if status == "canceled":
        shop.post(f"{INTENTS}/{intent['id']}/cancel")
    found = shop.get(f"{INTENTS}/{intent['id']}").json
    assert found["status"] == status
    return dict(found)


STILL = ("requires_payment_method", "requires_confirmation", "failed")
OVER = ("requires_action", "processing", "succeeded", "canceled")


class TestUpdateAndCancel:
    """In every status: allowed, or a conflict."""

    @pytest.mark.parametrize("status", STILL)
    def test_what_is_not_being_paid_may_change(self, shared_shop: Shop, status: str) -> None:
        path = f"{INTENTS}/{at(shared_shop, status)['id']}"
        changes = {"amount": 7000, "description": "Deux", "metadata": {"a": 2}, "customer_phone": "77 123 45 67"}
        answer = patch(shared_shop, path, changes)
        assert answer.status_code == 200, answer.text
        assert answer.json["customer_phone"] == "+221771234567"
        assert (answer.json["amount"], answer.json["status"]) == (7000, status)
        assert shared_shop.get(path).json == answer.json

    @pytest.mark.parametrize("status", OVER)
    def test_what_is_being_paid_or_over_does_not_change(self, shared_shop: Shop, status: str) -> None:
        intent = at(shared_shop, status)
        error(patch(shared_shop, f"{INTENTS}/{intent['id']}", {"amount": 1}), 409, "IKW-RES-002")
        assert shared_shop.get(f"{INTENTS}/{intent['id']}").json["amount"] == 5000

    @pytest.mark.parametrize("status", STILL)
    def test_what_is_not_being_paid_may_be_canceled(self, shared_shop: Shop, status: str) -> None:
        intent = at(shared_shop, status)
        answer = shared_shop.post(f"{INTENTS}/{intent['id']}/cancel")
        assert (answer.status_code, answer.json["status"]) == (200, "canceled")

    @pytest.mark.parametrize("status", OVER)
    def test_what_is_being_paid_or_over_is_not_canceled(self, shared_shop: Shop, status: str) -> None:
        error(shared_shop.post(f"{INTENTS}/{at(shared_shop, status)['id']}/cancel"), 409, "IKW-RES-002")

    def test_a_changed_amount_is_what_is_charged(self, shared_shop: Shop) -> None:
        intent = created(shared_shop)
        patch(shared_shop, f"{INTENTS}/{intent['id']}", {"amount": 7000})
        confirm(shared_shop, intent, {"payment_method": "tok_test_card"})
        assert taken(intent["id"]) == [7000]

    @pytest.mark.parametrize("body", [{}, [], None])
    def test_a_change_of_nothing_changes_nothing(self, shared_shop: Shop, body: Any) -> None:
        path = f"{INTENTS}/{created(shared_shop, **KNOWN)['id']}"
        before = shared_shop.get(path).json
        assert patch(shared_shop, path, body).json == before

    @pytest.mark.parametrize("nothing", [None, "", "  "])
    @pytest.mark.parametrize("field", ["customer", "customer_email", "customer_phone", "description"])
    def test_null_and_the_empty_text_clear_a_field(self, shared_shop: Shop, field: str, nothing: str | None) -> None:
        path = f"{INTENTS}/{created(shared_shop, **KNOWN)['id']}"
        before = shared_shop.get(path).json
        assert before[field]
        assert patch(shared_shop, path, {field: nothing}).json == before | {field: None}

    def test_the_other_name_of_the_customer_clears_it_too(self, shared_shop: Shop) -> None:
        path = f"{INTENTS}/{created(shared_shop, **KNOWN)['id']}"
        assert patch(shared_shop, path, {"customer_id": None}).json["customer"] is None

    @pytest.mark.parametrize(
        ("given", "kept"), [({"b": 2}, {"b": 2}), ({}, {}), ([], {}), (None, {}), ({"a": []}, {"a": []})]
    )
    def test_metadata_is_replaced_as_a_whole(self, shared_shop: Shop, given: Any, kept: dict[str, Any]) -> None:
        path = f"{INTENTS}/{created(shared_shop, metadata={'a': 1})['id']}"
        assert patch(shared_shop, path, {"metadata": given}).json["metadata"] == kept

    @pytest.mark.parametrize("field", ["amount", "currency"])
    def test_what_every_intent_has_cannot_be_cleared(self, shared_shop: Shop, field: str) -> None:
        path = f"{INTENTS}/{created(shared_shop)['id']}"
        refused(patch(shared_shop, path, {field: None}), field)
        refused(patch(shared_shop, path, {field: ""}), field)

    def test_a_bad_change_is_named(self, shared_shop: Shop) -> None:
        path = f"{INTENTS}/{created(shared_shop)['id']}"
        refused(patch(shared_shop, path, {"amount": 0, "status": "succeeded"}), "amount", "status")
        refused(patch(shared_shop, path, {"customer_phone": "1"}), "customer_phone")

    def test_a_customer_has_two_names_here_too(self, shared_shop: Shop) -> None:
        path = f"{INTENTS}/{created(shared_shop)['id']}"
        assert patch(shared_shop, path, {"customer_id": "c-7"}).json["customer"] == "c-7"


class TestList:
    """GET /api/v1/payment-intents."""

    def test_pages_follow_each_other_by_cursor_newest_first(self, shared_app: Flask) -> None:
        shared_shop = Shop(shared_app)
        ids = [created(shared_shop)["id"] for _ in range(5)]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = shared_shop.get(f"{INTENTS}?limit=2{cursor and f'&cursor={cursor}'}").json
            assert (page["object"], page["has_more"]) == ("list", page["next_cursor"] is not None)
            seen += [intent["id"] for intent in page["data"]]
            cursor = page["next_cursor"]
        assert sorted(seen) == sorted(ids)
        whole = [intent["id"] for intent in shared_shop.get(INTENTS).json["data"]]
        assert seen == whole
        after = shared_shop.get(f"{INTENTS}?starting_after={whole[1]}&limit=2").json["data"]
        before = shared_shop.get(f"{INTENTS}?ending_before={whole[3]}&limit=2").json["data"]
        assert [intent["id"] for intent in after] == whole[2:4]
        assert [intent["id"] for intent in before] == whole[1:3]

    def test_filters_narrow_it(self, shared_app: Flask) -> None:
        shared_shop = Shop(shared_app)
        mine = created(shared_shop, customer="awa")
        canceled = created(shared_shop)
        shared_shop.post(f"{INTENTS}/{canceled['id']}/cancel")
        assert [one["id"] for one in shared_shop.get(f"{INTENTS}?customer=awa").json["data"]] == [mine["id"]]
        assert [one["id"] for one in shared_shop.get(f"{INTENTS}?status=canceled").json["data"]] == [canceled["id"]]
        assert len(shared_shop.get(f"{INTENTS}?created_gte=0").json["data"]) == 2
        refused(shared_shop.get(f"{INTENTS}?status=paid"), "status")

    def test_another_merchant_s_and_the_other_mode_s_are_not_in_it(self, shared_app: Flask) -> None:
        shop = Shop(shared_app)
        intent = created(shop)
        for other in (Shop(shared_app), Shop(shared_app, shop.merchant, livemode=True)):
            assert other.get(INTENTS).json["data"] == []
            for method, path in (("get", ""), ("post", "/confirm"), ("post", "/cancel")):
                answer = getattr(other, method)(f"{INTENTS}/{intent['id']}{path}")
                error(answer, 404, "IKW-RES-001")
            error(patch(other, f"{INTENTS}/{intent['id']}", {"amount": 1}), 404, "IKW-RES-001")

    def test_reading_does_not_let_one_write(self, shared_app: Flask) -> None:
        reader = Shop(shared_app, scopes=[Scope.PAYMENTS_READ])
        assert reader.get(INTENTS).status_code == 200
        error(reader.post(INTENTS, NEW), 403, "IKW-AUTHZ-001")
        for path in ("/confirm", "/cancel"):
            error(reader.post(f"{INTENTS}/{MISSING}{path}"), 403, "IKW-AUTHZ-001")
        error(patch(reader, f"{INTENTS}/{MISSING}", {}), 403, "IKW-AUTHZ-001")


def test_a_live_payer_comes_back_over_tls_alone(shared_app: Flask) -> None:
    live = Shop(shared_app, livemode=True)
    body = wallet() | {"return_url": "http://shop.example/back"}
    assert error(confirm(live, created(live), body), 400, "IKW-CHK-002")["details"].keys() == {"return_url"}
