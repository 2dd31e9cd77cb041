"""Secrets at rest: texts are sealed before they are stored, and keys for signing are derived from the same secret.

A sealed text is a Fernet token (AES-128-CBC with HMAC-SHA256) whose key is HKDF-SHA256(`SECRET_KEY`, info
"ikawaari at rest 1"). A token is a text sealed for an address: AES-SIV (RFC 5297), which is short, and the same each
time. Old secrets open and verify; only the current one seals and signs.
"""

import base64
import re
from collections.abc import Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ikawaari.config import Config

_AT_REST, _IN_ADDRESSES = b"ikawaari at rest 1", b"ikawaari in addresses 1"
_TOKEN = re.compile("[A-Za-z0-9_-]+")


class SealBroken(Exception):
    """No secret of this process opens the text. The message never contains it."""


class _Seals:
    """The keys of this process, the current one first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [Fernet(base64.urlsafe_b64encode(_derived(secret, _AT_REST))) for secret in secrets]
        self.current, self.all = keys[0], MultiFernet(keys)
        self.of_tokens = [AESSIV(_derived(secret, _IN_ADDRESSES)) for secret in secrets]


def configure(config: Config) -> None:
    """Use the secrets of `config`: the current one, then the old ones, newest first."""
    global _seals  # noqa: PLW0603 - set once, at start-up
    _seals = _Seals((config.secret_key, *config.old_secrets))


def seal(text: str) -> str:
    """The text as it may be stored: at most 4/3 of its bytes plus about 100 characters."""
    return _seals.current.encrypt(text.encode()).decode()


def open_sealed(sealed: str) -> str:
    """The text of `sealed`. Raises SealBroken."""
    try:
        return _seals.all.decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealBroken("sealed with a secret that is not among IKAWAARI_SECRET_KEY and its old ones") from None


def is_current(sealed: str) -> bool:
    """Whether the current secret opens `sealed`."""
    try:
        _seals.current.decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def token(text: str, purpose: str) -> str:
    """The text for an address, in which nobody can read it, and which nobody else can make; it opens for `purpose`."""
    sealed = _seals.of_tokens[0].encrypt(text.encode(), [purpose.encode()])
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def open_token(token: str, purpose: str) -> str:
    """The text of a token. Raises SealBroken."""
    if _TOKEN.fullmatch(token) and len(token) % 4 != 1:  # one letter beyond whole bytes is no base64
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        for key in _seals.of_tokens:
            with suppress(InvalidTag):
                return key.decrypt(sealed, [purpose.encode()]).decode()
    raise SealBroken("no token of ours for this purpose")


def signing_keys(secrets: Sequence[str], purpose: str) -> list[bytes]:
    """A key of 32 bytes for `purpose` from each of `secrets`, in their order: the first one signs, all verify."""
    return [_derived(secret, purpose.encode()) for secret in secrets]


def _derived(secret: str, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret.encode())


_seals = _Seals(("",))  # until `configure`: a process without a configuration cannot open stored texts
