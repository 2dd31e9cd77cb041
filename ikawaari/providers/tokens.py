"""Access tokens, kept by account in this process: whoever needs one logs in, and the others wait for that."""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Token:
    """An access token that may be used until then."""

    text: str = field(repr=False)
    until: datetime


class Tokens:
    """The tokens of one provider's accounts."""

    def __init__(self) -> None:
        self._kept: dict[str, Token] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(
        self, account_id: str, now: datetime, log_in: Callable[[], Token | T], *, instead_of: Token | None = None
    ) -> Token | T:
        """The account's token: the kept one, or what `log_in` returns, which may be the reason why there is none.

        `instead_of`: the token that the provider has just refused, though its time is not over.
        """
        # If a token ends while many pay, one of them logs in, and the others find the new token under this lock.
        with self._locks[account_id]:
            kept = self._kept.get(account_id)
            if kept is not None and kept.until > now and kept != instead_of:
                return kept
            fresh = log_in()
            if isinstance(fresh, Token):
                self._kept[account_id] = fresh
            return fresh
