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


def test_a_merchant_is_found_by_its_id(world: World) -> None:
    assert merchants.get(world.merchant.id) == world.merchant
    with pytest.raises(NotFound):
        merchants.get("mer_nobody")


def test_merchants_are_listed_oldest_first(world: World) -> None:
    world.later(1)
    second = factories.merchant("Second")
    assert merchants.all_merchants() == [world.merchant, second]
