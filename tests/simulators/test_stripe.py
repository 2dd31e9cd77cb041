"""What the card's checklist (5.8) says that the simulator of Stripe must refuse, and what its intents do."""

from typing import Any

import pytest
import requests

from tests.simulators.stripe_account import BACK, Account, error, flat, intent, query

THREE_DS = "pm_card_authenticationRequired"


# ---------------------------------------------------------------- refused: the request


def test_a_json_body_is_refused(shop: Account) -> None:
    answer = requests.post(f"{shop.base_url}/v1/payment_intents", json=intent(), headers=shop.headers(), timeout=10)
    assert error(answer)["type"] == "invalid_request_error"


def test_without_a_key_nothing_is_answered(shop: Account) -> None:
    url = f"{shop.base_url}/v1/payment_intents"
    assert error(requests.post(url, flat(intent()), timeout=10), 401)["type"] == "invalid_request_error"
    wrong = {"Authorization": "Bearer sk_test_of_somebody_else"}
    assert requests.post(url, flat(intent()), headers=wrong, timeout=10).status_code == 401


def test_the_key_may_be_the_user_of_basic_authentication(shop: Account) -> None:
    answer = requests.get(f"{shop.base_url}/v1/payment_intents", auth=(shop.secret_key, ""), timeout=10)
    assert answer.status_code == 200


def test_a_publishable_key_creates_nothing(shop: Account) -> None:
    shop.secret_key = shop.keys["publishable_key"]
    assert error(shop.post("/v1/payment_intents", **intent()), 403)["code"] == "secret_key_required"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"colour": "red"}, "colour"),
        ({"payment_method_types": ["card"]}, "payment_method_types"),
        ({"automatic_payment_methods": {"enabled": True, "colour": "red"}}, "automatic_payment_methods[colour]"),
    ],
    ids=["anything", "renamed since 2026-09-30", "inside a hash"],
)
def test_an_unknown_parameter_is_refused(shop: Account, given: dict[str, Any], param: str) -> None:
    refused = error(shop.post("/v1/payment_intents", **intent(**given)))
    assert (refused["code"], refused["param"]) == ("parameter_unknown", param)


@pytest.mark.parametrize("currency", ["xxx", "XOF", "gtq"])
def test_a_currency_that_is_not_in_the_list_is_refused(shop: Account, currency: str) -> None:
    assert error(shop.post("/v1/payment_intents", **intent(currency=currency)))["param"] == "currency"


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("10.00", "parameter_invalid_integer"),
        ("1e3", "parameter_invalid_integer"),
        ("0", "parameter_invalid_integer"),
        ("-1000", "parameter_invalid_integer"),
        ("10", "amount_too_small"),
        ("100000000", "amount_too_large"),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused(shop: Account, amount: str, code: str) -> None:
    refused = error(shop.post("/v1/payment_intents", **intent(amount=amount)))
    assert (refused["code"], refused["param"]) == (code, "amount")


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_what_is_required_must_be_there(shop: Account, name: str) -> None:
    refused = error(shop.post("/v1/payment_intents", **intent(**{name: None})))
    assert (refused["code"], refused["param"]) == ("parameter_missing", name)


def test_an_empty_value_is_refused(shop: Account) -> None:
    refused = error(shop.post("/v1/payment_intents", **intent(description="")))
    assert (refused["code"], refused["param"]) == ("parameter_invalid_empty", "description")


@pytest.mark.parametrize(
    "given",
    [
        {"return_url": BACK},
        {"off_session": True},
        {"error_on_requires_action": True},
        {"confirmation_token": "ctoken_1"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_belongs_to_a_confirmation_is_refused_without_confirm(shop: Account, given: dict[str, Any]) -> None:
    assert error(shop.post("/v1/payment_intents", **intent(**given)))["param"] == next(iter(given))
    assert shop.get("/v1/payment_intents").json()["data"] == []


@pytest.mark.parametrize(
    ("param", "given"),
    [
        ("description", {"description": "x" * 1_001}),
        ("statement_descriptor_suffix", {"statement_descriptor_suffix": "123"}),
        ("statement_descriptor_suffix", {"statement_descriptor_suffix": "x" * 23}),
        ("metadata[" + "x" * 41 + "]", {"metadata": {"x" * 41: "1"}}),
        ("metadata[name]", {"metadata": {"name": "x" * 501}}),
        ("metadata", {"metadata": {f"name{number}": "1" for number in range(51)}}),
        ("customer", {"customer": "cus_of_nobody"}),
        ("payment_method", {"payment_method": "pm_of_nobody"}),
        ("receipt_email", {"receipt_email": "awa"}),
        ("confirm", {"confirm": "yes"}),
        ("payment_method", {"confirm": True}),
        ("allowed_payment_method_types[0]", {"allowed_payment_method_types": ["cash"]}),
        ("allowed_payment_method_types", {"allowed_payment_method_types": "card"}),
        ("automatic_payment_methods", {"automatic_payment_methods": {"enabled": True}}),
        ("return_url", {"confirm": True, "payment_method": "pm_card_visa", "return_url": "/back"}),
    ],
)
def test_wrong_values_are_refused_and_create_nothing(shop: Account, param: str, given: dict[str, Any]) -> None:
    assert error(shop.post("/v1/payment_intents", **intent(**given)))["param"] == param
    assert shop.get("/v1/payment_intents").json()["data"] == []


def test_an_unknown_address_or_version_is_refused(shop: Account) -> None:
    assert shop.get("/v1/payment_intent").status_code == 404
    assert shop.post("/v1/payment_intents/pi_of_nobody/confirm").status_code == 404
    headers = shop.headers() | {"Stripe-Version": "latest"}
    assert requests.get(f"{shop.base_url}/v1/events", headers=headers, timeout=10).status_code == 400


def test_metadata_without_a_value_is_not_kept(shop: Account) -> None:
    assert shop.create(metadata={"attempt": "8f3c", "intent": ""})["metadata"] == {"attempt": "8f3c"}


# ---------------------------------------------------------------- refused: the state


def test_a_succeeded_or_canceled_intent_cannot_be_confirmed(shop: Account) -> None:
    paid, canceled = shop.pay(), shop.create()
    shop.post(f"/v1/payment_intents/{canceled['id']}/cancel")
    for one in (paid, canceled):
        refused = error(shop.confirm(one["id"]))
        assert refused["code"] == "payment_intent_unexpected_state"
        assert refused["payment_intent"]["id"] == one["id"]
    assert len(shop.charges()) == 1


def test_a_succeeded_intent_cannot_be_canceled(shop: Account) -> None:
    answer = shop.post(f"/v1/payment_intents/{shop.pay()['id']}/cancel")
    assert error(answer)["code"] == "payment_intent_unexpected_state"


def test_nothing_is_confirmed_without_a_payment_method(shop: Account) -> None:
    answer = shop.post(f"/v1/payment_intents/{shop.create()['id']}/confirm")
    assert error(answer)["code"] == "payment_intent_unexpected_state"


def test_a_payment_method_and_a_confirmation_token_together_are_refused(shop: Account) -> None:
    token = shop.post("/v1/test_helpers/confirmation_tokens", payment_method="pm_card_visa").json()["id"]
    created = shop.create()
    assert (
        "payment_method, confirmation_token" in error(shop.confirm(created["id"], confirmation_token=token))["message"]
    )
    assert shop.charges() == []


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_chargeDeclined"])
def test_a_confirmation_token_confirms_once(shop: Account, method: str) -> None:
    token = shop.post("/v1/test_helpers/confirmation_tokens", payment_method=method).json()["id"]
    first, second = shop.create(), shop.create()
    shop.post(f"/v1/payment_intents/{first['id']}/confirm", confirmation_token=token)
    refused = error(shop.post(f"/v1/payment_intents/{second['id']}/confirm", confirmation_token=token))
    assert refused["param"] == "confirmation_token"
    assert shop.get(f"/v1/confirmation_tokens/{token}").json()["payment_intent"] == first["id"]
    assert len(shop.charges()) == 1


def test_a_confirmation_token_ends_after_twelve_hours(shop: Account) -> None:
    token = shop.post("/v1/test_helpers/confirmation_tokens", payment_method="pm_card_visa").json()["id"]
    shop.advance(12 * 3_600)
    answer = shop.post(f"/v1/payment_intents/{shop.create()['id']}/confirm", confirmation_token=token)
    assert error(answer)["param"] == "confirmation_token"


# ---------------------------------------------------------------- done: payments


def test_a_payment_is_created_and_confirmed_in_two_steps(shop: Account) -> None:
    created = shop.create(description="Boutique Awa", metadata={"attempt": "8f3c", "intent": "pi_0001"})
    assert (created["status"], created["next_action"], created["amount_received"]) == (
        "requires_payment_method",
        None,
        0,
    )
    assert created["client_secret"].startswith(f"{created['id']}_secret_")
    assert shop.charges() == []
    paid = shop.confirm(created["id"]).json()
    assert (paid["status"], paid["amount_received"], paid["currency"]) == ("succeeded", 1_000, "xof")
    assert shop.retrieve(created["id"]) == paid
    [charge] = shop.charges()
    assert (charge["id"], charge["amount"], charge["currency"], charge["state"]) == ("8f3c", "1000", "xof", "succeeded")


def test_an_intent_may_be_confirmed_with_its_own_payment_method(shop: Account) -> None:
    created = shop.create(payment_method="pm_card_visa")
    assert created["status"] == "requires_confirmation"
    assert shop.post(f"/v1/payment_intents/{created['id']}/confirm").json()["status"] == "succeeded"


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ],
)
def test_a_decline_is_a_402_with_the_intent_inside(shop: Account, method: str, code: str, decline_code: str) -> None:
    created = shop.create()
    declined = error(shop.confirm(created["id"], method), 402)
    assert (declined["type"], declined["code"], declined["decline_code"]) == ("card_error", code, decline_code)
    inside = declined["payment_intent"]
    assert inside == shop.retrieve(created["id"])
    assert (inside["status"], inside["last_payment_error"]["code"]) == ("requires_payment_method", code)
    assert [charge["state"] for charge in shop.charges()] == ["failed"]


def test_a_declined_intent_takes_another_card(shop: Account) -> None:
    created = shop.create()
    shop.confirm(created["id"], "pm_card_chargeDeclined")
    paid = shop.confirm(created["id"]).json()
    assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)
    assert [charge["state"] for charge in shop.charges()] == ["failed", "succeeded"]


def test_a_canceled_intent_says_why(shop: Account) -> None:
    created = shop.create()
    answer = shop.post(f"/v1/payment_intents/{created['id']}/cancel", cancellation_reason="abandoned").json()
    assert (answer["status"], answer["cancellation_reason"]) == ("canceled", "abandoned")
    assert shop.post(f"/v1/payment_intents/{created['id']}/cancel").status_code == 400
    other = shop.create()["id"]
    assert error(shop.post(f"/v1/payment_intents/{other}/cancel", cancellation_reason="bored"))["param"]


def test_the_provider_may_cancel_what_nobody_pays(shop: Account) -> None:
    shop.set(cancels_after=3_600)
    open_, paid = shop.create(), shop.pay()
    asked = shop.confirm(shop.create()["id"], THREE_DS).json()
    shop.advance(3_601)
    ends = [
        (one["status"], one["cancellation_reason"]) for one in (shop.retrieve(open_["id"]), shop.retrieve(asked["id"]))
    ]
    assert ends == [("canceled", "automatic")] * 2
    assert query(shop.decide(asked, "complete"))["redirect_status"] == "failed"
    assert shop.retrieve(paid["id"])["status"] == "succeeded"
    assert len(shop.charges()) == 1


def test_a_charge_may_take_another_amount(shop: Account) -> None:
    shop.next("other_amount", amount=900)
    odd, usual = shop.pay(), shop.pay()
    assert [(one["amount"], one["amount_received"]) for one in (odd, usual)] == [(1_000, 900), (1_000, 1_000)]
    assert [one["amount"] for one in shop.charges()] == ["900", "1000"]


def test_a_payment_may_be_processing_for_a_while(shop: Account) -> None:
    shop.set(settles_after=30)
    paid = shop.pay()
    assert (paid["status"], shop.charges()[0]["state"]) == ("processing", "pending")
    shop.advance(31)
    assert shop.retrieve(paid["id"])["status"] == "succeeded"


# ---------------------------------------------------------------- done: 3-D Secure


def test_a_bank_that_asks_sends_the_payer_to_its_page_and_back(shop: Account) -> None:
    created = shop.create()
    asked = shop.confirm(created["id"], THREE_DS, return_url=f"{BACK}?lang=fr&x=#top").json()
    assert (asked["status"], asked["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    page = requests.get(asked["next_action"]["redirect_to_url"]["url"], timeout=10).text
    assert "1000 XOF" in page
    assert "Complete authentication" in page
    back = shop.decide(asked, "complete")
    assert back.startswith(f"{BACK}?lang=fr&x=&payment_intent=")
    assert back.endswith("#top")
    assert query(back) == {
        "lang": "fr",
        "payment_intent": created["id"],
        "payment_intent_client_secret": created["client_secret"],
        "redirect_status": "succeeded",
    }
    paid = shop.retrieve(created["id"])
    assert (paid["status"], paid["next_action"]) == ("succeeded", None)


def test_a_payer_who_fails_authentication_comes_back_without_a_payment(shop: Account) -> None:
    created = shop.create()
    asked = shop.confirm(created["id"], THREE_DS).json()
    assert query(shop.decide(asked, "fail"))["redirect_status"] == "failed"
    failed = shop.retrieve(created["id"])
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert [charge["state"] for charge in shop.charges()] == ["failed"]


def test_a_card_may_be_declined_after_the_authentication(shop: Account) -> None:
    created = shop.create()
    asked = shop.confirm(created["id"], "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds").json()
    assert query(shop.decide(asked, "complete"))["redirect_status"] == "failed"
    assert shop.retrieve(created["id"])["last_payment_error"]["decline_code"] == "insufficient_funds"


def test_the_bank_hears_one_answer_only(shop: Account) -> None:
    created = shop.create()
    asked = shop.confirm(created["id"], THREE_DS).json()
    shop.decide(asked, "fail")
    assert query(shop.decide(asked, "complete"))["redirect_status"] == "failed"
    page = requests.get(asked["next_action"]["redirect_to_url"]["url"], timeout=10, allow_redirects=False)
    assert query(page.headers["Location"])["redirect_status"] == "failed"
    assert shop.retrieve(created["id"])["status"] == "requires_payment_method"


def test_a_canceled_payment_is_not_taken_on_the_banks_page(shop: Account) -> None:
    created = shop.create()
    asked = shop.confirm(created["id"], THREE_DS).json()
    shop.post(f"/v1/payment_intents/{created['id']}/cancel")
    assert query(shop.decide(asked, "complete"))["redirect_status"] == "failed"
    assert shop.retrieve(created["id"])["status"] == "canceled"
    assert shop.charges() == []


@pytest.mark.parametrize("given", [{}, {"return_url": BACK, "use_stripe_sdk": True}], ids=["no return_url", "wanted"])
def test_without_a_return_url_the_script_shows_the_banks_page(shop: Account, given: dict[str, Any]) -> None:
    created = shop.create()
    asked = shop.post(f"/v1/payment_intents/{created['id']}/confirm", payment_method=THREE_DS, **given).json()
    assert asked["next_action"]["type"] == "use_stripe_sdk"
    page = asked["next_action"]["use_stripe_sdk"]["stripe_js"]
    assert "postMessage" in requests.post(page, {"decision": "complete"}, timeout=10).text
    assert shop.retrieve(created["id"])["status"] == "succeeded"


def test_an_unknown_authentication_or_answer_is_none(shop: Account) -> None:
    assert requests.get(f"{shop.base_url}/3d_secure/guessed", timeout=10).status_code == 404
    asked = shop.confirm(shop.create()["id"], THREE_DS).json()
    page = asked["next_action"]["redirect_to_url"]["url"]
    assert requests.post(page, {"decision": "perhaps"}, timeout=10).status_code == 400
    assert shop.charges() == []


# ---------------------------------------------------------------- done: off session


def off_session(shop: Account, saved: dict[str, Any], **given: Any) -> requests.Response:
    """A renewal as the card makes it."""
    return shop.post("/v1/payment_intents", **intent(**saved, off_session=True, confirm=True, **given))


def test_a_saved_card_is_charged_without_its_payer(shop: Account) -> None:
    saved = shop.save_card()
    for _ in range(2):
        assert off_session(shop, saved).json()["status"] == "succeeded"


@pytest.mark.parametrize("given", [{}, {"error_on_requires_action": True}], ids=["off_session", "and an error wanted"])
def test_a_bank_that_asks_off_session_is_a_402(shop: Account, given: dict[str, Any]) -> None:
    saved = shop.save_card(THREE_DS)
    declined = error(off_session(shop, saved, **given), 402)
    assert (declined["code"], declined["decline_code"]) == ("authentication_required", "authentication_required")
    assert declined["payment_intent"]["status"] == "requires_payment_method"
    assert declined["payment_method"]["id"] == saved["payment_method"]
    again = shop.confirm(declined["payment_intent"]["id"], saved["payment_method"]).json()
    assert again["status"] == "requires_action"


def test_on_session_an_error_may_be_wanted_instead_of_an_action(shop: Account) -> None:
    answer = shop.confirm(shop.create()["id"], THREE_DS, error_on_requires_action=True)
    assert error(answer, 402)["code"] == "authentication_required"


def test_a_card_that_was_set_up_is_not_asked_again_off_session(shop: Account) -> None:
    saved = shop.save_card("pm_card_authenticationRequiredOnSetup")
    assert off_session(shop, saved).json()["status"] == "succeeded"
    other = shop.save_card("pm_card_authenticationRequiredSetupForOffSession")
    assert off_session(shop, other).json()["status"] == "succeeded"


def test_a_card_that_can_be_saved_may_fail_when_charged(shop: Account) -> None:
    saved = shop.save_card("pm_card_chargeCustomerFail")
    assert error(off_session(shop, saved), 402)["code"] == "card_declined"
