"""Identifiers. Whoever has a session id sees the page, so every id carries 160 random bits, letters and digits only."""

import os
import string
import uuid

_ALPHABET = (string.ascii_letters + string.digits).encode()
_LENGTH = 27  # 62^27 > 2^160
_FAIR = 256 // len(_ALPHABET) * len(_ALPHABET)  # bytes from here on would favour the alphabet's beginning
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


def random_text(length: int = _LENGTH) -> str:
    """`length` random letters and digits from the system's generator, which is asked for all of them at once."""
    text = b""
    while len(text) < length:
        text += os.urandom(length + 8).translate(_LETTERS, _UNFAIR)
    return text[:length].decode()


def new(prefix: str) -> str:
    """A fresh id such as `cs_4fG…`: the prefix says what it names."""
    return f"{prefix}_{random_text()}"


def new_attempt() -> str:
    """A fresh id of a payment attempt: a version 4 UUID, the one form of key that pawaPay and MTN accept."""
    return str(uuid.uuid4())
