"""Which operator a number was first assigned to, and how its country groups the digits: data for the page's script.

Numbers are ported, and Wave works on any of them, so this only preselects. The server guesses in `phones`.
"""

import re
from collections.abc import Mapping

from ikawaari import countries, phones

PREFIXES: Mapping[str, str] = {
    "orange_sn": "77 78 71",
    "free_sn": "76",
    "expresso_sn": "70",
    "orange_ci": "07",
    "mtn_ci": "05",
    "moov_ci": "01",
    "orange_ml": "7 82 83 84 85 90 91 92 93 94 200",
    "moov_ml": "6 89 95 96 97 98 99 217 2079",
    "orange_bf": "04 05 06 07 44 45 46 54 55 56 57 64 65 66 67 74 75 76 77",
    "moov_bf": "01 02 03 50 51 52 53 60 61 62 63 70 71 72 73",
    "orange_gn": "61 62",
    "mtn_gn": "66",
    "mtn_cm": "650 651 652 653 654 67 680 681 682 683",
    "orange_cm": "64 655 656 657 658 659 686 687 688 689 69",
    "mpesa_cd": "81 82 83 86",
    "orange_cd": "80 84 85 89",
    "airtel_cd": "96 97 98 99",
    "africell_cd": "90 91",
    "mtn_bj": "0142 0146 015 0161 0162 0166 0167 0169 0190 0191 0196 0197",
    "moov_bj": "0145 0155 0158 0160 0163 0164 0165 0168 0194 0195 0198 0199",
    "celtiis_bj": "0128 014 0192 0193",
    "tmoney_tg": "70 71 72 73 90 91 92 93",
    "moov_tg": "78 79 96 97 98 99",
    "airtel_ne": "77 86 87 88 89 96 97 98 99",
    "zamani_ne": "23 70 80 81 82 90 91 92",
    "moov_ne": "74 84 85 94 95",
}
"""National beginnings per operator; the longest that fits wins (0155 is Moov's although 015 is MTN's)."""

PATTERNS: Mapping[str, str] = {
    "SN": "## ### ## ##",
    "CI": "## ## ## ## ##",
    "ML": "## ## ## ##",
    "BF": "## ## ## ##",
    "GN": "### ## ## ##",
    "CM": "# ## ## ## ##",
    "CD": "### ### ###",
    "BJ": "## ## ## ## ##",
    "TG": "## ## ## ##",
    "NE": "## ## ## ##",
}
"""How the digits of a number are grouped in a country."""

# A lost leading 0, and Benin without its 01, which the server repairs; and numbers of before 2021 and 2014, about which
# it asks.
_FORMER_LENGTHS = {"CI": (8, 9), "BJ": (8,), "CM": (8,)}


def beginnings(country: str) -> list[str]:
    """The first two digits that a mobile number of the country may have, as far as we know."""
    known = (text for operator, text in PREFIXES.items() if operator.endswith(f"_{country.lower()}"))
    return sorted({prefix[:2] for text in known for prefix in text.split()})


def lengths(country: str) -> tuple[int, ...]:
    """How many digits a national number may have."""
    return (*_FORMER_LENGTHS.get(country, ()), PATTERNS[country].count("#")) if country in PATTERNS else ()


def grouped(country: str, digits: str) -> str:
    """A whole national number as it is written in the country."""
    left = iter(digits)
    return re.sub("#", lambda _: next(left), PATTERNS[country])


def national(typed: str) -> str:
    """A typed number as it is written in its country, if it was typed with its country's code; else as it was typed."""
    if not typed.startswith(("+", "00")):
        return typed
    try:
        phone = phones.parse(typed, None)
    except phones.InvalidPhone:
        return typed
    return grouped(phone.country, phone.e164.removeprefix(f"+{countries.COUNTRIES[phone.country].dial_code}"))


def placeholder(country: str) -> str:
    """What an empty field shows: how a number is grouped, and how one may begin. Nobody takes it for a number."""
    first, *others = PATTERNS.get(country, "").split(" ")
    return " ".join([f"{_begun(country)[: len(first)]:•<{len(first)}}", *others]).replace("#", "•")


def example(country: str, ending: str) -> str:
    """A number of the country's first operator with the given last digits, grouped."""
    begun = _begun(country)
    length = PATTERNS[country].count("#")
    return grouped(country, begun + "12345678"[: length - len(begun) - len(ending)] + ending)


def _begun(country: str) -> str:
    """The first digits of a number of the country's first operator; empty if we know none."""
    return next(
        (text.split()[0] for operator, text in PREFIXES.items() if operator.endswith(f"_{country.lower()}")), ""
    )
