"""What a payer is told who sees no prompt: the operator's menu, its app, or general words where nothing is sure."""

import re
import uuid
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import account_setup, accounts, health, merchant_view
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.hosted import context, web
from ikawaari.operators import OPERATORS
from ikawaari.providers.base import Account
from ikawaari.providers.capabilities import Condition
from ikawaari.store.models import CheckoutSession, PaymentAttempt, PaymentIntent, ProviderConditions
from tests import factories

GENERAL = {"en": "Open your operator’s mobile money menu", "fr": "Ouvrez le menu mobile money de votre opérateur"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def prompted(client: FlaskClient, operator: str, locale: str) -> str:
    """The waiting page, as it is read."""
    country = operator[-2:].upper()
    session = factories.session(factories.merchant(country=country), locale=locale)
    form = {
        "method": "mobile_money",
        "operator": operator,
        "country": country,
        "phone": factories.phone("011", country),
    }
    page = client.post(f"/{session.id}/pay", data=form, follow_redirects=True).text
    return re.sub(r"\s+", " ", unescape(page))


@pytest.mark.parametrize(
    ("operator", "locale", "told"),
    [
        ("orange_sn", "en", '<a class="dial" href="tel:%23144%23">'),
        ("orange_ci", "fr", '<a class="dial" href="tel:%23144%23">'),
        ("orange_cm", "en", '<a class="dial" href="tel:%23150%23">'),
        ("mtn_ci", "en", GENERAL["en"]),
        ("mtn_bj", "fr", GENERAL["fr"]),
    ],
)
def test_the_page_says_where_a_payment_waits(client: FlaskClient, operator: str, locale: str, told: str) -> None:
    page = prompted(client, operator, locale)
    assert told in page
    assert ('href="tel:' in page) == ("tel:" in told)


def prompt_of(operator: str, dial_code: str | None) -> dict[str, Any]:
    """The prompt of an attempt whose provider gave that code."""
    action = {"type": "mobile_money_ussd", "mobile_money_ussd": {"message": "", "dial_code": dial_code}}
    attempt = PaymentAttempt(operator=operator, status="requires_action", next_action=action)
    told = merchant_view.next_action([attempt])
    assert told is not None
    return cast("dict[str, Any]", told["mobile_money_ussd"])


@pytest.mark.parametrize(
    ("operator", "given", "told"),
    [("orange_sn", None, "#144#"), ("orange_sn", "#145#", "#145#"), ("mtn_cm", None, None), ("mtn_cm", "*1#", "*1#")],
)
def test_what_the_provider_says_counts_before_what_we_know(operator: str, given: str | None, told: str | None) -> None:
    assert prompt_of(operator, given)["dial_code"] == told
    action = {"type": "mobile_money_ussd", "mobile_money_ussd": prompt_of(operator, given)}
    view = cast("PublicCheckout", {"livemode": True, "next_action": action, "merchant": {"payer_name": None}})
    payment: Any = {"operator": operator}
    assert context._menu(view, payment)["code"] == told
    test_view = cast("PublicCheckout", {**view, "livemode": False})
    assert context._menu(test_view, payment)["code"] == OPERATORS[operator].menu


SAID = Condition(
    operator="orange_sn",
    currency="XOF",
    payee_name="IKAWAARI <b>TERANGA</b>",
    instructions={"en": "Dial *123# and choose 1.", "fr": "Composez *123# et choisissez 1."},
    dial_code="*123#",
)


@pytest.fixture
def account(app: Flask) -> Account:
    """A live account whose provider has said something about Orange in Senegal, and what to dial in Burkina Faso."""
    settings = {"token": "made_up", "sign_callbacks": True}
    new = NewAccount(provider="pawapay", merchant_id=None, country=None, livemode=True, settings=settings)
    added = account_setup.add(new, app.config["IKAWAARI"], clock.now())
    burkina = replace(SAID, operator="orange_bf", dial_code="*144*5*{amount}#")
    ProviderConditions.create(account=added.id, said=health.stored([SAID, burkina]), refreshed_at=clock.now())
    accounts.distrust()
    accounts.known()
    return added


def test_the_accounts_name_counts_before_the_merchants(client: FlaskClient, account: Account) -> None:
    merchant = factories.merchant(payer_name="TERANGA SARL")
    page = client.get(f"/{waiting(account, owner=merchant).id}").text
    assert "TERANGA SARL" not in page
    assert "<b>IKAWAARI &lt;b&gt;TERANGA&lt;/b&gt;</b>." in page
    elsewhere = waiting(account, owner=merchant)
    PaymentAttempt.update(operator="orange_ml").where(
        PaymentAttempt.intent == PaymentIntent.get(PaymentIntent.session == elsewhere.id)
    ).execute()
    assert "<b>TERANGA SARL</b>." in client.get(f"/{elsewhere.id}").text


def waiting(account: Account, **fields: Any) -> CheckoutSession:
    """A live session whose payer has a prompt of Orange in Senegal on the phone."""
    session = factories.session(fields.pop("owner", None), livemode=True, **fields)
    intent = PaymentIntent.get(PaymentIntent.session == session.id)
    action = {"type": "mobile_money_ussd", "mobile_money_ussd": {"message": "", "dial_code": None}}
    now = clock.now()
    prompt = {"status": "requires_action", "next_action": action, "deadline_at": now + timedelta(minutes=5)}
    who = {"provider": account.id, "type": "mobile_money", "operator": "orange_sn", "phone": "+221771234500"}
    money = {"amount": 5_000, "currency": "XOF", "created_at": now, "submitted_at": now}
    PaymentAttempt.create(id=str(uuid.uuid4()), intent=intent.id, return_url="", **who, **prompt, **money)
    return session


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_what_the_provider_says_now_is_told_in_the_payer_s_language(
    client: FlaskClient, account: Account, locale: str
) -> None:
    session = waiting(account, locale=locale)
    view: Any = client.get(f"/api/checkout/{session.id}", headers={"Accept-Language": locale}).json
    told = view["next_action"]["mobile_money_ussd"]
    assert told == {
        "message": told["message"],
        "dial_code": "*123#",
        "instructions": SAID.instructions[locale],
        "payee_name": SAID.payee_name,
    }
    page = re.sub(r"\s+", " ", client.get(f"/{session.id}").text)
    assert '<a class="dial" href="tel:*123%23">' in page
    assert f"<small>{SAID.instructions[locale]}</small>" in page
    assert "<b>IKAWAARI &lt;b&gt;TERANGA&lt;/b&gt;</b>." in page


def test_the_page_tells_it_in_its_own_language(client: FlaskClient, account: Account) -> None:
    session = waiting(account)
    assert SAID.instructions["fr"].partition("*")[0] in client.get(f"/{session.id}").text
    client.set_cookie(web.LANGUAGE, "en", path=f"/{session.id}")
    assert SAID.instructions["en"].partition("*")[0] in client.get(f"/{session.id}").text


def test_the_code_to_dial_before_a_charge_is_what_the_provider_says_now(client: FlaskClient, account: Account) -> None:
    session = factories.session(factories.merchant(country="BF"), livemode=True)
    wallet = {"operator": "orange_bf", "phone_number": factories.phone(country="BF")}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    answer: Any = client.post(f"/api/checkout/{session.id}/pay", json=body)
    assert answer.status_code == 400
    assert "*144*5*5000#" in answer.text


def test_of_another_operator_nothing_is_told_that_was_not_said(account: Account) -> None:
    assert set(prompt_of("mtn_ci", None)) == {"message", "dial_code"}
