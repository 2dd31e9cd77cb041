"""Identifiers. Whoever has a session id sees the page, so every id carries 160 random bits, letters and digits only."""

import secrets
import string
import uuid

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 27  # 62^27 > 2^160


def random_text(length: int = _LENGTH) -> str:
    """`length` random letters and digits from the system's generator."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new(prefix: str) -> str:
    """A fresh id such as `cs_4fG…`: the prefix says what it names."""
    return f"{prefix}_{random_text()}"


def new_attempt() -> str:
    """A fresh id of a payment attempt: a version 4 UUID, the one form of key that pawaPay and MTN accept."""
    return str(uuid.uuid4())
