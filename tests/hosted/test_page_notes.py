"""What a provider says besides, on the page: a try that failed there while the charge goes on."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import attempts
from ikawaari.store.models import CheckoutSession, PaymentAttempt
from tests import factories

WORDS = {"fr": "Cet essai a été refusé", "en": "That try was declined"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def waiting(locale: str, flow: str | None) -> CheckoutSession:
    """A session whose payer has something to do, and has tried once without success."""
    session = factories.session(locale=locale)
    request = factories.pay_request(factories.phone("011"), "wave_sn", preferred_flow=flow)
    attempts.pay(session.id, request, clock.now())
    return session


def fail_once() -> None:
    """A try at the operator is declined, and the charge goes on."""
    PaymentAttempt.update(last_error="insufficient_funds").execute()


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("flow", ["ussd_push", "redirect", "qr"])
def test_a_try_that_was_declined_there_is_told_while_the_charge_goes_on(
    app: Any, client: FlaskClient, locale: str, flow: str
) -> None:
    session = waiting(locale, flow)
    assert WORDS[locale] not in client.get(f"/{session.id}").text
    fail_once()
    page = client.get(f"/{session.id}").text
    assert WORDS[locale] in page
    assert ("Solde insuffisant sur Wave" if locale == "fr" else "Not enough money on Wave") in page


def test_a_page_that_polls_is_drawn_anew_when_a_try_failed(app: Any, client: FlaskClient) -> None:
    session = waiting("en", "redirect")
    first = client.get(f"/{session.id}").text
    seen = first.partition("seen=")[2].partition('"')[0]
    poll = {"path": f"/{session.id}?seen={seen}", "headers": {"HX-Request": "true"}}
    assert client.get(**poll).status_code == 204
    fail_once()
    assert WORDS["en"] in client.get(**poll).text


def test_a_failure_that_ended_the_charge_is_told_as_such_alone(app: Any, client: FlaskClient) -> None:
    session = waiting("en", "redirect")
    fail_once()
    PaymentAttempt.update(status="failed", failure_code="canceled").execute()
    CheckoutSession.update(payment_status="unpaid").execute()
    page = client.get(f"/{session.id}").text
    assert "Payment canceled" in page
    assert WORDS["en"] not in page


def test_the_public_json_does_not_have_it(app: Any, client: FlaskClient) -> None:
    session = waiting("en", "redirect")
    before = client.get(f"/api/checkout/{session.id}").json
    fail_once()
    assert client.get(f"/api/checkout/{session.id}").json == before


@pytest.mark.parametrize(
    ("code", "or_else", "words"),
    [
        ("unknown", "insufficient_funds", "Often there is not enough money in the account."),
        ("payer_declined", "payment_timeout", "The payment was refused, or not confirmed in time"),
        ("payer_declined", None, "Payment refused in Wave"),
        ("expired", "insufficient_funds", "Time is over"),  # of an earlier try, which is over, too
    ],
)
def test_what_a_failure_may_as_well_be_is_told_with_it(
    app: Any, client: FlaskClient, code: str, or_else: str | None, words: str
) -> None:
    session = waiting("en", "redirect")
    PaymentAttempt.update(status="failed", failure_code=code, last_error=or_else).execute()
    CheckoutSession.update(payment_status="unpaid").execute()
    page = client.get(f"/{session.id}").text
    assert words in page
    assert WORDS["en"] not in page
