"""One reader of numbers, for amounts and for answers: what it takes, what it refuses, and the one spelling it gives."""

import pytest

from ikawaari import numbers
from ikawaari.money import EXPONENTS, Money

READ = {
    "0": "0",
    "1": "1",
    "-1.5": "-1.5",
    "1,5": "1.5",
    "+5": "5",
    "\u22125": "-5",
    "-0": "0",
    "-0,00": "0",
    "007": "7",
    "1 000": "1000",
    "1\u00a0000": "1000",
    "1\u202f000": "1000",
    "1'000": "1000",
    "1.000": "1000",
    "1,000": "1000",
    "1.000,50": "1000.5",
    "1,000.50": "1000.5",
    "1 000,50": "1000.5",
    "1 234 567": "1234567",
    "1.234,5": "1234.5",
    "0.500": "0.5",
    "0,125": "0.125",
    "14.6937": "14.6937",
    "1234.5": "1234.5",
    "5.00": "5",
    "5,0": "5",
    "1.50": "1.5",
}
REFUSED = (
    *("", " ", "x", "1_000", "1e5", "1E5", "0x10", "NaN", "Infinity", "inf", "--1", "1-", "1.2.3", "1,2,3", ".", ",5"),
    *("5.", "٥٠٠", "۵۰۰", "５００", "²", "1 00", "10 00", "1  000", "1 000 00", "1,000,5", "1.000.5", "1 000.000,5"),
    *("5.0000", "5,000000", "1234.000", "1\n000", "9" * 31, "1 000\n", "½"),
)


@pytest.mark.parametrize(("text", "number"), READ.items())
def test_a_number_is_read_as_people_type_it_and_spelled_in_one_way(text: str, number: str) -> None:
    assert numbers.read(text) == number
    assert numbers.read(number) == number


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_what_is_no_number_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        numbers.read(text)


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("currency", EXPONENTS)
def test_what_the_page_writes_is_read(currency: str, locale: str) -> None:
    for amount in (0, 5, 999, 1_000, 123_456, 1_234_567_890):
        money = Money(amount, currency)
        shown = "".join(c for c in money.format(locale) if c.isdigit() or c in ".,\u202f\u00a0").strip("\u202f\u00a0.,")
        assert numbers.read(shown, money.exponent) == numbers.read(f"{money.major:f}", 3)
