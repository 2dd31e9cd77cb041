"""What CinetPay's legacy API accepts in `POST /v2/payment`, field by field.

A rule returns what is wrong in words that begin with the field's name, or None. The first one that objects decides.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from ikawaari.simulators.addresses import is_acceptable
from ikawaari.simulators.cinetpay.rules import Country
from ikawaari.simulators.shapes import Body

STEP = 5
CHANNELS = ("ALL", "MOBILE_MONEY", "CREDIT_CARD", "WALLET")
LANGUAGES = ("fr", "en")
_SPECIAL = re.compile("[#/$_&]")


def problem(body: Body, country: Country) -> str | None:
    """The first thing wrong with a payment, beginning with the field's name; None for one to accept."""
    return next((words for rule in _RULES if (words := rule(body, country))), None)


def _amount(body: Body, _country: Country) -> str | None:
    value = body.get("amount")
    if type(value) is not int or value <= 0:
        return "amount must be an integer"
    return f"amount must be a multiple of {STEP}" if value % STEP else None


def _currency(body: Body, country: Country) -> str | None:
    return None if body.get("currency") == country.currency else f"currency must be {country.currency}"


def _plain(name: str) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        value = body.get(name)
        fits = isinstance(value, str) and value and not _SPECIAL.search(value)
        return None if fits else f"{name} must be a text without special characters"

    return rule


def _url(name: str) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        value = body.get(name)
        fits = isinstance(value, str) and is_acceptable(urlsplit(value))
        return None if fits else f"{name} must be an https URL"

    return rule


def _one_of(name: str, choices: tuple[str, ...], *, is_required: bool) -> Callable[[Body, Country], str | None]:
    def rule(body: Body, _country: Country) -> str | None:
        fits = body.get(name) in choices or (name not in body and not is_required)
        return None if fits else f"{name} must be one of {', '.join(choices)}"

    return rule


def _metadata(body: Body, _country: Country) -> str | None:
    return None if isinstance(body.get("metadata"), str | None) else "metadata must be a text"


_RULES: tuple[Callable[[Body, Country], str | None], ...] = (
    _plain("transaction_id"),
    _amount,
    _currency,
    _plain("description"),
    _url("notify_url"),
    _url("return_url"),
    _one_of("channels", CHANNELS, is_required=True),
    _one_of("lang", LANGUAGES, is_required=False),
    _metadata,
)
