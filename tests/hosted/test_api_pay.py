"""POST /api/checkout/{id}/pay: what a page may send, and how each wrong request is told what is wrong."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

import ikawaari
from ikawaari import clock
from ikawaari.config import Config
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories
from tests.conftest import disconnect
from tests.merchant_api.calls import MISSING, Answer, app_on, error, refused

WRONG = "IKW-CHK-002"
NUMBER = "+221771234500"
WALLET = {"type": "mobile_money", "mobile_money": {"operator": "orange_sn", "phone_number": NUMBER}}
CARD = {"type": "card", "card": {"token": "tok_test_card"}}
AT = "payment_method.mobile_money"


@pytest.fixture
def app(shared_url: str) -> Iterator[Flask]:
    """One app for all tests here."""
    with app_on(shared_url, sandbox_delay_seconds=0) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> Any:
    """A customer's browser."""
    return app.test_client()


@pytest.fixture
def open_session(app: Flask) -> CheckoutSession:
    """A session that nobody in here succeeds to pay: whoever needs a payable one makes their own."""
    fields = [
        factories.custom_field("note"),
        factories.custom_field("count", "number"),
        factories.custom_field("day", "date"),
        factories.custom_field("size", "dropdown"),
    ]
    return factories.session(
        custom_fields=fields, success_url="https://shop.example/merci", cancel_url="https://cart.shop.example:8443/"
    )


def pay(client: Any, session_id: str, body: Any = None) -> Answer:
    """Pay with Orange Money, unless `body` says otherwise; bytes are sent as they are."""
    sent = body if isinstance(body, bytes) else json.dumps({"payment_method": WALLET} if body is None else body)
    return client.post(f"/api/checkout/{session_id}/pay", data=sent, content_type="application/json")


def wallet(**changes: Any) -> dict[str, Any]:
    """A body that pays by mobile money, with changes to that method."""
    return {"payment_method": {"type": "mobile_money", "mobile_money": WALLET["mobile_money"] | changes}}  # type: ignore[operator]


def collected(**fields: Any) -> dict[str, Any]:
    """A body that pays and answers."""
    return {"payment_method": WALLET, "collected": fields}


# ---------------------------------------------------------------- the shape

NO_ANSWERS: tuple[Any, ...] = (1.5, True, [], {})
NO_LISTS: tuple[Any, ...] = (1, "1", {}, [1] * 101)
NO_COUNTS: tuple[Any, ...] = (-1, 1.5, "1", True, None, 10**7)
ADDRESSES: tuple[Any, ...] = (
    *("a" * 501, 5, True, ["Rue 10"], {"line1": 5}, {"line1": "a" * 201}, {"k" * 201: "Rue 10"}, {"line1": {}}),
    {str(line): "Rue" for line in range(11)},
)
SHAPES: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({}, "payment_method"),
    ({"payment_method": None}, "payment_method"),
    ({"payment_method": "card"}, "payment_method"),
    ({"payment_method": []}, "payment_method.type"),
    ({"payment_method": [1]}, "payment_method"),
    ({"payment_method": {}}, "payment_method.type"),
    ({"payment_method": {"type": "cash"}}, "payment_method.type"),
    ({"payment_method": {"type": ["card"]}}, "payment_method.type"),
    ({"payment_method": {"type": "card"}}, "payment_method.card"),
    ({"payment_method": {"type": "card", "card": {}}}, "payment_method.card.token"),
    ({"payment_method": {"type": "card", "card": {"token": ""}}}, "payment_method.card.token"),
    ({"payment_method": {"type": "card", "card": {"token": "t" * 211}}}, "payment_method.card.token"),
    ({"payment_method": {"type": "card", "card": {"token": "tok_1", "cvc": "123"}}}, "payment_method.card.cvc"),
    ({"payment_method": {"type": "card", "card": "tok_1"}}, "payment_method.card"),
    ({"payment_method": {"type": "card", "card": []}}, "payment_method.card.token"),
    ({"payment_method": {"type": "mobile_money", "mobile_money": [1]}}, AT),
    ({"payment_method": WALLET, "amount": 5000}, "amount"),
    ({"payment_method": WALLET, "session_id": 5}, "session_id"),
    *(
        (wallet(**{name: 5}), f"{AT}.{name}")
        for name in ("country", "operator", "phone_number", "preferred_flow", "otp")
    ),
    (wallet(phone_number="7" * 33), f"{AT}.phone_number"),
    (wallet(country="SEN"), f"{AT}.country"),
    (wallet(msisdn=NUMBER), f"{AT}.msisdn"),
    *((wallet(otp=otp), f"{AT}.otp") for otp in ("123", "123456789", "12345a", "１２３４", "1234\n", "-1234")),
    *((collected(amount=amount), "collected.amount") for amount in (0, -1, 1.5, "5000", True, 2**63)),
    *((collected(quantities=value), "collected.quantities") for value in NO_LISTS),
    *((collected(quantities=[count]), "collected.quantities.0") for count in NO_COUNTS),
    (collected(customerDetails=[1]), "collected.customerDetails"),
    (collected(customerDetails={"name": 5}), "collected.customerDetails.name"),
    *((collected(customerDetails={"address": value}), "collected.customerDetails.address") for value in ADDRESSES),
    (collected(customerDetails={"age": "5"}), "collected.customerDetails.age"),
    (collected(customFields=[1]), "collected.customFields"),
    *((collected(customFields={"note": value}), "collected.customFields.note") for value in NO_ANSWERS),
    (collected(metadata={}), "collected.metadata"),
    ({"payment_method": WALLET, "collected": {"customFields": {}, "custom_fields": {}}}, "collected.customFields"),
    *(
        ({"payment_method": WALLET, "return_url": url}, "return_url")
        for url in ("javascript:alert(1)", "//shop.example", "https://a@shop.example/", 5)
    ),
)


@pytest.mark.parametrize(("body", "field"), SHAPES, ids=lambda value: str(value)[-50:])
def test_a_wrong_field_is_named(client: Any, open_session: CheckoutSession, body: Any, field: str) -> None:
    refused(pay(client, open_session.id, dict(body)), field)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 20_000, b'{"payment_method": NaN}']
)
def test_what_is_no_payment_is_refused(client: Any, open_session: CheckoutSession, body: bytes) -> None:
    answer = pay(client, open_session.id, body)
    error(answer, 400, "IKW-REQ-001" if body in {b"", b"[]"} else "IKW-REQ-002")


def test_deep_nesting_is_refused(client: Any, open_session: CheckoutSession) -> None:
    body = b'{"collected": ' + b'{"a":' * 900 + b"1" + b"}" * 901
    refused(pay(client, open_session.id, body), "collected")


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
@pytest.mark.parametrize(
    "path",
    [
        *("session_id", "return_url", "payment_method.type", "payment_method.card.token", f"{AT}.phone_number"),
        *(f"{AT}.operator", f"{AT}.country", "collected.customerDetails.name", "collected.customFields.note"),
    ],
)
def test_texts_that_nobody_can_store_are_refused(
    client: Any, open_session: CheckoutSession, path: str, escape: str
) -> None:
    body = f'"a{escape}"'
    for step in reversed(path.split(".")):
        body = f'{{"{step}": {body}}}'
    refused(pay(client, open_session.id, body.encode()), path)


def test_only_json_of_a_bearable_size_is_read(client: Any, open_session: CheckoutSession) -> None:
    path = f"/api/checkout/{open_session.id}/pay"
    error(client.post(path, data={"payment_method": "card"}), 415, "IKW-REQ-003")
    error(client.post(path, json={"a": "b" * 131_072}), 413, "IKW-REQ-004")


# ---------------------------------------------------------------- what the session says of it

MEANINGS: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({"payment_method": WALLET, "session_id": MISSING}, "session_id"),
    ({"payment_method": WALLET, "return_url": "https://evil.example/"}, "return_url"),
    ({"payment_method": WALLET, "return_url": "https://shop.example.evil.example/"}, "return_url"),
    ({"payment_method": WALLET, "return_url": "http://shop.example/"}, "return_url"),
    ({"payment_method": WALLET, "return_url": "https://shop.example:8443/"}, "return_url"),
    ({"payment_method": WALLET, "return_url": "https://cart.shop.example/"}, "return_url"),
    ({"payment_method": {"type": "card", "card": {"token": "card_1"}}}, "payment_method.card.token"),
    ({"payment_method": {"type": "card", "card": {"token": "tok_é"}}}, "payment_method.card.token"),
    ({"payment_method": {"type": "mobile_money"}}, f"{AT}.phone_number"),
    ({"payment_method": {"type": "mobile_money", "mobile_money": []}}, f"{AT}.phone_number"),
    (wallet(phone_number="  "), f"{AT}.phone_number"),
    (wallet(operator="mpesa"), f"{AT}.operator"),
    (wallet(operator="visa_sn"), f"{AT}.operator"),
    (wallet(operator="orange_money", country="ZZ", phone_number="771234500"), f"{AT}.phone_number {AT}.country"),
    (wallet(operator="orange_cm", phone_number="+237677123500"), f"{AT}.operator"),
    (wallet(operator="orange_sn", country="CI"), f"{AT}.operator"),
    (wallet(operator="orange_ci"), f"{AT}.phone_number"),
    (wallet(phone_number="+2250700000500"), f"{AT}.phone_number"),
    (wallet(phone_number="77"), f"{AT}.phone_number"),
    (wallet(phone_number="call me"), f"{AT}.phone_number"),
    (collected(amount=4999), "collected.amount"),
    (collected(quantities=[1]), "collected.quantities"),
    (collected(customerDetails={"email": "awa"}), "collected.customerDetails.email"),
    (collected(customerDetails={"phone": "77"}), "collected.customerDetails.phone"),
    (collected(customFields={"other": "a"}), "collected.customFields.other"),
    (collected(customFields={"note": "a" * 501}), "collected.customFields.note"),
    (collected(customFields={"count": "many"}), "collected.customFields.count"),
    (collected(customFields={"count": "NaN"}), "collected.customFields.count"),
    (collected(customFields={"day": "31/12/2026"}), "collected.customFields.day"),
    (collected(customFields={"day": "2026-02-30"}), "collected.customFields.day"),
    (collected(customFields={"size": "XXL"}), "collected.customFields.size"),
)


@pytest.mark.parametrize(("body", "fields"), MEANINGS, ids=lambda value: str(value)[-50:])
def test_what_does_not_fit_the_session_is_named(
    client: Any, open_session: CheckoutSession, body: Any, fields: str
) -> None:
    refused(pay(client, open_session.id, dict(body)), *fields.split(), code=WRONG)
    assert PaymentAttempt.select().where(PaymentAttempt.intent_id == open_session.id).count() == 0


@pytest.mark.parametrize(
    "body",
    [
        *({"payment_method": WALLET, name: nothing} for name in ("session_id", "return_url") for nothing in ("", " ")),
        *(wallet(**{name: ""}) for name in ("country", "operator", "preferred_flow", "otp")),
        wallet(preferred_flow="sms"),
        {"payment_method": WALLET | {"card": []}},
        {"payment_method": CARD | {"mobile_money": []}},
        {"payment_method": WALLET, "collected": []},
        collected(customerDetails=[], customFields=[]),
        collected(customerDetails={"name": "", "email": " ", "phone": "", "address": ""}, customFields={"note": ""}),
        collected(customerDetails={"address": []}),
    ],
    ids=lambda body: str(body)[-50:],
)
def test_what_is_empty_refuses_no_payment(client: Any, app: Flask, body: Any) -> None:
    session = factories.session(custom_fields=[factories.custom_field("note")])
    assert pay(client, session.id, body).status_code == 200
    assert CheckoutSession.get_by_id(session.id).customer_details == {}


@pytest.mark.parametrize(
    "address",
    ["Rue 10 x 13\nMédina, Dakar", "a" * 500, {"line1": "Rue 10", "city": "Dakar", "country": "SN"}, {"a": "b" * 200}],
)
def test_an_address_is_returned_as_it_was_given(client: Any, app: Flask, address: Any) -> None:
    session = factories.session()
    paid = pay(client, session.id, collected(customerDetails={"name": "Awa", "address": address}))
    assert paid.status_code == 200, paid.text
    assert CheckoutSession.get_by_id(session.id).customer_details == {"name": "Awa", "address": address}


def test_nothing_in_an_address_is_left_out(client: Any, app: Flask) -> None:
    session = factories.session()
    pay(client, session.id, collected(customerDetails={"address": {"line1": "Rue 10", "line2": None}}))
    assert CheckoutSession.get_by_id(session.id).customer_details == {"address": {"line1": "Rue 10"}}


@pytest.mark.parametrize("amount", [None, 99, 901])
def test_a_chosen_amount_stays_in_its_bounds(client: Any, app: Flask, amount: int | None) -> None:
    session = factories.session(amount=None, amount_min=100, amount_max=900)
    refused(pay(client, session.id, collected(amount=amount)), "collected.amount", code=WRONG)
    assert pay(client, session.id, collected(amount=900)).status_code == 200


def test_a_total_of_chosen_quantities_and_a_fee_is_told_and_charged(client: Any, app: Flask) -> None:
    owner = factories.merchant()
    owner.change(fees={"mobile_money": {"basis_points": 150, "fixed": 10}})
    bounds = {"minimum": 1, "maximum": 9}
    items = [{"name": "Pagne", "amount": 1_500, "quantity": 2, "adjustable_quantity": bounds}]
    session_id = factories.session(owner, line_items=items, fee_mode="customer_pays", thank_you="À bientôt !").id
    view = client.get(f"/api/checkout/{session_id}").json
    assert (view["amount"], view["line_items"], view["thank_you"]) == (3_000, items, None)
    assert view["fees"] == [
        {"type": "mobile_money", "fee_amount": 55, "amount_total": 3_055},
        {"type": "card", "fee_amount": 0, "amount_total": 3_000},
    ]
    refused(pay(client, session_id, collected(quantities=[10])), "collected.quantities.0", code=WRONG)
    paid = pay(client, session_id, collected(quantities=[3]) | {"payment_method": CARD}).json
    assert (paid["payment"]["amount"], paid["payment"]["fee_amount"], paid["amount"]) == (4_500, 0, 4_500)
    assert (paid["line_items"][0]["quantity"], paid["thank_you"]) == (3, "À bientôt !")


def test_a_required_answer_is_missed(client: Any, app: Flask) -> None:
    session = factories.session(custom_fields=[factories.custom_field("note", required=True)])
    for answers in ({}, {"note": None}, {"note": ""}, {"note": "  "}):
        refused(pay(client, session.id, collected(customFields=answers)), "collected.customFields.note", code=WRONG)
    assert pay(client, session.id, collected(customFields={"note": 5})).status_code == 200


def test_a_method_that_the_session_does_not_take_is_refused(client: Any, app: Flask) -> None:
    session = factories.session(payment_method_types=["card"])
    refused(pay(client, session.id), "payment_method.type", code=WRONG)


def test_both_spellings_and_the_id_in_the_body_are_understood(client: Any, app: Flask) -> None:
    session = factories.session(custom_fields=[factories.custom_field("note")])
    answers = {"customer_details": {"name": "Awa", "email": None}, "custom_fields": {"note": "a"}}
    answer = pay(
        client, session.id, collected(**answers) | {"session_id": session.id, "return_url": "http://localhost/back"}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json["answered_fields"], answer.json["customer"]["name"]) == (["note"], "Awa")


# ---------------------------------------------------------------- the session's state


@pytest.mark.parametrize("session_id", [MISSING, "cs_", "x", "é", "%00", "a" * 400])
def test_an_unknown_session_is_not_found(client: Any, session_id: str) -> None:
    answer = pay(client, session_id)
    error(answer, 404, "IKW-RES-001" if "%00" in session_id else "IKW-CHK-001")
    assert client.get(f"/api/checkout/{session_id}").status_code == 404


def test_a_paid_session_is_not_paid_again(client: Any, app: Flask) -> None:
    session_id = factories.session().id
    answer = pay(client, session_id, {"payment_method": CARD})
    assert (answer.status_code, answer.json["payment_status"]) == (200, "paid")
    error(pay(client, session_id), 409, "IKW-RES-004")


def test_while_an_attempt_is_not_settled_there_is_no_other(client: Any, app: Flask) -> None:
    session_id = factories.session().id
    assert pay(client, session_id, wallet(phone_number="+221771234011")).json["payment_status"] == "processing"
    error(pay(client, session_id), 409, "IKW-RES-003")


def test_an_expired_session_is_gone(client: Any, app: Flask) -> None:
    session_id = factories.session().id
    with time_machine.travel(clock.now() + timedelta(days=2), tick=False):
        error(pay(client, session_id), 410, "IKW-CHK-003")
        assert client.get(f"/api/checkout/{session_id}").json["status"] == "expired"


@pytest.mark.parametrize(
    ("token", "code", "failure"),
    [
        ("tok_test_declined", "IKW-TRANSFER-001", "card_declined"),
        ("tok_test_insufficient_funds", "IKW-TRANSFER-001", "insufficient_funds"),
        ("tok_of_nobody", "IKW-TRANSFER-001", "card_declined"),
    ],
)
def test_a_decline_is_a_402_and_the_payer_may_try_again(
    client: Any, app: Flask, token: str, code: str, failure: str
) -> None:
    session_id = factories.session().id
    answer = pay(client, session_id, {"payment_method": {"type": "card", "card": {"token": token}}})
    assert error(answer, 402, code)["details"] == {"failure_code": [failure]}
    assert client.get(f"/api/checkout/{session_id}").json["last_payment_error"]["code"] == failure
    assert pay(client, session_id, {"payment_method": CARD}).status_code == 200


def test_an_operator_that_is_down_is_a_402_worth_a_retry(client: Any, app: Flask) -> None:
    answer = pay(client, factories.session().id, wallet(phone_number="+221771234008"))
    assert error(answer, 402, "IKW-TRANSFER-002")["retryable"] is True


def test_a_code_is_sent_with_a_second_call(client: Any, app: Flask) -> None:
    session_id = factories.session().id
    number = {"phone_number": "+221771234009"}
    assert pay(client, session_id, wallet(**number)).json["next_action"]["type"] == "mobile_money_otp"
    error(pay(client, session_id, wallet(**number)), 409, "IKW-RES-003")
    answer = pay(client, session_id, wallet(**number, otp="123456"))
    assert (answer.status_code, answer.json["payment_status"]) == (200, "paid")


def test_a_live_session_without_a_provider_cannot_be_paid(client: Any, app: Flask) -> None:
    session_id = factories.session(livemode=True).id
    for answer in (pay(client, session_id), pay(client, session_id, {"payment_method": CARD})):
        told = error(answer, 503, "IKW-SYS-003")
        assert (told["retryable"], list(told["details"])) == (False, ["payment_method"])
        assert "Retry-After" not in answer.headers
    assert client.get(f"/api/checkout/{session_id}").json["payment_methods"] == []


# ---------------------------------------------------------------- no card number comes in

CARDS = (
    "4242424242424242",
    "4242 4242 4242 4242",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "flat 7 4000056655665556.",
)
PLACES: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda card: {"payment_method": {"type": "card", "card": {"token": card}}},
    lambda card: {"payment_method": {"type": "card", "card": {"number": card, "cvc": "123"}}},
    lambda card: {"payment_method": {"type": "card", "card": {"token": "tok_1"}}, "card": [{"number": card}]},
    lambda card: collected(customerDetails={"name": card}),
    lambda card: collected(customerDetails={"card": card}),
    lambda card: collected(customFields={"note": card}),
    lambda card: collected(customFields={"phone": card}),
    lambda card: collected(customFields={card: "a"}),
    lambda card: collected(customFields={card: card}),
    lambda card: {"payment_method": WALLET, card: {card: card}},
    lambda card: {"payment_method": WALLET, "session_id": card},
    lambda card: {"payment_method": WALLET, "return_url": f"https://shop.example/?card={card.replace(' ', '-')}"},
    lambda card: wallet(operator=card),
)


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_refused_wherever_it_stands_and_not_told_again(
    client: Any, open_session: CheckoutSession, place: Callable[[str], dict[str, Any]], card: str
) -> None:
    answer = pay(client, open_session.id, place(card))
    assert error(answer, 400, "IKW-CHK-004")["details"]
    assert card not in answer.text
    assert "".join(filter(str.isdigit, card)) not in answer.text


@pytest.mark.parametrize("number", [4242424242424242, 4242424242424242.0])
def test_a_card_number_may_be_no_number_either(client: Any, open_session: CheckoutSession, number: float) -> None:
    answer = pay(client, open_session.id, {"payment_method": {"type": "card", "card": {"number": number}}})
    refused(answer, "payment_method.card.number", code="IKW-CHK-004")


@pytest.mark.parametrize("at", ["phone_number", "phone"])
@pytest.mark.parametrize("card", CARDS[:4])
def test_a_card_number_is_no_phone_number(client: Any, open_session: CheckoutSession, at: str, card: str) -> None:
    body = wallet(phone_number=card) if at == "phone_number" else collected(customerDetails={"phone": card})
    field = f"{AT}.phone_number" if at == "phone_number" else "collected.customerDetails.phone"
    answer = pay(client, open_session.id, body)
    refused(answer, field, code=WRONG)
    assert card not in answer.text


IVORIAN = "+2250700000044"  # thirteen digits that pass the Luhn check


def test_a_phone_number_is_no_card_number(client: Any, app: Flask) -> None:
    session = factories.session(country="CI", custom_fields=[factories.custom_field("second_phone")])
    body = wallet(operator="orange_ci", phone_number=IVORIAN)
    body |= {"collected": {"customerDetails": {"phone": IVORIAN}, "customFields": {"second_phone": IVORIAN}}}
    answer = pay(client, session.id, body)
    assert (answer.status_code, answer.json["payment"]["operator"]) == (200, "orange_ci"), answer.text


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_card_number_is_not_logged(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    app = ikawaari.create_app(replace(config, log_level="DEBUG"))
    session_id = factories.session().id
    for place in PLACES:
        pay(app.test_client(), session_id, place(CARDS[0]))
    pay(app.test_client(), session_id, f'{{"card": "{CARDS[0]}",'.encode())
    output = capsys.readouterr()
    assert CARDS[0] not in output.err + output.out
    disconnect()
