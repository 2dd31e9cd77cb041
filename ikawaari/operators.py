"""Operators: the mobile money wallets, their stable ids and the many names merchants and networks use for them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ikawaari.countries import COUNTRIES


@dataclass(frozen=True)
class Operator:
    """A wallet of one country: id ("orange_sn"), the name customers know, ISO 3166 alpha-2 country.

    `currencies`: the ISO 4217 codes of the money that its wallets hold, the country's own first. `menu`: what its
    customers dial to find a payment that waits, where we are sure of it; `is_app`: they find it in an app. `known_as`:
    another name by which its customers know it, for the page's second line.
    """

    id: str
    name: str
    country: str
    currencies: tuple[str, ...]
    menu: str | None = None
    is_app: bool = False
    known_as: str = ""


# In the order of the page: within a country, the brands that most customers look for come first.
_NAMES = {
    "orange_sn": "Orange Money",
    "wave_sn": "Wave",
    "free_sn": "Mixx by Yas (Free)",
    "expresso_sn": "E-Money (Expresso)",
    "orange_ci": "Orange Money",
    "mtn_ci": "MTN MoMo",
    "wave_ci": "Wave",
    "moov_ci": "Moov Money",
    "orange_ml": "Orange Money",
    "wave_ml": "Wave",
    "moov_ml": "Moov Money",
    "orange_bf": "Orange Money",
    "wave_bf": "Wave",
    "moov_bf": "Moov Money",
    "orange_gn": "Orange Money",
    "mtn_gn": "MTN MoMo (Areeba)",
    "mtn_cm": "MTN MoMo",
    "orange_cm": "Orange Money",
    "wave_cm": "Wave",
    "mpesa_cd": "M-Pesa",
    "orange_cd": "Orange Money",
    "airtel_cd": "Airtel Money",
    "africell_cd": "Afrimoney",
    "mtn_cd": "MTN MoMo",
    "mtn_bj": "MTN MoMo",
    "moov_bj": "Moov Money",
    "celtiis_bj": "Celtiis Cash",
    "wave_bj": "Wave",
    "tmoney_tg": "Mixx by Yas (T-Money)",
    "moov_tg": "Moov Money (Flooz)",
    "airtel_ne": "Airtel Money",
    "moov_ne": "Moov Money",
    "zamani_ne": "Zamani Cash",
}
# Wallets that hold another currency beside their country's own: a customer has an account of each.
_OTHER_CURRENCIES = {"orange_cd": ("USD",), "mpesa_cd": ("USD",), "airtel_cd": ("USD",)}


_MENUS = {"orange_sn": "#144#", "orange_ci": "#144#", "orange_cm": "#150#"}
_KNOWN_AS = {
    "free_sn": "ex-Free Money",
    "expresso_sn": "Expresso",
    "tmoney_tg": "ex-T-Money",
    "moov_tg": "Flooz",
    "mtn_gn": "Areeba",
    "africell_cd": "Africell",
}
_APPS = frozenset({"wave"})  # brands, the ids without their countries


def _operator(key: str, name: str) -> Operator:
    country = key[-2:].upper()
    currencies = (COUNTRIES[country].currency, *_OTHER_CURRENCIES.get(key, ()))
    is_app, known_as = key[:-3] in _APPS, _KNOWN_AS.get(key, "")
    return Operator(key, name, country, currencies, menu=_MENUS.get(key), is_app=is_app, known_as=known_as)


OPERATORS: Mapping[str, Operator] = MappingProxyType({key: _operator(key, name) for key, name in _NAMES.items()})

# Former, spoken and network names per brand (the id without its country), as _squash leaves them.
_ALIASES = {
    "orange": ("om", "orangemoney"),
    "mtn": ("momo", "mtnmomo", "mtnmoney", "mtnmobilemoney"),
    "wave": ("wavemoney", "wavemobilemoney"),
    "moov": ("moovmoney", "moovafrica", "flooz"),
    "free": ("freemoney", "yas", "mixx", "mixxbyyas", "tigo", "tigocash"),
    "expresso": ("emoney", "expressomoney"),
    "mpesa": ("vodacom", "vodacommpesa"),
    "airtel": ("airtelmoney",),
    "africell": ("afrimoney", "africellmoney"),
    "zamani": ("zamanicash", "zamanimoney"),
    "tmoney": ("yas", "mixx", "mixxbyyas", "togocel", "togocom"),
    "celtiis": ("celtiiscash",),
}
# Names that mean a brand in one country only.
_LOCAL_ALIASES = {"mtn_gn": ("areeba", "areebamoney"), "moov_ml": ("malitel", "sotelma")}


def in_country(code: str) -> tuple[Operator, ...]:
    """Return the country's operators in the order to show them; empty for a country without any."""
    return _BY_COUNTRY.get(code.upper(), ())


def find(name: str, country: str | None) -> Operator | None:
    """Return the operator of an id ("orange_sn"), or of a brand name ("orange_money") within an alpha-2 country.

    Case, spaces, dashes and underscores do not matter. None if it is unknown, if a brand name comes without a
    country, or if the country contradicts the id.
    """
    return _INDEX.get((_squash(name), country.upper() if country else None))


def _squash(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


def _keys(operator: Operator) -> Iterator[tuple[str, str | None]]:
    brand = operator.id[:-3]
    names = (brand, _squash(operator.name), *_ALIASES[brand], *_LOCAL_ALIASES.get(operator.id, ()))
    for alias in names:
        with_country = alias + operator.country.lower()
        yield from ((alias, operator.country), (with_country, operator.country), (with_country, None))


_BY_COUNTRY = {
    code: tuple(operator for operator in OPERATORS.values() if operator.country == code)
    for code in {operator.country for operator in OPERATORS.values()}
}
_INDEX = {key: operator for operator in OPERATORS.values() for key in _keys(operator)}
