"""An operator that wants a code with the charge: the page says what to dial and has a field, before anything starts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ikawaari.config import Config
from ikawaari.hosted import drafts
from ikawaari.providers import registry
from ikawaari.providers.base import Flow
from ikawaari.providers.sandbox import Sandbox, ledger
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories
from tests.checkout.test_codes_first import Coded

FORM = {"method": "mobile_money", "country": "SN", "operator": "orange_sn", "phone": "77 123 45 00"}
DIAL = '<a class="dial" href="tel:*144*4*6*5000%23">'


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


@pytest.fixture
def coded(app: Flask, config: Config) -> Iterator[Coded]:
    """The provider that wants a code, before the sandbox."""
    provider = Coded(config)
    provider.codes = []
    reach = provider.capabilities.operators["orange_sn"]
    asking = replace(reach, flows=(Flow.OTP, Flow.REDIRECT), code_from="*144*4*6*{amount}#")
    operators = {**provider.capabilities.operators, "orange_sn": asking}
    provider.capabilities = replace(provider.capabilities, operators=operators)
    registry.configure([provider, Sandbox(config)])
    yield provider
    registry.start(config)


def press(client: FlaskClient, session: CheckoutSession, **form: str) -> str:
    """Press Pay; the page that comes then."""
    return unescape(client.post(f"/{session.id}/pay", data=FORM | form, follow_redirects=True).text)


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "Dial this code on your phone and enter your PIN: Orange Money sends you a code by SMS."),
        ("fr", "Composez ce code et tapez votre code secret : Orange Money vous envoie un code par SMS."),
    ],
)
def test_the_page_says_what_to_dial_and_then_sends_the_code(
    client: FlaskClient, coded: Coded, locale: str, told: str
) -> None:
    session = factories.session(locale=locale)
    page = press(client, session)
    assert told in page.replace("\u00a0", " ")
    assert DIAL in page
    assert page.index('name="otp"') < page.index('class="card')  # not among what a choice of mobile money hides
    assert 'value="77 123 45 00"' in page
    assert 'aria-invalid="true"' not in page
    assert "without your approval" not in page  # nothing is approved on the phone after the code
    assert "sans votre accord" not in page
    assert (coded.codes, PaymentAttempt.select().count(), list(ledger.entries())) == ([], 0, [])
    press(client, session, otp=" 123 456 ")
    assert coded.codes == ["123456"]
    assert [row.operator for row in PaymentAttempt.select()] == ["orange_sn"]


def test_what_is_no_code_is_named_and_sent_to_nobody(client: FlaskClient, coded: Coded) -> None:
    page = press(client, factories.session(locale="en"), otp="12")
    assert "Type the code that you received: only its digits." in page
    assert DIAL in page
    assert (coded.codes, PaymentAttempt.select().count()) == ([], 0)


def test_a_wrong_code_is_told_and_another_one_is_another_attempt(client: FlaskClient, coded: Coded) -> None:
    session = factories.session(locale="en")
    page = press(client, session, otp="000000")
    assert "That was not the right code" in page
    assert DIAL in press(client, session)
    press(client, session, otp="123456")
    assert coded.codes == ["000000", "123456"]
    assert {row.failure_code for row in PaymentAttempt.select()} == {"otp_invalid", None}


def test_another_operator_may_be_chosen_instead(client: FlaskClient, coded: Coded) -> None:
    session = factories.session(locale="en")
    press(client, session)
    press(client, session, operator="wave_sn", otp="")
    assert [row.operator for row in PaymentAttempt.select()] == ["wave_sn"]
    assert coded.codes == [None]


def test_a_code_to_dial_comes_from_the_provider_alone(app: Flask, client: FlaskClient, coded: Coded) -> None:
    session = factories.session(locale="en")
    page = press(client, session, dial="*99*1#", phone="")
    assert "*99*1#" not in page
    cookie = client.get_cookie("draft", path=f"/{session.id}")
    assert cookie
    press(client, session, otp="98765")
    with app.app_context():
        signer = drafts._signer(session.id)
        kept = signer.loads(cookie.decoded_value)
    assert "98765" not in re.sub(r"\s", "", repr(kept))
