"""Countries: the ten we serve, and the names and codes of all others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from babel import Locale


@dataclass(frozen=True)
class Country:
    """A country we serve: ISO 3166 alpha-2 code, ISO 4217 currency, dial code in digits ("221"), time zone of its
    capital ("Africa/Dakar"), language ("fr").
    """

    code: str
    currency: str
    dial_code: str
    time_zone: str
    language: str


def _served(*rows: tuple[str, str, str, str]) -> Mapping[str, Country]:
    return MappingProxyType({code: Country(code, money, dial, zone, "fr") for code, money, dial, zone in rows})


COUNTRIES: Mapping[str, Country] = _served(
    ("SN", "XOF", "221", "Africa/Dakar"),
    ("CI", "XOF", "225", "Africa/Abidjan"),
    ("ML", "XOF", "223", "Africa/Bamako"),
    ("BF", "XOF", "226", "Africa/Ouagadougou"),
    ("GN", "GNF", "224", "Africa/Conakry"),
    ("CM", "XAF", "237", "Africa/Douala"),
    ("CD", "CDF", "243", "Africa/Kinshasa"),
    ("BJ", "XOF", "229", "Africa/Porto-Novo"),
    ("TG", "XOF", "228", "Africa/Lome"),
    ("NE", "XOF", "227", "Africa/Niamey"),
)

# Countries without supported wallets, whose currency is in our table: their customers pay by card.
_CURRENCIES: Mapping[str, str] = MappingProxyType({"GA": "XAF", "CG": "XAF", "TD": "XAF", "MR": "MRU"})

_SHORT = {"fr": {"CD": "RD Congo"}, "en": {"CD": "DR Congo"}}  # in place of "Congo-Kinshasa"
_MASCULINE = frozenset({"SN", "ML", "BF", "CM", "BJ", "TG", "NE"})  # of those we serve, in French

# Two-letter CLDR territories that ISO 3166-1 does not assign: unions, tests, outlying islands, Kosovo's user code.
_NOT_ISO = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"})


def find(code: str) -> Country | None:
    """Return the served country of an alpha-2 code in any case, None for every other."""
    return COUNTRIES.get(code.upper()) if code.isascii() else None


def currency_of(code: str) -> str | None:
    """Return the currency of an alpha-2 code in any case where our table has it, else None."""
    home = find(code)
    return home.currency if home else _CURRENCIES.get(code.upper() if code.isascii() else "")


def name(code: str, locale: str) -> str:
    """Return the country's name in a Babel locale ("fr"); the upper-case code itself when it has none.

    Raises babel.UnknownLocaleError or ValueError for a locale that Babel does not know.
    """
    short = _SHORT.get(locale, {})
    return short.get(code.upper()) or _territories(locale).get(code.upper(), code.upper())


def within(code: str, locale: str) -> str:
    """Return where something is, for a country we serve, in "fr" or "en": "au Sénégal", "in Senegal"."""
    there = {"fr": "au" if code in _MASCULINE else "en"}.get(locale, "in")
    return f"{there} {name(code, locale)}"


def out_of(code: str, locale: str) -> str:
    """Return where something comes from, in "fr" or "en": "du Sénégal", "from Senegal"."""
    if locale == "fr" and code not in COUNTRIES:  # nobody has told us its gender
        return f"de ce pays ({name(code, locale)})"
    before = {"fr": "du" if code in _MASCULINE else "de"}.get(locale, "from")
    return f"{before} {name(code, locale)}"


def is_country(code: str) -> bool:
    """Say whether code is an upper-case ISO 3166-1 alpha-2 code, served by us or not."""
    return code in _iso_codes()


def _territories(locale: str) -> Mapping[str, str]:
    territories: Mapping[str, str] = Locale.parse(locale).territories
    return territories


@cache
def _iso_codes() -> frozenset[str]:
    return frozenset(code for code in _territories("en") if len(code) == 2 and code.isalpha()) - _NOT_ISO
