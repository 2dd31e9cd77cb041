"""Fees as a person writes them."""

import pytest

from ikawaari.errors import ValidationFailed
from ikawaari.merchants import fees


@pytest.mark.parametrize(
    ("text", "basis_points", "fixed"),
    [("1.5%", 150, 0), ("2.9%+100", 290, 100), ("0%", 0, 0), ("0.05%", 5, 0), ("100%+1", 10_000, 1), ("3.25%", 325, 0)],
)
def test_a_fee_is_read_exactly(text: str, basis_points: int, fixed: int) -> None:
    read = fees.read([f"card={text}"])
    assert read == {"card": {"basis_points": basis_points, "fixed": fixed}}
    assert fees.read(fees.written(read)) == read


@pytest.mark.parametrize(("text", "currency"), [("2.9%+100XOF", "XOF"), ("1%+30eur", "EUR")])
def test_a_fixed_fee_may_name_its_currency(text: str, currency: str) -> None:
    read = fees.read([f"card={text}"])
    assert read["card"]["currency"] == currency
    assert fees.read(fees.written(read)) == read


@pytest.mark.parametrize(
    "texts",
    [
        *(["card=1%+100 XOF"], ["card=1%+100XXX"], ["card=1%XOF"], ["card=1%+100XO"], ["card=1%+XOF"]),
        *(["card"], ["card=1"], ["card=-1%"], ["card=100.01%"], ["card=1.234%"], ["cash=1%"], ["card=1%+1.5"]),
        *(["card=١%"], ["card=1%\n"], ["card=1e1%"], ["card=1%", "card=2%"], [""]),
    ],
)
def test_what_is_no_fee_is_refused(texts: list[str]) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        fees.read(texts)
    assert set(refusal.value.details) == {"fee"}
