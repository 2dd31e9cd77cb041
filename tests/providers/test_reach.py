"""What the adapters say of operators fits what the house knows of them."""

from collections.abc import Iterator

import pytest

from ikawaari.money import EXPONENTS
from ikawaari.operators import OPERATORS
from ikawaari.providers.capabilities import Reach
from ikawaari.providers.provider import Provider
from ikawaari.providers.values import Flow
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


# Who reaches whom, as the providers document it (2026-11-25): p a prompt, o a code before the charge, r the wallet's
# app or page, the usual one first; ? not documented.
DOCUMENTED = {
    "pawapay": """
        orange_sn p  free_sn p  wave_sn r  orange_ci p  mtn_ci p  wave_ci r  orange_bf o  moov_bf p
        mtn_cm p  orange_cm p  mpesa_cd p  airtel_cd p  orange_cd p  mtn_bj p  moov_bj p
    """,
    "cinetpay": """
        orange_sn ro  free_sn pr  expresso_sn pr  wave_sn r  orange_ci or  mtn_ci pr  wave_ci r  moov_ci pr
        orange_ml ?  moov_ml ?  orange_bf or  moov_bf ?  wave_bf r  orange_gn ?  mtn_gn ?  mtn_cm p  orange_cm p
        mpesa_cd ?  airtel_cd ?  orange_cd ?  africell_cd ?  mtn_bj ?  moov_bj ?  tmoney_tg ?  moov_tg ?
        airtel_ne ?  moov_ne ?  zamani_ne ?
    """,
    "wave": "wave_sn r  wave_ci r  wave_ml r  wave_bf r  wave_cm r  wave_bj r",
    "mtn": "mtn_ci p  mtn_cm p  mtn_bj p",
    "stripe": "",
}
LETTERS = {Flow.USSD_PUSH: "p", Flow.OTP: "o", Flow.REDIRECT: "r", Flow.QR: ""}  # a page to scan is the same page


def test_every_adapter_is_in_the_documented_table() -> None:
    assert {one.name for one in LIVE} == set(DOCUMENTED)


@pytest.mark.parametrize("provider", LIVE, ids=lambda provider: provider.name)
def test_an_adapter_reaches_whom_its_provider_documents_and_in_the_same_way(provider: Provider) -> None:
    words = DOCUMENTED[provider.name].split()
    documented = dict(zip(words[::2], words[1::2], strict=True))
    reached = {name: "".join(LETTERS[flow] for flow in reach.flows) for name, reach in reaches(provider)}
    assert reached == {name: reached.get(name) if how == "?" else how for name, how in documented.items()}


@pytest.mark.parametrize("provider", LIVE, ids=lambda provider: provider.name)
def test_a_code_before_the_charge_is_asked_with_what_to_dial(provider: Provider) -> None:
    coded = {name for name, reach in reaches(provider) if Flow.OTP in reach.flows}
    assert coded == {name for name, reach in reaches(provider) if reach.code_from}
