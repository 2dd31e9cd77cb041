"""What the adapters say of operators fits what the house knows of them."""

from collections.abc import Iterator

import pytest

from ikawaari.money import EXPONENTS
from ikawaari.operators import OPERATORS
from ikawaari.providers.capabilities import Reach
from ikawaari.providers.provider import Provider
from tests.docs.operators import live_providers

LIVE = live_providers()


def reaches(provider: Provider) -> Iterator[tuple[str, Reach]]:
    """The operators of an adapter."""
    yield from provider.capabilities.operators.items()


@pytest.mark.parametrize("provider", LIVE, ids=lambda provider: provider.name)
def test_an_adapter_reaches_operators_that_exist(provider: Provider) -> None:
    assert set(provider.capabilities.operators) <= set(OPERATORS)


@pytest.mark.parametrize("provider", LIVE, ids=lambda provider: provider.name)
def test_an_adapter_takes_only_money_that_the_wallets_hold(provider: Provider) -> None:
    wrong = {name for name, reach in reaches(provider) if not reach.currencies <= set(OPERATORS[name].currencies)}
    assert wrong == set()
    assert all(reach.currencies and reach.flows for _, reach in reaches(provider))


@pytest.mark.parametrize("provider", LIVE, ids=lambda provider: provider.name)
def test_limits_are_of_money_that_is_taken(provider: Provider) -> None:
    known = [*reaches(provider), *([("cards", provider.capabilities.cards)] if provider.capabilities.cards else [])]
    assert {name for name, reach in known if not set(reach.limits) <= reach.currencies} == set()
    assert all(reach.currencies <= set(EXPONENTS) for _, reach in known)


def test_no_adapter_reaches_a_network_that_does_not_exist() -> None:
    """The documents of the API list `mtn_cd`, but MTN has no network there: test mode has it, live mode never."""
    assert [one.name for one in LIVE if one.capabilities.reach("mtn_cd")] == []
