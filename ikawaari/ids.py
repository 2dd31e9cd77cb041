"""Identifiers. Whoever has a session id may see its page, so every id has 131 random bits, as letters and digits.

Before them stands the time, in lower case, so that ids sort by it in every database: new rows are then neighbors in
each index, and a transaction changes a few pages of it instead of one for each row. See docs/decisions/ids.md.
"""

import os
import string
import uuid
from datetime import datetime
from functools import lru_cache

from ikawaari import clock

_ALPHABET = (string.ascii_letters + string.digits).encode()
_LENGTH = 27  # of secrets: 62^27 > 2^160
_RANDOM = 22  # of ids: 62^22 > 2^130
_DIGITS = string.digits + string.ascii_lowercase
_TICK_NS = 50_000_000  # so that seven digits of base 36 last until 2094
_FAIR = 256 // len(_ALPHABET) * len(_ALPHABET)  # bytes from here on would favor the alphabet's beginning
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


def random_text(length: int = _LENGTH) -> str:
    """`length` random letters and digits from the system's generator, which is called once for all of them."""
    text = b""
    while len(text) < length:
        text += os.urandom(length + 8).translate(_LETTERS, _UNFAIR)
    return text[:length].decode()


def new(prefix: str) -> str:
    """A new id such as `cs_0gw3k5x4fG…`: the prefix says what it names."""
    return f"{prefix}_{_seven_digits(clock.nanoseconds() // _TICK_NS)}{random_text(_RANDOM)}"


def first(prefix: str, at: datetime) -> str:
    """What sorts before every id that is made from then on, and behind those that were made before."""
    return f"{prefix}_{_seven_digits(int(at.timestamp() * 1_000_000_000) // _TICK_NS)}"


@lru_cache(maxsize=1)
def _seven_digits(number: int) -> str:
    """The last seven digits of a number in base 36."""
    text = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text


def new_attempt() -> str:
    """A new id of a payment attempt: a version 4 UUID, the only form of key that pawaPay and MTN accept."""
    return str(uuid.uuid4())
