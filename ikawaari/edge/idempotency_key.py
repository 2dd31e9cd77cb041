"""The header `Idempotency-Key`, as both edges read it."""

import hashlib

from flask import request

from ikawaari import cards, errors
from ikawaari.errors import ValidationFailed

HEADER = "Idempotency-Key"
LONGEST = 255


def read() -> str | None:
    """The key of this request, if it has one. Raises ValidationFailed if it is not valid."""
    key = request.headers.get(HEADER)
    return None if key is None else checked(key, HEADER)


def checked(key: str, name: str) -> str:
    """`key`, if it is valid. Raises ValidationFailed under `name`."""
    if not 1 <= len(key) <= LONGEST or not key.isprintable():
        raise ValidationFailed({name: [f"must have 1 to {LONGEST} printable characters"]})
    if cards.is_number(key):
        raise ValidationFailed({name: [cards.REFUSAL]}, errors.CARD_NUMBER_SENT)
    return key


def body_digest() -> str:
    """A digest of this request's body: SHA-256 of its bytes, in hex."""
    return hashlib.sha256(request.get_data()).hexdigest()
