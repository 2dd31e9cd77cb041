"""How a merchant is named and reached on its customers' pages: which values it takes, and in which form each is stored.

The pages leave out what a merchant has not given.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ikawaari import addresses, cards, phones, texts
from ikawaari.errors import Details
from ikawaari.phones import InvalidPhone

Branding = dict[str, str | None]
"""What is stored, by column; None for what is removed."""

_COLOR = re.compile("#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}")
_Reader = Callable[[str, str | None], str]


def read(given: Mapping[str, str | None], country: str | None) -> tuple[Branding, Details]:
    """The values to store, and the problems of the others. None changes nothing; an empty text removes a value.

    `country` is the merchant's, for phone numbers in their local form. Raises KeyError for an unknown name.
    """
    found: Branding = {}
    problems: Details = {}
    for name, text in given.items():
        if text is None:
            continue
        try:
            found[name] = READERS[name](texts.trimmed(text), country) if texts.trimmed(text) else None
        except ValueError as error:
            problems[name] = [str(error)]
    return found, problems


def _line(longest: int) -> _Reader:
    """A reader of one line of text."""

    def read_line(text: str, _country: str | None) -> str:
        wrong = texts.problem(text, longest) or (cards.REFUSAL if cards.stands_in(text) else None)
        if wrong is None and text.splitlines() != [text]:
            wrong = "must not contain line breaks"
        if wrong:
            raise ValueError(wrong)
        return text

    return read_line


def _url(text: str, _country: str | None) -> str:
    url = texts.in_ascii_host(text)
    if not texts.is_web_url(url):
        raise ValueError("must be an absolute https URL")
    parts = urlsplit(url)
    if parts.scheme != "https" and not addresses.is_loopback(parts.hostname or ""):
        raise ValueError("must be an https URL; http is for this machine alone")
    return url


def _color(text: str, _country: str | None) -> str:
    if not _COLOR.fullmatch(text):
        raise ValueError("must be #rrggbb")
    return text


def _phone(text: str, country: str | None) -> str:
    try:
        return phones.parse_any(text, country).e164
    except InvalidPhone as error:
        raise ValueError(f"must be a phone number: {error}") from None


READERS: Mapping[str, _Reader] = {
    "logo_url": _url,
    "color": _color,
    "legal_name": _line(255),
    "town": _line(100),
    "help_phone": _phone,
    "whatsapp": _phone,
    "terms_url": _url,
    "refunds_url": _url,
    "privacy_url": _url,
    "payer_name": _line(100),
}
"""How each value is read. Raises ValueError, in words that follow the field's name."""
