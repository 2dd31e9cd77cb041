"""Each rule of the form has its sentence, in both languages: what is wrong, and how to correct it."""

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from ikawaari.store.models import PaymentAttempt
from tests import factories
from tests.factories import custom_field

WALLET = {"method": "mobile_money", "country": "SN", "phone": "77 123 45 00", "operator": "orange_sn"}
CARD = {"method": "card", "number": "4242 4242 4242 4242", "expiry": "12/40", "cvc": "123"}
CHOSEN: dict[str, Any] = {"amount": None, "amount_min": 500, "amount_max": 200_000, "amount_presets": [1_000, 5_000]}
BY_CARD: dict[str, Any] = {"mode": "subscription", "recurring": {"interval": "month", "interval_count": 1}}
RULES: list[tuple[dict[str, Any], dict[str, str], str, str, str]] = [
    ({}, {"phone": ""}, "phone", "Tapez votre numéro de téléphone.", "Type your phone number."),
    ({}, {"phone": "77 123 45"}, "phone", "Il manque 2 chiffres (9 au Sénégal).", "2 digits missing (9 in Senegal)."),
    ({}, {"phone": "77 123 45 0"}, "phone", "Il manque 1 chiffre (9 au Sénégal).", "1 digit missing (9 in Senegal)."),
    (
        {},
        {"phone": "77 123 45 0012"},
        "phone",
        "2 chiffres de trop (9 au Sénégal).",
        "2 digits too many (9 in Senegal).",
    ),
    (
        {},
        {"phone": "33 821 00 00"},
        "phone",
        "Ce numéro n’est pas un mobile : il commence par 70, 71, 76, 77 ou 78.",
        "This is not a mobile number: those start with 70, 71, 76, 77, or 78.",
    ),
    (
        {},
        {"phone": "+223 20 22 12 34"},
        "phone",
        "Ce numéro n’est pas un mobile.",
        "This is not a mobile number.",
    ),
    (CHOSEN, {}, "amount", "Tapez un montant.", "Type an amount."),
    (CHOSEN, {"amount": "beaucoup"}, "amount", "Tapez un nombre, comme 5 000 FCFA.", "Type a number, like 5,000 FCFA."),
    (CHOSEN, {"amount": "499"}, "amount", "Au moins 500 FCFA.", "At least 500 FCFA."),
    (CHOSEN, {"amount": "200001"}, "amount", "Au plus 200 000 FCFA.", "At most 200,000 FCFA."),
    (CHOSEN, {"amount": "5000,50"}, "amount", "Sans virgule : 5 000 FCFA.", "No decimals: 5,000 FCFA."),
    (
        CHOSEN,
        {"amount": "7000", "preset": "1000"},
        "amount",
        "Vous avez choisi 1 000 FCFA et tapé 7 000 FCFA : lequel ?",
        "You chose 1,000 FCFA and typed 7,000 FCFA: which one?",
    ),
    (BY_CARD, CARD | {"email": "awa"}, "email", "Il manque @ dans l’adresse.", "The address lacks an @."),
    (BY_CARD, CARD | {"email": "awa@"}, "email", "Vérifiez cette adresse e-mail.", "Check this email address."),
    ({}, CARD | {"number": "4242"}, "number", "Il manque des chiffres.", "Digits are missing."),
    (
        {},
        CARD | {"number": "4242 4242 4242 4241"},
        "number",
        "Vérifiez ce numéro : un chiffre est faux.",
        "Check this number: one digit is wrong.",
    ),
    (
        {},
        CARD | {"number": "4111 1111 1111 1111"},
        "number",
        "En mode test, utilisez une carte de test.",
        "In test mode use a test card.",
    ),
    ({}, CARD | {"expiry": "13/40"}, "expiry", "Mois / année, comme 08 / 28.", "Month / year, like 08 / 28."),
    ({}, CARD | {"expiry": "03/20"}, "expiry", "Cette carte a expiré.", "This card has expired."),
    ({}, CARD | {"cvc": "1"}, "cvc", "3 chiffres (4 pour Amex).", "3 digits (4 for Amex)."),
]
QUESTIONS: list[tuple[str, dict[str, str], str, str]] = [
    ("text", {}, "Merci de répondre : Question q.", "Please answer: Question q."),
    ("number", {"field.q": "douze"}, "Tapez un nombre.", "Type a number."),
    ("date", {"field.q": "hier"}, "Choisissez une date.", "Choose a date."),
    ("dropdown", {}, "Choisissez une réponse : Question q.", "Choose an answer: Question q."),
]


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def told(client: FlaskClient, form: dict[str, str], name: str, **fields: Any) -> str:
    """What the page says below the field `name` once the form was sent."""
    session = factories.session(**fields)
    path = "card" if "number" in form else "pay"
    client.post(f"/{session.id}/{path}", data=form)
    assert not PaymentAttempt.select().exists()
    page = client.get(f"/{session.id}").text
    found = re.search(rf'id="{re.escape(name)}-problem">(?:<svg.*?</svg>)?(.*?)</p>', page)
    return re.sub("[\xa0\u202f]", " ", unescape(found[1].strip())) if found else page


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule[-1])
def test_each_rule_has_its_sentence(client: FlaskClient, rule: Any, locale: str) -> None:
    fields, form, name, french, english = rule
    form = form if "number" in form else WALLET | form
    assert told(client, form, name, locale=locale, **fields) == {"fr": french, "en": english}[locale]


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("rule", QUESTIONS, ids=lambda rule: rule[0])
def test_each_kind_of_question_has_its_own(client: FlaskClient, rule: Any, locale: str) -> None:
    kind, form, french, english = rule
    question = custom_field("q", kind) | {"label": "Question q", "required": True}
    said = told(client, WALLET | form, "field.q", locale=locale, custom_fields=[question])
    assert said == {"fr": french, "en": english}[locale]


def test_a_number_of_a_country_that_the_shop_does_not_take_names_the_country(client: FlaskClient) -> None:
    form = WALLET | {"phone": "+33 6 12 34 56 78"}
    said = told(client, form, "phone", locale="en")
    assert said.endswith("does not take numbers from France. Pay by card.")
    said = told(client, form, "phone", locale="fr", payment_method_types=["mobile_money"])
    assert said.endswith("n’accepte pas les numéros de ce pays (France).")


def test_several_faults_are_listed_above_the_form(client: FlaskClient) -> None:
    session = factories.session(locale="en", **CHOSEN)
    client.post(f"/{session.id}/pay", data=WALLET | {"amount": "7", "email": "awa"})
    page = client.get(f"/{session.id}").text
    assert "2 answers to correct" in page
    assert re.findall(r'<li><a href="#(\w+)">', page) == ["amount", "email"]
