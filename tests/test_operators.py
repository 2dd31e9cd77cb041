"""Operators: every wallet under one id, found by whatever name a merchant sends."""

import pytest

from ikawaari import operators
from ikawaari.countries import COUNTRIES

COVERAGE = {
    "orange": ("ci", "sn", "ml", "bf", "gn", "cm", "cd"),
    "mtn": ("ci", "cm", "cd", "bj", "gn"),
    "wave": ("ci", "sn", "bf", "ml", "cm", "bj"),
    "moov": ("ci", "bf", "ml", "bj", "tg", "ne"),
    "free": ("sn",),
    "expresso": ("sn",),
    "mpesa": ("cd",),
    "airtel": ("cd", "ne"),
    "africell": ("cd",),
    "zamani": ("ne",),
    "tmoney": ("tg",),
    "celtiis": ("bj",),
}
EXPECTED = [f"{brand}_{country}" for brand, countries in COVERAGE.items() for country in countries]


def test_every_wallet_of_the_coverage_matrix_has_an_operator() -> None:
    assert sorted(operators.OPERATORS) == sorted(EXPECTED)


@pytest.mark.parametrize("operator_id", EXPECTED)
def test_an_operator_carries_its_id_and_its_country(operator_id: str) -> None:
    operator = operators.OPERATORS[operator_id]
    assert operator.id == operator_id
    assert operator.country == operator_id[-2:].upper()
    assert operator.country in COUNTRIES
    assert operator.name


@pytest.mark.parametrize("operator_id", EXPECTED)
def test_a_wallet_holds_its_country_s_money_first(operator_id: str) -> None:
    operator = operators.OPERATORS[operator_id]
    assert operator.currencies[0] == COUNTRIES[operator.country].currency


def test_only_three_operators_have_wallets_in_another_currency_too() -> None:
    several = {key: one.currencies for key, one in operators.OPERATORS.items() if len(one.currencies) > 1}
    assert several == dict.fromkeys(("mpesa_cd", "airtel_cd", "orange_cd"), ("CDF", "USD"))


def test_the_table_is_frozen() -> None:
    with pytest.raises(TypeError):
        operators.OPERATORS["x"] = operators.OPERATORS["wave_sn"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("country", "ids"),
    [
        ("SN", ["orange_sn", "wave_sn", "free_sn", "expresso_sn"]),
        ("CI", ["orange_ci", "mtn_ci", "wave_ci", "moov_ci"]),
        ("CM", ["mtn_cm", "orange_cm", "wave_cm"]),
        ("bj", ["mtn_bj", "moov_bj", "celtiis_bj", "wave_bj"]),
        ("TG", ["tmoney_tg", "moov_tg"]),
        ("NE", ["airtel_ne", "moov_ne", "zamani_ne"]),
        ("FR", []),
    ],
)
def test_a_country_lists_its_operators_as_customers_expect(country: str, ids: list[str]) -> None:
    assert [operator.id for operator in operators.in_country(country)] == ids


def test_every_country_has_an_operator_and_every_operator_a_country() -> None:
    listed = [operator for code in COUNTRIES for operator in operators.in_country(code)]
    assert sorted(operator.id for operator in listed) == sorted(EXPECTED)
    assert all(operators.in_country(code) for code in COUNTRIES)


def test_names_within_one_country_differ() -> None:
    for code in COUNTRIES:
        names = [operator.name for operator in operators.in_country(code)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("operator_id", EXPECTED)
def test_an_operator_is_found_by_id_and_by_its_name_in_its_country(operator_id: str) -> None:
    operator = operators.OPERATORS[operator_id]
    spellings = [operator_id, operator_id.upper(), operator_id.replace("_", "-"), operator_id.replace("_", " ")]
    assert {operators.find(text, None) for text in spellings} == {operator}
    assert operators.find(operator_id, operator.country) is operator
    assert operators.find(operator_id, operator.country.lower()) is operator
    assert operators.find(operator.name, operator.country) is operator


@pytest.mark.parametrize(
    ("name", "country", "operator_id"),
    [
        ("orange", "SN", "orange_sn"),
        ("orange_money", "SN", "orange_sn"),
        ("Orange Money", "ci", "orange_ci"),
        ("om", "ML", "orange_ml"),
        ("OM_SN", None, "orange_sn"),
        ("ORANGE_MONEY_SN", None, "orange_sn"),
        ("wave", "CI", "wave_ci"),
        ("wave", "CM", "wave_cm"),
        ("wave_bj", None, "wave_bj"),
        ("mtn", "CM", "mtn_cm"),
        ("mtn_momo", "CM", "mtn_cm"),
        ("mtn_mobile_money", "CM", "mtn_cm"),
        ("MTN-MoMo", "BJ", "mtn_bj"),
        ("areeba", "GN", "mtn_gn"),
        ("moov_money", "BJ", "moov_bj"),
        ("moov africa", "BF", "moov_bf"),
        ("flooz", "TG", "moov_tg"),
        ("malitel", "ML", "moov_ml"),
        ("free_money", "SN", "free_sn"),
        ("yas", "SN", "free_sn"),
        ("mixx_by_yas", "SN", "free_sn"),
        ("mixx_by_yas", "TG", "tmoney_tg"),
        ("yas", "TG", "tmoney_tg"),
        ("t-money", "TG", "tmoney_tg"),
        ("togocel", "TG", "tmoney_tg"),
        ("e-money", "SN", "expresso_sn"),
        ("m-pesa", "CD", "mpesa_cd"),
        ("mpesa", "CD", "mpesa_cd"),
        ("vodacom", "CD", "mpesa_cd"),
        ("vodacom_mpesa", "CD", "mpesa_cd"),
        ("airtel_money", "NE", "airtel_ne"),
        ("afrimoney", "CD", "africell_cd"),
        ("zamani_cash", "NE", "zamani_ne"),
        ("celtiis cash", "BJ", "celtiis_bj"),
    ],
)
def test_an_operator_is_found_by_the_names_it_goes_by(name: str, country: str | None, operator_id: str) -> None:
    found = operators.find(name, country)
    assert found is not None
    assert found.id == operator_id


@pytest.mark.parametrize(
    ("name", "country"),
    [
        ("orange_sn", "CI"),
        ("orange_money_sn", "CI"),
        ("mixx_by_yas", "CI"),
        ("wave", "GN"),
        ("orange", None),
        ("mpesa", None),
        ("orange", ""),
        ("", "SN"),
        ("_", None),
        ("bitcoin", "SN"),
        ("orange_fr", None),
        ("orange", "FR"),
    ],
)
def test_an_unknown_ambiguous_or_contradicted_operator_is_not_found(name: str, country: str | None) -> None:
    assert operators.find(name, country) is None
