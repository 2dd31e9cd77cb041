"""What a chat shows of an address that is sent there: the amount and the shop in the page's language, and no person."""

import re
from html import unescape
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from tests import factories
from tests.hosted.test_page_subscription import JANUARY, invoiced

ROBOT = {"User-Agent": "WhatsApp/2.24"}
PERSONAL = ("Awa", "awa@", "771234", "77 1", "•", "Commande", "Sac", "1042")


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def head(client: FlaskClient, path: str, **headers: str) -> dict[str, str]:
    """What the page's head says, by the name of the tag."""
    source = client.get(path, headers=headers or ROBOT).text.partition("</head>")[0]
    named = dict(re.findall(r'<meta (?:name|property)="([\w:-]+)" content="([^"]*)"', source))
    title = re.search("<title>(.*?)</title>", source)
    assert title
    return {name: re.sub(r"\s", " ", unescape(text)) for name, text in (named | {"title": title[1]}).items()}


def shop() -> Any:
    return factories.merchant(
        "Boutique Teranga", legal_name='Teranga "SARL"', town="Dakar", logo_url="https://a.example/l.png"
    )


@pytest.mark.parametrize(
    ("locale", "title", "about"),
    [
        (
            "fr",
            "Paiement · 5 000 FCFA · Boutique Teranga",
            'Paiement sécurisé par Ikawaari pour Teranga "SARL", Dakar.',
        ),
        ("en", "Payment · 5,000 FCFA · Boutique Teranga", 'Secure payment by Ikawaari for Teranga "SARL", Dakar.'),
    ],
)
def test_a_sessions_address_shows_the_amount_and_the_shop(
    client: FlaskClient, locale: str, title: str, about: str
) -> None:
    seen = head(client, f"/{factories.session(shop(), locale=locale).id}")
    assert (seen["title"], seen["og:title"]) == (title, title)
    assert (seen["description"], seen["og:description"]) == (about, about)
    assert (seen["robots"], seen["og:type"]) == ("noindex", "website")
    assert "og:image" not in seen


def test_nothing_in_the_head_is_about_a_person(client: FlaskClient) -> None:
    session = factories.session(
        shop(),
        locale="fr",
        description="Commande 1042 d’Awa Diop",
        customer_phone="+221771234567",
        customer_email="awa@shop.example",
        client_reference_id="1042",
        amount=None,
        line_items=[{"name": "Sac d’Awa", "amount": 5_000, "quantity": 1, "currency": "XOF"}],
    )
    client.get(f"/{session.id}")
    forms: tuple[dict[str, str], ...] = (
        {"phone": "77", "name": "Awa", "email": "awa@b.example"},
        {"phone": factories.phone("011"), "operator": "orange_sn", "name": "Awa"},
    )
    for form, state in zip((None, *forms), ("choose", "choose!", "prompt"), strict=True):
        if form:
            client.post(f"/{session.id}/pay", data={"method": "mobile_money"} | form)
        page = client.get(f"/{session.id}")
        assert f'data-state="{state}"' in page.text
        source = unescape(page.text.partition("</style>")[2].partition("</head>")[0])
        assert [word for word in PERSONAL if word in source] == []


@time_machine.travel(JANUARY, tick=False)
def test_an_invoices_address_names_its_period(client: FlaskClient) -> None:
    session = invoiced()
    seen = head(client, f"/{session.id}")
    assert seen["og:title"] == "Paiement · 5 000 FCFA · Boutique"
    assert seen["og:description"] == (
        "Du 31 janvier 2027 au 27 février 2027. Paiement sécurisé par Ikawaari pour Boutique."
    )


@pytest.mark.parametrize("locale", ["fr", "en"])
def test_a_links_address_shows_what_it_is_for_without_a_picture(client: FlaskClient, locale: str) -> None:
    link = factories.link(shop(), description="Cotisation <mars>", locale=locale)
    seen = head(client, f"/pay/{link.slug}")
    assert (seen["title"], seen["og:title"]) == ("Cotisation <mars>", "Cotisation <mars>")
    amount = "5 000 FCFA. Paiement" if locale == "fr" else "5,000 FCFA. Secure"
    assert seen["og:description"].startswith(f"Boutique Teranga · {amount}")
    assert seen["og:url"].endswith(f"/pay/{link.slug}")
    assert "og:image" not in seen


def test_a_part_of_the_page_has_no_tags(client: FlaskClient) -> None:
    session = factories.session()
    assert "og:" not in client.get(f"/{session.id}", headers={"HX-Request": "true"}).text
