"""Money: whole minor units, one currency at a time, no digit ever lost."""

import operator
import pickle
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikawaari.money import EXPONENTS, MAX_AMOUNT, Money, from_decimal_string, is_currency

moneys = st.builds(Money, st.integers(0, MAX_AMOUNT), st.sampled_from(sorted(EXPONENTS)))
REFUSED = "not a decimal amount|between 0|integer string"  # the last is Python's own, over 4,300 digits


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT + 1, True, 5000.0, "5000", Decimal(5000), None])
def test_an_amount_must_be_a_whole_number_between_zero_and_int64(amount: Any) -> None:
    with pytest.raises(ValueError, match="an amount is"):
        Money(amount, "XOF")


@pytest.mark.parametrize("currency", ["xof", "XXX", "", "XOF ", None])
def test_a_currency_must_be_known_and_upper_case(currency: Any) -> None:
    with pytest.raises(ValueError, match="unknown currency"):
        Money(1, currency)
    assert not is_currency(currency)


def test_zero_and_the_largest_amount_are_money() -> None:
    assert Money(0, "XOF").amount == 0
    assert Money(MAX_AMOUNT, "USD").amount == MAX_AMOUNT


@pytest.mark.parametrize("currency", ["XOF", "XAF", "GNF", "CDF", "EUR", "USD"])
def test_the_currencies_of_our_countries_are_known(currency: str) -> None:
    assert is_currency(currency)
    assert Money(1, currency).exponent == (2 if currency in {"CDF", "EUR", "USD"} else 0)


def test_the_exponent_table_is_frozen() -> None:
    with pytest.raises(TypeError):
        EXPONENTS["XOF"] = 2  # type: ignore[index]


def test_money_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Money(1, "XOF").amount = 2  # type: ignore[misc]


@pytest.mark.parametrize("other", [9, Money(9, "XAF"), Money(9, "XOF")])
@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.lt, operator.ge])
def test_money_is_not_a_number(operation: Callable[[Any, Any], Any], other: object) -> None:
    with pytest.raises(TypeError):
        operation(Money(9, "XOF"), other)


def test_equal_money_is_one_key_and_survives_pickling() -> None:
    assert len({Money(1, "XOF"), Money(1, "XOF"), Money(1, "XAF")}) == 2
    assert pickle.loads(pickle.dumps(Money(7, "XAF"))) == Money(7, "XAF")


@pytest.mark.parametrize(
    ("money", "french", "english"),
    [
        (Money(5000, "XOF"), "5 000 FCFA", "5,000 FCFA"),
        (Money(5000, "XAF"), "5 000 FCFA", "5,000 FCFA"),
        (Money(5000, "GNF"), "5 000 GNF", "5,000 GNF"),
        (Money(1250, "CDF"), "12,50 FC", "12.50 FC"),
        (Money(2850000, "CDF"), "28 500 FC", "28,500 FC"),
        (Money(0, "CDF"), "0 FC", "0 FC"),
        (Money(1000, "EUR"), "10,00 €", "€10.00"),
        (Money(1050, "EUR"), "10,50 €", "€10.50"),
        (Money(123456, "USD"), "1 234,56 $US", "$1,234.56"),
        (Money(1050, "NGN"), "10,50 NGN", "10.50 NGN"),
        (Money(1234567, "TND"), "1 234,567 TND", "1,234.567 TND"),
        (Money(5000, "MGA"), "50,00 MGA", "50.00 MGA"),
        (Money(0, "XOF"), "0 FCFA", "0 FCFA"),
    ],
)
def test_money_reads_as_its_customers_write_it(money: Money, french: str, english: str) -> None:
    assert re.sub(r"\s", " ", money.format("fr")) == french
    assert re.sub(r"\s", " ", money.format("en")) == english


@given(moneys, st.sampled_from(["fr", "en"]))
def test_formatting_loses_no_digit_and_never_breaks_a_line(money: Money, locale: str) -> None:
    text = money.format(locale)
    is_without_cents = money.currency == "CDF" and money.amount % 100 == 0
    assert re.sub(r"\D", "", text).lstrip("0") == str(money.amount // (100 if is_without_cents else 1)).lstrip("0")
    assert " " not in text


def test_french_amounts_have_the_narrow_space_in_thousands_and_the_no_break_space_before_the_unit() -> None:
    assert Money(1234567, "XOF").format("fr") == "1\u202f234\u202f567\u00a0FCFA"
    assert Money(123456700, "CDF").format("fr") == "1\u202f234\u202f567\u00a0FC"
    assert Money(1234567, "XOF").format("en") == "1,234,567\u00a0FCFA"


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1050, "EUR"), "10.50"),
        (Money(1000, "XOF"), "1000"),
        (Money(5, "USD"), "0.05"),
        (Money(0, "CDF"), "0.00"),
        (Money(1234, "TND"), "1.234"),
    ],
)
def test_major_units_are_read_exactly(money: Money, text: str) -> None:
    assert from_decimal_string(text, money.currency) == money


@given(moneys, st.integers(1, 6))
def test_trailing_zeros_of_a_provider_change_nothing(money: Money, zeros: int) -> None:
    text = f"{Decimal(money.amount).scaleb(-money.exponent, Context(prec=30)):f}"
    point = "" if "." in text else "."
    assert from_decimal_string(text + point + "0" * zeros, money.currency) == money


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1000.5", "XOF"), ("10.505", "EUR"), ("0.001", "USD"), ("1.0000001", "TND")],
)
def test_more_digits_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="decimal digits"):
        from_decimal_string(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", ".5", "5.", "-1", "+1", "1e3", "1 000", "1,000", "1_000", "NaN", "0x10", "١", "1.0\n"),
        *("99999999999999999999", "9" * 5000, 1000, 10.5, None),
    ],
)
def test_text_that_is_not_an_exact_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        from_decimal_string(text, "XOF")


def test_an_unknown_currency_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="known currency"):
        from_decimal_string("1", "XXX")
