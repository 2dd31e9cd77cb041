"""Customers, cards, setups, lists and searches at the simulator of Stripe."""

from typing import Any

import pytest
import requests

from tests.simulators.stripe_account import BACK, Account, error, intent

TOKENS = "/v1/test_helpers/confirmation_tokens"


# ---------------------------------------------------------------- saved cards


def test_a_payment_may_save_its_card(shop: Account) -> None:
    customer = shop.post("/v1/customers", email="awa@example.com", name="Awa").json()["id"]
    paid = shop.pay(customer=customer, setup_future_usage="off_session")
    [card] = shop.get(f"/v1/customers/{customer}/payment_methods", type="card").json()["data"]
    assert (card["id"], card["customer"]) == (paid["payment_method"], customer)
    assert (card["card"]["brand"], card["card"]["last4"]) == ("visa", "4242")
    renewal = intent(customer=customer, payment_method=card["id"], off_session=True, confirm=True)
    assert shop.post("/v1/payment_intents", **renewal).json()["status"] == "succeeded"


def test_a_card_is_saved_only_when_the_payment_succeeds(shop: Account) -> None:
    customer = shop.post("/v1/customers").json()["id"]
    created = shop.create(customer=customer, setup_future_usage="off_session")
    asked = shop.confirm(created["id"], "pm_card_authenticationRequired").json()
    cards = f"/v1/customers/{customer}/payment_methods"
    assert shop.get(cards).json()["data"] == []
    shop.decide(asked, "complete")
    assert len(shop.get(cards).json()["data"]) == 1


def test_a_card_of_nobody_pays_once(shop: Account) -> None:
    method = shop.post("/v1/payment_methods", type="card", card={"token": "tok_visa"}).json()["id"]
    assert shop.pay(method)["status"] == "succeeded"
    refused = error(shop.confirm(shop.create()["id"], method))
    assert refused["code"] == "payment_method_unexpected_state"


def test_a_customers_card_needs_its_customer(shop: Account) -> None:
    saved = shop.save_card()
    assert error(shop.confirm(shop.create()["id"], saved["payment_method"]))["param"] == "payment_method"
    other = shop.post("/v1/customers").json()["id"]
    created = shop.create(customer=other)
    assert error(shop.confirm(created["id"], saved["payment_method"]))["param"] == "payment_method"


def test_a_card_is_attached_and_detached(shop: Account) -> None:
    customer = shop.post("/v1/customers").json()["id"]
    card = shop.post("/v1/payment_methods/pm_card_mastercard/attach", customer=customer).json()
    assert (card["customer"], card["card"]["brand"]) == (customer, "mastercard")
    assert error(shop.post(f"/v1/payment_methods/{card['id']}/attach", customer=customer))
    assert shop.post(f"/v1/payment_methods/{card['id']}/detach").json()["customer"] is None
    assert error(shop.post(f"/v1/payment_methods/{card['id']}/detach"))["param"] == "payment_method"
    refused = error(shop.post(f"/v1/payment_methods/{card['id']}/attach", customer=customer))
    assert refused["code"] == "payment_method_unexpected_state"


def test_a_declined_card_is_not_saved(shop: Account) -> None:
    customer = shop.post("/v1/customers").json()["id"]
    answer = shop.post("/v1/payment_methods/pm_card_chargeDeclined/attach", customer=customer)
    assert error(answer, 402)["code"] == "card_declined"
    assert error(shop.post("/v1/customers", payment_method="pm_card_chargeDeclined"), 402)


def test_a_customer_that_is_deleted_keeps_no_cards(shop: Account) -> None:
    customer = shop.post("/v1/customers", payment_method="pm_card_visa").json()["id"]
    [card] = shop.get("/v1/payment_methods", customer=customer, type="card").json()["data"]

    answer = requests.delete(f"{shop.base_url}/v1/customers/{customer}", headers=shop.headers(), timeout=10)
    assert answer.json() == {"id": customer, "object": "customer", "deleted": True}
    assert shop.get(f"/v1/customers/{customer}").status_code == 404
    assert shop.get(f"/v1/payment_methods/{card['id']}").json()["customer"] is None


def test_card_numbers_are_not_for_servers(shop: Account) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    assert error(shop.post("/v1/payment_methods", type="card", card=card))["param"] == "card"
    assert error(shop.post("/v1/payment_methods", type="card", card={"token": "tok_nothing"}))["param"]


# ---------------------------------------------------------------- confirmation tokens


def test_a_confirmation_token_brings_the_card_and_what_else_it_holds(shop: Account) -> None:
    customer = shop.post("/v1/customers").json()["id"]
    card: dict[str, Any] = {"card": {"token": "tok_authenticationRequired"}, "billing_details": {"name": "Awa"}}
    method = shop.post("/v1/payment_methods", type="card", **card).json()["id"]
    token = shop.post(TOKENS, payment_method=method, return_url=BACK, setup_future_usage="off_session").json()
    assert token["payment_method_preview"]["card"]["last4"] == "3184"
    created = shop.create(customer=customer)
    asked = shop.post(f"/v1/payment_intents/{created['id']}/confirm", confirmation_token=token["id"]).json()
    assert asked["next_action"]["redirect_to_url"]["return_url"] == BACK
    assert asked["setup_future_usage"] == "off_session"
    shop.decide(asked, "complete")
    [card] = shop.get(f"/v1/customers/{customer}/payment_methods").json()["data"]
    assert card["billing_details"]["name"] == "Awa"


# ---------------------------------------------------------------- setups


def test_a_setup_saves_a_card_without_a_charge(shop: Account) -> None:
    saved = shop.save_card()
    card = shop.get(f"/v1/payment_methods/{saved['payment_method']}").json()
    assert card["customer"] == saved["customer"]
    assert shop.charges() == []


def test_a_setup_that_the_bank_asks_about_returns_the_payer(shop: Account) -> None:
    created = shop.post("/v1/setup_intents", usage="off_session", metadata={"attempt": "8f3c"}).json()
    assert (created["status"], created["usage"]) == ("requires_payment_method", "off_session")
    one = f"/v1/setup_intents/{created['id']}"
    given: dict[str, Any] = {"payment_method": "pm_card_authenticationRequired", "return_url": BACK}
    back = shop.decide(shop.post(f"{one}/confirm", **given).json(), "fail")
    assert f"{BACK}?setup_intent={created['id']}&setup_intent_client_secret=" in back
    failed = shop.get(one).json()
    assert failed["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    shop.decide(shop.post(f"{one}/confirm", **given).json(), "complete")
    assert shop.get(one).json()["status"] == "succeeded"
    assert error(shop.post(f"{one}/confirm", **given))["code"] == "setup_intent_unexpected_state"
    assert error(shop.post(f"{one}/cancel"))["setup_intent"]["id"] == created["id"]


def test_a_declined_setup_is_a_402_with_the_setup_inside(shop: Account) -> None:
    answer = shop.post("/v1/setup_intents", payment_method="pm_card_chargeDeclined", confirm=True)
    declined = error(answer, 402)
    assert declined["setup_intent"]["last_setup_error"]["code"] == "card_declined"
    canceled = shop.post(f"/v1/setup_intents/{declined['setup_intent']['id']}/cancel").json()
    assert canceled["status"] == "canceled"


# ---------------------------------------------------------------- lists


def test_payments_are_found_by_their_time_without_a_reference(shop: Account) -> None:
    old = shop.create(metadata={"attempt": "old"})
    shop.advance(3_600)
    new = shop.create(metadata={"attempt": "new"})
    listed = shop.get("/v1/payment_intents", created={"gte": new["created"] - 5}, limit=100).json()
    assert [one["metadata"]["attempt"] for one in listed["data"]] == ["new"]
    exact = shop.get("/v1/payment_intents", created=old["created"]).json()["data"]
    assert [one["id"] for one in exact] == [old["id"]]


def test_a_list_comes_in_pages(shop: Account) -> None:
    made = [shop.create()["id"] for _ in range(5)][::-1]

    def page(**given: Any) -> tuple[list[str], bool]:
        listed = shop.get("/v1/payment_intents", limit=2, **given).json()
        return [one["id"] for one in listed["data"]], listed["has_more"]

    assert page() == (made[:2], True)
    assert page(starting_after=made[1]) == (made[2:4], True)
    assert page(starting_after=made[3]) == (made[4:], False)
    assert page(ending_before=made[4]) == (made[2:4], True)
    assert page(ending_before=made[2]) == (made[:2], False)
    assert error(shop.get("/v1/payment_intents", limit=101))["param"] == "limit"
    assert error(shop.get("/v1/payment_intents", starting_after="pi_of_nobody"))["param"] == "starting_after"


def test_a_search_lags_a_minute_behind(shop: Account) -> None:
    paid = shop.pay(metadata={"attempt": "8f3c"})
    shop.create(metadata={"attempt": "9a00"})
    query = "metadata['attempt']:'8f3c' AND status:'succeeded'"
    assert shop.get("/v1/payment_intents/search", query=query).json()["data"] == []
    shop.advance(61)
    found = shop.get("/v1/payment_intents/search", query=query).json()
    assert [one["id"] for one in found["data"]] == [paid["id"]]
    assert (found["object"], found["has_more"]) == ("search_result", False)
    assert error(shop.get("/v1/payment_intents/search", query="amount>5"))["param"] == "query"


def test_objects_are_shown_whole_when_asked_for(shop: Account) -> None:
    paid = shop.pay(customer=shop.post("/v1/customers").json()["id"])
    expand = ["latest_charge.payment_intent", "payment_method"]
    shown = shop.get(f"/v1/payment_intents/{paid['id']}", expand=expand).json()
    assert shown["latest_charge"]["payment_intent"]["id"] == paid["id"]
    assert shown["payment_method"]["card"]["last4"] == "4242"
    assert shop.retrieve(paid["id"]) == paid
    listed = shop.get("/v1/payment_intents", expand=["data.customer"]).json()["data"]
    assert listed[0]["customer"]["id"] == paid["customer"]
    for wrong in ("amount", "data.amount", "invoice"):
        assert error(shop.get(f"/v1/payment_intents/{paid['id']}", expand=[wrong]))["param"] == "expand"


@pytest.mark.parametrize(
    "name", ["a[b", "a]b", "[a]", "a[b][c][d][e][f][g][h][i]", "metadata[a][b]", "amount[a]"], ids=str
)
def test_names_that_are_not_well_formed_are_refused(shop: Account, name: str) -> None:

    form = {"amount": "1000", "currency": "xof", name: "1"}
    answer = requests.post(f"{shop.base_url}/v1/payment_intents", form, headers=shop.headers(), timeout=10)
    assert error(answer)["param"]


def test_lists_may_be_numbered(shop: Account) -> None:

    form = {"amount": "1000", "currency": "xof", "allowed_payment_method_types[0]": "card"}
    answer = requests.post(f"{shop.base_url}/v1/payment_intents", form, headers=shop.headers(), timeout=10)
    assert answer.json()["allowed_payment_method_types"] == ["card"]
