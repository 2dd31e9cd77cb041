"""Merchants."""

from typing import Any

import pytest

from ikawaari import countries
from ikawaari.errors import NotFound, ValidationFailed
from ikawaari.merchants import merchants
from tests import factories
from tests.world import World


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("code", list(countries.COUNTRIES))
def test_a_merchants_currency_is_its_countrys(code: str) -> None:
    merchant = factories.merchant(country=code.lower())
    assert (merchant.country, merchant.currency) == (code, countries.COUNTRIES[code].currency)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("code", ["FR", "", "XX", "Sénégal"])
def test_a_merchant_is_in_a_country_that_we_serve(code: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        factories.merchant(country=code)
    assert set(refusal.value.details) == {"country"}


URLS = ("logo_url", "terms_url", "refunds_url", "privacy_url")
LINES = {"legal_name": 255, "town": 100, "payer_name": 100}
CARD = "Carte 4242 4242 4242 4242"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", name) for name in ("", "  ", "a\x00", "\udc80", "\x1b[1m", "n" * 256, CARD)),
        *((field, url) for field in URLS for url in ("http://[", "javascript:alert(1)", "http://shop.example/")),
        *(("logo_url", url) for url in ("//a", "https://a/" + "b" * 2048, "https://a/\x00", "https://u:p@a/", "a.png")),
        *(("color", color) for color in ("red", "ffcc00", "#ffcc0", "#ffcc00\n0", "#ffcc00;}", "#" + "f" * 5_000)),
        *(
            (field, line)
            for field in LINES
            for line in ("a\x00", "\udc80", "\x1b[1m", CARD, "a\nb", "a\u2028b", "a\rb")
        ),
        *((field, "n" * (longest + 1)) for field, longest in LINES.items()),
        *(
            (field, number)
            for field in ("help_phone", "whatsapp")
            for number in (
                "33 800",
                "33 800 00 00 00 00",
                "call us",
                "+999 33 800 00 00",
                "+",
                "1" * 50,
                "tel:+221338000000",
            )
        ),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("changes", [False, True], ids=["created", "changed"])
def test_what_customers_will_see_of_a_merchant_is_checked(field: str, value: str, changes: bool) -> None:
    good = factories.merchant(" Téranga \u202e ", logo_url="https://shop.example/é.png", color="#Fc0")
    given: dict[str, Any] = {field: value}
    with pytest.raises(ValidationFailed) as refusal:
        merchants.update(good.id, **given) if changes else factories.merchant(**given)
    assert set(refusal.value.details) == {field}
    assert "4242" not in refusal.value.message
    kept = merchants.get(good.id)
    assert (kept.name, kept.logo_url, kept.color) == ("Téranga \u202e", "https://shop.example/é.png", "#Fc0")


@pytest.mark.usefixtures("database")
def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        factories.merchant("", country="XX", town="a\nb", terms_url="http://shop.example", color="red")
    assert set(refusal.value.details) == {"name", "country", "town", "terms_url", "color"}


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("country", "typed", "stored"),
    [
        ("SN", " 33 800 00 00 ", "+221338000000"),
        ("SN", "+225 27 20 00 00 00", "+2252720000000"),
        ("CI", "27 20 00 00 00", "+2252720000000"),
        ("BJ", "00229 01 21 30 00 00", "+2290121300000"),
        ("CM", "222 20 00 00", "+237222200000"),
    ],
)
def test_a_shops_number_is_stored_in_e164_and_may_be_a_landline(country: str, typed: str, stored: str) -> None:
    merchant = factories.merchant(country=country, help_phone=typed, whatsapp=typed)
    assert (merchant.help_phone, merchant.whatsapp) == (stored, stored)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("url", ["http://localhost:8000/logo.png", "http://127.0.0.1/", "http://[::1]:8000/"])
def test_addresses_without_tls_are_of_this_machine(url: str) -> None:
    assert factories.merchant(logo_url=url, terms_url=url).terms_url == url


@pytest.mark.usefixtures("database")
def test_an_address_with_letters_of_its_own_is_stored_as_dns_knows_it() -> None:
    assert factories.merchant(terms_url="https://café.example/é").terms_url == "https://xn--caf-dma.example/é"


@pytest.mark.usefixtures("database")
def test_what_is_empty_is_removed_and_what_is_not_given_stays() -> None:
    merchant = factories.merchant(town="Dakar", color="#fc0", payer_name="TERANGA", legal_name="")
    assert merchant.legal_name is None
    merchants.update(merchant.id, town="", color="  ", name="Téranga", payer_name=None)
    now = merchants.get(merchant.id)
    assert (now.name, now.town, now.color, now.payer_name) == ("Téranga", None, None, "TERANGA")


def test_a_merchant_is_found_by_its_id(world: World) -> None:
    assert merchants.get(world.merchant.id) == world.merchant
    with pytest.raises(NotFound):
        merchants.get("mer_nobody")


def test_merchants_are_listed_oldest_first(world: World) -> None:
    world.later(1)
    second = factories.merchant("Second")
    assert merchants.all_merchants() == [world.merchant, second]
