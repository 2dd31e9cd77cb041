"""Access tokens, kept by account in this process: whoever needs one logs in, and the others wait for that."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from ikawaari.providers.by_account import ByAccount
from ikawaari.providers.values import Account

T = TypeVar("T")


@dataclass(frozen=True)
class Token:
    """An access token that may be used until then."""

    text: str = field(repr=False)
    until: datetime


@dataclass
class _Place:
    """Where a token is kept."""

    token: Token | None = None


class Tokens:
    """The tokens of one provider's accounts."""

    def __init__(self) -> None:
        self._places = ByAccount(_Place)

    def of(
        self,
        account: Account,
        now: datetime,
        log_in: Callable[[], Token | T],
        *,
        product: str = "",
        instead_of: Token | None = None,
    ) -> Token | T:
        """The account's token: the kept one, or what `log_in` returns, which may be the reason why there is none.

        `instead_of`: the token that the provider has just refused, though its time is not over.
        """
        # If a token ends while many pay, one of them logs in, and the others find the new token here.
        with self._places.of(account, product) as place:
            kept = place.token
            if kept is not None and kept.until > now and kept != instead_of:
                return kept
            fresh = log_in()
            if isinstance(fresh, Token):
                place.token = fresh
            return fresh
