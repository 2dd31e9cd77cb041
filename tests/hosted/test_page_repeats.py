"""Paying again by the same link, on the page: told first, asked once, in both languages; and what strangers see."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from ikawaari import clock, worker
from ikawaari.checkout import attempts, links
from ikawaari.providers.sandbox import ledger
from ikawaari.store.models import CheckoutSession, Customer, PaymentAttempt, PaymentLink, Subscription
from tests import factories

MONTHLY = {"interval": "month", "interval_count": 1, "trial_period_days": None}
EVENING = "2026-11-25T21:12:00Z"


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def text(answer: Any) -> str:
    """The page in one line, as it is read."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def opened(client: FlaskClient, link: PaymentLink, query: str = "") -> str:
    """The address of the page that a visit leads to."""
    answer = client.get(f"/pay/{link.slug}{query}")
    assert answer.status_code == 303, text(answer)
    return str(answer.location)


def press(client: FlaskClient, page: str, **form: Any) -> Any:
    """Press Pay; the answer is the page that comes then."""
    typed = {"method": "mobile_money", "phone": "771234500", "operator": "orange_sn", "country": "SN"} | form
    answer = client.post(f"{page}/pay", data=typed)
    assert answer.status_code == 303
    return client.get(answer.location)


def settle() -> None:
    """Have the payers answer."""
    while worker.run_once(clock.now(), kinds=worker.MONEY):
        pass


def paid(client: FlaskClient, link: PaymentLink) -> str:
    """A visit that ended paid."""
    page = opened(client, link)
    press(client, page)
    settle()
    assert CheckoutSession.get_by_id(page[1:]).payment_status == "paid"
    return page


@time_machine.travel(EVENING, tick=False)
@pytest.mark.parametrize(
    ("locale", "told", "receipt", "again"),
    [
        ("en", "You paid 10,000 FCFA today at 9:12 pm, with Orange Money.", "See the receipt", "Pay again"),
        (
            "fr",
            "Vous avez payé 10 000 FCFA aujourd’hui à 21:12, avec Orange Money.",
            "Voir le reçu",
            "Payer encore une fois",
        ),
    ],
)
def test_a_browser_that_has_paid_is_told_and_asked_once(
    client: FlaskClient, locale: str, told: str, receipt: str, again: str
) -> None:
    link = factories.link(amount=10_000, locale=locale)
    first = paid(client, link)
    answer = client.get(f"/pay/{link.slug}")
    assert answer.status_code == 200
    assert all(words in text(answer) for words in (told, receipt, again))
    assert f'href="{first}"' in answer.text
    assert 'href="?again"' in answer.text
    second = opened(client, link, "?again")
    assert first not in second
    form = client.get(second).text
    asked = re.search('name="asked" value="([^"]+)"', form)
    assert asked
    page = second.partition("?")[0]
    assert opened(client, link) == page
    press(client, page, asked=asked[1])
    settle()
    assert CheckoutSession.get_by_id(page[1:]).payment_status == "paid"


@pytest.mark.parametrize(
    ("days", "when"), [(1, "hier à 21:12"), (6, "le 25 novembre 2026 à 21:12")], ids=["yesterday", "last week"]
)
def test_it_is_told_on_which_day(client: FlaskClient, days: int, when: str) -> None:
    with time_machine.travel(EVENING, tick=False) as traveller:
        link = factories.link(amount=10_000)
        paid(client, link)
        traveller.shift(timedelta(days=days))
        told = text(client.get(f"/pay/{link.slug}"))
        assert f"Vous avez payé 10 000 FCFA {when}, avec Orange Money." in told
        assert "ouvre un nouveau paiement de 10 000 FCFA." in told


@time_machine.travel(EVENING, tick=False)
@pytest.mark.parametrize("why", ["used", "switched off"])
def test_where_the_link_takes_no_more_it_is_told_and_not_asked(app: Flask, why: str) -> None:
    link = factories.link(locale="fr", max_uses=2)
    payer = app.test_client()
    page = paid(payer, link)
    if why == "used":
        press(app.test_client(), opened(app.test_client(), link), phone="771234501")
        settle()
    else:
        links.deactivate(link, clock.now())
    answer = payer.get(f"/pay/{link.slug}")
    assert answer.status_code == 410
    assert "Vous avez payé 5 000 FCFA aujourd’hui à 21:12, avec Orange Money." in text(answer)
    assert f'href="{page}"' in answer.text
    assert "again" not in answer.text
    assert payer.get(f"/pay/{link.slug}?again").status_code == 410
    stranger = app.test_client().get(f"/pay/{link.slug}")
    assert "Orange" not in text(stranger)
    assert page not in stranger.text


def test_nobody_is_told_that_they_paid_what_another_visitor_of_a_single_use_link_has_paid(app: Flask) -> None:
    link = factories.link(locale="fr", max_uses=1)
    payer, other = app.test_client(), app.test_client()
    assert opened(other, link) == opened(payer, link)
    paid(payer, link)
    assert "Vous avez payé" not in text(other.get(f"/pay/{link.slug}"))


def test_another_browser_is_told_nothing(app: Flask) -> None:
    link = factories.link()
    first = paid(app.test_client(), link)
    assert opened(app.test_client(), link) != first


@time_machine.travel(EVENING, tick=False)
@pytest.mark.parametrize(
    ("locale", "told", "button"),
    [
        ("en", "You paid 5,000 FCFA today at 9:12 pm.", "Pay again"),
        ("fr", "Vous avez payé 5 000 FCFA aujourd’hui à 21:12.", "Payer encore"),
    ],
)
def test_the_same_number_from_another_browser_is_asked_and_can_pay_again(
    app: Flask, locale: str, told: str, button: str
) -> None:
    link = factories.link(locale=locale)
    first = paid(app.test_client(), link)
    other = app.test_client()
    page = opened(other, link)
    question = press(other, page)
    assert told in text(question)
    assert button in text(question)
    assert first[1:] not in question.text  # whoever types a number does not get its receipt
    assert PaymentAttempt.get().id[:8].upper() in text(question)
    assert PaymentAttempt.select().count() == 1
    assert 'value="771234500"' in question.text
    asked = re.search('name="asked" value="([^"]+)"', question.text)
    assert asked
    press(other, page, asked=asked[1])
    settle()
    assert CheckoutSession.get_by_id(page[1:]).payment_status == "paid"
    assert [entry["amount"] for entry in ledger.entries()] == [5_000, 5_000]


def test_the_question_needs_no_cookie(app: Flask) -> None:
    link = factories.link(locale="en")
    paid(app.test_client(), link)
    bare = app.test_client(use_cookies=False)
    page = opened(bare, link)
    question = press(bare, page)
    asked = re.search('name="asked" value="([^"]+)"', question.text)
    assert asked
    press(bare, page, asked=asked[1])
    settle()
    assert CheckoutSession.get_by_id(page[1:]).payment_status == "paid"


def test_a_fault_in_the_form_does_not_ask_again(app: Flask) -> None:
    link = factories.link(locale="en")
    paid(app.test_client(), link)
    other = app.test_client()
    page = opened(other, link)
    asked = re.search('name="asked" value="([^"]+)"', press(other, page).text)
    assert asked
    faulty = press(other, page, phone="77", asked=asked[1])
    assert f'name="asked" value="{asked[1]}"' in faulty.text


def test_with_script_the_answer_is_the_same_part_of_the_page(app: Flask) -> None:
    link = factories.link(locale="en")
    paid(app.test_client(), link)
    other = app.test_client()
    page = opened(other, link)
    form = {"method": "mobile_money", "phone": "771234500", "operator": "orange_sn", "country": "SN"}
    answer = other.post(f"{page}/pay", data=form, headers={"HX-Request": "true"})
    part = other.get(answer.location, headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "You paid 5,000 FCFA" in text(part)


def test_public_json_is_charged_as_it_says(app: Flask) -> None:
    link = factories.link()
    paid(app.test_client(), link)
    other = app.test_client()
    page = opened(other, link)
    wallet = {"operator": "orange_sn", "phone_number": "771234500"}
    body = {"payment_method": {"type": "mobile_money", "mobile_money": wallet}}
    assert other.post(f"/api/checkout{page}/pay", json=body).status_code == 200
    assert PaymentAttempt.select().count() == 2


@pytest.mark.parametrize("odd", ["x", "%00", "a" * 500, "sub_1", "'--"])
def test_an_odd_question_is_passed_over(client: FlaskClient, odd: str) -> None:
    page = opened(client, factories.link())
    answer = client.get(f"{page}?again={odd}")
    assert (answer.status_code, 'name="asked"' in answer.text) == (200, False)


# ---------------------------------------------------------------- subscriptions


@pytest.mark.parametrize(
    ("locale", "told", "see", "again"),
    [
        ("en", "Your subscription is running: 5,000 FCFA a month.", "See it", "Subscribe again"),
        ("fr", "Votre abonnement est en cours : 5 000 FCFA par mois.", "Le voir", "S’abonner encore une fois"),
    ],
)
def test_a_running_subscription_is_shown_to_its_browser(
    client: FlaskClient, locale: str, told: str, see: str, again: str
) -> None:
    link = factories.link(locale=locale, recurring=MONTHLY)
    first = paid(client, link)
    answer = client.get(f"/pay/{link.slug}")
    assert all(words in text(answer) for words in (told, see, again))
    assert f'href="{first}"' in answer.text
    assert opened(client, link, "?again") != first


def test_and_to_its_customer_from_another_browser(app: Flask) -> None:
    link = factories.link(locale="en", recurring=MONTHLY)
    paid(app.test_client(), link)
    other = app.test_client()
    page = opened(other, link)
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        question = press(other, page)
        assert "Your subscription is running: 5,000 FCFA a month." in text(question)
        asked = re.search('name="asked" value="([^"]+)"', question.text)
        assert asked
        press(other, page, asked=asked[1])
        settle()
    assert Subscription.select().count() == 2


# ---------------------------------------------------------------- a way to tell that a renewal failed


def card(client: FlaskClient, session: CheckoutSession, **form: str) -> Any:
    """Press Pay by card."""
    return press(client, f"/{session.id}", method="card", card_token="tok_test_card", **form)


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en", "To tell you if a renewal fails."), ("fr", "Pour vous prévenir si un renouvellement échoue.")],
)
def test_a_card_s_subscription_asks_for_an_address_when_nobody_could_be_told(
    client: FlaskClient, locale: str, words: str
) -> None:
    session = factories.session(mode="subscription", recurring=MONTHLY, locale=locale)
    assert words in text(client.get(f"/{session.id}"))
    faulty = card(client, session)
    assert 'id="email-problem"' in faulty.text
    assert (Subscription.select().count(), PaymentAttempt.select().count()) == (0, 0)
    card(client, session, email="awa@example.com")
    assert Customer.get_by_id(Subscription.get().customer_id).email == "awa@example.com"


@pytest.mark.parametrize(
    "fields",
    [
        {"customer_email": "awa@example.com"},
        {"customer_phone": "+221771234567"},
        {"mode": None, "recurring": None},
    ],
    ids=["email", "phone", "payment"],
)
def test_whoever_can_be_told_is_not_asked(client: FlaskClient, fields: dict[str, Any]) -> None:
    session = factories.session(**{"mode": "subscription", "recurring": MONTHLY, "locale": "en"} | fields)
    assert "To tell you if a renewal fails." not in text(client.get(f"/{session.id}"))
    card(client, session)
    assert CheckoutSession.get_by_id(session.id).payment_status == "paid"


def test_a_wallet_brings_its_number(client: FlaskClient) -> None:
    session = factories.session(mode="subscription", recurring=MONTHLY)
    press(client, f"/{session.id}")
    settle()
    assert Subscription.select().count() == 1


def test_public_json_asks_for_no_address(client: FlaskClient) -> None:
    session = factories.session(mode="subscription", recurring=MONTHLY)
    body = {"payment_method": {"type": "card", "card": {"token": "tok_test_card"}}}
    assert client.post(f"/api/checkout/{session.id}/pay", json=body).status_code == 200
    assert Subscription.select().count() == 1


# ---------------------------------------------------------------- strangers on one session


def test_the_page_of_a_single_use_link_shows_nobody_what_another_typed(app: Flask) -> None:
    link = factories.link(max_uses=1, locale="en")
    first, second = app.test_client(), app.test_client()
    page = opened(first, link)
    press(first, page, phone="771234001", name="Awa Diop", email="awa@example.com")
    settle()
    assert opened(second, link) == page
    strangers, own = second.get(page).text, first.get(page).text
    assert "771234001" in own
    assert not {"Awa", "awa", "771234001"} & set(re.findall(r"\w+", strangers))
    view = second.get(f"/api/checkout{page}").get_json()
    assert view["customer"] == {"name": None, "email": None, "phone": None}
    attempts.pay(page[1:], factories.card_request(), clock.now())
    assert CheckoutSession.get_by_id(page[1:]).customer_id is None
