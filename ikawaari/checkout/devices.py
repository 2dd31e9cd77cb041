"""Short codes by which a customer who pays on a computer goes on with a phone.

A code is made when a page shows it, lives for ten minutes, and leads to the session's page, as its address does. It is
short, so what protects it is how seldom it may be guessed: 30 wrong codes a minute on all machines together, of 31^8.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ikawaari import errors, sealing, store
from ikawaari.config import Config
from ikawaari.errors import TooManyRequests
from ikawaari.merchants import rates
from ikawaari.store import pruned
from ikawaari.store.models import DeviceCode

LIFE = timedelta(minutes=10)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without 0 O 1 I L, which people take for one another
LENGTH = 8
_LIVE_OF_A_SESSION = 5  # pages, and a page that was renewed, may show a code at the same time
_WRONG_A_MINUTE, _WRONG_OF_A_CLIENT = 30, 10
_BETWEEN = re.compile(r"[\s\u2010-\u2015-]")  # blanks and dashes, as people and keyboards put them
_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_keys: Sequence[bytes] = ()


def configure(config: Config) -> None:
    """Set the keys of the digests: with the database alone nobody can guess the codes."""
    global _keys  # noqa: PLW0603 - set once, at start-up
    _keys = sealing.signing_keys((config.secret_key, *config.old_secrets), "ikawaari device codes 1")


def random_code() -> str:
    """Eight signs of the alphabet."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def new_code(session_id: str, now: datetime, draw: Callable[[], str] = random_code) -> str:
    """A new code of the session. The oldest of the session's codes ends if there are too many."""
    newest = DeviceCode.select(DeviceCode.digest).where(DeviceCode.session == session_id)
    kept = newest.order_by(DeviceCode.expires_at.desc()).limit(_LIVE_OF_A_SESSION - 1)
    with store.without_fsync():
        DeviceCode.delete().where(DeviceCode.session == session_id, DeviceCode.digest.not_in(kept)).execute()
    # If two pages draw the same code at once, one of them inserts nothing, and draws again.
    while not _insert(code := draw(), session_id, now):
        pass
    return code


def written(code: str) -> str:
    """The code as it is shown: in two halves."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def read(typed: str) -> str | None:
    """The code in what was typed, in any case, with or without dashes; None if it cannot be one."""
    text = _BETWEEN.sub("", typed).upper()
    return text if _CODE.fullmatch(text) else None


def session_of(code: str, client: str, now: datetime) -> str | None:
    """The id of the session that a code leads to; None for a wrong one, which counts against `client` and everybody.

    Raises TooManyRequests if there were too many wrong codes in this minute.
    """
    # If guesses arrive at once, each is counted before it is looked up, so no more of them than the limit pass; a right
    # one is taken out of the count again.
    for name, limit in _budgets(client):
        if not rates.count_one(name, limit, now):
            raise TooManyRequests(errors.TOO_MANY_TRIES, retry_after_seconds=rates.seconds_left(now))
    known = (DeviceCode.digest.in_(_digests(code))) & (DeviceCode.expires_at > now)
    found = DeviceCode.select().where(known).first()
    if found is None:
        return None
    rates.uncount_one([name for name, _ in _budgets(client)], now)
    return str(found.session_id)


def forget(now: datetime) -> bool:
    """Delete some codes that have ended. True: there may be more."""
    return pruned.delete_some(DeviceCode, DeviceCode.expires_at <= now, DeviceCode.expires_at)


def _insert(code: str, session_id: str, now: datetime) -> bool:
    with store.without_fsync():
        return DeviceCode.insert_once(digest=_digests(code)[0], session=session_id, expires_at=now + LIFE)


def _budgets(client: str) -> Sequence[tuple[str, int]]:
    """The client's first: whoever is over it does not use up what is left for the others."""
    return ((f"device code {client}", _WRONG_OF_A_CLIENT), ("device code", _WRONG_A_MINUTE))


def _digests(code: str) -> Sequence[str]:
    return [hmac.new(key, code.encode(), hashlib.sha256).hexdigest() for key in _keys]
