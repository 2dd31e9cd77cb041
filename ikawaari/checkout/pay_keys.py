"""Idempotency keys of requests to pay a session: a repeated request never starts a second attempt.

A key is stored in the transaction that stores the attempt. A refused request therefore stores no key, and a killed
process never leaves one without the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from ikawaari import errors
from ikawaari.errors import Conflict
from ikawaari.store.models import PayKey

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key of one request to pay, and the digest of its body."""

    session_id: str
    text: str
    body_digest: str
    now: datetime

    def is_taken(self) -> bool:
        """Whether this very request was stored before. Raises Conflict if another one was, with the same key."""
        known = PayKey.get_or_none(PayKey.session == self.session_id, PayKey.key == self.text)
        if known is not None and known.body_digest != self.body_digest:
            raise Conflict(errors.KEY_REUSED)
        return known is not None

    def once(self, run: Callable[[], T]) -> T | None:
        """Run `run`, which takes the key, unless this very request was stored before: then return None."""
        if self.is_taken():
            return None
        try:
            return run()
        except Conflict:
            # If equal requests race, the loser of the claim finds the key that the winner stored with its attempt.
            if not self.is_taken():
                raise
        return None

    def take(self, subject: str) -> None:
        """Store the key with the id of what the request stored, in the same transaction. Raises Conflict if taken."""
        # If equal requests race, the second one waits here for the first one's transaction, and then inserts nothing.
        if not PayKey.insert_once(
            session=self.session_id,
            key=self.text,
            body_digest=self.body_digest,
            subject=subject,
            created_at=self.now,
        ):
            raise Conflict(errors.ATTEMPT_UNSETTLED)
