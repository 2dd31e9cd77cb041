"""What the simulator of pawaPay tells about itself, and its own pages."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from ikawaari.simulators.pawapay import PawaPay
from tests.simulators.pawapay_account import Caller
from tests.simulators.talking import Receiver, talk

RETURN = "https://pay.example.com/r/AbC"


@pytest.fixture
def caller(receiver: Receiver) -> Iterator[Caller]:
    with talk(PawaPay(callback_url=receiver.url)) as talking:
        yield Caller(talking)


def test_the_configuration_has_limits_decimals_and_flow_of_each_wallet(caller: Caller, receiver: Receiver) -> None:
    answer = caller.get("/v2/active-conf?country=COD&operationType=DEPOSIT").json()
    assert answer["signatureConfiguration"] == {"signedRequestsOnly": False, "signedCallbacks": True}
    [country] = answer["countries"]
    assert (country["country"], country["prefix"]) == ("COD", "243")
    mpesa = next(one for one in country["providers"] if one["provider"] == "VODACOM_MPESA_COD")
    assert mpesa["nameDisplayedToCustomer"]
    decimals = {one["currency"]: one["operationTypes"]["DEPOSIT"]["decimalsInAmount"] for one in mpesa["currencies"]}
    assert decimals == {"CDF": "NONE", "USD": "TWO_PLACES"}
    terms = mpesa["currencies"][0]["operationTypes"]["DEPOSIT"]
    shown = {"authType": "PROVIDER_AUTH", "status": "OPERATIONAL", "callbackUrl": receiver.url}
    assert terms | shown == terms
    assert terms["pinPromptInstructions"]["channels"][0]["quickLink"].endswith("%23")


def test_the_limits_are_those_that_are_kept(caller: Caller) -> None:
    [country] = caller.get("/v2/active-conf?country=SEN").json()["countries"]
    terms = country["providers"][0]["currencies"][0]["operationTypes"]["DEPOSIT"]
    assert (terms["minAmount"], terms["maxAmount"]) == ("100", "2000000")


@pytest.mark.parametrize(("name", "flow"), [("ORANGE_BFA", "PREAUTH"), ("WAVE_SEN", "REDIRECT_AUTH")])
def test_codes_and_redirects_are_announced(caller: Caller, name: str, flow: str) -> None:
    countries = caller.get("/v2/active-conf?operationType=DEPOSIT").json()["countries"]
    wallet = next(one for country in countries for one in country["providers"] if one["provider"] == name)
    terms = wallet["currencies"][0]["operationTypes"]["DEPOSIT"]
    assert terms["authType"] == flow
    assert ("authTokenInstructions" in terms) == (flow == "PREAUTH")


def test_the_configuration_knows_who_is_not_operational(caller: Caller) -> None:
    caller.talk.set(availability={"FREE_SEN": "DELAYED"})
    [country] = caller.get("/v2/active-conf?country=SEN&operationType=REFUND").json()["countries"]
    states = {
        one["provider"]: one["currencies"][0]["operationTypes"]["REFUND"]["status"] for one in country["providers"]
    }
    assert states == {"ORANGE_SEN": "OPERATIONAL", "FREE_SEN": "DELAYED", "WAVE_SEN": "OPERATIONAL"}


def test_availability_has_two_shapes(caller: Caller) -> None:
    caller.talk.set(availability={"ORANGE_SEN": "CLOSED"})
    path = "/v2/availability?country=SEN&operationType=DEPOSIT"
    [country] = caller.get(path).json()
    first = {"provider": "ORANGE_SEN", "operationTypes": {"DEPOSIT": "CLOSED"}}
    assert (country["country"], country["providers"][0]) == ("SEN", first)
    caller.talk.set(availability_as_list=True)
    [country] = caller.get(path).json()
    listed = [{"operationType": "DEPOSIT", "status": "CLOSED"}]
    assert country["providers"][0]["operationTypes"] == listed


@pytest.mark.parametrize("query", ["country=SN", "operationType=EVERYTHING"])
def test_a_query_for_what_does_not_exist_is_refused(caller: Caller, query: str) -> None:
    answer = caller.get(f"/v2/availability?{query}")
    assert (answer.status_code, answer.json()["failureReason"]["failureCode"]) == (400, "INVALID_PARAMETER")


def test_a_number_s_wallet_is_predicted_and_never_wave(caller: Caller) -> None:
    answer = caller.post("/v2/predict-provider", {"phoneNumber": "+221 77 345 67 89"}).json()
    assert answer == {"country": "SEN", "provider": "ORANGE_SEN", "phoneNumber": "221773456789"}
    unknown = caller.post("/v2/predict-provider", {"phoneNumber": "33612345678"}).json()
    assert unknown["failureReason"]["failureCode"] == "INVALID_PHONE_NUMBER"


# ---------------------------------------------------------------- pages


def paymentpage(**changes: Any) -> dict[str, Any]:
    return {
        "depositId": str(uuid.uuid4()),
        "returnUrl": RETURN,
        "amountDetails": {"amount": "1000", "currency": "XOF"},
        "country": "SEN",
        "language": "FR",
        "reason": "Commande 1234",
        **changes,
    }


def choose(url: str, decision: str, number: str) -> requests.Response:
    form = {"decision": decision, "phoneNumber": number}
    return requests.post(url, data=form, timeout=5, allow_redirects=False)


def test_a_deposit_of_a_payment_page_is_not_found_before_the_customer_pays(caller: Caller) -> None:
    given = paymentpage()
    url = caller.post("/v2/paymentpage", given).json()["redirectUrl"]
    assert caller.post("/v2/paymentpage", given).json()["redirectUrl"] == url
    assert caller.get(f"/v2/deposits/{given['depositId']}").json() == {"status": "NOT_FOUND"}
    assert "ORANGE_SEN XOF" in requests.get(url, timeout=5).text
    answer = choose(url, "ORANGE_SEN XOF", "+221 77 345 67 89")
    assert (answer.status_code, answer.headers["Location"]) == (303, RETURN)
    caller.talk.advance(10)
    assert caller.data(given["depositId"])["status"] == "COMPLETED"
    assert choose(url, "ORANGE_SEN XOF", "221773456789").status_code == 404
    assert len(caller.talk.charges()) == 1


@pytest.mark.parametrize(
    "changes", [{"amountDetails": None}, {"amountDetails": {"amount": "1000.00", "currency": "XOF"}}, {"returnUrl": 5}]
)
def test_a_payment_page_must_be_whole(caller: Caller, changes: dict[str, Any]) -> None:
    answer = caller.post("/v2/paymentpage", paymentpage(**changes)).json()
    assert answer["status"] == "REJECTED"


def test_a_customer_chooses_among_what_is_offered(caller: Caller) -> None:
    url = caller.post("/v2/paymentpage", paymentpage()).json()["redirectUrl"]
    for decision, number in (("ORANGE_CIV XOF", "2250734567890"), ("ORANGE_SEN XOF", "221763456789"), ("", "")):
        assert choose(url, decision, number).json()["status"] == "REJECTED"
    assert caller.talk.charges() == []


def test_wave_can_be_chosen_on_a_payment_page_and_leads_back(caller: Caller) -> None:
    given = paymentpage()
    url = caller.post("/v2/paymentpage", given).json()["redirectUrl"]
    assert choose(url, "WAVE_SEN XOF", "221773456789").status_code == 303
    caller.talk.advance(10)
    page = caller.data(given["depositId"])["authorizationUrl"]
    assert choose(page, "pay", "").headers["Location"] == RETURN


def test_a_payment_page_lasts_15_minutes(caller: Caller) -> None:
    url = caller.post("/v2/paymentpage", paymentpage()).json()["redirectUrl"]
    caller.talk.advance(901)
    assert requests.get(url, timeout=5).status_code == 404


def checkout(**changes: Any) -> dict[str, Any]:
    return {
        "checkoutId": str(uuid.uuid4()),
        "returnUrl": RETURN,
        "defaultLanguage": "FR",
        "countries": ["SEN"],
        "expiresAfter": 30,
        "amounts": [{"country": "SEN", "currency": "XOF", "amount": "1000"}],
        "reason": {"en": "Order 1234", "fr": "Commande 1234"},
        **changes,
    }


def test_a_checkout_takes_tries_until_one_pays(caller: Caller) -> None:
    given = checkout()
    created = caller.post("/v2/checkouts", given).json()
    assert created["status"] == "ACCEPTED"
    path = f"/v2/checkouts/{given['checkoutId']}"
    assert caller.get(path).json()["data"]["status"] == "WAITING_PAYMENT"
    for number, status in (("221773456049", "WAITING_PAYMENT"), ("221773456789", "COMPLETED")):
        assert choose(created["redirectUrl"], "ORANGE_SEN XOF", number).status_code == 303
        assert caller.get(path).json()["data"]["status"] == "PROCESSING"
        caller.talk.advance(10)
        assert caller.get(path).json()["data"]["status"] == status
    history = caller.get(path).json()["data"]["depositsHistory"]
    assert [one["status"] for one in history] == ["FAILED", "COMPLETED"]
    assert caller.refused(None, f"{path}/expire") == (200, "INVALID_STATE")


def test_a_checkout_can_be_ended(caller: Caller) -> None:
    given = checkout()
    url = caller.post("/v2/checkouts", given).json()["redirectUrl"]
    ended = caller.post(f"/v2/checkouts/{given['checkoutId']}/expire").json()
    assert (ended["status"], ended["reason"]) == ("EXPIRED", "MANUAL_EXPIRY")
    assert choose(url, "ORANGE_SEN XOF", "221773456789").status_code == 404
    assert caller.get(f"/v2/checkouts/{given['checkoutId']}").json()["data"]["status"] == "EXPIRED"
    assert caller.talk.charges() == []


def test_a_checkout_that_does_not_exist_is_not_found(caller: Caller) -> None:
    path = f"/v2/checkouts/{uuid.uuid4()}"
    assert caller.get(path).json() == {"status": "NOT_FOUND"}
    assert caller.refused(None, f"{path}/expire") == (200, "NOT_FOUND")


def test_a_checkout_expires(caller: Caller) -> None:
    given = checkout(expiresAfter=1)
    caller.post("/v2/checkouts", given)
    caller.talk.advance(61)
    assert caller.get(f"/v2/checkouts/{given['checkoutId']}").json()["data"]["status"] == "EXPIRED"


def test_a_checkout_is_made_once(caller: Caller) -> None:
    given = checkout()
    urls = [caller.post("/v2/checkouts", given).json() for _ in range(2)]
    assert [one["status"] for one in urls] == ["ACCEPTED", "DUPLICATE_IGNORED"]
    assert urls[0]["redirectUrl"] == urls[1]["redirectUrl"]


@pytest.mark.parametrize(
    "changes",
    [{"checkoutId": "c1"}, {"amounts": []}, {"expiresAfter": "soon"}, {"countries": ["SN"]}, {"unknown": 1}],
)
def test_a_checkout_must_be_whole(caller: Caller, changes: dict[str, Any]) -> None:
    assert caller.post("/v2/checkouts", checkout(**changes)).status_code == 400
