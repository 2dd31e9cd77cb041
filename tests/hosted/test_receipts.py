"""A receipt worth keeping: what is sent on by WhatsApp, and the page to print. None of it needs a script."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ikawaari import clock, sealing, worker
from ikawaari.checkout import attempts, enquiry, snapshots
from ikawaari.checkout.payment_methods import PayRequest
from ikawaari.config import Config
from ikawaari.hosted import receipts
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories

DAY = "2026-11-25T09:00:00+00:00"
MONTHLY = {"interval": "month", "interval_count": 1}
FRENCH = (
    "J’ai payé 25\u202f500\u00a0FCFA à Maison & Fils le 25\u00a0novembre\u00a02026 (Orange Money, réf. {reference}). "
    "Reçu\u00a0: {link}"
)


@pytest.fixture
def engine() -> str:
    """The page is the same on both."""
    return "sqlite"


@pytest.fixture(autouse=True)
def travel() -> Iterator[Any]:
    """The clock stands still on a day that the receipt names."""
    with time_machine.travel(DAY, tick=False) as traveller:
        yield traveller


def opened(**fields: Any) -> CheckoutSession:
    """A session of a shop whose name has a sign that addresses treat as theirs."""
    return factories.session(factories.merchant("Maison & Fils"), **{"amount": 25_500} | fields)


def paid(request: PayRequest | None = None, **fields: Any) -> CheckoutSession:
    """The same, paid by a card unless said otherwise."""
    session = opened(**fields)
    attempts.pay(session.id, request or factories.card_request(), clock.now())
    return session


def shared(page: str) -> str:
    """The text that the page's link gives to WhatsApp."""
    found = re.search(r'href="https://wa\.me/\?text=([^"]*)"', page)
    assert found
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+", unescape(found[1]))
    return unquote(found[1])


def test_whatsapp_gets_the_receipt_in_french_with_its_spaces(client: FlaskClient, travel: Any) -> None:
    session = paid(factories.pay_request(), locale="fr")
    travel.shift(30)
    enquiry.check(session.id, clock.now())
    text = shared(client.get(f"/{session.id}").text)
    reference = PaymentAttempt.get().id[:8].upper()
    assert text == FRENCH.format(reference=reference, link=receipts.address(session.id))


def test_whatsapp_gets_the_receipt_of_a_card_in_english(client: FlaskClient) -> None:
    session = paid(locale="en")
    text = shared(client.get(f"/{session.id}").text)
    assert re.match(r"I paid .*25,500.* to Maison & Fils on .*November.* \(Card, ref\. [0-9A-F]{8}\)\. Receipt: ", text)


def test_a_trial_is_shared_as_a_trial(client: FlaskClient) -> None:
    session = paid(locale="en", mode="subscription", recurring=MONTHLY | {"trial_period_days": 14})
    text = shared(client.get(f"/{session.id}").text)
    assert text.startswith("My trial at Maison & Fils began on ")
    assert f"(ref. {client.get(f'/api/checkout/{session.id}').get_json()['reference']})" in text
    printed = client.get(f"/{session.id}/receipt").text
    assert client.get(f"/api/checkout/{session.id}").get_json()["reference"] in printed


def test_nothing_is_shared_before_it_is_paid(client: FlaskClient) -> None:
    session = opened()
    assert "wa.me" not in client.get(f"/{session.id}").text
    answer = client.get(f"/{session.id}/receipt")
    assert (answer.status_code, answer.location) == (303, f"/{session.id}")


def test_the_page_to_print_has_the_receipt_and_nothing_to_press(client: FlaskClient) -> None:
    session = paid(locale="fr", success_url="https://shop.example/ok", description="Commande 7")
    printed = client.get(f"/{session.id}/receipt").text
    for text in (
        "25\u202f500\u00a0FCFA",
        "Carte bancaire",
        "25\u00a0novembre\u00a02026",
        "Maison &amp; Fils",
        "Commande 7",
    ):
        assert text in printed
    assert PaymentAttempt.get().id[:8].upper() in printed
    assert receipts.address(session.id) in printed
    assert "<title>Reçu " in printed
    for text in ("<form", "<button", "<script", "http-equiv", "shop.example"):
        assert text not in printed
    assert "noindex" in printed


def test_what_was_given_back_is_on_the_printed_receipt(client: FlaskClient) -> None:
    session = paid(locale="fr")
    intent = snapshots.intent_of(session)
    assert intent is not None
    answer = client.post(
        "/api/v1/refunds",
        json={"payment_intent": intent.id, "amount": 500},
        headers={"Authorization": f"Bearer {factories.credential(session.merchant)}"},
    )
    assert answer.status_code == 201
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass
    printed = client.get(f"/{session.id}/receipt").text
    assert "− 500" in printed
    assert "25\u202f000\u00a0FCFA" in printed  # still paid


def rows(page: str) -> list[str]:
    """The rows of a receipt, as they are read."""
    found = re.search(r'<dl class="rows">(.*?)</dl>', page, re.DOTALL)
    assert found
    return [" ".join(unescape(re.sub("<[^>]*>", " ", row)).split()) for row in found[1].split("</div>")[:-1]]


PAID_BY_PHONE = ["Total payé 25 500 FCFA", "Avec Orange Money 77 ••• •• 00"]


@pytest.mark.parametrize("trial", [False, True])
def test_the_page_and_its_print_have_the_same_rows_and_the_print_says_to_whom_and_what_for(
    client: FlaskClient, travel: Any, trial: bool
) -> None:
    recurring = {"mode": "subscription", "recurring": MONTHLY | {"trial_period_days": 14}} if trial else {}
    session = paid(None if trial else factories.pay_request(), locale="fr", description="Commande 7", **recurring)
    travel.shift(30)
    enquiry.check(session.id, clock.now())
    shown, printed = (rows(client.get(f"/{session.id}{path}").text) for path in ("?stay=1", "/receipt"))
    reference = client.get(f"/api/checkout/{session.id}").get_json()["reference"]
    first = ["Gratuit jusqu’au 9 décembre 2026", "Ensuite 25 500 FCFA par mois"] if trial else PAID_BY_PHONE
    assert shown[:2] == first
    assert shown[-1] == printed[-1] == f"Référence {reference}"
    assert printed == [*shown[:-1], "Payé à Maison & Fils", "Pour Commande 7", shown[-1]]


def reader(app: Flask, path: str) -> TestResponse:
    """What somebody gets to whom a receipt was sent: a browser that knows nothing."""
    return app.test_client().get(path)


def path_of(address: str) -> str:
    return urlsplit(address).path


def test_a_shared_receipt_is_read_and_does_not_reveal_the_page_that_can_stop_a_subscription(
    app: Flask, client: FlaskClient, travel: Any
) -> None:
    session = paid(
        factories.pay_request(),
        locale="fr",
        mode="subscription",
        recurring=MONTHLY,
        success_url="https://shop.example/ok?s={CHECKOUT_SIGNATURE}",
        customer_email="awa@example.com",
    )
    travel.shift(30)
    enquiry.check(session.id, clock.now())
    own = client.get(f"/{session.id}?stay=1").text
    assert f"/{session.id}/stop" in own
    address = shared(own).rpartition(" ")[2].removeprefix("\u00a0")
    assert f'data-copy="{address}"' in own
    answer = reader(app, path_of(address))
    assert answer.status_code == 200
    assert "25\u202f500\u00a0FCFA" in answer.text
    assert "77\u00a0•••\u00a0••\u00a000" in answer.text
    whole = answer.text + str(answer.headers)
    hidden = (session.id, session.id.removeprefix("cs_"), factories.phone()[-7:], "awa@", "shop.example")
    for secret in (*hidden, "<form", "<button", "http-equiv"):
        assert secret not in whole
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("change", ["forged", "cut", "lengthened", "id", "empty-ish", "foreign letters"])
def test_a_receipt_s_address_cannot_be_made_by_others(app: Flask, change: str) -> None:
    session = paid()
    path = path_of(receipts.address(session.id))
    first = "B" if path[3] != "B" else "C"
    made = {
        "forged": f"/r/{first}{path[4:]}",
        "cut": path[:-4],
        "lengthened": path + "AAAA",
        "id": f"/r/{session.id}",
        "empty-ish": "/r/A",
        "foreign letters": "/r/é%00" + path[4:],
    }[change]
    assert reader(app, path).status_code == 200
    answer = reader(app, made)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_each_receipt_s_address_shows_its_own_session(app: Flask) -> None:
    one, other = paid(description="Commande 7"), paid(description="Commande 8")
    assert "Commande 7" in reader(app, path_of(receipts.address(one.id))).text
    seen = reader(app, path_of(receipts.address(other.id))).text
    assert ("Commande 8" in seen, "Commande 7" in seen) == (True, False)


def test_a_session_that_is_not_paid_or_not_there_has_no_receipt_to_read(app: Flask) -> None:
    for session_id in (opened().id, "cs_" + "a" * 27):
        assert reader(app, path_of(receipts.address(session_id))).status_code == 404


def test_the_address_opens_with_a_replaced_secret_until_that_is_removed_and_for_receipts_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sealing, "_seals", None)  # so that it is put back
    sealing.configure(Config(secret_key="old" * 11))
    token = sealing.token("cs_1", "receipt")
    assert sealing.token("cs_1", "receipt") == token
    sealing.configure(Config(secret_key="new" * 11, old_secret_keys="old" * 11))
    assert sealing.open_token(token, "receipt") == "cs_1"
    assert sealing.token("cs_1", "receipt") != token
    with pytest.raises(sealing.SealBroken):
        sealing.open_token(token, "something else")
    sealing.configure(Config(secret_key="new" * 11))
    with pytest.raises(sealing.SealBroken):
        sealing.open_token(token, "receipt")
