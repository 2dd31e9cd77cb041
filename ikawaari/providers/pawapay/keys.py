"""The keys with which pawaPay signs callbacks, as it publishes them."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from ikawaari.providers.by_account import ByAccount
from ikawaari.providers.http import read_text
from ikawaari.providers.values import Account

_BETWEEN_FETCHES = timedelta(seconds=60)
_RENEWED_AFTER = timedelta(hours=12)
_KEPT = timedelta(days=1)  # a key that pawaPay has withdrawn counts no longer, whether pawaPay answers or not
PublicKeys = Mapping[str, PublicKeyTypes]


@dataclass
class _Ring:
    """The keys of one account."""

    keys: PublicKeys = field(default_factory=dict)
    asked_at: datetime | None = None
    fetched_at: datetime | None = None

    def is_older(self, than: timedelta, now: datetime) -> bool:
        """Whether its keys were fetched so long ago, or never."""
        return self.fetched_at is None or now - self.fetched_at >= than


class KeyRings:
    """The published keys, by account: they are asked for with its token."""

    def __init__(self) -> None:
        self._rings = ByAccount(_Ring)

    def find(
        self, account: Account, key_id: str, now: datetime, fetch: Callable[[], PublicKeys | None]
    ) -> PublicKeyTypes | None:
        """The key of that id; None if there is none. `fetch` asks for all of them, and returns None without an answer.

        Anybody may send us unknown ids, so we ask once a minute at most. Keys are renewed after half a day; if pawaPay
        gives no answer for another half, none is believed. Callbacks are refused then, and enquiries find out what they
        would have said; a forged one, signed by a key that was withdrawn because it had leaked, would be money.
        """
        # If many callbacks come with a new key at once, one of them fetches it, and the others find it here.
        with self._rings.of(account) as ring:
            may_ask = ring.asked_at is None or now - ring.asked_at >= _BETWEEN_FETCHES
            if may_ask and (key_id not in ring.keys or ring.is_older(_RENEWED_AFTER, now)):
                ring.asked_at, fetched = now, fetch()
                if fetched is not None:
                    ring.keys, ring.fetched_at = fetched, now
            return None if ring.is_older(_KEPT, now) else ring.keys.get(key_id)


def published(value: object) -> PublicKeys | None:
    """The keys of an answer: a list of objects with `id` and `key`. Those that cannot be read are left out."""
    if not isinstance(value, list):
        return None
    texts = {str(read_text(one, "id")): read_text(one, "key") or "" for one in value}
    return {key_id: key for key_id, text in texts.items() if (key := _key(text)) is not None}


def _key(text: str) -> PublicKeyTypes | None:
    """A public key in PEM, or the base64 text within it."""
    try:
        if "-----BEGIN" in text:
            return load_pem_public_key(text.encode())
        return load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return None
