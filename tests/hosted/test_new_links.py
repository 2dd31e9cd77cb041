"""Where nothing can be paid any more: the way to a new link leads to the shop, by what it has."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from ikawaari import clock
from ikawaari.checkout import links, merchant_view, sessions, visits
from ikawaari.store.models import Merchant
from tests import factories

BOTH = {"help_phone": "33 800 00 00", "whatsapp": "77 800 00 00"}


@pytest.fixture
def engine() -> str:
    """The page is the same on both."""
    return "sqlite"


def ended_link(shop: Merchant) -> tuple[str, str]:
    """The path of a link that its shop has closed, and its whole address."""
    link = links.deactivate(factories.link(shop, locale="fr"), clock.now())
    return f"/pay/{link.slug}", merchant_view.link_url(link.slug)


def expired_session(shop: Merchant, **fields: Any) -> tuple[str, str]:
    """The same of a session that its shop has ended."""
    session = sessions.expire(factories.session(shop, locale="fr", **fields), clock.now())
    return f"/{session.id}", merchant_view.page_url(session.id)


def unavailable_session(shop: Merchant) -> tuple[str, str]:
    """The same of a session whose link was closed while it was open."""
    link = factories.link(shop, locale="fr")
    session = visits.open_session(link.slug, None, clock.now())
    links.deactivate(link, clock.now())
    return f"/{session.id}", merchant_view.page_url(session.id)


ENDS = [ended_link, expired_session, unavailable_session]
End = Callable[[Merchant], tuple[str, str]]


def buttons(page: str) -> dict[str, list[tuple[str, str]]]:
    """The addresses and texts of the page's links, by their class."""
    found: dict[str, list[tuple[str, str]]] = {}
    for look, address, text in re.findall(
        r'<a class="(main|second)" href="([^"]*)">(?:<svg.*?</svg>)?([^<]*)</a>', page
    ):
        found.setdefault(look, []).append((unquote(address), text.replace("\u00a0", " ").strip()))
    return found


@pytest.mark.parametrize("end", ENDS)
def test_a_new_link_is_asked_for_by_whatsapp_which_names_the_old_one(client: FlaskClient, end: End) -> None:
    path, address = end(factories.merchant("Boutique", **BOTH))
    page = client.get(path)
    assert page.status_code == 410
    text = f"Bonjour, pouvez-vous m’envoyer un nouveau lien de paiement\u202f? Celui-ci ne sert plus\u00a0: {address}"
    assert buttons(page.text) == {
        "main": [(f"https://wa.me/221778000000?text={text}", "Demander un nouveau lien")],
        "second": [("tel:+221338000000", "Appeler 33 800 00 00")],
    }
    assert "Écrire à" not in page.text
    assert page.text.count("tel:+221338000000") == 2, "the button, and the foot"


@pytest.mark.parametrize("end", ENDS)
def test_a_shop_with_a_telephone_alone_is_called(client: FlaskClient, end: End) -> None:
    page = client.get(end(factories.merchant("Boutique", help_phone=BOTH["help_phone"]))[0]).text
    assert buttons(page) == {"main": [("tel:+221338000000", "Appeler 33 800 00 00")]}
    assert "Demandez un nouveau lien à" in page


@pytest.mark.parametrize("end", ENDS)
def test_a_shop_that_gave_neither_is_named(client: FlaskClient, end: End) -> None:
    page = client.get(end(factories.merchant("Boutique"))[0]).text
    assert buttons(page) == {}
    assert "Demandez un nouveau lien à" in page


def test_an_address_to_go_back_to_comes_first(client: FlaskClient) -> None:
    path, _ = expired_session(factories.merchant("Boutique", **BOTH), cancel_url="https://shop.example/cart")
    page = client.get(path).text
    assert '<a class="main" href="https://shop.example/cart">' in page
    assert "Demander un nouveau lien" not in page
    assert "Demander de l’aide" in page
