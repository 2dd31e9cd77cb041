"""Which operators a live session offers: those that an account reaches, in the session's currency, and never mtn_cd."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import account_setup
from ikawaari.checkout.account_setup import NewAccount
from ikawaari.config import Config
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories

SETTINGS: dict[str, dict[str, Any]] = {
    "pawapay": {"token": "made_up", "sign_callbacks": True},
    "cinetpay": {"api_key": "sk_live_made_up", "api_password": "made_up"},
    "wave": {"api_key": "wave_cm_prod_made_up", "webhook_secret": "wave_cm_WHS_made_up"},
}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


@pytest.fixture(autouse=True)
def accounts(app: Flask) -> None:
    """The house's accounts: for all countries, for DR Congo, and for Cameroon."""
    config: Config = app.config["IKAWAARI"]
    for name, country in (("pawapay", None), ("cinetpay", "CD"), ("wave", "CM")):
        new = NewAccount(provider=name, merchant_id=None, country=country, livemode=True, settings=SETTINGS[name])
        account_setup.add(new, config, clock.now())


def opened(country: str, **fields: Any) -> CheckoutSession:
    """A live session of a shop in the country."""
    return factories.session(factories.merchant(country=country), livemode=True, **fields)


def offered(client: FlaskClient, session: CheckoutSession) -> dict[str, list[str]]:
    """The operators of the public JSON, by country; the page has the same."""
    view: Any = client.get(f"/api/checkout/{session.id}").json
    found = [entry for method in view["payment_methods"] for entry in method.get("countries", ())]
    listed = {entry["country"]: [operator["id"] for operator in entry["operators"]] for entry in found}
    page = client.get(f"/{session.id}").text
    assert all(f'value="{name}"' in page for name in listed.get(session.country or "", []))
    assert "mtn_cd" not in page
    return listed


@pytest.mark.parametrize(
    ("country", "currency", "operators"),
    [
        ("CD", "CDF", ["orange_cd", "mpesa_cd", "airtel_cd", "africell_cd"]),
        ("CD", "USD", ["orange_cd", "mpesa_cd", "airtel_cd"]),
        ("CM", "XAF", ["mtn_cm", "orange_cm", "wave_cm"]),
    ],
)
def test_a_live_session_offers_whom_an_account_reaches_in_its_currency(
    client: FlaskClient, country: str, currency: str, operators: list[str]
) -> None:
    assert offered(client, opened(country, amount=500_000, currency=currency)) == {country: operators}


def test_the_api_knows_a_network_that_no_account_reaches(client: FlaskClient) -> None:
    session = opened("CD", amount=500_000)
    wallet = {"operator": "mtn_cd", "phone_number": factories.phone(country="CD")}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    error: Any = client.post(f"/api/checkout/{session.id}/pay", json=body).json
    assert error["error"]["code"] == "IKW-SYS-003"
    problem = "No provider account takes mobile money by mtn_cd in CDF now."
    assert error["error"]["details"] == {"payment_method": [problem]}
    assert PaymentAttempt.select().count() == 0


def test_test_mode_offers_all_as_before(client: FlaskClient) -> None:
    session = factories.session(factories.merchant(country="CD"))
    view: Any = client.get(f"/api/checkout/{session.id}").json
    operators = view["payment_methods"][0]["countries"][0]["operators"]
    assert [operator["id"] for operator in operators] == ["orange_cd", "mpesa_cd", "airtel_cd", "africell_cd", "mtn_cd"]
