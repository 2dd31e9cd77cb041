"""Texts from outside: which can be stored, and one canonical form for each kind of text.

The same function is used to store a text, to filter by it and to compare it.
"""

import re
import unicodedata
from datetime import date
from urllib.parse import urlsplit

LONGEST_ANSWER = 500
LONGEST_EMAIL = 320
LONGEST_URL = 2048

# PostgreSQL cannot store NUL, half a surrogate pair has no UTF-8 form, and the other control characters move the cursor
# of a terminal that shows a log. Blanks of all kinds (tab, line feed, …) are text.
_UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_FORCED_DIRECTION = re.compile("[\u202d\u202e]")
_TURNING = {"R", "AL", "AN", "LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}  # Unicode's bidi classes
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + _UNSEEN
# Browsers read a backslash as a slash: such an address leads elsewhere than we think. The others end an attribute.
# What stands in a host's name; brackets are for IPv6. An empty label, or one of hyphens alone, is none.
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\\<>\"]")


def is_storable(text: str) -> bool:
    """Whether `text` can be stored on both engines and printed anywhere."""
    return _UNSTORABLE.search(text) is None


def problem(text: str, longest: int) -> str | None:
    """Why `text` cannot be stored, in words that follow the field's name; None if it can."""
    if len(text) > longest:
        return f"must have at most {longest} characters"
    return None if is_storable(text) else "must not hold control characters or half a surrogate pair"


def cleaned(text: str, longest: int) -> str:
    """A machine's text, such as a provider's, made storable: what cannot be stored becomes �, and the rest is cut.

    For people's texts use `problem`, and refuse.
    """
    return _UNSTORABLE.sub("�", text[:longest])


def trimmed(text: str) -> str:
    """`text` without blanks and invisible marks at its ends, as pasted text has them."""
    return text.strip(_BLANKS)


def email(text: str) -> str:
    """An email address in its stored form: trimmed. Raises ValueError for anything else.

    Only a message sent there proves more. The limit applies to the address *and* to its identity, which may be longer.
    """
    address = trimmed(text)
    local, at, host = address.partition("@")
    shaped = bool(local and at) and "@" not in host and "." in host.strip(".") and not re.search(r"\s", address)
    if not shaped or problem(address, LONGEST_EMAIL) or len(email_identity(address)) > LONGEST_EMAIL:
        raise ValueError("not an e-mail address")
    return address


def email_identity(address: str) -> str:
    """What two spellings of one address have in common."""
    return trimmed(address).lower()


def unturned(text: str) -> str:
    """`text` for display: without the marks that force a direction, because one of them turns 1042 into 2401.

    Words of every script find their own direction, and keep it.
    """
    return _FORCED_DIRECTION.sub("", text)


def isolated(text: str) -> str:
    """Text of others where no markup is possible, such as in a title: its direction ends with it."""
    text = unturned(text)
    turns = any(unicodedata.bidirectional(character) in _TURNING for character in text)
    return f"\u2068{text}\u2069" if turns else text


def choice(text: str) -> str:
    """A choice of a list, for comparison: browsers and people change its blanks."""
    return " ".join(trimmed(text).split())


def day(text: str) -> date:
    """The calendar day of a text such as 2026-01-31. Raises ValueError.

    Python's own reader would accept 20260131 and 2026-W05-6, too.
    """
    if not _DAY.fullmatch(text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port of an http(s) URL, for comparison; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # an impossible host or port
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and port else None


def is_web_url(text: str) -> bool:
    """Whether `text` is an absolute http(s) URL without credentials, of at most `LONGEST_URL` characters."""
    if len(text) > LONGEST_URL or _NOT_IN_A_URL.search(text) or not is_storable(text):
        return False
    try:
        url = urlsplit(in_ascii_host(text))
        possible = bool(url.hostname) and (url.netloc.startswith("[") or bool(_HOST.fullmatch(url.hostname or "")))
        return url.scheme in {"http", "https"} and possible and "@" not in url.netloc and url.port != 0
    except ValueError:  # an impossible host or port
        return False


def in_ascii_host(url: str) -> str:
    """The URL with its host as DNS knows it: `https://café.example` becomes `https://xn--caf-dma.example`.

    One whose host cannot be converted is returned as it is; `is_web_url` refuses it.
    """
    try:
        parts = urlsplit(url)
        if parts.netloc.isascii() or not parts.hostname:
            return url
        if not all(sign in "-._" or unicodedata.category(sign)[0] in "LMN" for sign in parts.hostname):
            return url
        host = parts.hostname.encode("idna").decode()
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return url
    return url.replace(parts.netloc, host + port, 1) if "@" not in parts.netloc else url
