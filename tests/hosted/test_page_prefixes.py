"""The script's table of beginnings agrees with the operators and with the server's own guess."""

import pytest

from ikawaari import countries, operators, phones
from ikawaari.hosted import prefixes


def guess(national: str, country: str) -> str | None:
    """What `checkout.js` does: the longest beginning that fits."""
    found = [
        (len(prefix), operator)
        for operator, texts in prefixes.PREFIXES.items()
        for prefix in texts.split()
        if operator.endswith(country.lower()) and national.startswith(prefix)
    ]
    return max(found)[1] if found else None


def test_every_operator_of_the_table_exists() -> None:
    assert set(prefixes.PREFIXES) <= set(operators.OPERATORS)


def test_every_country_has_its_grouping() -> None:
    assert set(prefixes.PATTERNS) == set(countries.COUNTRIES)


@pytest.mark.parametrize("operator", sorted(prefixes.PREFIXES))
def test_page_and_server_guess_the_same_operator(operator: str) -> None:
    country = operator[-2:].upper()
    for prefix in prefixes.PREFIXES[operator].split():
        national = prefix.ljust(max(prefixes.lengths(country)), "4")
        if guess(national, country) != operator:
            continue  # a longer beginning of another operator wins
        assert phones.guess_operator(phones.parse(national, country)) in {operator, None}


def test_the_longest_beginning_wins() -> None:
    assert guess("0155000000", "BJ") == "moov_bj"
    assert guess("0151000000", "BJ") == "mtn_bj"
