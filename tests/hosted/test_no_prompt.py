"""What a payer is told who sees no prompt: the operator's menu, its app, or general words where nothing is sure."""

import re
from html import unescape
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ikawaari.checkout import merchant_view
from ikawaari.checkout.public_view import PublicCheckout
from ikawaari.hosted import context
from ikawaari.operators import OPERATORS
from ikawaari.store.models import PaymentAttempt
from tests import factories

GENERAL = {"en": "Open your operator's mobile money menu", "fr": "Ouvrez le menu mobile money de votre opérateur"}


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
        ("orange_sn", "en", 'Dial <a href="tel:%23144%23">#144#</a> and look for the payment'),
        ("orange_ci", "fr", 'Composez le <a href="tel:%23144%23">#144#</a> et cherchez le paiement'),
        ("orange_cm", "en", 'Dial <a href="tel:%23150%23">#150#</a> and look for the payment'),
        ("wave_ci", "en", "Open the Wave app and look for the payment"),
        ("wave_cm", "fr", "Ouvrez l’application Wave et cherchez le paiement"),
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
    view = cast("PublicCheckout", {"livemode": True, "next_action": action})
    payment: Any = {"operator": operator}
    assert context._menu(view, payment)["code"] == told
    test_view = cast("PublicCheckout", {**view, "livemode": False})
    assert context._menu(test_view, payment)["code"] == OPERATORS[operator].menu
