"""Who sells, on the page: the shop's names, numbers and rules where they were given, and else nothing."""

import re
from html import unescape
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from ikawaari.checkout import public_view
from ikawaari.hosted import shops
from ikawaari.hosted.shops import Contact
from ikawaari.merchants import merchants
from ikawaari.store.models import CheckoutSession, Merchant, PaymentAttempt
from tests import factories

BRAND: dict[str, Any] = {
    "logo_url": "https://teranga.example/logo.png",
    "legal_name": "Boutique Teranga SARL",
    "town": "Dakar",
    "help_phone": "33 800 00 00",
    "whatsapp": "77 800 00 00",
    "terms_url": "https://teranga.example/conditions",
    "refunds_url": "https://teranga.example/remboursements",
    "privacy_url": "https://teranga.example/confidentialite",
}
NB = "\u00a0"


@pytest.fixture
def engine() -> str:
    """The page is the same on both, and the domain's tests run on both."""
    return "sqlite"


def page_of(client: FlaskClient, path: str, query: str = "") -> str:
    """A page, its blanks made one."""
    return re.sub(r"\s+", " ", client.get(path + query, follow_redirects=True).text)


def footer(page: str) -> str:
    found = re.search("<footer>.*</footer>", page)
    assert found, page
    return found[0]


def words(markup: str) -> str:
    """The text in it, as it is read."""
    return re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", "", markup))).strip()


@pytest.mark.parametrize(
    ("locale", "sentence", "names"),
    [
        (
            "fr",
            "Paiement sécurisé par Ikawaari pour Boutique Teranga SARL, Dakar.",
            "Conditions Remboursements Confidentialité",
        ),
        ("en", "Secure payment by Ikawaari for Boutique Teranga SARL, Dakar.", "Terms Refunds Privacy"),
    ],
)
def test_the_foot_of_the_page_says_who_sells_and_on_which_terms(
    client: FlaskClient, locale: str, sentence: str, names: str
) -> None:
    session = factories.session(factories.merchant("Boutique", **BRAND), locale=locale)
    foot = footer(page_of(client, f"/{session.id}"))
    help_line = "Aide : 33 800 00 00" if locale == "fr" else "Help: 33 800 00 00"
    assert f"{sentence} {help_line} {names}" in words(foot)
    assert 'href="tel:+221338000000"' in foot
    assert [foot.count(f'href="{BRAND[name]}"') for name in ("terms_url", "refunds_url", "privacy_url")] == [1, 1, 1]


@pytest.mark.parametrize("town", [None, "Dakar"])
def test_what_was_not_given_is_left_out(client: FlaskClient, town: str | None) -> None:
    merchant = factories.merchant("Boutique <Awa>", town=town)
    session = factories.session(merchant, locale="fr")
    foot = footer(page_of(client, f"/{session.id}"))
    assert f"Paiement sécurisé par Ikawaari pour Boutique <Awa>{', Dakar' if town else ''}." in words(foot)
    for absent in ("tel:", "wa.me", "Aide", "Conditions", "Remboursements", "Confidentialité", "None"):
        assert absent not in foot
    client.post(f"/{session.id}/pay", data={"method": "card", "card_token": "tok_test_card"})
    page = page_of(client, f"/{session.id}")
    assert 'data-state="paid"' in page
    for absent in ('"tel:', "wa.me/2", "Appeler", "Écrire à"):
        assert absent not in page


def test_a_change_is_seen_on_the_next_page(client: FlaskClient) -> None:
    merchant = factories.merchant("Boutique", **BRAND)
    session = factories.session(merchant, locale="fr")
    assert "Teranga SARL, Dakar." in words(footer(page_of(client, f"/{session.id}")))
    merchants.update(merchant.id, town="Thiès", legal_name="", help_phone="")
    foot = words(footer(page_of(client, f"/{session.id}")))
    assert "pour Boutique, Thiès." in foot
    assert "Aide" not in foot


def test_after_the_payment_a_question_goes_to_the_shop_with_the_reference(client: FlaskClient) -> None:
    session = factories.session(factories.merchant("Boutique", **BRAND), locale="fr")
    client.post(f"/{session.id}/pay", data={"method": "card", "card_token": "tok_test_declined"})
    client.post(f"/{session.id}/pay", data={"method": "card", "card_token": "tok_test_card"})
    reference = PaymentAttempt.get(PaymentAttempt.status == "succeeded").id[:8].upper()
    page = page_of(client, f"/{session.id}")
    written = re.search(r'href="https://wa\.me/221778000000\?text=([^"]*)"', page)
    assert written
    assert unquote(written[1]) == f"Bonjour, au sujet du paiement {reference}{NB}:"
    assert "Une question ? Boutique : WhatsApp 77 800 00 00. Gardez la référence." in words(page)


@pytest.mark.parametrize("ends", [False, True])
def test_a_links_pages_have_the_same_foot(client: FlaskClient, ends: bool) -> None:
    link = factories.link(factories.merchant("Boutique", **BRAND), locale="fr")
    if ends:
        link.change(active=False)
    answer = client.get(f"/pay/{link.slug}", headers={"User-Agent": "WhatsApp/2.0"})
    page = re.sub(r"\s+", " ", answer.text)
    assert answer.status_code == (410 if ends else 200)
    assert "Boutique Teranga SARL, Dakar. Aide : 33 800 00 00" in words(footer(page))
    assert ("https://wa.me/221778000000" in page) == ends


def shop_of(**fields: Any) -> shops.Shop:
    return shops.of(public_view.merchant(Merchant(name="Boutique", country=fields.pop("country", "SN"), **fields)))


def test_a_shop_without_anything_has_its_name() -> None:
    shop = shop_of()
    assert (shop.legal_name, shop.town, shop.help_phone, shop.whatsapp, shop.help) == (
        "Boutique",
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("fields", "signed"),
    [
        ({}, "Boutique"),
        ({"town": "Dakar"}, "Boutique, Dakar"),
        ({"legal_name": "Teranga S.A."}, "Teranga S.A"),
        ({"legal_name": "Teranga S.A.", "town": "Dakar"}, "Teranga S.A., Dakar"),
    ],
)
def test_the_foots_sentence_ends_with_one_point(fields: dict[str, str], signed: str) -> None:
    assert shop_of(**fields).signed == signed


@pytest.mark.parametrize(
    ("country", "e164", "text"),
    [
        ("SN", "+221338000000", "33 800 00 00"),
        ("CI", "+2250700000000", "07 00 00 00 00"),
        ("SN", "+2250700000000", "+225 07 00 00 00 00"),
        ("CM", "+237222200000", "2 22 20 00 00"),
    ],
)
def test_a_number_is_written_as_in_the_shops_country(country: str, e164: str, text: str) -> None:
    number, text = e164.removeprefix("+"), text.replace(" ", NB)
    shop = shop_of(country=country, help_phone=e164, whatsapp=e164)
    assert shop.help_phone == Contact(e164, text, f"tel:{e164}")
    assert shop.whatsapp == shop.help == Contact(e164, text, f"https://wa.me/{number}")
    assert shop_of(help_phone=e164).help == shop_of(help_phone=e164).help_phone


def test_a_logo_that_no_policy_can_allow_is_not_shown() -> None:
    assert shop_of(logo_url="http://[").logo_url is None
    assert shop_of(logo_url=BRAND["logo_url"]).logo_url == BRAND["logo_url"]


def test_the_policy_allows_the_logos_origin_alone(client: FlaskClient) -> None:
    session = factories.session(factories.merchant("Boutique", **BRAND))
    policy = client.get(f"/{session.id}").headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://teranga.example;" in policy
    bare = client.get(f"/{factories.session().id}").headers["Content-Security-Policy"]
    assert "img-src 'self' data:;" in bare


def test_the_prompts_name_is_the_merchants_where_no_account_says_it(client: FlaskClient) -> None:
    form = {"method": "mobile_money", "operator": "orange_sn", "phone": factories.phone("011")}
    pages: dict[str | None, str] = {}
    for name in ("IKAWAARI TERANGA", None):
        session: CheckoutSession = factories.session(factories.merchant("Boutique", payer_name=name), locale="fr")
        client.post(f"/{session.id}/pay", data=form | {"phone": factories.phone("011")})
        pages[name] = page_of(client, f"/{session.id}")
        assert 'data-state="prompt"' in pages[name]
        assert client.get(f"/api/checkout/{session.id}").get_json()["merchant"]["payer_name"] == name
    assert "IKAWAARI TERANGA" in pages["IKAWAARI TERANGA"]
    assert "Vérifiez : <b>5 000 FCFA</b>." in pages[None]
