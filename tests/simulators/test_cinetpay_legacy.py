"""The simulated legacy API of CinetPay, by its protocol card (2.8)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from ikawaari.simulators.cinetpay.legacy import SIGNED, LegacyCinetPay, credentials, token_of
from tests.simulators.cinetpay_account import ABSENT, ID
from tests.simulators.cinetpay_legacy_service import C2, C2_SECRET, C2_TOKEN, Service, page_of, press, said
from tests.simulators.talking import Receiver, eventually, talk

CREATED = ("201", "CREATED")
WAITING = ("662", "WAITING_CUSTOMER_PAYMENT")
PAID = ("00", "SUCCES")
FIELDS = ("608", "MINIMUM_REQUIRED_FIELDS")
WRONG: Mapping[str, Sequence[object]] = {
    "transaction_id": ("", "order/1", 5, ABSENT),
    "amount": ("1000", 1000.0, True, 0, -5, 1001, ABSENT),
    "currency": ("XAF", ABSENT),
    "description": ("", "Commande #1", ABSENT),
    "notify_url": ("http://pay.example.com/n", "pay.example.com", ABSENT),
    "return_url": ("", ABSENT),
    "channels": ("CARD", ABSENT),
    "lang": ("de",),
    "metadata": ({"id": 1},),
}


def notified(receiver: Receiver, number: int = 0) -> tuple[dict[str, str], str | None]:
    """The fields of a notification, and its token."""
    request = receiver.wait(number + 1)[number]
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True)), request.header("x-token")


# ---------------------------------------------------------------- it refuses


def test_who_is_no_service_is_refused(legacy: Service) -> None:
    no_key, no_site = ("609", "AUTH_NOT_FOUND"), ("613", "ERROR_SITE_ID_NOTVALID")
    elsewhere = credentials("CI")["site_id"]
    for name, value, code in (
        *(("apikey", "made_up_other", no_key), ("apikey", ABSENT, no_key)),
        *(("site_id", "999999", no_site), ("site_id", elsewhere, no_site), ("site_id", ABSENT, no_site)),
    ):
        assert said(legacy.create(**{name: value})) == said(legacy.check(**{name: value})) == code
    assert legacy.sim.charges() == []


def test_a_payment_that_breaks_a_rule_is_refused_and_the_field_is_named(legacy: Service) -> None:
    found = dict[tuple[str, str], tuple[tuple[str, str], bool]]()
    for name, values in WRONG.items():
        for value in values:
            answer = legacy.create(**{name: value})
            found[name, repr(value)] = said(answer), answer.json()["description"].startswith(name)
    assert len(found) == sum(map(len, WRONG.values()))
    assert set(found.values()) == {(FIELDS, True)}, found
    assert legacy.sim.charges() == []


def test_an_id_used_before_is_an_error_and_starts_nothing(legacy: Service) -> None:
    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(lambda _: said(legacy.create()), range(20)))
    assert codes == [CREATED] + [FIELDS] * 19
    assert [charge["calls"] for charge in legacy.sim.charges()] == [20]


def test_the_payment_of_another_service_is_not_found(legacy: Service) -> None:
    legacy.create()
    assert said(legacy.check()) == WAITING
    for found in (Service(legacy.sim, "CI").check(), legacy.check("another")):
        assert (found.status_code, "code" in found.json()) == (404, False)


# ---------------------------------------------------------------- it does


def test_a_payment_is_a_page_that_is_paid_and_leads_back_by_post(legacy: Service) -> None:
    created = legacy.create()
    assert said(created) == CREATED
    page = page_of(created)
    assert "Boutique Awa: 1000 XOF" in requests.get(page, timeout=5).text
    back = press(page, decision="pay")
    assert 'method="post" action="https://pay.example.com/cs_AbC"' in back
    assert f'name="transaction_id" value="{ID}"' in back
    assert said(legacy.check()) == ("623", "WAITING_CUSTOMER_TO_VALIDATE")
    legacy.sim.advance(6)
    found = legacy.check().json()
    assert (found["code"], found["message"]) == PAID
    data = found["data"]
    assert (data["amount"], data["currency"], data["status"], data["metadata"]) == ("1000", "XOF", "ACCEPTED", ID)
    assert data["operator_id"]
    assert [(one["id"], one["amount"], one["state"]) for one in legacy.sim.charges()] == [(ID, "1000", "succeeded")]
    assert "<button name" not in requests.get(page, timeout=5).text


@pytest.mark.parametrize(("code", "end"), [("", "627"), ("602", "602"), ("1", "627")])
def test_declining_ends_it(legacy: Service, code: str, end: str) -> None:
    press(page_of(legacy.create()), decision="decline", code=code)
    found = legacy.check().json()
    assert (found["code"], found["data"]["status"]) == (end, "REFUSED")
    assert legacy.sim.charges()[0]["state"] == "failed"


def test_a_page_that_nobody_uses_expires_and_may_be_paid_no_more(legacy: Service) -> None:
    page = page_of(legacy.create())
    legacy.sim.advance(1801)
    press(page, decision="pay")
    legacy.sim.advance(60)
    assert said(legacy.check())[0] == "625"


def test_the_older_form_of_a_check_has_no_amount_and_no_status(legacy: Service) -> None:
    legacy.sim.set(shows_amounts=False)
    press(page_of(legacy.create()), decision="pay")
    legacy.sim.advance(6)
    assert set(legacy.check().json()["data"]) == {"payment_method", "operator_id", "payment_date"}


def test_what_goes_wrong_can_be_ordered(legacy: Service) -> None:
    legacy.sim.next("fail", code="602")
    legacy.sim.next("fail_then_succeed", code="600", seconds=90)
    for number in range(2):
        press(page_of(legacy.create(transaction_id=f"id{number}")), decision="pay")
    legacy.sim.advance(6)
    assert [said(legacy.check(f"id{number}"))[0] for number in range(2)] == ["602", "600"]
    legacy.sim.next("other_amount", amount=900)
    legacy.sim.advance(90)
    assert said(legacy.check("id1")) == PAID
    assert legacy.check("id1").json()["data"]["amount"] == "900"
    legacy.sim.next("refuse", code="804", on="charge")
    assert said(legacy.create(transaction_id="id2")) == ("804", "OPERATOR_UNAVAILABLE")
    legacy.sim.next("no_address")
    assert legacy.create(transaction_id="id3").json()["data"]["payment_url"] is None
    legacy.sim.set(hidden_ids=["id1"])
    assert legacy.check("id1").status_code == 404


@pytest.mark.parametrize(("kind", "charges"), [("500", 0), ("accepted_then_500", 1), ("garbage", 1), ("html", 1)])
def test_an_answer_may_be_lost_with_the_payment_or_without(legacy: Service, kind: str, charges: int) -> None:
    legacy.sim.next(kind)
    answer = legacy.create()
    assert answer.status_code == (500 if "500" in kind else 200)
    assert b"201" not in answer.content
    assert len(legacy.sim.charges()) == charges


# ---------------------------------------------------------------- notifications


def test_the_token_of_vector_c2_is_made() -> None:
    assert tuple(C2) == SIGNED
    assert token_of(C2, C2_SECRET) == C2_TOKEN


def test_a_notification_is_a_signed_form_at_the_payments_own_address(legacy: Service, receiver: Receiver) -> None:
    press(page_of(legacy.create(notify_url=f"{receiver.url}/tag")), decision="pay")
    legacy.sim.advance(6)
    form, token = notified(receiver)
    assert receiver.received[0].target == "/callbacks/acc_test/tag"
    assert tuple(form) == SIGNED
    known = {name: form[name] for name in ("cpm_site_id", "cpm_trans_id", "cpm_amount", "cpm_currency", "cpm_custom")}
    assert list(known.values()) == [credentials("SN")["site_id"], ID, "1000", "XOF", ID]
    assert form["cpm_error_message"] == "SUCCES"
    assert token == token_of(form, credentials("SN")["secret_key"])


def test_a_payer_who_is_asked_to_confirm_may_be_told_of_first(legacy: Service, receiver: Receiver) -> None:
    legacy.sim.set(tells_waiting=True)
    press(page_of(legacy.create()), decision="pay")
    legacy.sim.advance(6)
    words = [notified(receiver, number)[0]["cpm_error_message"] for number in range(2)]
    assert words == ["WAITING_CUSTOMER_TO_VALIDATE", "SUCCES"]


@pytest.mark.parametrize("kind", ["bad_signature", "unsigned"])
def test_a_notification_may_be_signed_by_somebody_else_or_not_at_all(
    legacy: Service, receiver: Receiver, kind: str
) -> None:
    legacy.sim.next(kind)
    press(page_of(legacy.create()), decision="decline")
    form, token = notified(receiver)
    assert token != token_of(form, credentials("SN")["secret_key"])
    assert (token is None) is (kind == "unsigned")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("drop_callback", ["second"]),
        ("late_callback", ["second", ID]),
        ("reorder", ["second", ID]),
        ("double_callback", [ID, ID, "second"]),
    ],
)
def test_a_notification_may_be_lost_late_overtaken_or_doubled(
    legacy: Service, receiver: Receiver, kind: str, names: list[str]
) -> None:
    legacy.sim.next(kind)
    for name in (ID, "second"):
        press(page_of(legacy.create(transaction_id=name)), decision="decline")
    legacy.sim.advance(100)
    found = [notified(receiver, number)[0]["cpm_trans_id"] for number in range(len(names))]
    assert found == names


def test_a_notification_that_is_not_taken_is_repeated(legacy: Service, receiver: Receiver) -> None:
    receiver.statuses = [500]
    press(page_of(legacy.create()), decision="decline")
    eventually(lambda: len(legacy.sim.deliveries()) == 1)
    legacy.sim.advance(61)
    eventually(lambda: len(legacy.sim.deliveries()) == 2)
    assert [note["answered"] for note in legacy.sim.deliveries()] == [500, 200]


@pytest.mark.parametrize("country", ["CM", "GN", "CD"])
def test_a_service_is_one_country_with_its_currency(country: str) -> None:
    with talk(LegacyCinetPay(country=country)) as sim:
        shown: dict[str, Any] = sim.settings()
        assert shown == {"base_url": sim.base_url, **credentials(country)}
        currency = {"CM": "XAF", "GN": "GNF", "CD": "CDF"}[country]
        assert said(Service(sim, country).create(currency=currency)) == CREATED
        assert said(Service(sim, country).create()) == FIELDS


def test_there_is_no_service_where_cinetpay_is_not() -> None:
    with pytest.raises(ValueError, match="CinetPay is not in FR"):
        LegacyCinetPay(country="FR")
