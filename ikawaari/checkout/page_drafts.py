"""What was typed into a page by a payer whose browser keeps no cookies: sealed, for fifteen minutes, behind a token.

The token is in the page's address and opens nothing else. Whoever is sent that address later sees nothing of it,
because a draft is deleted when it is shown.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from ikawaari import ids, sealing, store
from ikawaari.store import pruned
from ikawaari.store.models import PageDraft

LIFETIME = timedelta(minutes=15)
_TOKEN_LENGTH = 22  # characters of 62: more than 128 random bits


def store_text(session_id: str, text: str, now: datetime) -> str:
    """Store a draft. Returns its token."""
    token = ids.random_text(_TOKEN_LENGTH)
    with store.without_fsync():
        PageDraft.insert(id=_digest(token), session=session_id, sealed=sealing.seal(text), created_at=now).execute()
    return token


def read(session_id: str, token: str, now: datetime) -> str | None:
    """The draft behind `token`, which stays stored; None if there is none."""
    row = PageDraft.select(PageDraft.sealed).where(_is(session_id, token, now)).first()
    return _opened(row.sealed) if row else None


def take(session_id: str, token: str, now: datetime) -> str | None:
    """The same, and delete it: a payer is about to see it."""
    with store.without_fsync():
        rows = list(PageDraft.delete().where(_is(session_id, token, now)).returning(PageDraft.sealed))
    return _opened(rows[0].sealed) if rows else None


def forget(now: datetime) -> bool:
    """Delete some drafts that have expired. True: there may be more."""
    return pruned.delete_some(PageDraft, PageDraft.created_at <= now - LIFETIME, PageDraft.created_at)


def _is(session_id: str, token: str, now: datetime) -> Any:
    fresh = PageDraft.created_at > now - LIFETIME
    return (PageDraft.id == _digest(token)) & (PageDraft.session == session_id) & fresh


def _opened(sealed: str) -> str | None:
    try:
        return sealing.open_sealed(sealed)
    except sealing.SealBroken:  # its secret has been removed meanwhile
        return None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
