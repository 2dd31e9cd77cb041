"""Identifiers. Whoever has a session id may see its page, so every id has 160 random bits, as letters and digits."""

import os
import string
import uuid

_ALPHABET = (string.ascii_letters + string.digits).encode()
_LENGTH = 27  # 62^27 > 2^160
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
    """A new id such as `cs_4fG…`: the prefix says what it names."""
    return f"{prefix}_{random_text()}"


def new_attempt() -> str:
    """A new id of a payment attempt: a version 4 UUID, the only form of key that pawaPay and MTN accept."""
    return str(uuid.uuid4())
