"""What a merchant already knows of the payer, to save typing. Unusable values are left out: no sale is refused."""

from typing import Any

from ikawaari import phones, texts

_UNUSABLE = {
    "customer_email": "is not an e-mail address; it was left out",
    "customer_phone": "is not a phone number of this country; it was left out",
}


def email(text: str | None) -> str | None:
    """`text` as an email address; None if it is none."""
    try:
        return texts.email(text) if text else None
    except ValueError:
        return None


def phone(text: str | None, country: str | None) -> str | None:
    """`text` as an E.164 number; None if it is none."""
    try:
        return phones.parse(text, country).e164 if text else None
    except phones.InvalidPhone:
        return None


def left_out(given: Any, made: Any) -> dict[str, str]:
    """Which `given` prefills the object `made` from them does not have, and why."""
    return {name: reason for name, reason in _UNUSABLE.items() if getattr(given, name) and getattr(made, name) is None}
