"""Card numbers: found in any text, so that none is ever stored, logged or forwarded. Every function takes linear time.

A card number has the first digits and the length that the networks issue, and passes the Luhn check. There may be one
or two other characters between its digits, and its digits may be of any script.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from ikawaari import errors

REFUSAL = "holds a card number; send a card token"

_SHORTEST, _LONGEST = 13, 19
# In a merchant's texts at least 14: 13 digits are a timestamp, an order number or a bar code.
_SHORTEST_OF_MERCHANTS = 14
# A + is followed by a phone number, which has 15 digits at most.
_SHORTEST_AFTER_PLUS = 16
_ISSUED = re.compile(r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|2[2-7][0-9]{14}|3[0-9]{13,18}|[56][0-9]{13,18}")
_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"\+?[0-9]+(?:[\W_]{1,2}[0-9]+)*")
_SIGNS = re.compile(r"[\W_]+")
# 30/12/2026 14:30:00 has as many digits as a card number, and starts like one.
_DATE = re.compile(r"(?<![0-9])(?:0?[1-9]|[12][0-9]|3[01])([/.-])(?:0?[1-9]|1[0-2])\1(?:19|20)[0-9]{2}(?![0-9])")
# How the networks group the digits, among other groups. Lookaheads, because two candidates may overlap.
_GROUPED = (
    re.compile(r"(?<![0-9])(?=([2-6][0-9]{12,18})(?![0-9]))"),
    re.compile(r"(?<![0-9])(?=([2-6][0-9]{3}-(?:[0-9]{4}-){2}[0-9]{1,4})(?![0-9]))"),
    re.compile(r"(?<![0-9])(?=([2-6][0-9]{3}-(?:[0-9]{4}-){3}[0-9]{1,3})(?![0-9]))"),
    re.compile(r"(?<![0-9])(?=(3[0-9]{3}-[0-9]{6}-[0-9]{4,5})(?![0-9]))"),
    re.compile(r"(?<![0-9-])((?:[0-9]-)+[0-9])(?![0-9])"),
)
_PAIRS = re.compile(r"[0-9]{2}(?:-[0-9]{2})+")
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def holds_number(text: str) -> bool:
    """Whether a text that a payer typed contains a card number."""
    return _holds(text, _SHORTEST)


def stands_in(text: str) -> bool:
    """Whether a text that a merchant wrote for people (a name, a description, a label) contains a card number."""
    return _holds(text, _SHORTEST_OF_MERCHANTS)


def is_number(text: str) -> bool:
    """Whether a merchant's own reference is a card number as a whole. Part of an order number may look like one."""
    run = _RUN.fullmatch(_in_ascii(text.strip()))
    return run is not None and _is_issued(_SIGNS.sub("", run[0]), _SHORTEST_OF_MERCHANTS)


def refusal_code(
    details: Mapping[str, Sequence[str]], otherwise: errors.Code[errors.ValidationFailed]
) -> errors.Code[errors.ValidationFailed]:
    """The code of an error with these `details`: CARD_NUMBER_SENT if one of them is about a card number."""
    return errors.CARD_NUMBER_SENT if any(REFUSAL in problems for problems in details.values()) else otherwise


def _holds(text: str, shortest: int) -> bool:
    if len(_DIGIT.findall(text)) < shortest:
        return False
    runs = (match[0] for match in _RUN.finditer(_DATE.sub("x", _in_ascii(text))))
    return any(_run_holds(run, shortest) for run in runs if len(run) >= shortest)


def _run_holds(run: str, shortest: int) -> bool:
    if run.startswith("+"):
        shortest = _SHORTEST_AFTER_PLUS
    return any(_is_issued(digits, shortest) for digits in _candidates(_SIGNS.sub("-", run.lstrip("+"))))


def _candidates(groups: str) -> Iterator[str]:
    """The digits of all `groups` (digits with one - between them) together, and of those that look like a card's."""
    whole = groups.replace("-", "")
    if len(whole) <= _LONGEST and not _is_list_of_sizes(groups):
        yield whole
    for pattern in _GROUPED:
        for match in pattern.finditer(groups):
            yield match[1].replace("-", "")


def _is_list_of_sizes(groups: str) -> bool:
    """37/38/39/40/41/42/43: ascending pairs are shoe sizes, not a card."""
    pairs = groups.split("-") if _PAIRS.fullmatch(groups) else []
    return bool(pairs) and all(one < next_one for one, next_one in pairwise(pairs))


def _is_issued(digits: str, shortest: int) -> bool:
    return shortest <= len(digits) and _ISSUED.fullmatch(digits) is not None and _passes_luhn(digits.encode())


def _passes_luhn(digits: bytes) -> bool:
    return (sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - ord("0") * len(digits)) % 10 == 0


def _in_ascii(text: str) -> str:
    """The text with the digits of every script as 0 to 9, and without invisible marks."""
    return text if text.isascii() else text.translate(_plain())


@cache
def _plain() -> Mapping[int, str]:
    written = {}
    for code in (*range(0x80, 0x20000), *range(0xE0000, 0xE0200)):
        character = chr(code)
        if character.isdecimal():
            written[code] = str(int(character))
        elif unicodedata.category(character) in {"Cf", "Mn", "Me"}:
            written[code] = ""
    return written
