"""Merchants."""

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


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", name) for name in ("", "  ", "a\x00", "\udc80", "\x1b[1m", "n" * 256, "Carte 4242 4242 4242 4242")),
        *(
            ("logo_url", url)
            for url in ("http://[", "", "javascript:alert(1)", "//a", "https://a/" + "b" * 2048, "x\x00")
        ),
        *(("color", color) for color in ("", "red", "ffcc00", "#ffcc0", "#ffcc00\n", "#ffcc00;}", "#" + "f" * 5_000)),
    ],
    ids=ascii,
)
def test_what_customers_will_see_of_a_merchant_is_checked(field: str, value: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        factories.merchant(**{field: value})
    assert set(refusal.value.details) == {field}
    assert "4242" not in refusal.value.message
    good = factories.merchant(" Téranga \u202e ", logo_url="https://shop.example/é.png", color="#Fc0")
    assert merchants.get(good.id).name == "Téranga \u202e"


def test_a_merchant_is_found_by_its_id(world: World) -> None:
    assert merchants.get(world.merchant.id) == world.merchant
    with pytest.raises(NotFound):
        merchants.get("mer_nobody")


def test_merchants_are_listed_oldest_first(world: World) -> None:
    world.later(1)
    second = factories.merchant("Second")
    assert merchants.all_merchants() == [world.merchant, second]
