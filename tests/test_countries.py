"""Countries: the ten we serve, and any ISO code a merchant may send."""

from string import ascii_uppercase

import phonenumbers
import pytest

from ikawaari import countries
from ikawaari.money import is_currency

LETTER_PAIRS = [a + b for a in ascii_uppercase for b in ascii_uppercase]
TEN = ["SN", "CI", "ML", "BF", "GN", "CM", "CD", "BJ", "TG", "NE"]


def test_we_serve_ten_countries_in_french() -> None:
    assert list(countries.COUNTRIES) == TEN
    assert {country.language for country in countries.COUNTRIES.values()} == {"fr"}


@pytest.mark.parametrize("code", TEN)
def test_a_country_has_a_known_currency_and_its_own_dial_code(code: str) -> None:
    country = countries.COUNTRIES[code]
    assert country.code == code
    assert is_currency(country.currency)
    assert country.dial_code == str(phonenumbers.country_code_for_region(code))


@pytest.mark.parametrize(("code", "currency"), [("SN", "XOF"), ("CM", "XAF"), ("GN", "GNF"), ("CD", "CDF")])
def test_a_country_pays_in_its_own_currency(code: str, currency: str) -> None:
    assert countries.COUNTRIES[code].currency == currency


@pytest.mark.parametrize("code", ["ci", "Ci", "CI"])
def test_a_country_is_found_in_any_case(code: str) -> None:
    assert countries.find(code) is countries.COUNTRIES["CI"]


@pytest.mark.parametrize("code", ["FR", "", "CIV", "Sénégal", "ſn"])
def test_a_country_that_we_do_not_serve_is_not_found(code: str) -> None:
    assert countries.find(code) is None


def test_the_table_is_frozen() -> None:
    with pytest.raises(TypeError):
        countries.COUNTRIES["FR"] = countries.COUNTRIES["SN"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("code", "locale", "name"),
    [("SN", "fr", "Sénégal"), ("sn", "en", "Senegal"), ("CM", "fr", "Cameroun"), ("FR", "en", "France")],
)
def test_a_country_is_named_in_the_language_of_the_reader(code: str, locale: str, name: str) -> None:
    assert countries.name(code, locale) == name


def test_a_country_without_a_name_shows_its_code() -> None:
    assert countries.name("qq", "fr") == "QQ"


def test_exactly_the_249_codes_of_iso_3166_are_countries() -> None:
    known = [code for code in LETTER_PAIRS if countries.is_country(code)]
    assert len(known) == 249
    assert set(TEN) | {"FR", "US", "GB", "CN", "BL", "AQ"} <= set(known)


@pytest.mark.parametrize("code", ["EU", "ZZ", "UN", "XK", "XA", "EZ", "AC", "QO", "419", "sn", "SEN", "", "ß"])
def test_anything_else_is_not_a_country(code: str) -> None:
    assert not countries.is_country(code)
