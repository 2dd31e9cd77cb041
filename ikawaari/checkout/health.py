"""What the database says of the health of provider accounts, as values: open breakers, and what providers said last.

It is read with the accounts, and kept with them: see `accounts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog

from ikawaari import clock
from ikawaari.invariants import InvariantBroken
from ikawaari.providers.capabilities import Condition, Limits
from ikawaari.providers.capabilities import Health as Word
from ikawaari.shapes import JsonObject
from ikawaari.store.models import Breaker, ProviderConditions

log = structlog.get_logger()
REFRESH = "account.conditions"  # the kind of due work that asks a provider what it says of an account
Said = Mapping[tuple[str, str], Condition]
"""What a provider says of an account, by operator and currency."""

Key = tuple[str, str]
"""An account's id, and an operator's; the latter is empty for cards."""


def key(account_id: str, operator: str | None) -> Key:
    """The key of an account's breaker for an operator; None: for cards."""
    return account_id, operator or ""


@dataclass(frozen=True)
class Opened:
    """An open breaker: since when, why, and from when on a charge may be let through."""

    since: datetime
    reason: str | None
    trial_at: datetime

    @property
    def described(self) -> JsonObject:
        """It, for the operators of this server."""
        return {"reason": self.reason, "since": clock.iso(self.since), "next_trial": clock.iso(self.trial_at)}


@dataclass(frozen=True)
class Health:
    """What is known at one moment."""

    opened: Mapping[Key, Opened] = field(default_factory=dict)

    def is_down(self, breaker: Key, now: datetime) -> bool:
        """Whether the breaker is open and lets no charge through."""
        found = self.opened.get(breaker)
        return found is not None and found.trial_at > now

    def down(self, now: datetime) -> frozenset[Key]:
        """The breakers that let no charge through."""
        return frozenset(breaker for breaker in self.opened if self.is_down(breaker, now))

    def of_account(self, account_id: str) -> JsonObject:
        """The open breakers of an account, by operator, for the operators of this server."""
        own = {operator: opened for (account, operator), opened in self.opened.items() if account == account_id}
        return {operator or "cards": own[operator].described for operator in sorted(own)}


def read() -> Health:
    """What the database says now."""
    rows = Breaker.select().where(Breaker.opened_at.is_null(False))
    return Health({(row.account, row.operator): Opened(row.opened_at, row.reason, row.next_trial_at) for row in rows})


def conditions() -> Mapping[str, Said]:
    """What providers said last, by account."""
    return {row.account: _said(row) for row in ProviderConditions.select()}


def stored(said: Sequence[Condition]) -> list[JsonObject]:
    """Conditions as they are stored."""
    return [asdict(one) for one in said]


def _said(row: ProviderConditions) -> Said:
    """What another version of the program has stored, and this one cannot read, is as if it had not been said."""
    try:
        return {(one["operator"], one["currency"]): _condition(one) for one in row.said}
    except (TypeError, KeyError, ValueError, InvariantBroken):
        log.exception("conditions_unreadable", account=row.account)
        return {}


def _condition(stored_one: Any) -> Condition:
    limits = Limits(**stored_one["limits"]) if stored_one["limits"] else None
    return Condition(**{**stored_one, "limits": limits, "health": Word(stored_one["health"])})
